"""instructor, which makes objects of answers, around the SDK of OpenAI."""

import asyncio

import instructor
import openai
from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, SETTING, STREAMS, run
from pydantic import BaseModel

client = instructor.from_openai(openai.OpenAI(base_url=BASE, api_key=KEY))


class Answer(BaseModel):
    text: str


class get_weather(BaseModel):
    """Returns the weather of a city."""

    city: str


def ask(result):
    request = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "extra_body": ARGS}
    if SCENARIO == "tools":
        weather = client.chat.completions.create(response_model=get_weather, **request)
        result.call(type(weather).__name__, weather.model_dump())
    elif not STREAMS:
        answer, completion = client.chat.completions.create_with_completion(response_model=Answer, **request)
        result.add(answer.text)
        result.finish = completion.choices[0].finish_reason
    else:
        return stream(request, result)


def stream(request, result):
    if SETTING == "async":
        return asyncio.run(stream_async(request, result))
    seen = ""
    for partial in client.chat.completions.create_partial(response_model=Answer, **request):
        text = partial.text or ""
        if result.add(text[len(seen) :]):
            return "aborted"
        seen = text
    # The client does not give the finish reason of a stream. The object has passed its validation.
    result.finish = "stop"


async def stream_async(request, result):
    client = instructor.from_openai(openai.AsyncOpenAI(base_url=BASE, api_key=KEY))
    partials = client.chat.completions.create_partial(response_model=Answer, **request)
    seen = ""
    async for partial in partials:
        text = partial.text or ""
        if result.add(text[len(seen) :]):
            await partials.aclose()
            return "aborted"
        seen = text
    result.finish = "stop"


run(ask)
