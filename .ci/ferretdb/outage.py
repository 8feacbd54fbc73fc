"""The deployment while its store is away: the store is stopped or killed in mid-answer, and started again on the same data.

Starts FerretDB and the roles of bin/chat, on ports of its own, and reads answers over plain sockets.
"""

import os
import signal
import subprocess
import sys
import time

from roles import Reader, Role, body, check, environment, fail, free_port, listening, passed, post, words

FERRETD, FOLDER, CONTRACTS = *sys.argv[1:3], int(sys.argv[3])
WORDS = 120


class Server:
    """FerretDB on one port and one folder."""

    def __init__(self):
        self.port = free_port()
        self.log = open(os.path.join(os.path.dirname(FOLDER), "outage.log"), "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen([FERRETD, str(self.port), FOLDER], stdout=self.log, stderr=self.log)
        limit = time.monotonic() + 20
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > limit:
                fail("FerretDB did not start")
            time.sleep(0.05)

    def stop(self, number):
        self.process.send_signal(number)
        self.process.wait(20)


def begin(port, prompt, delay_ms):
    code, headers, _ = post(port, body(prompt, delay_ms=delay_ms))
    check(f"a request is taken: {code}", code == 303)
    return headers["Location"]


def named(reader):
    """The events that have a type, which those of an answer have not."""
    return [(kind, data[:200]) for _, kind, data in reader.events if kind]


def is_whole(what, reader, prompt):
    reader.wait(120)
    check(f"{what}: there is no error: {named(reader)}", not named(reader))
    check(f"{what}: the answer is whole", reader.text() == prompt and reader.events[-1][2] == "[DONE]" and reader.clean)
    first = reader.events[0][0].split(":")[0]
    count = len(prompt.split()) + 3  # a role, a reason, [DONE]
    check(f"{what}: nothing is lost or doubled", [e[0].rsplit(":", 1)[0] for e in reader.events] == [f"{first}:{i}" for i in range(count)])


server = Server()
environment["HANDOFF_MONGODB_URI"] = f"mongodb://127.0.0.1:{server.port}/handoff"
try:
    api_port, one_port, two_port = free_port(), free_port(), free_port()
    indexes = Role.run("indexes")
    api = Role("api", "--port", api_port)
    Role("stream", "--port", one_port)
    Role("stream", "--port", two_port)
    Role("worker")
    check("that there is no TTL index is said", any("no TTL index" in line for line in indexes))
    check("and is no reason to worry", not api.errors())

    prompt = words(20)
    location = begin(api_port, prompt, 50)
    for reader in [Reader(one_port, location), Reader(two_port, location)]:
        is_whole("FerretDB", reader, prompt)

    prompt = words(WORDS)
    # Away for less than the lease of 10 s: nobody else may take the task.
    for what, number, away in (("SIGTERM", signal.SIGTERM, 4), ("SIGKILL", signal.SIGKILL, 3), ("again", signal.SIGKILL, 5)):
        location = begin(api_port, prompt, 100)
        readers = [Reader(one_port, location), Reader(two_port, location)]
        for reader in readers:
            reader.until(30)
        server.stop(number)
        time.sleep(away)
        seen = [len(reader.events) for reader in readers]
        back = time.monotonic()
        server.start()
        for reader in readers:
            reader.until(seen[0] + 10)
        print(f"{what}: away for {away} s, went on {time.monotonic() - back:.1f} s after it was back", flush=True)
        for reader in readers:
            is_whole(what, reader, prompt)
        late = Reader(one_port, location).wait()
        check(f"{what}: a later reader sees the same", late.events == readers[0].events)
        rest = Reader(two_port, location, readers[0].events[40][0]).wait()
        check(f"{what}: and a part of it, who has a part", rest.events == readers[0].events[41:])
    dead = [role.name for role in Role.all if role.process.poll() is not None]
    check(f"no process has died: {dead}", not dead)
    for role in Role.all:
        errors = [line for line in role.log if " ERROR " in line]
        check(f"{role.name} has logged no error, only warnings: {errors[:3]}", not errors)
    passed(CONTRACTS)
except BaseException:
    for role in Role.all:
        print(f"--- {role.name}", *role.log[-40:], sep="\n", file=sys.stderr)
    raise
finally:
    for role in Role.all:
        role.kill()
    server.process.kill()
    server.process.wait()
