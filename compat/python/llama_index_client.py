"""LlamaIndex, with its package for servers with OpenAI's API."""

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, SETTING, STREAMS, run
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

# The class checks the range of `temperature` itself, so the arguments bypass its fields.
retries = {"max_retries": 0} if SETTING == "no-retries" else {}
model = OpenAILike(model=MODEL, api_base=BASE, api_key=KEY, is_chat_model=True, is_function_calling_model=SCENARIO == "tools", additional_kwargs=ARGS, **retries)
messages = [ChatMessage(role="user", content=PROMPT)]


def get_weather(city: str) -> str:
    """Returns the weather of a city."""
    return f"It is sunny in {city}."


def ask(result):
    if SCENARIO == "tools":
        response = model.chat_with_tools([FunctionTool.from_defaults(get_weather)], user_msg=PROMPT)
        for call in model.get_tool_calls_from_response(response):
            result.call(call.tool_name, call.tool_kwargs)
        return None
    if not STREAMS:
        response = model.chat(messages)
        result.add(response.message.content)
        result.finish = response.raw.choices[0].finish_reason
        return None
    for response in model.stream_chat(messages):
        for choice in response.raw.choices:
            result.finish = choice.finish_reason or result.finish
        if result.add(response.delta):
            return "aborted"


run(ask)
