"""Semantic Kernel for Python, with its connector for OpenAI."""

import asyncio

import openai
from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, run
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function

# The connector takes the address of a server only as a client of OpenAI's SDK.
service = OpenAIChatCompletion(ai_model_id=MODEL, async_client=openai.AsyncOpenAI(base_url=BASE, api_key=KEY))
# It refuses a temperature of 99 itself, so the parameter goes into the body as it is.
settings = OpenAIChatPromptExecutionSettings(extra_body=ARGS)


async def ask(result):
    history = ChatHistory()
    history.add_user_message(PROMPT)
    if SCENARIO == "tools":

        class Weather:
            @kernel_function(name="get_weather", description="Returns the weather of a city.")
            def get_weather(self, city: str) -> str:
                result.call("get_weather", {"city": city})
                return "It is sunny."

        kernel = Kernel()
        kernel.add_plugin(Weather(), "weather")
        settings.function_choice_behavior = FunctionChoiceBehavior.Auto()
        message = await service.get_chat_message_content(history, settings, kernel=kernel)
        result.add(str(message))
        return None
    if not STREAMS:
        message = await service.get_chat_message_content(history, settings)
        result.add(str(message))
        result.finish = message.finish_reason
        return None
    stream = service.get_streaming_chat_message_content(history, settings)
    async for message in stream:
        result.finish = (message.finish_reason if message else None) or result.finish
        if result.add(str(message)):
            await stream.aclose()
            return "aborted"


run(lambda result: asyncio.run(ask(result)))
