"""The SDK of OpenAI for Python."""

import openai
from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, TOOL, run

client = openai.OpenAI(base_url=BASE, api_key=KEY)


def ask(result):
    request = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "extra_body": ARGS}
    if SCENARIO == "tools":
        request["tools"] = [{"type": "function", "function": TOOL}]
    if STREAMS:
        return stream(request, result)
    choice = client.chat.completions.create(**request).choices[0]
    result.add(choice.message.content)
    result.finish = choice.finish_reason
    for call in choice.message.tool_calls or []:
        result.call(call.function.name, call.function.arguments)


def stream(request, result):
    with client.chat.completions.create(stream=True, **request) as chunks:
        for chunk in chunks:
            for choice in chunk.choices:
                result.finish = choice.finish_reason or result.finish
                if result.add(choice.delta.content):
                    return "aborted"


run(ask)
