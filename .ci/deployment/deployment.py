"""The deployment of the Procfile, as its users see it through http://127.0.0.1:5000.

honcho stops everything when one process dies. So it starts the whole Procfile once, for what needs no death; for the rest it
starts all but stream2, whose line of the Procfile is run from here, and Caddy on its own, to change its configuration.
"""

import http.client
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import roles
from roles import body, check, environment, events, fail, free_port, listening, passed, post, request, status, text, until, words

HONCHO, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
WEB, API, STREAMS = 5000, 5001, (5002, 5003)
STARTING = 120
BIG = "x" * 3_000_000


def answers(port, path="/readyz"):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


class Process:
    """A process group that is started here."""

    all = []

    def __init__(self, name, command, **variables):
        self.name = name
        self.path = WORK / f"{len(Process.all)}-{name}.log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, **variables},
                start_new_session=True,
            )
        Process.all.append(self)

    def log(self):
        return self.path.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def stop(self, seconds):
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            check(f"{self.name} has stopped after {seconds} s", False)

    def kill(self):
        """All at once, with what honcho has started in groups of their own."""
        groups = [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", self.log())] if self.running() else []
        for group in [self.process.pid, *groups]:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def errors(self):
        """What the roles have logged that should not be; Caddy may complain about what is done to it here."""
        lines = [line for line in self.log().splitlines() if not re.search(r"web\.1 +\|", line)]
        lines = [line for line in lines if not re.search(r" INFO ", line)]
        return [line for line in lines if re.search(r"\b(ERROR|WARN)\b|Exception|Traceback", line)]


def honcho(*names, **variables):
    return Process("honcho", [HONCHO, "--no-colour", "start", *names], **variables)


def stream2():
    """The line of the Procfile, started without honcho, so that it can die alone."""
    line = re.search(r"^stream2: *(.*)$", pathlib.Path("Procfile").read_text(), re.MULTILINE)[1]
    return Process("stream2", shlex.split(line))


def ready(*processes):
    limit = time.monotonic() + STARTING
    while not all(answers(port) for port in (WEB, *STREAMS)):
        dead = [process for process in processes if not process.running()]
        if dead or time.monotonic() > limit:
            logs = "\n".join(process.log() for process in processes)
            fail(f"the stack did not start\n{logs}")
        time.sleep(0.1)


def begin(content, port=WEB, headers=None):
    code, headers, _ = post(port, content, headers)
    check("the redirect is seen", code == 303)
    return headers["Location"]


def token_of(location):
    """The part of a token that all have in common: the rest is another each time the application server is asked."""
    return location.removeprefix("/events/").split(".")[0]


def curl(*options, content=None):
    """What curl prints for a request to the web, headers first."""
    command = ["curl", "-sS", "-i", "--max-time", "60", *options, f"http://127.0.0.1:{WEB}/v1/chat/completions"]
    if content is not None:
        (WORK / "body").write_text(content)
        command[1:1] = ["--data-binary", f"@{WORK}/body"]
    seen = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check(f"curl is content: {seen.stderr.strip()}", seen.returncode == 0)
    return seen.stdout


def split(seen):
    """Head and content, without the answers to curl's question whether it may send so much: Caddy's and the application's."""
    content = seen.replace("\r", "")
    while True:
        head, _, content = content.partition("\n\n")
        if not head.startswith("HTTP/1.1 100"):
            return head, content


def parse(content):
    """The events in what curl has printed; a head is none, since no line of it is named data."""
    return list(events(content.encode().splitlines()))


def done(events):
    return events[-1][1:] == (None, "[DONE]")


def whole(events, prompt):
    """A role, the words, a reason, and [DONE]."""
    first = json.loads(events[0][2])["choices"][0]["delta"]
    last = json.loads(events[-2][2])["choices"][0]["finish_reason"]
    return (
        first.get("role") == "assistant"
        and text(events) == prompt
        and len(events) == 3 + len(prompt.split())
        and last == "stop"
        and done(events)
    )


class Reader(roles.Reader):
    """Reads through Caddy, and may leave."""

    def __init__(self, path, last=None, content=None, headers=None):
        super().__init__(WEB, path, last, content, headers)

    def until(self, count):
        until(f"{count} events have come", lambda: len(self.events) >= count or not self.reading(), 30)
        check(f"{count} events have come, and no end before", len(self.events) >= count)
        return self

    def leave(self):
        """Closes the connection, as a client does that goes away."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def last(self):
        return self.events[-1][0]


def readers(location):
    """How many readers each streaming server has."""
    return [status(port, location)["readers"] for port in STREAMS]


def sees_both():
    """Waits until Caddy gives streams to both servers, which takes it a second to find out."""

    def spread():
        location = begin(body("a", delay_ms=1000), port=API)
        pair = [Reader(location).until(1) for _ in STREAMS]
        seen = readers(location)
        for reader in pair:
            reader.wait()
        return seen == [1, 1]

    until("both streaming servers are used", spread, 20)


def is_left(what, reader, location):
    """A client goes away in mid-answer, and the streaming server gets to know."""
    reader.until(5)
    until(f"{what}: the reader is counted", lambda: sum(readers(location)) == 1, 5)
    reader.leave()
    took = until(f"{what}: a client that has left is noticed", lambda: sum(readers(location)) == 0, 2)
    check(f"{what}: while the answer goes on", status(STREAMS[0], location)["state"] == "running")
    print(f"{what}: a client that left was noticed after {took * 1000:.0f} ms", flush=True)
    cancel(location)


def cancel(location):
    check("DELETE is accepted", request("DELETE", WEB, location).status == 202)


def is_not_buffered(what, reader, prompt):
    """Words that are said 200 ms apart come 200 ms apart."""
    reader.wait()
    check(f"{what}: the answer is whole", whole(reader.events, prompt))
    said = reader.times[1:-2]
    apart = [later - earlier for earlier, later in zip(said, said[1:])]
    print(f"{what}: {len(said)} words over {said[-1] - said[0]:.2f} s", flush=True)
    check(f"{what}: the first word is well before the last", said[-1] - said[0] > 0.2 * len(apart) * 0.7)
    check(f"{what}: words come one by one", sorted(apart)[len(apart) // 2] > 0.1)


def a_server_dies(what, dying, prompt, location, connect):
    """connect(last) reads the stream at location through Caddy, from the beginning or from after that event."""
    four = []
    for _ in range(4):
        four.append(connect(None).until(1))
    check(f"{what}: both servers have two of four readers", readers(location) == [2, 2])
    for reader in four:
        reader.until(15)
    dying.kill()
    until(f"{what}: two of four are cut", lambda: sum(not reader.reading() for reader in four) == 2, 5)
    cut = [reader for reader in four if not reader.reading()]
    rests = [(reader, connect(reader.last())) for reader in cut]
    for reader in cut:
        # Caddy 2.6.2 ends a cut answer as if it were whole: only the data tell.
        check(f"{what}: a reader that was cut sees no [DONE]", not done(reader.events))
        check(f"{what}: and part of the answer", prompt.startswith(reader.text()))
    for reader, rest in rests:
        rest.wait()
        check(f"{what}: the other server takes it over: {rest.status}", rest.status == 200)
        check(f"{what}: and gives exactly the rest", whole(reader.events + rest.events, prompt))
        check(f"{what}: without an event twice", len({e[0] for e in reader.events + rest.events}) == len(prompt.split()) + 3)
    for reader in four:
        if reader not in cut:
            check(f"{what}: readers of the other server notice nothing", whole(reader.wait().events, prompt))


def keeps_the_token(what, caddyfile):
    """No streaming server is up: Caddy tells the client and its log, and the log not whose stream it was."""
    web = honcho("web", HANDOFF_CADDYFILE=caddyfile)
    until(f"{what}: Caddy is up", lambda: listening(WEB))
    location = begin(body("a"), port=API)
    code = request("GET", WEB, location).status
    check(f"{what}: a stream that no server can show is an error: {code}", code in (502, 503))
    logged = r'"level":"error".*"uri":"/events/'
    until(f"{what}: Caddy has logged the error", lambda: re.search(logged, web.log()), 5)
    check(f"{what}: without the token", token_of(location) not in web.log())
    web.stop(20)


environment["PYTHONUNBUFFERED"] = "1"
environment.pop("HANDOFF_CADDYFILE", None)

try:
    for port in (WEB, API, *STREAMS):
        check(f"port {port} is free", not listening(port))
    mongo_port = free_port()
    environment["HANDOFF_MONGODB_URI"] = f"mongodb://127.0.0.1:{mongo_port}/handoff"
    mongo = Process("mongo-standin", ["bin/chat", "mongo-standin", "--port", str(mongo_port)])
    until("the stand-in is up", lambda: "ready" in mongo.log(), STARTING)
    indexes = Process("indexes", ["bin/chat", "indexes"])
    until("the indexes are there", lambda: "indexes" in indexes.log(), STARTING)

    # The whole Procfile, the redirect followed by the client.
    began = time.monotonic()
    stack = honcho()
    ready(stack)
    print(f"honcho start: ready after {time.monotonic() - began:.1f} s", flush=True)

    readme = re.search(r"curl -NL (?:.|\n)*?/v1/chat/completions", pathlib.Path("README.md").read_text())[0]
    readme = re.sub(r"(http://127\.0\.0\.1):\d+", rf"\1:{WEB}", readme)
    seen = subprocess.run(["bash", "-c", readme], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    check("the curl line of the README streams", seen.returncode == 0 and whole(parse(seen.stdout), "one two three"))

    seen = curl(content=body("one two three"))
    check("without -L the redirect is seen", seen.startswith("HTTP/1.1 303") and "\nLocation: /events/" in seen)
    seen = curl("-L", content=body("one two three", stream=False))
    check("an answer in one is one", '"content":"one two three"' in seen and "application/json" in seen)
    is_not_buffered("redirect", Reader(begin(body(words(12), delay_ms=200))), words(12))

    seen = curl("-L", content=body("one two three", system=BIG))
    check("a POST of 3 MB is answered", whole(parse(seen), "one two three"))
    seen = curl("-L", content=body("one two three", stream=False, system=BIG))
    check("and without a stream, too", '"content":"one two three"' in seen)

    location = begin(body("a b c d"))
    reader = Reader(location).wait()
    check("an answer is whole", whole(reader.events, "a b c d"))
    for i, event in enumerate(reader.events):
        rest = Reader(location, event[0]).wait()
        check("Last-Event-ID gives exactly the rest", rest.events == reader.events[i + 1 :])
    check("after the last event there is nothing", rest.status == 204)

    location = begin(body("a b c", delay_ms=100, repeat="1000"))
    reader = Reader(location).until(5)
    cancel(location)
    reader.wait(3)
    check("DELETE ends an answer", done(reader.events))

    location = begin(body("a b c", delay_ms=100, repeat="1000"))
    is_left("redirect", Reader(location), location)

    began = time.monotonic()
    stack.stop(20)
    print(f"honcho: stopped after {time.monotonic() - began:.1f} s", flush=True)
    check("honcho has stopped all", not any(listening(port) for port in (WEB, API, *STREAMS)))
    check("none had to be killed", "SIGKILL" not in stack.log())
    check(f"and logged no error: {stack.errors()[:3]}", not stack.errors())

    # A streaming server dies.
    stack = honcho("api", "stream1", "worker1", "worker2")
    second = stream2()
    web = honcho("web")
    ready(stack, second, web)
    prompt = words(60)
    sees_both()
    location = begin(body(prompt, delay_ms=100))
    a_server_dies("redirect", second, prompt, location, lambda last: Reader(location, last))
    second = stream2()
    web.stop(20)

    # The redirect followed by Caddy.
    web = honcho("web", HANDOFF_CADDYFILE="Caddyfile.hidden")
    ready(stack, second, web)
    sees_both()
    for what, options, system in (("one", [], None), ("3 MB", [], BIG), ("with -L", ["-L"], None)):
        seen = curl(*options, content=body("one two three", system=system))
        head, content = split(seen)
        check(f"hidden, {what}: a POST is answered at once: {head}", head.startswith("HTTP/1.1 200"))
        check(f"hidden, {what}: by a stream", re.search(r"(?i)^content-type: text/event-stream", head, re.MULTILINE))
        check(f"hidden, {what}: which is whole", whole(parse(content), "one two three"))
        check(f"hidden, {what}: and its address is not told: {head}", not re.search(r"(?i)^(location|x-accel-redirect)|/events/", head, re.M))
        seen = curl(*options, content=body("one two three", stream=False, system=system))
        head, content = split(seen)
        check(f"hidden, {what}: without a stream, too: {head}", head.startswith("HTTP/1.1 200"))
        check(f"hidden, {what}: by one document", re.search(r"(?i)^content-type: application/json", head, re.MULTILINE))
        completion = json.loads(content)["choices"][0]["message"]["content"]
        check(f"hidden, {what}: which is whole, too", completion == "one two three")
        check(f"hidden, {what}: and no address: {head}", not re.search(r"(?i)^(location|x-accel-redirect)|/events/", head, re.M))

    def ask(key, content, last=None):
        return Reader("/v1/chat/completions", last, content, {"Idempotency-Key": key})

    def address(key, content):
        """The application server itself tells."""
        return begin(content, port=API, headers={"Idempotency-Key": key})

    content = body(words(12), delay_ms=200)
    reader = ask("slow", content).until(1)
    token = token_of(address("slow", content))
    is_not_buffered("hidden", reader, words(12))
    check("hidden: no header has the token", token not in str(reader.headers) and len(token) > 20)
    check("hidden: no cache may change it", "no-transform" in reader.headers["Cache-Control"])

    code, headers, content = post(WEB, body("a"), {"Prefer": "respond-async"})
    check("hidden: who asks for the address gets it", code == 202 and headers["Location"].startswith("/events/"))
    code, headers, content = post(WEB, "{", {"X-Accel-Redirect": "/events/x"})
    check("hidden: a refusal comes through", code == 400 and "error" in json.loads(content))
    code, headers, content = post(WEB, body("a b"), {"X-Accel-Redirect": "/events/x"})
    check("hidden: a client cannot say where to go", code == 200 and whole(parse(content), "a b"))

    content = body("a b c", delay_ms=100, repeat="1000")
    reader = ask("long", content).until(1)
    is_left("hidden", reader, address("long", content))

    content = body(prompt, delay_ms=100)
    location = address("die", content)
    a_server_dies("hidden", second, prompt, location, lambda last: ask("die", content, last))

    web.stop(20)
    stack.stop(20)
    check(f"the rest has logged no error: {stack.errors()[:3]}", not stack.errors())

    # No streaming server is up.
    api = honcho("api")
    until("the application server is up", lambda: answers(API), STARTING)
    keeps_the_token("redirect", "Caddyfile")
    keeps_the_token("hidden", "Caddyfile.hidden")
    api.stop(20)
    passed()
except BaseException:
    for process in Process.all:
        print(f"--- {process.name}\n{process.log()[-4000:]}", file=sys.stderr)
    raise
finally:
    for process in Process.all:
        process.kill()
