"""OpenAI's SDK for Python against the server whose base URL is the argument."""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="any")
checks = 0


def check(what, holds):
    global checks
    if not holds:
        sys.exit(f"FAILED (Python): {what}")
    checks += 1


def ask(stream, text, **metadata):
    return client.chat.completions.create(
        model="echo",
        stream=stream,
        messages=[{"role": "user", "content": text}],
        metadata=metadata,
    )


text = "one two three four"
chunks = list(ask(True, text, delay_ms="60"))
check("the stream is whole", "".join(c.choices[0].delta.content or "" for c in chunks) == text)
check("the stream says why it stopped", chunks[-1].choices[0].finish_reason == "stop")
check("the answer is whole", ask(False, text).choices[0].message.content == text)

try:
    for _ in ask(True, text, fail_after="2"):
        pass
    check("a stream that fails raises an error", False)
except openai.APIError as e:
    check("the error of the stream says what failed", "echo failed" in str(e))

try:
    ask(False, text, fail_after="2")
    check("an answer that fails raises an error", False)
except openai.InternalServerError as e:
    check("the error of the answer says what failed", "echo failed" in str(e))

try:
    client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "a"}])
    check("an unknown model raises an error", False)
except openai.NotFoundError as e:
    check("the error names the code", e.code == "model_not_found")

check("the models are listed", "echo" in [m.id for m in client.models.list()])
print(f"Python: {checks} passed, 0 failed")
