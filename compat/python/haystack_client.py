"""Haystack, with its generator for OpenAI."""

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, TOOL, run
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret


class Enough(Exception):
    """Stops a stream from within the callback, because Haystack offers no other way."""


def ask(result):
    def add(chunk):
        if result.add(chunk.content):
            raise Enough

    generator = OpenAIChatGenerator(
        model=MODEL,
        api_base_url=BASE,
        api_key=Secret.from_token(KEY),
        generation_kwargs=ARGS,
        streaming_callback=add if STREAMS else None,
        tools=[Tool(function=lambda city: "It is sunny.", **TOOL)] if SCENARIO == "tools" else None,
    )
    try:
        reply = generator.run([ChatMessage.from_user(PROMPT)])["replies"][0]
    except Enough:
        return "aborted"
    if not STREAMS:
        result.add(reply.text)
    result.finish = reply.meta["finish_reason"]
    for call in reply.tool_calls:
        result.call(call.tool_name, call.arguments)


run(ask)
