"""OpenAI's SDK for Python against a server that sends spaces before its answers; the base URL is the argument."""

import sys
import uuid

import openai

checks = 0
posts = []


def check(what, holds):
    global checks
    if not holds:
        sys.exit(f"FAILED (Python, spaces): {what}")
    checks += 1


def count(request):
    if request.method == "POST":
        posts.append(request.url)


def ask(client, headers=None, **metadata):
    posts.clear()
    return client.chat.completions.create(
        model="echo",
        messages=[{"role": "user", "content": "one two three four"}],
        metadata={"delay_ms": "300", **metadata},
        extra_headers=headers,
    )


http = openai.DefaultHttpxClient(event_hooks={"request": [count]})
client = openai.OpenAI(base_url=sys.argv[1], api_key="any", http_client=http)
once = client.with_options(max_retries=0)

raw = client.chat.completions.with_raw_response.create(
    model="echo", messages=[{"role": "user", "content": "one two three four"}], metadata={"delay_ms": "300"}
)
check("spaces come before the answer", raw.text.startswith("  "))
check("the answer is whole", raw.parse().choices[0].message.content == "one two three four")

# The connection breaks after the error object.
try:
    answer = ask(once, fail_after="3")
    check(f"an answer that fails after spaces raises an error: {answer}", False)
except openai.APIConnectionError as e:
    check("the error is that the connection broke", type(e.__cause__).__name__ == "RemoteProtocolError")
check("the request is sent once", len(posts) == 1)

# The SDK repeats a request whose connection breaks. A task that has failed is not joined, so the work runs again each time.
try:
    answer = ask(client, fail_after="3")
    check(f"a repeated answer that fails after spaces raises an error: {answer}", False)
except openai.APIConnectionError:
    check(f"the request is repeated twice: {len(posts)}", len(posts) == 3)

# With a key, the repeated request gets the error of the first one, with its status.
try:
    answer = ask(client, {"Idempotency-Key": str(uuid.uuid4())}, fail_after="3")
    check(f"an answer with a key that fails after spaces raises an error: {answer}", False)
except openai.InternalServerError as e:
    check("the error says what failed", "echo failed" in str(e) and e.code == "echo_failed")
check(f"the request with a key is repeated once: {len(posts)}", len(posts) == 2)

print(f"Python, spaces: {checks} passed, 0 failed")
