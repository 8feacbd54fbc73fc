"""HTTPie. The user reads the text of the events, and sees at the exit code whether the answer is complete."""

import json
import os
import pathlib
import signal
import subprocess
import sys

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, SETTING, STREAMS, TOOL, Result

COMMAND = str(pathlib.Path(sys.executable).with_name("http"))
body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "stream": STREAMS, **ARGS}
if SCENARIO == "tools":
    body["tools"] = [{"type": "function", "function": TOOL}]
follow = ["--follow"] if SETTING == "follow-redirects" else []
process = subprocess.Popen(
    [COMMAND, "--ignore-stdin", "--stream", "--body", *follow, "--auth-type", "bearer", "--auth", KEY]
    + ["POST", f"{BASE}/chat/completions", "--raw", json.dumps(body)],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    env=os.environ,
)
result = Result()
seen = ""
for line in process.stdout:
    line = line.decode().rstrip("\r\n")
    data = line.removeprefix("data: ")
    if not STREAMS or data == line or data == "[DONE]":
        seen += line + "\n"
        continue
    chunk = json.loads(data)
    if "error" in chunk:
        seen += line + "\n"
    for choice in chunk.get("choices", []):
        result.finish = choice["finish_reason"] or result.finish
        if result.add(choice["delta"].get("content")):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            result.print("aborted")
            sys.exit()
errors = process.stderr.read().decode()
code = process.wait()


def shown():
    """Reads the document that HTTPie has printed; returns whether it is an answer."""
    choices = json.loads(seen).get("choices") or []
    for choice in choices:
        result.add(choice["message"].get("content"))
        result.finish = choice["finish_reason"]
        for call in choice["message"].get("tool_calls") or []:
            result.call(call["function"]["name"], call["function"]["arguments"])
    return bool(choices)


if code == 0 and ("[DONE]" in seen if STREAMS and "{" not in seen else shown()):
    result.print("answer")
else:
    result.print("error", error=f"exit code {code}: {errors.strip()} {seen.strip()}"[:2000])
