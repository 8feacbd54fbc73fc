"""What the drivers for Python share: the scenario, and the result that a driver prints."""

import json
import os
import sys

SCENARIO, BASE, KEY = sys.argv[1:4]
MODEL = sys.argv[4] if len(sys.argv) > 4 else "compat"
PROMPT = os.environ["COMPAT_PROMPT"]
ARGS = json.loads(os.environ.get("COMPAT_ARGS") or "{}")
SETTING = os.environ.get("COMPAT_SETTING", "")

STREAMS = SCENARIO in ("stream", "failure-stream", "limited", "abort", "silence", "resume", "large")
TOOL = {
    "name": "get_weather",
    "description": "Returns the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ABORT_AFTER = 3


class Result:
    """What the user of the client has seen so far."""

    def __init__(self):
        self.parts = []
        self.finish = None
        self.tool = None

    def add(self, text):
        """Adds text; returns whether the scenario wants the client to stop now."""
        if text:
            self.parts.append(text)
        return SCENARIO == "abort" and len(self.parts) >= ABORT_AFTER

    def call(self, name, arguments):
        self.tool = {"name": name, "arguments": json.loads(arguments) if isinstance(arguments, str) else arguments}

    def print(self, outcome, **more):
        seen = {"outcome": outcome, "text": "".join(self.parts), "finish": self.finish, "tool": self.tool, **more}
        print("\n" + json.dumps(seen), flush=True)
        if outcome == "aborted":
            # If the process ended, it would close a connection that the client leaves open.
            sys.stdin.read()


def run(ask):
    """
    Prints the result of `ask`, a function with a `Result`. It returns "aborted" if it has stopped early, and None if the client told its
    user that the answer is complete.
    """
    result = Result()
    try:
        outcome = ask(result) or "answer"
    except Exception as e:
        status = getattr(e, "status_code", None)
        result.print("error", error=f"{type(e).__name__}: {e}"[:2000], status=status if isinstance(status, int) else None)
    else:
        result.print(outcome)


def unsupported(why):
    Result().print("unsupported", error=why)
