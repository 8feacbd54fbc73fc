"""Measures how much later the first event of an answer arrives through bin/chat than from its upstream.

Starts an upstream that sends 50 tokens a second, and in front of it bin/chat: first in one process, and then as three roles with
the stand-in for MongoDB. Sends requests to the upstream and to bin/chat in turn, one at a time, each on new connections, and prints
the time from the POST to the first event. Build the jar before: mvn -B -DskipTests package

usage: first_event.py [REQUESTS]
"""

import http.client
import http.server
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

JAR = pathlib.Path(__file__).parent.parent / "examples/target/handoff-chat.jar"
PAUSE = 0.02
TOKENS = 10
REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
WARM_UP = 20


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        content = json.dumps({"data": [{"id": "m", "created": 1}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(TOKENS):
            time.sleep(PAUSE)
            self.send(i, "stop" if i == TOKENS - 1 else None)
        self.part(b"data: [DONE]\n\n")
        self.part(b"")

    def send(self, i, reason):
        choice = {"index": 0, "delta": {"content": f"t{i} "}, "finish_reason": reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.part(f"data: {json.dumps(chunk)}\n\n".encode())

    def part(self, content):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def first_event(port, stream_port):
    """Seconds from the POST to the first event; follows a redirect."""
    content = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]})
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.request("POST", "/v1/chat/completions", content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status == 303:
        location = urllib.parse.urljoin("/", response.headers["Location"])
        response.read()
        connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", stream_port, timeout=60)
        connection.request("GET", location)
        response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"status {response.status}: {response.read()}")
    while not response.readline().startswith(b"data: {"):
        pass
    took = time.monotonic() - began
    if b"[DONE]" not in response.read():
        sys.exit("an answer was cut")
    connection.close()
    return took


started = []


def start(url, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HANDOFF_", "OPENAI_"))}
    environment |= {"HANDOFF_SECRET": SECRET, "OPENAI_BASE_URL": url, "HANDOFF_MONGODB_URI": f"mongodb://127.0.0.1:{mongo}/handoff"}
    process = subprocess.Popen(["java", "-jar", JAR, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment)
    started.append(process)
    return process


def ready(process):
    if " ready" not in process.stdout.readline():
        sys.exit("a role did not start")


def stop():
    for process in reversed(started):
        process.terminate()
        process.wait(60)
    started.clear()


def shown(times):
    times = sorted(times)
    return f"p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {times[min(len(times) - 1, int(len(times) * 0.99))] * 1000:.1f} ms"


def measure(name, upstream_port, port, stream_port):
    direct, through = [], []
    for i in range(WARM_UP + REQUESTS):
        one, other = first_event(upstream_port, upstream_port), first_event(port, stream_port)
        if i >= WARM_UP:
            direct.append(one)
            through.append(other)
    more = [other - one for one, other in zip(direct, through)]
    print(f"{name}, {REQUESTS} requests: upstream {shown(direct)}; bin/chat {shown(through)}; more {shown(more)}", flush=True)


SECRET = secrets.token_urlsafe(32)
mongo = free_port()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
try:
    port = free_port()
    ready(start(base, "all", "--port", port))
    measure("one process", server.server_port, port, port)
    stop()
    ready(start(base, "mongo-standin", "--port", mongo))
    start(base, "indexes").wait(120)
    api, stream = free_port(), free_port()
    roles = [start(base, "api", "--port", api), start(base, "stream", "--port", stream), start(base, "worker")]
    for role in roles:
        ready(role)
    measure("api, stream, worker, stand-in", server.server_port, api, stream)
finally:
    stop()
    print(f"load after: {os.getloadavg()[0]:.1f}", flush=True)
