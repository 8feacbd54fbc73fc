"""The deployment with default settings while its store is paused, and while the clocks of its processes are wrong.

Starts a stand-in for MongoDB and the roles of bin/chat, on ports of its own, and reads answers over plain sockets.
"""

import email.utils
import signal
import sys
import time

from roles import Reader, Role, body, check, environment, fail, free_port, passed, post, request, status, until, words

STREAMS = 100
PAUSES = [int(seconds) for seconds in sys.argv[1].split(",") if seconds]
WRONG_CLOCK = sys.argv[2]
DELAY_MS = 250


def begin(port, prompt):
    code, headers, _ = post(port, body(prompt, delay_ms=DELAY_MS))
    check(f"a request is accepted: {code}", code == 303)
    return headers["Location"]


class Client:
    """Reads one answer, and reconnects with the last event id when it is cut, as an EventSource does."""

    def __init__(self, ports, location):
        self.ports = ports
        self.location = location
        self.parts = []
        self.reader = Reader(ports[0], location)

    def last(self):
        ids = [event[0] for part in [*self.parts, self.reader] for event in part.events if event[0]]
        return ids[-1] if ids else None

    def follow(self, limit):
        """Reads to the end, and returns how often the connection was cut."""
        while True:
            self.reader.wait(limit - time.monotonic())
            if self.done() or time.monotonic() > limit:
                return len(self.parts)
            self.parts.append(self.reader)
            self.ports = self.ports[1:] + self.ports[:1]
            time.sleep(0.5)
            self.reader = Reader(self.ports[0], self.location, self.last())

    def done(self):
        return self.reader.status == 204 or (self.reader.clean and self.reader.events and self.reader.events[-1][2] == "[DONE]")

    def events(self):
        """The events without what only says that a connection was cut."""
        return [e for part in [*self.parts, self.reader] for e in part.events if e[0]]


def is_whole(what, client, count):
    events = client.events()
    parts = [(part.status, part.clean, len(part.events), part.events[-1:]) for part in [*client.parts, client.reader]]
    check(f"{what}: the answer has ended: {str(parts)[:1000]}", client.done())
    problems = [(kind, data[:200]) for _, kind, data in events if kind]
    check(f"{what}: no answer has an error: {problems}", not problems)
    positions = [int(e[0].split(":")[1].split(".")[0]) for e in events]
    check(f"{what}: no event is missing, doubled or out of order: {positions}", positions == list(range(count + 3)))
    check(f"{what}: the answer ends as complete", events[-1][2] == "[DONE]")


def run(what, ports, api_ports, count, disturb):
    locations = [begin(api_ports[i % len(api_ports)], words(count)) for i in range(STREAMS)]
    clients = [Client(ports[i % len(ports) :] + ports[: i % len(ports)], where) for i, where in enumerate(locations)]
    for client in clients:
        client.reader.until(5)
    disturb()
    limit = time.monotonic() + 120
    cuts = sum(client.follow(limit) for client in clients)
    for client in clients:
        is_whole(what, client, count)
    for where in locations:
        # The state follows the end of the stream.
        until(f"{what}: the task has completed", lambda where=where: status(ports[0], where)["state"] == "completed")
    print(f"{what}: {STREAMS} streams are whole, {cuts} connections were cut")


def start(*arguments, clock=None):
    """Starts a role. Its wall clock differs by the given seconds, or by each of them in turn, three seconds long."""
    return Role(*arguments, prefix=["env", f"LD_PRELOAD={WRONG_CLOCK}", f"WALL_CLOCK_OFFSETS={clock}"] if clock else [])


mongo_port, api_port, one_port, two_port = (free_port() for _ in range(4))
environment["HANDOFF_MONGODB_URI"] = f"mongodb://127.0.0.1:{mongo_port}/handoff"
try:
    mongo = Role("mongo-standin", "--port", mongo_port)
    Role.run("indexes")
    api = start("api", "--port", api_port)
    streams = [start("stream", "--port", port) for port in (one_port, two_port)]
    workers = [start("worker"), start("worker")]

    for seconds in PAUSES:

        def pause():
            mongo.send(signal.SIGSTOP)
            time.sleep(seconds)
            mongo.send(signal.SIGCONT)

        run(f"the store is paused for {seconds} s", [one_port, two_port], [api_port], 40, pause)

    # Processes join in whose clocks are an hour ahead, an hour behind, or jump between the two.
    jumping = "3600,0,-3600,0"
    wrong_ports = [free_port() for _ in range(3)]
    for clock, port in zip(["3600", "-3600", jumping], wrong_ports):
        streams.append(start("stream", "--port", port, clock=clock))
        workers.append(start("worker", clock=clock))
    for port, hours in zip(wrong_ports, [1, -1]):
        shown = email.utils.parsedate_to_datetime(request("HEAD", port, "/").headers["Date"]).timestamp()
        check(f"the clock of a streaming server is wrong by {hours} h", abs(shown - time.time() - hours * 3600) < 60)
    jumping_api_port = free_port()
    start("api", "--port", jumping_api_port, clock=jumping)

    def wait():
        time.sleep(25)  # two leases and some sweeps

    run("clocks are wrong", [one_port, two_port, *wrong_ports], [api_port, jumping_api_port], 120, wait)
    lost = [line for role in Role.all for line in role.log if "lost its worker" in line]
    check(f"no task has lost its worker: {lost[:3]}", not lost)

    workers[0].kill()
    passed()
finally:
    for role in Role.all:
        role.send(signal.SIGCONT)
        role.kill()
