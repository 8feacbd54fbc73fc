"""The command llm, which knows a server from the file extra-openai-models.yaml in its folder."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from driver import ARGS, BASE, KEY, MODEL, PROMPT, SCENARIO, STREAMS, Result, unsupported

COMMAND = str(pathlib.Path(sys.executable).with_name("llm"))


def ask(folder):
    models = [{"model_id": MODEL, "model_name": MODEL, "api_base": BASE, "api_key_name": "compat"}]
    (folder / "extra-openai-models.yaml").write_text(json.dumps(models))  # JSON is YAML
    (folder / "keys.json").write_text(json.dumps({"compat": KEY}))
    options = [] if STREAMS else ["--no-stream"]
    for name, value in ARGS.items():
        options += ["--option", name, str(value)]
    process = subprocess.Popen(
        [COMMAND, "--model", MODEL, *options, PROMPT],
        stdin=subprocess.DEVNULL,  # the command adds what it reads there to the prompt
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLM_USER_PATH": str(folder)},
    )
    result = Result()
    if SCENARIO == "abort":
        # The user presses Ctrl+C when three words are on the screen.
        seen = ""
        while seen.count(" ") < 3 and (part := os.read(process.stdout.fileno(), 4096)):
            seen += part.decode()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        result.add(seen)
        result.print("aborted")
        return
    output, errors = (printed.decode() for printed in process.communicate())
    result.add(output.removesuffix("\n"))
    if process.returncode == 0:
        result.finish = "stop"  # the command shows no finish reason; its exit code says that the answer is complete
        result.print("answer")
    else:
        result.print("error", error=errors.strip())


if SCENARIO == "tools":
    unsupported("The command takes tools only as Python functions, and shows no calls.")
    sys.exit()
with tempfile.TemporaryDirectory() as folder:
    ask(pathlib.Path(folder))
