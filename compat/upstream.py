"""The model of the suite: a server with OpenAI's API, to which the worker sends its calls. It counts the runs of each prompt."""

import http.server
import json
import re
import select
import socket
import threading
import time

PROMPT = re.compile(r"compat:([a-z-]+):([0-9a-f]+)")
MODEL = "compat"
FAILURE = "The model failed on purpose."
RATE_LIMIT = "The model has too many requests on purpose."
TOOL = {"name": "get_weather", "arguments": {"city": "Paris"}}

# The words of an answer, the pause before each word, and longer pauses before some words.
WORDS = 12
PAUSE = 0.03
FAILS_AFTER = 5
GAPS = {4: 2.0, 8: 2.0}
ENDLESS = 4000
LARGE_BYTES = 1_000_000


def text(scenario):
    """Returns the whole text of the answer in a scenario."""
    return "".join(_parts(scenario))


def _parts(scenario):
    if scenario == "large":
        size = 4000
        return [f"{i:08d}" * (size // 8) for i in range(LARGE_BYTES // size)]
    count = {"abort": ENDLESS, "resume": 60}.get(scenario, WORDS)
    return [f"word{i} " for i in range(count - 1)] + ["end"]


class Run:
    """One run of the model. `ended` says how: complete, failed, or closed by the caller."""

    def __init__(self, request):
        self.request = request
        self.said = 0
        self.ended = None


class Upstream:
    """Starts the server. `runs` has the runs of each prompt's number, in the order in which they began."""

    def __init__(self):
        self.runs = {}
        self._lock = threading.Lock()
        upstream = self

        class Handler(_Handler):
            def run(self, number, request):
                run = Run(request)
                with upstream._lock:
                    upstream.runs.setdefault(number, []).append(run)
                return run

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def of(self, number):
        with self._lock:
            return list(self.runs.get(number, []))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        models = [{"id": MODEL, "object": "model", "created": 1, "owned_by": "compat"}]
        self._json(200, {"object": "list", "data": models})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scenario, number = self._prompt(request)
        run = self.run(number, request)
        if scenario == "limited":
            run.ended = "failed"
            self._error(429, RATE_LIMIT, "rate_limit_exceeded")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._answer(scenario, request, run)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            run.ended = "closed"
            self.close_connection = True

    @staticmethod
    def _prompt(request):
        for message in reversed(request["messages"]):
            found = PROMPT.search(json.dumps(message.get("content")))
            if message["role"] == "user" and found:
                return found.groups()
        return "unknown", "0"

    def _answer(self, scenario, request, run):
        tool = self._tool(request)
        first = {"role": "assistant", "content": None if tool else ""}
        if tool:
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool["name"], "arguments": ""}}
            first["tool_calls"] = [call]
        self._chunk(first)
        for i, part in enumerate(self._said(scenario, request, tool)):
            if scenario.startswith("failure") and i == FAILS_AFTER:
                run.ended = "failed"
                self._event(json.dumps({"error": {"message": FAILURE, "type": "server_error", "param": None, "code": "on_purpose"}}))
                return
            self._wait(0 if scenario == "large" else PAUSE + (GAPS.get(i, 0) if scenario == "silence" else 0))
            run.said = i + 1
            arguments = {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
            self._chunk(arguments if tool else {"content": part})
        self._chunk({}, "tool_calls" if tool else "stop")
        if (request.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 3, "completion_tokens": run.said, "total_tokens": run.said + 3}
            self._event(json.dumps({**self._envelope(), "choices": [], "usage": usage}))
        self._event("[DONE]")
        run.ended = "complete"

    @staticmethod
    def _tool(request):
        """Returns the function to call; None to answer with text, because there is none or it was called."""
        tools = request.get("tools")
        return tools[0]["function"] if tools and request["messages"][-1]["role"] != "tool" else None

    @staticmethod
    def _said(scenario, request, tool):
        whole = text(scenario)
        if tool and scenario == "tools":
            said = json.dumps(TOOL["arguments"])
            return [said[i : i + 5] for i in range(0, len(said), 5)]
        form = (request.get("response_format") or {}).get("type", "text")
        if tool or form != "text":
            # A client that wants an object gets one, with the text in its first member.
            schema = tool["parameters"] if tool else (request["response_format"].get("json_schema") or {}).get("schema", {})
            name = next(iter(schema.get("properties", {"text": None})))
            said = json.dumps({name: whole})
            step = max(8, len(said) // 250)
            return [said[i : i + step] for i in range(0, len(said), step)]
        return _parts(scenario)

    def _wait(self, seconds):
        """Waits; raises an OSError if the caller closes the connection in the meantime."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError("the caller has closed the connection")
        if readable:
            time.sleep(seconds)

    @staticmethod
    def _envelope():
        return {"id": "chatcmpl-compat", "object": "chat.completion.chunk", "created": 1, "model": MODEL}

    def _chunk(self, delta, finish=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        self._event(json.dumps({**self._envelope(), "choices": [choice]}))

    def _event(self, data):
        event = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    def _error(self, status, message, code):
        self._json(status, {"error": {"message": message, "type": code, "param": None, "code": code}})

    def _json(self, status, value):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
