"""The deployment of several processes: what its users see while processes stop, die and stand still.

Starts a stand-in for MongoDB and the roles of bin/chat, on ports of its own, and reads answers over plain sockets.
"""

import json
import signal
import threading
import time

from roles import Reader, Role, body, check, environment, fail, free_port, passed, post, status, until, words

LEASE, SWEEP, UNATTENDED = 3, 1, 6


def begin(port, prompt, delay_ms=50, headers=None):
    code, headers, _ = post(port, body(prompt, delay_ms=delay_ms), headers)
    if code != 303:  # not a check: several threads come here
        fail(f"no redirect: {code}")
    return headers["Location"]


def ids(reader):
    return [event[0] for event in reader.events if event[0]]


def failures(reader):
    """Returns the codes in the events of type error."""
    return [json.loads(data)["error"]["code"] for _, kind, data in reader.events if kind == "error"]


def errors(role):
    """What was logged beyond the loss of workers, which these tests bring about."""
    return [line for line in role.errors() if not line.endswith("lost its worker and is ended")]


mongo_port, api_port, one_port, two_port = (free_port() for _ in range(4))
environment["HANDOFF_MONGODB_URI"] = f"mongodb://127.0.0.1:{mongo_port}/handoff"
TIMES = ("--lease", f"{LEASE}s", "--sweep", f"{SWEEP}s", "--cancel-unattended", f"{UNATTENDED}s")
try:
    Role("mongo-standin", "--port", mongo_port)
    Role.run("indexes")
    api = Role("api", "--port", api_port, *TIMES)
    one = Role("stream", "--port", one_port, *TIMES)
    two = Role("stream", "--port", two_port, "--drain", "1", *TIMES)
    worker = Role("worker", *TIMES)

    # Both streaming servers show the same.
    location = begin(api_port, words(20))
    readers = [Reader(one_port, location), Reader(two_port, location)]
    for reader in readers:
        reader.wait()
        check("an answer is whole on every streaming server", reader.text() == words(20) and reader.clean)
    check("both have shown the same events", readers[0].events == readers[1].events)

    # The same request at the same time at two application servers is one task.
    second_api_port = free_port()
    second_api = Role("api", "--port", second_api_port, *TIMES)
    locations = []
    racers = [
        threading.Thread(
            target=lambda port=port: locations.append(
                begin(port, "once", delay_ms=1, headers={"Idempotency-Key": "race"})
            )
        )
        for port in [api_port, second_api_port] * 10
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    tasks = [status(one_port, where)["task"] for where in locations]
    check("requests with one key are one task", tasks == tasks[:1] * len(racers))

    # A streaming server dies: its readers get exactly the rest from the other.
    location = begin(api_port, words(60))
    reader = Reader(one_port, location)
    reader.until(15)
    one.kill()
    reader.wait()
    check("a reader of a server that was killed does not see a clean end", not reader.clean)
    rest = Reader(two_port, location, ids(reader)[-1]).wait()
    check("and gets exactly the rest from the other", reader.text() + rest.text() == words(60))
    check("without an event twice", not set(ids(reader)) & set(ids(rest)))
    one = Role("stream", "--port", one_port, *TIMES)

    # A streaming server stops: it tells its readers, and they go on at the other.
    location = begin(api_port, words(80))
    reader = Reader(two_port, location)
    reader.until(10)
    two.stop()
    reader.wait()
    check("a server that stops tells its readers", failures(reader) == ["interrupted"] and not reader.clean)
    rest = Reader(one_port, location, ids(reader)[-1]).wait()
    check("and loses nothing", reader.text() + rest.text() == words(80))
    check("a streaming server stops without an error", not errors(two))
    two = Role("stream", "--port", two_port, *TIMES)

    # An answer whose clients have left is cancelled, and one that is read goes on.
    left, kept = (begin(api_port, words(1000)) for _ in range(2))
    leaving, staying = Reader(one_port, left), Reader(two_port, kept)
    leaving.until(5)
    leaving.leave()
    check("an answer goes on for some time without readers", status(one_port, left)["state"] == "running")
    until("an answer without readers is cancelled", lambda: status(one_port, left)["state"] == "cancelled", UNATTENDED + 10)
    check("and not before its time", time.monotonic() - leaving.times[-1] > UNATTENDED - 1)
    check("an answer with a reader goes on", status(two_port, kept)["state"] == "running" and staying.reading())
    staying.leave()

    # A worker that stops finishes its running answers.
    location = begin(api_port, words(40))
    reader = Reader(one_port, location)
    reader.until(5)
    worker.stop()
    reader.wait()
    check("a worker that stops finishes its answers", reader.text() == words(40) and reader.clean)
    check("and stops without an error", not errors(worker))

    # A worker dies: one error for everybody, soon.
    worker = Role("worker", *TIMES)
    location = begin(api_port, words(1000))
    readers = [Reader(one_port, location), Reader(two_port, location)]
    for reader in readers:
        reader.until(10)
    worker.kill()
    began = time.monotonic()
    for reader in readers:
        reader.wait(LEASE + SWEEP + 10)
        check("readers of a lost worker get one error", failures(reader) == ["worker_lost"])
        check("and then an aborted connection", not reader.clean and reader.events[-1][1] == "error")
    check("within lease and sweep", time.monotonic() - began < LEASE + SWEEP + 2)
    later = Reader(two_port, location).wait()
    check("a later reader gets the same", later.events == readers[0].events)

    # A worker stands still past its lease, and wakes up: it adds nothing.
    sleeper = Role("worker", *TIMES)
    location = begin(api_port, words(1000))
    reader = Reader(one_port, location)
    reader.until(10)
    sleeper.send(signal.SIGSTOP)
    reader.wait(LEASE + SWEEP + 10)
    check("a worker that stands still is lost", failures(reader) == ["worker_lost"])
    sleeper.send(signal.SIGCONT)
    awake = Role("worker", *TIMES)
    probe = Reader(one_port, begin(api_port, words(40))).wait()
    check("others go on", probe.text() == words(40))
    check("what wakes up adds nothing", Reader(two_port, location).wait().events == reader.events)
    sleeper.kill()

    # A task whose worker dies before the first word is done by another, once.
    awake.kill()
    doomed = Role("worker", *TIMES)
    held = begin(api_port, "first", delay_ms=1)
    Reader(one_port, held).wait()
    doomed.send(signal.SIGSTOP)
    location = begin(api_port, words(10))
    time.sleep(0.3)
    doomed.kill()
    healthy = Role("worker", *TIMES)
    reader = Reader(one_port, location).wait(LEASE + SWEEP + 20)
    check("a task that had emitted nothing is done by another worker", reader.text() == words(10) and reader.clean)

    # Many at once, with several readers each.
    more = Role("worker", *TIMES)
    locations = [begin(api_port, words(40), delay_ms=100) for _ in range(40)]
    readers = [Reader(port, where) for where in locations for port in (one_port, two_port, one_port)]
    for reader in readers:
        reader.wait()
        check("of many answers each is whole for each reader", reader.text() == words(40) and reader.clean)
        stream, _, proof = ids(reader)[0].split(":")
        check("and in order", ids(reader) == [f"{stream}:{i}:{proof}" for i in range(43)])
    for role in (api, second_api, one, two, healthy, more):
        check(f"{role.name} has logged no error: {errors(role)[:3]}", not errors(role))
    passed()
finally:
    for role in Role.all:
        role.kill()
