"""LangChain for Python, with its package for OpenAI."""

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, TOOL, run
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model=MODEL, base_url=BASE, api_key=KEY, **ARGS)


def ask(result):
    if STREAMS:
        for chunk in model.stream(PROMPT):
            result.finish = chunk.response_metadata.get("finish_reason") or result.finish
            if result.add(chunk.text):
                return "aborted"
        return None
    message = (model.bind_tools([{"type": "function", "function": TOOL}]) if SCENARIO == "tools" else model).invoke(PROMPT)
    result.add(message.text)
    result.finish = message.response_metadata.get("finish_reason")
    for call in message.tool_calls:
        result.call(call["name"], call["args"])


run(ask)
