"""curl. The user reads the text of the events, and sees at the exit code whether the answer is complete."""

import json
import subprocess
import sys

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, SETTING, STREAMS, TOOL, Result

body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "stream": STREAMS, **ARGS}
if SCENARIO == "tools":
    body["tools"] = [{"type": "function", "function": TOOL}]
follow = ["--location"] if SETTING == "follow-redirects" else []
process = subprocess.Popen(
    ["curl", "--silent", "--show-error", "--no-buffer", *follow]
    + ["--header", f"Authorization: Bearer {KEY}", "--json", json.dumps(body), f"{BASE}/chat/completions"],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
)
result = Result()
others = []


def read(document):
    """Reads a chunk or a whole answer; returns whether the scenario wants to stop now."""
    for choice in document.get("choices", []):
        message = choice.get("delta") or choice.get("message") or {}
        result.finish = choice["finish_reason"] or result.finish
        for call in message.get("tool_calls") or []:
            result.call(call["function"]["name"], call["function"]["arguments"])
        if result.add(message.get("content")):
            return True
    return False


for line in process.stdout:
    line = line.decode().rstrip("\r\n").removeprefix("data: ")
    if not line.startswith("{") or "choices" not in json.loads(line):
        # What is not part of an answer, for example an error or [DONE].
        others.append(line)
    elif read(json.loads(line)):
        process.terminate()  # as Ctrl-C does
        process.wait(30)
        result.print("aborted")
        sys.exit()
errors = process.stderr.read().decode().strip()
code = process.wait()
if code == 0 and result.finish and ("[DONE]" in others or not STREAMS):
    result.print("answer")
else:
    result.print("error", error=" ".join([f"exit code {code}:", errors, *others])[:2000])
