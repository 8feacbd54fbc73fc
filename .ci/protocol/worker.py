"""A worker for the tasks of bin/chat, written from docs/protocol-mongodb.md alone. Repeats the last message. Stops on SIGTERM."""

import argparse
import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from datetime import timedelta

from bson import Int64, ObjectId
from pymongo import MongoClient, ReadPreference
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

REFUSED = {2, 9, 13, 14, 20, 72, 121, 10334, 11000}
RETENTION, RETRY, ATTEMPTS, TYPES = timedelta(hours=24), 120, 3, ["chat"]


class Gone(Exception):
    """Nothing more may be written: another process owns the stream or the task, or the server takes nothing."""


class Stopped(Exception):
    """The handler is to stop: `end` is the end of the stream."""

    def __init__(self, end):
        self.end = end


def failed(status, code, detail):
    return {"state": "failed", "status": status, "code": code, "detail": detail}


def refused(error):
    return isinstance(error, OperationFailure) and not isinstance(error, WriteConcernError) and error.code in REFUSED


class Store:
    """The three collections, and the time of the server."""

    def __init__(self, uri):
        self.db = MongoClient(uri, timeoutMS=5000).get_default_database("handoff")
        self.asked = None
        self.ask()
        concerns = {"write_concern": WriteConcern("majority"), "read_preference": ReadPreference.PRIMARY}
        if "setName" in self.hello or self.hello.get("msg") == "isdbgrid":
            concerns["read_concern"] = ReadConcern("majority")
        self.events, self.tasks, self.workers = (
            self.db.get_collection("handoff_" + name, **concerns) for name in ("events", "tasks", "workers")
        )
        indexes = self.events.index_information().values()
        if not any(i["key"] == [("stream", 1), ("seq", 1)] and i.get("unique") for i in indexes):
            sys.exit("there is no unique index on handoff_events")

    def ask(self):
        began = time.monotonic()
        try:
            self.hello = self.db.command("hello")
        except OperationFailure:
            self.hello = self.db.command("isMaster")
        self.asked = (began + time.monotonic()) / 2

    def now(self):
        if time.monotonic() - self.asked > 60:
            self.ask()
        return self.hello["localTime"] + timedelta(seconds=time.monotonic() - self.asked)

    def last(self, stream):
        """Returns the last document of a stream, and the position behind it."""
        last = self.events.find_one({"stream": stream}, sort=[("seq", -1)])
        return last, (last["seq"] + len(last["data"]) + ("end" in last) + ("fence" in last) if last else 0)

    def insert(self, document):
        document["created"] = self.now()
        document["expireAt"] = document["created"] + RETENTION
        self.events.insert_one(document)

    def finish(self, task, epoch, end):
        now = self.now()
        self.tasks.update_one(
            {"_id": task, "epoch": epoch, "state": "running"},
            {
                "$set": {"state": end["state"], "ended": now, "expireAt": now + RETENTION + timedelta(hours=1)},
                "$unset": {"payload": "", "leaseUntil": ""},
            },
        )

    def queue_again(self, task, epoch, attempts, me):
        update = {"$set": {"state": "queued"}, "$inc": {"attempts": attempts}, "$unset": {"worker": "", "leaseUntil": ""}}
        if self.tasks.update_one({"_id": task, "epoch": epoch, "state": "running"}, update).matched_count:
            queued = self.tasks.find_one({"_id": task, "state": "queued", "epoch": epoch, "cancel": True})
            if queued:
                self.take(queued, me)

    def take(self, seen, me):
        """Takes a task whose owner is lost, and ends its stream or queues the task again."""
        same = {name: seen.get(name) for name in ("_id", "state", "epoch", "worker", "leaseUntil")}
        taken = {"$inc": {"epoch": 1}, "$set": {"state": "running", "worker": me}, "$unset": {"leaseUntil": ""}}
        before = self.tasks.find_one_and_update(same, taken)
        if before is None:
            return
        task, epoch = before["_id"], before["epoch"] + 1
        last, _ = self.last(task)
        if not (last and "end" in last):
            try:
                writer = Writer(self, task, epoch)
                if before.get("cancel"):
                    writer.write(end={"state": "cancelled"})
                elif before["attempts"] < ATTEMPTS and not self.events.find_one({"stream": task, "data.0": {"$exists": True}}):
                    self.queue_again(task, epoch, 0, me)
                    return
                else:
                    writer.write(end=failed(503, "worker_lost", "The worker was lost before the task was done."))
            except Gone:
                pass
            last, _ = self.last(task)
        if last and "end" in last:
            self.finish(task, epoch, last["end"])


class Writer:
    """The writer of a stream. Takes the stream over first."""

    def __init__(self, store, stream, epoch):
        self.store, self.stream, self.epoch = store, stream, epoch
        fence = ObjectId()

        def attempt():
            last, self.next = store.last(stream)
            if last and last["_id"] == fence:
                return True
            if last and ("end" in last or last["epoch"] >= epoch):
                raise Gone(f"stream {stream} has another writer")
            if epoch > 1:
                try:
                    store.insert(self._document(fence, fence=True))
                except DuplicateKeyError:
                    return False
                self.next += 1
            return True

        self._until_known(attempt)

    def write(self, data=(), end=None):
        document = self._document(ObjectId(), list(data), end)

        def attempt():
            try:
                self.store.insert(document)
                return True
            except DuplicateKeyError:
                there = self.store.events.find_one({"stream": self.stream, "seq": document["seq"]}, {"_id": 1})
                if there and there["_id"] != document["_id"]:
                    raise Gone(f"stream {self.stream} was taken over")
                return there is not None

        self._until_known(attempt)
        self.next += len(document["data"]) + ("end" in document)

    def _document(self, new_id, data=(), end=None, fence=False):
        document = {"_id": new_id, "stream": self.stream, "seq": Int64(self.next), "epoch": self.epoch}
        document.update(processed=False, query=[], data=list(data))
        return {**document, **({"end": end} if end else {}), **({"fence": True} if fence else {})}

    def _until_known(self, attempt):
        began, pause = time.monotonic(), 0.02
        while True:
            try:
                if attempt():
                    return
            except PyMongoError as e:
                if refused(e):
                    raise Gone(str(e)) from e
            if time.monotonic() - began > RETRY:
                raise Gone(f"stream {self.stream} cannot be written")
            time.sleep(pause)
            pause = min(2 * pause, 1)


class Run:
    """A task that this worker runs. Its handler asks it before each step whether it has to stop."""

    def __init__(self, store, task):
        self.store, self.id, self.epoch, self.payload = store, task["_id"], task["epoch"], json.loads(task["payload"])
        self.writer, self.stopping, self.reason = None, threading.Event(), None

    def stop(self, reason):
        if not self.stopping.is_set():
            self.reason = reason
            self.stopping.set()

    def wait(self, seconds):
        if self.stopping.wait(seconds):
            raise self.reason

    def write(self, data=(), end=None):
        if isinstance(self.reason, Gone):
            raise self.reason
        self.writer = self.writer or Writer(self.store, self.id, self.epoch)
        self.writer.write(data, end)


def chat(run):
    """The handler: repeats the last message, word by word, and returns the whole answer."""
    request, settings = run.payload, run.payload.get("metadata", {})
    head = {"id": "chatcmpl-" + run.id, "created": int(time.time()), "model": request["model"]}

    def emit(delta, reason=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        run.write([{"data": json.dumps({**head, "object": "chat.completion.chunk", "choices": [choice]})}])

    run.wait(int(settings.get("think_ms", 0)) / 1000)
    emit({"role": "assistant", "content": ""})
    answer = request["messages"][-1]["content"]
    for i, word in enumerate(answer.split(" ")):
        run.wait(int(settings.get("delay_ms", 30)) / 1000)
        emit({"content": (" " if i else "") + word})
    emit({}, "stop")
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({**head, "object": "chat.completion", "choices": [choice]})


class Worker:
    def __init__(self, store, lease, most):
        self.store, self.lease, self.most, self.me = store, lease, most, secrets.token_hex(16)
        self.runs, self.unknown = {}, {}
        self.beaten, self.begun, self.finished = None, 0, 0
        self.stopping, self.ending = threading.Event(), threading.Event()

    def beat(self):
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                update = {"$inc": {"beat": Int64(random.randrange(1, 1 << 20))}, "$set": {"expireAt": self.store.now() + timedelta(days=1)}}
                self.store.workers.update_one({"_id": self.me}, update, upsert=True)
                self.beaten = began
                self.ending.wait(max(0, began + self.lease / 3 - time.monotonic()))
            except PyMongoError:
                self.ending.wait(0.1)
            if self.beaten and time.monotonic() - self.beaten > RETRY:
                for run in list(self.runs.values()):
                    run.stop(Gone("the store is away"))

    def is_fresh(self):
        return self.beaten is not None and time.monotonic() - self.beaten < self.lease

    def claim(self):
        pause = 0.01
        while not self.stopping.is_set():
            self.begun += 1
            try:
                task = self.claim_one() if self.is_fresh() and len(self.runs) < self.most else None
                pause = 0.01 if task else min(2 * pause, 0.1)
            except PyMongoError:
                task, pause = None, 0.5
            self.finished = self.begun
            if not task:
                self.stopping.wait(pause)

    def claim_one(self):
        update = {"$inc": {"epoch": 1, "attempts": 1}, "$unset": {"leaseUntil": ""}}
        update["$set"] = {"state": "running", "worker": self.me, "started": self.store.now()}
        before = self.store.tasks.find_one_and_update(
            {"state": "queued", "type": {"$in": TYPES}}, update, sort=[("created", 1)]
        )
        if before:
            run = self.runs[before["_id"]] = Run(self.store, {**before, "epoch": before["epoch"] + 1})
            threading.Thread(target=self.work, args=[run], daemon=True).start()
        return before

    def work(self, run):
        try:
            try:
                end = {"state": "completed", "result": chat(run)}
            except Stopped as e:
                end = e.end
                if end["state"] == "failed" and run.writer is None:
                    self.store.queue_again(run.id, run.epoch, -1, self.me)
                    return
            except (Gone, PyMongoError):
                raise
            except Exception as e:
                print(f"the handler of task {run.id} failed: {e!r}", file=sys.stderr, flush=True)
                end = failed(500, "handler_failed", "The task failed.")
            run.write(end=end)
            self.store.finish(run.id, run.epoch, end)
        except (Gone, PyMongoError) as e:
            print(f"task {run.id} is left: {e}", file=sys.stderr, flush=True)
        finally:
            self.runs.pop(run.id, None)

    def look(self):
        while not self.ending.is_set():
            try:
                self.look_once()
                self.ending.wait(0.25 if self.runs or self.unknown else self.lease / 3)
            except PyMongoError:
                self.ending.wait(0.5)

    def look_once(self):
        finished, ran = self.finished, dict(self.runs)
        owned = {task["_id"]: task for task in self.store.tasks.find({"state": "running", "worker": self.me}, {"payload": 0})}
        for run in ran.values():
            task = owned.get(run.id)
            if task is None or task["epoch"] != run.epoch:
                run.stop(Gone("another process has taken the task"))
            elif task.get("cancel"):
                run.stop(Stopped({"state": "cancelled"}))
        before, self.unknown = self.unknown, {}
        for task in owned.values():
            runs = [all_runs.get(task["_id"]) for all_runs in (ran, self.runs)]
            if any(run and run.epoch == task["epoch"] for run in runs):
                continue
            value = tuple(task.get(name) for name in ("_id", "epoch", "cancel"))
            claims, since = self.unknown[value] = before.get(value, (self.begun, time.monotonic()))
            if finished >= claims and time.monotonic() - since >= 1:
                self.store.take(task, self.me)

    def run(self, finish):
        threads = [threading.Thread(target=step, daemon=True) for step in (self.beat, self.claim, self.look)]
        for thread in threads:
            thread.start()
        while self.beaten is None:
            time.sleep(0.05)
        print("worker ready", flush=True)
        self.stopping.wait()
        threads[1].join()
        self.await_runs(finish)
        for run in list(self.runs.values()):
            run.stop(Stopped(failed(503, "worker_lost", "The worker was stopped before the task was done.")))
        self.await_runs(self.lease)
        self.ending.set()
        threads[0].join()
        mine = self.store.workers.find_one({"_id": self.me})
        if mine:
            self.store.workers.delete_one({"_id": self.me, "beat": mine["beat"]})

    def await_runs(self, seconds):
        limit = time.monotonic() + seconds
        while self.runs and time.monotonic() < limit:
            time.sleep(0.02)


options = argparse.ArgumentParser()
options.add_argument("--lease", type=float, default=10)
options.add_argument("--finish", type=float, default=30)
options.add_argument("--max-running", type=int, default=100)
given = options.parse_args()
worker = Worker(Store(os.environ["HANDOFF_MONGODB_URI"]), given.lease, given.max_running)
signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
worker.run(given.finish)
