"""What the suites of the deployment share: counted checks, the roles of bin/chat as processes, and readers of their streams."""

import http.client
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import threading
import time

SUITE = pathlib.Path(sys.argv[0]).resolve().parent.name
# Not bin/chat, which builds the jar anew if a source is changed while the suite runs.
JAR = pathlib.Path(__file__).resolve().parents[1] / "examples/target/handoff-chat.jar"

# Of all processes; to be completed before the first is started.
environment = {**os.environ, "HANDOFF_SECRET": secrets.token_urlsafe(32)}
checks = 0


def fail(what):
    raise SystemExit(f"FAILED ({SUITE}): {what}")


def check(what, holds):
    global checks
    if not holds:
        fail(what)
    checks += 1


def passed(before=0):
    print(f"{SUITE}: {before + checks} passed, 0 failed")


def until(what, condition, seconds=30):
    """Waits for a condition, and returns how long that took."""
    began = time.monotonic()
    while True:
        holds = condition()
        took = time.monotonic() - began
        if holds or took > seconds:
            check(f"{what}, within {seconds} s", holds)
            return took
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Role:
    """A process of the deployment."""

    all = []

    def __init__(self, *arguments, prefix=()):
        """Starts it behind the command of the prefix, if there is one."""
        self.name = arguments[0]
        self.log = []
        self.process = subprocess.Popen(
            [*prefix, "java", "-XX:+ExitOnOutOfMemoryError", "-jar", JAR, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        Role.all.append(self)
        keeper = threading.Thread(target=self._keep, daemon=True)
        keeper.start()
        line = self.process.stdout.readline()
        if " ready" not in line:
            keeper.join(1)  # the reason comes another way than the line
            fail(f"{self.name} did not start: {line} {self.log}")

    @staticmethod
    def run(*arguments):
        """Runs a command to its end, and returns what it has logged."""
        done = subprocess.run(
            ["java", "-jar", JAR, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=60
        )
        check(f"{arguments[0]} has done its work: {done.stderr}", done.returncode == 0)
        return done.stderr.splitlines()

    def _keep(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip())

    def send(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def errors(self):
        return [line for line in self.log if re.match(r"\S+ (ERROR|WARN) ", line)]


def words(count):
    return " ".join(f"word{i}" for i in range(count))


def body(prompt, stream=True, delay_ms=1, system=None, **metadata):
    messages = [{"role": "system", "content": system}] if system else []
    return json.dumps(
        {
            "model": "echo",
            "stream": stream,
            "messages": [*messages, {"role": "user", "content": prompt}],
            "metadata": {"delay_ms": str(delay_ms), **metadata},
        }
    )


def request(method, port, path, content=None, headers=None):
    """A request that follows nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, content, headers or {})
    return connection.getresponse()


def post(port, content, headers=None):
    """Status, headers, content."""
    response = request("POST", port, "/v1/chat/completions", content, headers)
    return response.status, response.headers, response.read().decode()


def status(port, location):
    return json.loads(request("GET", port, location + "/status").read())


def events(lines):
    """The events of a text/event-stream as they come: (id, type, data)."""
    event = {}
    for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if not line and "data" in event:
            yield event.get("id"), event.get("event"), event["data"]
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def text(events):
    """The words of an answer."""
    chunks = [json.loads(data) for _, kind, data in events if kind is None and data != "[DONE]"]
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


class Reader:
    """Reads a stream in a thread, until it ends or is cut."""

    def __init__(self, port, path, last=None, content=None, headers=None):
        self.events = []  # (id, type, data)
        self.times = []  # when each of them came
        self.status = None
        self.headers = None
        self.clean = None
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        self._request = ("POST" if content else "GET", path, content)
        self._headers = {**(headers or {}), **({"Last-Event-ID": last} if last else {})}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            self._connection.request(*self._request, self._headers)
            response = self._connection.getresponse()
            self.status, self.headers = response.status, response.headers
            for event in events(response):
                self.times.append(time.monotonic())
                self.events.append(event)
            self.clean = True
        except (OSError, http.client.HTTPException, ValueError):  # the last is of a connection that was left
            self.clean = False

    def reading(self):
        return self._thread.is_alive()

    def until(self, count, seconds=60):
        limit = time.monotonic() + seconds
        while len(self.events) < count and time.monotonic() < limit and self.reading():
            time.sleep(0.01)
        check(f"{count} events have come", len(self.events) >= count)
        return self

    def leave(self):
        """Closes the connection, as a client does that goes away."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def wait(self, seconds=60):
        self._thread.join(seconds)
        check("a stream that was to end has ended", not self.reading())
        return self

    def text(self):
        return text(self.events)
