"""Python and Java read each other's streams.

Starts a stand-in for MongoDB and the roles of bin/chat, on ports of its own. What a producer of minibatch writes is read from
the streaming server; what a Java worker writes is read by minibatch's model of a window, and by pymongo alone.
"""

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import os
import secrets
import subprocess
import sys
import threading
import time
import uuid

import bson
import minibatch
import pymongo
from jwcrypto import jwe, jwk
from minibatch.models import Window
from mongoengine.context_managers import switch_collection

from roles import Reader, Role, body, check, environment, events, free_port, passed, post, request, status, text, until

PATTERN = "omegaml.streams/..system/complete/{id}.stream"
PRODUCER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "producer.py")


def mint(secret, task, form):
    """A token as TokenSealer makes it, so that an application server in Python can send its clients to their streams."""

    def expand(key, info):
        return hmac.digest(key, info.encode() + b"\x01", hashlib.sha256)

    extracted = hmac.digest(b"dev.handoff", secret.encode(), hashlib.sha256)
    kid = base64.urlsafe_b64encode(expand(extracted, "token key id")).decode()[:8]
    key = base64.urlsafe_b64encode(expand(extracted, "token key A256GCM")).decode().rstrip("=")
    claims = {"stream": task.hex, "rights": ["cancel", "read"], "format": form, "exp": int(time.time()) + 3600}
    token = jwe.JWE(json.dumps(claims), protected={"alg": "dir", "enc": "A256GCM", "kid": kid})
    token.add_recipient(jwk.JWK(kty="oct", k=key))
    return token.serialize(compact=True)


def read(location, last=None, limit=None):
    """The events of a stream, as many as the limit says; or its status, if there are none."""
    response = request("GET", stream_port, location, headers={"Last-Event-ID": last} if last else {})
    if response.status != 200:
        return response.status
    shown = []
    try:
        shown.extend(itertools.islice(events(response), limit))
    except http.client.IncompleteRead:
        # A failed stream is aborted after its error.
        shown.append((None, "cut", None))
    response.close()
    return shown


def produce(name, how, chunks, delay_ms):
    return subprocess.Popen(
        [sys.executable, PRODUCER, uri, name, how, str(chunks), str(delay_ms)], stdout=subprocess.PIPE, text=True
    )


def words(count):
    return "".join(f"wörd{i} " for i in range(count))


mongo_port, api_port, stream_port = (free_port() for _ in range(3))
uri = f"mongodb://127.0.0.1:{mongo_port}/handoff"
secret = environment["HANDOFF_SECRET"]
environment["HANDOFF_MONGODB_URI"] = uri
try:
    Role("mongo-standin", "--port", mongo_port)
    Role.run("indexes")
    api = Role("api", "--port", api_port)
    stream = Role("stream", "--port", stream_port, "--minibatch", PATTERN)
    worker = Role("worker")
    database = pymongo.MongoClient(uri)["handoff"]

    # A stream is read while Python writes it.
    task = uuid.uuid4()
    name = PATTERN.replace("{id}", str(task))
    location = "/events/" + mint(secret, task, "openai")
    check("a stream that nobody has opened is gone", read(location) == 410)
    minibatch.stream(name, url=uri)
    check("a stream that was opened is awaited", status(stream_port, location)["state"] == "queued")
    reader = Reader(stream_port, location)
    producer = produce(name, "stop", 40, 50)
    until("the producer has begun", lambda: database.buffer.count_documents({"stream": name}) >= 5)
    check("the status of a stream that is written is running", status(stream_port, location)["state"] == "running")
    head = read(location, limit=10)
    check("a reader gets events while the stream is written", len(head) == 10 and producer.poll() is None)
    rest = read(location, last=head[-1][0])
    until("a reader who came first gets to [DONE]", lambda: not reader.reading() and reader.events[-1][2] == "[DONE]")
    early = reader.events
    check("and all of it", text(early) == words(40))
    # The proof at the end of an id lets a client without a token resume.
    check("events have the ids of the task", [e[0].rsplit(":", 1)[0] for e in early] == [f"{task.hex}:{i}" for i in range(41)])
    check("events come as they are written", reader.times[39] - reader.times[0] > 1.5)
    check("who resumes gets exactly the rest", head + rest == early)
    chunk = json.loads(early[0][2])
    check("a chunk arrives as it was written", chunk["object"] == "chat.completion.chunk" and chunk["model"] == "python")
    check("a date is extended JSON", chunk["at"] == {"$date": "2026-05-03T10:00:00Z"})
    check("the producer is done", producer.wait(30) == 0)

    # Afterwards it is still there, for everybody.
    for i in range(41):
        check("whoever comes later can go on anywhere", read(location, last=early[i][0]) == (early[i + 1 :] or 204))
    done = status(stream_port, location)
    check("its status is completed", done["state"] == "completed" and done["events"] == 40)
    check("it cannot be cancelled", request("DELETE", stream_port, location).status == 204)
    records = list(database.buffer.find({"stream": name}))
    check("reading has deleted nothing", len(records) == 41)
    check("and changed nothing", all(set(r) == {"_id", "stream", "data", "processed", "created"} for r in records))
    check("nor consumed anything", not any(r["processed"] for r in records))
    standard = read("/events/" + mint(secret, task, "standard"))
    check("other formats show it too", [e[2] for e in standard[:40]] == [e[2] for e in early[:40]])

    # A worker that fails says so, and no more.
    task = uuid.uuid4()
    name = PATTERN.replace("{id}", str(task))
    check("a producer that fails writes that", produce(name, "error", 3, 0).wait(30) == 0)
    failed = read("/events/" + mint(secret, task, "openai"))
    check("the events before a failure are shown", text(failed) == words(3))
    check("then the failure", failed[3][1] == "error" and json.loads(failed[3][2])["error"]["code"] == "handler_failed")
    check("and an abort, so that the failure does not look like the end", failed[-1][1] == "cut" and len(failed) == 5)
    check("without what the exception says", "hidden" not in str(failed))

    # Many at once.
    tasks = [uuid.uuid4() for _ in range(5)]
    producers = [produce(PATTERN.replace("{id}", str(t)), "stop", 100, 5) for t in tasks]
    for t in tasks:
        until("it has begun", lambda t=t: database.buffer.find_one({"stream": PATTERN.replace("{id}", str(t))}))
    got = {}
    readers = [
        threading.Thread(target=lambda t=t, i=i: got.update({(t, i): read("/events/" + mint(secret, t, "openai"))}))
        for t in tasks
        for i in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    check("all readers came to the end", len(got) == 15)
    check("each has all of its stream", all(text(shown) == words(100) for shown in got.values()))
    for producer in producers:
        producer.wait(30)

    # A token that was made with another secret opens nothing.
    check("a foreign token is refused", read("/events/" + mint(secrets.token_urlsafe(32), task, "openai")) == 401)

    # What a Java worker writes, on the same streaming server.
    prompt = "one two three four five six seven eight"
    code, headers, _ = post(api_port, body(prompt, delay_ms=20))
    check("the application server redirects", code == 303)
    shown = read(headers["Location"])
    check("the same streaming server shows it", text(shown) == prompt)
    stream_id = shown[0][0].split(":")[0]
    expected = [e[2] for e in shown if e[2] != "[DONE]"]

    minibatch.connectdb(url=uri)
    with switch_collection(Window, "handoff_events") as JavaWindow:
        windows = list(JavaWindow.objects(stream=stream_id).order_by("created", "id"))
        check("the stream is several windows", len(windows) > 1)
        records = [event for window in windows for event in window.data]
        check("a window of minibatch has the events", [event["data"] for event in records] == expected)
        check("and the fields of a window", all(not w.processed and w.query == [] and w.created for w in windows))
        check("one stream is told from another", JavaWindow.objects(stream="0" * 32).count() == 0)
    documents = list(database.handoff_events.find({"stream": stream_id}).sort("seq"))
    plain = [event for document in documents for event in document["data"]]
    check("pymongo alone reads the same", [event["data"] for event in plain] == expected)
    check("in dense positions", documents[0]["seq"] == 0 and documents[-1]["end"]["state"] == "completed")
    counted = 0
    for document in documents:
        check("a document begins where the one before ended", document["seq"] == counted)
        check("a document has an ObjectId", isinstance(document["_id"], bson.ObjectId))
        counted += len(document["data"])
    check("Python reads the chunks as they are", text([(None, None, e["data"]) for e in plain]) == prompt)
    check("and after that Java reads the same as before", read(headers["Location"]) == shown)

    for role in (api, stream, worker):
        check(f"no error was logged: {role.errors()[:3]}", not role.errors())
    passed()
finally:
    for role in Role.all:
        role.kill()
