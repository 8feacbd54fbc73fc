"""pydantic-ai, with its model for OpenAI."""

import asyncio

import httpx2
from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, SETTING, STREAMS, run
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

client = {"http_client": httpx2.AsyncClient(follow_redirects=True, timeout=60)} if SETTING == "follow-redirects" else {}
provider = OpenAIProvider(base_url=BASE, api_key=KEY, **client)
agent = Agent(OpenAIChatModel(MODEL, provider=provider), model_settings=ARGS)


async def ask(result):
    if SCENARIO == "tools":

        @agent.tool_plain
        def get_weather(city: str) -> str:
            """Returns the weather of a city."""
            result.call("get_weather", {"city": city})
            return "It is sunny."

    if STREAMS:
        async with agent.run_stream(PROMPT) as answer:
            async for text in answer.stream_text(delta=True, debounce_by=None):
                if result.add(text):
                    return "aborted"
            result.finish = answer.response.finish_reason
        return None
    answer = await agent.run(PROMPT)
    result.add(answer.output)
    result.finish = answer.response.finish_reason


run(lambda result: asyncio.run(ask(result)))
