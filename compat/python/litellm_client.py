"""LiteLLM, with its prefix for servers with OpenAI's API."""

import litellm
from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, TOOL, run

litellm.telemetry = False


def ask(result):
    request = {"model": f"openai/{MODEL}", "api_base": BASE, "api_key": KEY, "messages": [{"role": "user", "content": PROMPT}], **ARGS}
    if SCENARIO == "tools":
        request["tools"] = [{"type": "function", "function": TOOL}]
    if STREAMS:
        return stream(litellm.completion(stream=True, **request), result)
    choice = litellm.completion(**request).choices[0]
    result.add(choice.message.content)
    result.finish = choice.finish_reason
    for call in choice.message.tool_calls or []:
        result.call(call.function.name, call.function.arguments)


def stream(chunks, result):
    for chunk in chunks:
        for choice in chunk.choices:
            result.finish = choice.finish_reason or result.finish
            if result.add(choice.delta.content):
                return "aborted"


run(ask)
