"""What clients for Python make of a 303, with the settings of docs/clients.md and without. Argument: the URL of bin/chat."""

import asyncio
import pathlib
import re
import subprocess
import sys

import httpx
from openai import OpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

base = sys.argv[1]
url = base + "/v1/chat/completions"
HINT = "let the HTTP client follow redirects"
body = {"model": "echo", "messages": [{"role": "user", "content": "one two"}]}
checks = 0


def check(what, expected, call):
    global checks
    try:
        seen = call()
    except Exception as e:
        seen = f"raises {type(e).__name__} {e}"
    if not expected(str(seen)):
        raise SystemExit(f"FAILED (redirects): {what}: {seen}")
    checks += 1


def hint_as_error(seen):
    return seen.startswith("raises") and HINT in seen


def ask(provider):
    return asyncio.run(Agent(OpenAIChatModel("echo", provider=provider)).run("one two")).output


def complete(client):
    return client.chat.completions.create(**body).choices[0].message.content


check("httpx", lambda seen: seen == "303", lambda: httpx.post(url, json=body).status_code)
check("httpx, raise_for_status", lambda seen: "Redirect location: '/events/" in seen, lambda: httpx.post(url, json=body).raise_for_status())
client = httpx.Client(follow_redirects=True)
check("httpx, following", lambda seen: '"content":"one two"' in seen, lambda: client.post(url, json=body).text)

check("pydantic-ai", hint_as_error, lambda: ask(OpenAIProvider(base_url=base + "/v1", api_key="any")))
provider = OpenAIProvider(base_url=base + "/v1", api_key="any", http_client=httpx.AsyncClient(follow_redirects=True))
check("pydantic-ai, following", lambda seen: seen == "one two", lambda: ask(provider))

check("openai", lambda seen: seen == "one two", lambda: complete(OpenAI(base_url=base + "/v1", api_key="any")))
plain = OpenAI(base_url=base + "/v1", api_key="any", http_client=httpx.Client())
check("openai with a plain httpx.Client", hint_as_error, lambda: complete(plain))
openai = OpenAI(base_url=base + "/v1", api_key="any", http_client=httpx.Client(follow_redirects=True))
check("openai with a client that follows", lambda seen: seen == "one two", lambda: complete(openai))


def curl(*options):
    command = ["curl", "-sS", *options, "-d", '{"model":"echo","messages":[{"role":"user","content":"one two"}]}', url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


check("curl", lambda seen: HINT in seen, lambda: curl())
check("curl -L", lambda seen: '"content":"one two"' in seen, lambda: curl("-L"))

# What the document shows is what runs here.
root = pathlib.Path(sys.argv[2])
document = (root / "docs/clients.md").read_text()
sources = {
    "java": root / ".ci/redirects/JavaClients.java",
    "python": root / ".ci/redirects/python_clients.py",
    "js": root / ".ci/redirects/retries.mjs",
}
shown = re.findall(r"```(java|python|js)\n(.*?)```", document, re.DOTALL)
check("docs/clients.md shows settings of all languages", lambda seen: seen == "True", lambda: {kind for kind, _ in shown} == set(sources))
for kind, block in shown:
    lines = [line.strip() for line in sources[kind].read_text().splitlines()]
    for line in map(str.strip, re.sub(r"^(//|#).*", "", block, flags=re.MULTILINE).strip().splitlines()):
        check(f"docs/clients.md shows what runs: {line}", lambda seen: seen == "True", lambda: line in ["", *lines])
print(f"redirects: {checks} passed for Python and curl, 0 failed")
