"""The protocol of docs/protocol-mongodb.md: a worker in Python instead of the Java one, beside the other roles of bin/chat."""

import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

from pymongo import MongoClient

from roles import Reader, Role, body, check, environment, fail, free_port, passed, post, request, status, until, words

LEASE, SWEEP = 4, 2
TIMES = ("--lease", f"{LEASE}s", "--sweep", f"{SWEEP}s", "--cancel-unattended", "never")
WORKER = pathlib.Path(__file__).with_name("worker.py")


class PythonWorker:
    all = []

    def __init__(self, *arguments):
        self.log = []
        self.process = subprocess.Popen(
            [sys.executable, WORKER, "--lease", str(LEASE), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        PythonWorker.all.append(self)
        self.keeper = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.keeper.start()
        if "ready" not in self.process.stdout.readline():
            self.keeper.join(5)
            fail(f"the Python worker did not start: {self.log}")

    def send(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.keeper.join(5)

    def kill(self):
        self.process.kill()
        self.process.wait()


def begin(prompt, **metadata):
    code, headers, content = post(api_port, body(prompt, **metadata))
    if code != 303:
        fail(f"no redirect: {code} {content}")
    return headers["Location"]


def task_of(location):
    return status(stream_port, location)["task"]


def failures(reader):
    return [json.loads(data)["error"]["code"] for _, kind, data in reader.events if kind == "error"]


def documents(task):
    return list(db.handoff_events.find({"stream": task}).sort("seq", 1))


mongo_port, api_port, stream_port = (free_port() for _ in range(3))
uri = f"mongodb://127.0.0.1:{mongo_port}"
environment["HANDOFF_MONGODB_URI"] = f"{uri}/handoff"
try:
    Role("mongo-standin", "--port", mongo_port)
    Role.run("indexes")
    db = MongoClient(uri).handoff
    api = Role("api", "--port", api_port, *TIMES)
    stream = Role("stream", "--port", stream_port, *TIMES)

    # Without the unique index no worker starts.
    without = {**environment, "HANDOFF_MONGODB_URI": f"{uri}/empty"}
    refused = subprocess.run([sys.executable, WORKER], env=without, capture_output=True, text=True, timeout=60)
    check("a database without the unique index is refused", refused.returncode == 1 and "unique index" in refused.stderr)

    # Answers are whole, in order, and end once.
    worker = PythonWorker()
    readers = [Reader(stream_port, begin(words(20), delay_ms=5)) for _ in range(10)]
    for reader in readers:
        reader.wait()
        check(f"an answer is whole: {reader.events[-1:]}", reader.text() == words(20) and reader.clean)
        shown, _, proof = reader.events[0][0].split(":")
        positions = [event[0] for event in reader.events if event[0]]
        check("and in order", positions == [f"{shown}:{i}:{proof}" for i in range(23)])
    location = begin(words(3))
    Reader(stream_port, location).wait()
    until("the task completes", lambda: status(stream_port, location)["state"] == "completed")
    task = db.handoff_tasks.find_one({"_id": task_of(location)})
    check("a task that has ended has no payload and expires", "payload" not in task and "expireAt" in task)
    check("after its events", all(task["expireAt"] > d["expireAt"] for d in documents(task["_id"])))
    code, headers, _ = post(api_port, body("one two", stream=False))
    document = json.loads(request("GET", stream_port, headers["Location"]).read())
    check("the result is shown as a document", document["choices"][0]["message"]["content"] == "one two")

    # A task is cancelled.
    location = begin(words(1000), delay_ms=50)
    reader = Reader(stream_port, location).until(5)
    check("a running task can be cancelled", request("DELETE", stream_port, location).status == 202)
    reader.wait(10)
    check("its stream ends", reader.clean and not failures(reader) and reader.text() != words(1000))
    until("as cancelled", lambda: status(stream_port, location)["state"] == "cancelled")
    check("with one end", [d["end"] for d in documents(task_of(location)) if "end" in d] == [{"state": "cancelled"}])

    # A worker that stops finishes its tasks, and removes its beat.
    check("a worker has a beat", db.handoff_workers.count_documents({}) == 1)
    reader = Reader(stream_port, begin(words(40), delay_ms=20)).until(5)
    worker.stop()
    reader.wait()
    check("a worker that stops finishes its answers", reader.text() == words(40) and reader.clean)
    check(f"and logs nothing: {worker.log}", worker.process.returncode == 0 and not worker.log)
    check("its beat is gone", db.handoff_workers.count_documents({}) == 0)

    # A worker has no time to finish.
    worker = PythonWorker("--finish", 0)
    begun = Reader(stream_port, begin(words(1000), delay_ms=50)).until(5)
    untouched = begin(words(5), think_ms=600_000 // 1000)
    until("both run", lambda: db.handoff_tasks.count_documents({"state": "running"}) == 2)
    worker.stop()
    begun.wait(10)
    check("a stream that has begun ends with an error", failures(begun) == ["worker_lost"])
    task = db.handoff_tasks.find_one({"_id": task_of(untouched)})
    check("a task that has written nothing is queued again", (task["state"], task["attempts"]) == ("queued", 0))
    worker = PythonWorker()
    check("and done by another worker", Reader(stream_port, untouched).wait().text() == words(5))

    # A worker dies: one error within lease and sweep.
    reader = Reader(stream_port, begin(words(1000), delay_ms=50)).until(10)
    worker.kill()
    began = time.monotonic()
    reader.wait(LEASE + SWEEP + 10)
    took = time.monotonic() - began
    check("readers of a lost worker get one error", failures(reader) == ["worker_lost"] and not reader.clean)
    check(f"within lease and sweep: {took:.1f} s", took < LEASE + SWEEP + 2)
    print(f"worker_lost after {took:.1f} s (lease {LEASE} s, sweep {SWEEP} s)")
    until("its beat is deleted", lambda: db.handoff_workers.count_documents({}) == 0)

    # A worker stands still past its lease, and wakes up: it adds nothing.
    sleeper = PythonWorker()
    location = begin(words(1000), delay_ms=50)
    reader = Reader(stream_port, location).until(10)
    sleeper.send(signal.SIGSTOP)
    reader.wait(LEASE + SWEEP + 10)
    check("a worker that stands still is lost", failures(reader) == ["worker_lost"])
    before = documents(task_of(location))
    sleeper.send(signal.SIGCONT)
    check("it goes on with other tasks", Reader(stream_port, begin(words(20))).wait().text() == words(20))
    until("it has noticed", lambda: sleeper.log)
    check("what wakes up adds nothing", documents(task_of(location)) == before)
    sleeper.stop()

    # A task whose worker dies before the first event is run again: by Python after Python, and by Java after Python.
    for other in (PythonWorker, lambda: Role("worker", *TIMES)):
        doomed = PythonWorker()
        location = begin(words(10), think_ms=60_000)
        until("the task runs", lambda: status(stream_port, location)["state"] == "running")
        # The other worker repeats the message without thinking about it.
        db.handoff_tasks.update_one({"_id": task_of(location)}, {"$set": {"payload": body(words(10))}})
        doomed.kill()
        healthy = other()
        reader = Reader(stream_port, location).wait(LEASE + SWEEP + 20)
        check("a task without events is run again", reader.text() == words(10) and reader.clean)
        fences = [d["epoch"] for d in documents(task_of(location)) if "fence" in d]
        check(f"behind a fence of the sweeper and one of the worker: {fences}", fences == [2, 3])
        healthy.stop()

    # A claim whose answer got lost: the worker does not know the task that it owns.
    worker = PythonWorker()
    owner = db.handoff_workers.find_one()["_id"]
    worker.send(signal.SIGSTOP)
    location = begin(words(10))
    claim = {"$inc": {"epoch": 1, "attempts": 1}, "$set": {"state": "running", "worker": owner}}
    check("a claim", db.handoff_tasks.update_one({"_id": task_of(location), "state": "queued"}, claim).matched_count == 1)
    worker.send(signal.SIGCONT)
    began = time.monotonic()
    reader = Reader(stream_port, location).wait()
    check("a task whose claim got lost is done", reader.text() == words(10) and reader.clean)
    check("by its owner, without waiting for a sweeper", time.monotonic() - began < LEASE)
    worker.stop()

    for role in (api, stream):
        unexpected = [line for line in role.errors() if not line.endswith(("lost its worker and is ended", "lost its worker"))]
        check(f"{role.name} has logged no error: {unexpected[:3]}", not unexpected)
    passed()
finally:
    for process in [*PythonWorker.all, *Role.all]:
        process.kill()
