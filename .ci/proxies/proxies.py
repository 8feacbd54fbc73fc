"""The proxy files, each with the real proxy: first the log against a stub, then streaming against bin/chat.

Arguments: a folder for temporary files. The ports of the files are replaced by free ones; nothing else is, except where the
logs go. Caddy also runs with its access log and the level debug, which the files leave out.
"""

import http.server
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
import urllib.parse

from roles import Reader, Role, body, check, environment, free_port, listening, passed, post, request, status, text, until, words

WORK = pathlib.Path(sys.argv[1])
BIG = "x" * 5_000_000

# Five parts, as a token has them; and the id of an event with its proof. The test looks for every piece of either.
TOKEN = ".".join(["eyJ" + secrets.token_urlsafe(60), "", secrets.token_urlsafe(12), secrets.token_urlsafe(120), secrets.token_urlsafe(16)])
EVENT = f"{secrets.token_hex(16)}:7:{secrets.token_urlsafe(24)}"
PIECE = 10


class Stub(http.server.BaseHTTPRequestHandler):
    """Application and streaming server: answers with whatever `answer` is, and a token in each header that can have one."""

    protocol_version = "HTTP/1.1"
    answer = 200

    def respond(self):
        if "Content-Length" in self.headers:
            self.close_connection = True  # a body that the test announces never comes
        if self.path == "/readyz":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if Stub.answer == "malformed":
            self.wfile.write(b"nonsense\r\n\r\n")
            self.close_connection = True
            return
        cut = Stub.answer == "cut"
        self.send_response(200 if cut else Stub.answer)
        self.send_header("Location", "/events/" + TOKEN)
        self.send_header("Content-Location", "/events/" + TOKEN)
        self.send_header("X-Anything", TOKEN)
        if not self.path.startswith("/events/"):
            self.send_header("X-Accel-Redirect", f"/events/{TOKEN}?last_event_id={EVENT}")
        if cut:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\n:\n:\n:\r\n")
            self.close_connection = True
        else:
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_GET = do_POST = do_DELETE = do_HEAD = respond

    def log_message(self, *_):
        pass


class Draining(Stub):
    """A streaming server that is about to stop."""

    asked = 0

    def respond(self):
        if self.path == "/readyz":
            return super().respond()
        Draining.asked += 1
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = respond


class StubServer(http.server.ThreadingHTTPServer):
    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Says nothing: proxies reset connections here that the stub has cut."""

    def close(self):
        self.shutdown()
        self.server_close()


class Proxy:
    """A real proxy with one of the files, its ports replaced."""

    def __init__(self, file, application, streams, verbose=False, content=None):
        self.file = file
        self.port = free_port()
        self.folder = WORK / f"{pathlib.Path(file).name}-{self.port}"
        self.folder.mkdir()
        ports = dict(zip((5000, 5001, 5002, 5003), (self.port, application, *streams)))
        content = content or pathlib.Path(file).read_text()
        if file.startswith("Caddyfile"):
            content, found = re.subn(r"^:5000 \{", f":{self.port} {{", content, flags=re.MULTILINE)
            check(f"{file}: has its address", found == 1)
            if verbose:
                content = content.replace("admin off", "admin off\n\tdebug", 1)
                content = content.replace(f":{self.port} {{", f":{self.port} {{\n\tlog", 1)
        content, found = re.subn(r"\b127\.0\.0\.1:(500[0-3])\b", lambda at: f"127.0.0.1:{ports[int(at[1])]}", content)
        check(f"{file}: names its upstreams", found >= 3)
        config = self.folder / "config"
        if "nginx" in file:
            content, found = re.subn(r"/var/log/nginx/", f"{self.folder}/", content)
            check(f"{file}: names its logs", found == 2)
            (self.folder / "handoff.conf").write_text(content)
            temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            config.write_text(
                f"daemon off;\nworker_processes 1;\npid {self.folder}/pid;\nerror_log {self.folder}/main.log info;\nevents {{}}\n"
                f"http {{\n{temporary}include {self.folder}/handoff.conf;\n}}\n"
            )
            command = ["nginx", "-p", self.folder, "-c", config]
        elif "haproxy" in file:
            config.write_text(content)
            command = ["haproxy", "-W", "-f", config]
        else:
            config.write_text(content)
            command = ["caddy", "run", "--adapter", "caddyfile", "--config", config]
        with (self.folder / "output.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        started.append(self)
        until(f"{file}: the proxy listens: {self.logged()[-2000:]}", lambda: listening(self.port))

    def logged(self):
        return "".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


started = []


def pieces(secret):
    return {secret[i : i + PIECE] for i in range(len(secret) - PIECE + 1)}


SECRETS = pieces(TOKEN) | pieces(EVENT)


def leaked(log):
    """Lines that contain a piece of a secret, in any spelling."""
    found = []
    for line in log.splitlines():
        plain = line.replace("\\u003a", ":").replace("\\", "")
        for _ in range(3):
            if any(piece in plain for piece in SECRETS) or any(piece.lower() in plain.lower() for piece in SECRETS):
                found.append(line)
                break
            plain = urllib.parse.unquote(plain)
    return found


def spelled(value, capital=False):
    """Each character as a percent-encoded one."""
    return "".join(f"%{ord(c):02X}" if capital else f"%{ord(c):02x}" for c in value)


def targets():
    """Addresses that contain the token or the id of an event, as a client can write them."""
    path = "/events/" + TOKEN
    spelling = [
        path,
        path + "/status",
        path + "?",
        f"{path}?last_event_id={EVENT}",
        f"{path}?last_event_id={urllib.parse.quote(EVENT)}",
        "//events/" + TOKEN,
        "/events//" + TOKEN,
        "/./events/" + TOKEN,
        "/v1/../events/" + TOKEN,
        "/v1/chat/completions/../../../events/" + TOKEN,
        "/v1/chat/completions%2f..%2f..%2f..%2fevents/" + TOKEN,
        "/EVENTS/" + TOKEN,
        "/%65vents/" + TOKEN,
        "/%65%76%65%6e%74%73/" + TOKEN,
        "/%65%76%65%6E%74%73/" + TOKEN,
        "/events%2f" + TOKEN,
        "/events%2F" + TOKEN,
        "/%2565vents/" + TOKEN,
        "/events/" + spelled(TOKEN),
        "/events/" + spelled(TOKEN, capital=True),
        "/events;a=b/" + TOKEN,
        "/events\\" + TOKEN,
        "/" + TOKEN,
        TOKEN,
        "/?token=" + TOKEN,
        "/v1/models?" + TOKEN,
        "/v1/chat/completions?token=" + TOKEN,
        "/v1/chat/completions/" + TOKEN,
        "/v1/chat/completions#" + TOKEN,
        "/v1/chat/completions;" + TOKEN,
        "/healthz/" + TOKEN,
        "/v1/models%0a" + TOKEN,
        f"http://127.0.0.1{path}",
    ]
    for target in spelling:
        yield f"GET {target} HTTP/1.1"
    for method in ("POST", "DELETE", "HEAD", "OPTIONS", "PUT", "TRACE"):
        yield f"{method} {path} HTTP/1.1"
    # Requests that a proxy refuses by itself.
    yield f"GET {path} HTTP/9.9"
    yield f"GET {path} HTTP/1.1\r\nContent-Length: x"
    yield f"GET {path}"
    yield f"{path} GET HTTP/1.1"
    yield f"GET {path} HTTP/1.1\r\nX-{TOKEN[:40]}"
    yield f"POST {path} HTTP/1.1\r\nContent-Length: 99999999999"


def ask(port, line):
    """Sends a request as it is written here, and waits until the proxy has answered and closed."""
    headers = {
        "Host": "127.0.0.1",
        "Connection": "close",
        "Referer": "http://127.0.0.1/events/" + TOKEN,
        "Last-Event-ID": EVENT,
        "Authorization": "Bearer " + TOKEN,
        "Cookie": "stream=" + TOKEN,
        "X-Accel-Redirect": "/events/" + TOKEN,
        "User-Agent": TOKEN,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        try:
            connection.sendall(f"{line}\r\n{head}\r\n".encode())
            if "999999" in line or not line.endswith("HTTP/1.1"):
                connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass  # a proxy may reset what it refuses


def ask_all(port, lines):
    """Sends them at the same time, since a proxy may try a broken upstream for seconds."""
    asking = [threading.Thread(target=ask, args=(port, line)) for line in lines]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(60)


def keeps_tokens(file):
    """No spelling of an address and no answer of an upstream brings a token into the log."""
    what = f"{file}, log"
    stub = StubServer(Stub)
    proxy = Proxy(file, stub.server_port, (stub.server_port,) * 2, verbose=True)
    until(f"{what}: the stub is reached", lambda: request("GET", proxy.port, "/readyz").status == 200)
    lines = list(targets())
    few = [line for line in lines if re.match(r"GET /(events|v1|%65)", line)][:6] + ["POST /v1/chat/completions HTTP/1.1"]
    for Stub.answer, asked in ((200, lines), (401, few), (303, few), ("cut", few), ("malformed", few)):
        ask_all(proxy.port, asked)
    until(f"{what}: requests are logged by their path", lambda: re.search(r"/v1/chat/completions\b", proxy.logged()), 5)
    until(f"{what}: and so are those of streams", lambda: re.search(r"/events/", proxy.logged()), 5)
    until(f"{what}: with the status 401", lambda: re.search(r"\b401\b", proxy.logged()), 5)
    stub.close()
    ask_all(proxy.port, lines)
    until(f"{what}: an upstream that is down is logged", lambda: re.search(r"\b50[23]\b", proxy.logged()), 10)
    proxy.close()
    log = proxy.logged()
    found = leaked(log)
    check(f"{what}: no token in {len(found)} of {len(log.splitlines())} lines, such as {found[:3]}", not found)
    print(f"{what}: {len(log.splitlines())} lines without a token", flush=True)


def passes_over_draining(file):
    """A client whose stream would go to a server that drains gets it from the other."""
    Stub.answer = 200
    Draining.asked = 0
    stub, draining = StubServer(Stub), StubServer(Draining)
    proxy = Proxy(file, stub.server_port, (draining.server_port, stub.server_port))
    path = "/v1/chat/completions" if "hidden" in file else "/events/" + TOKEN
    seen = [request("GET", proxy.port, path).status for _ in range(6)]
    check(f"{file}: a server that drains is passed over: {seen}", seen == [200] * 6)
    check(f"{file}: after it was asked", Draining.asked > 0)
    for stopped in (proxy, stub, draining):
        stopped.close()


class Client(Reader):
    """A reader that may leave."""

    def until(self, count, seconds=30):
        return super().until(count, seconds)

    def leave(self):
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)


def curl(port, content, last=None, *options):
    """Exit code and output of curl, which follows redirects."""
    file = WORK / f"body-{secrets.token_hex(4)}"
    file.write_text(content)
    command = ["curl", "-sSNL", "--max-time", "60", "--data-binary", f"@{file}", *options]
    command += ["-H", f"Last-Event-ID: {last}"] if last else []
    return subprocess.Popen(
        [*command, f"http://127.0.0.1:{port}/v1/chat/completions"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def streams(file, hidden):
    """What a client of bin/chat gets through the proxy."""
    redirect = "accel" if hidden else "see-other"
    chat = Role("all", "--port", server_port, "--redirect", redirect, "--heartbeat", "500ms")
    proxy = Proxy(file, server_port, (server_port,) * 2)
    until(f"{file}: the chat server is reached", lambda: request("GET", proxy.port, "/v1/models").status == 200)

    def begin(content, key=None):
        """Where the stream of a new task is, from the application itself."""
        code, headers, _ = post(server_port, content, {"Idempotency-Key": key} if key else {})
        check(f"{file}: the application redirects", code == 303)
        return headers["Location"]

    def read(content, key, last=None):
        """A client of the proxy: a POST if the redirect is hidden, else what follows it."""
        if hidden:
            return Client(proxy.port, "/v1/chat/completions", last, content, {} if last else {"Idempotency-Key": key})
        return Client(proxy.port, begin(content, key), last)

    code, headers, _ = post(proxy.port, body("one two three"))
    if hidden:
        check(f"{file}: the redirect is hidden: {code}", code == 200 and not headers["Location"] and not headers["X-Accel-Redirect"])
    else:
        check(f"{file}: the redirect is seen: {code}", code == 303 and headers["Location"].startswith("/events/"))

    out, _ = curl(proxy.port, body("one two three", system=BIG)).communicate()
    check(f"{file}: a prompt of 5 MB is answered", '"content":"three"' in out and "[DONE]" in out)
    out, _ = curl(proxy.port, body("one two three", stream=False, delay_ms=300)).communicate()
    check(f"{file}: a document is answered", '"content":"one two three"' in out)

    reader = read(body(words(8), delay_ms=150), "paced").wait()
    check(f"{file}: a stream is whole", reader.text() == words(8) and reader.events[-1][2] == "[DONE]" and reader.clean)
    apart = [later - earlier for earlier, later in zip(reader.times[1:-3], reader.times[2:-2])]
    check(f"{file}: events come one by one: {apart}", sorted(apart)[len(apart) // 2] > 0.1)

    content = body("a b c d")
    reader = read(content, "resumed").wait()
    for i, event in enumerate(reader.events[:-1]):
        rest = read(content, "resumed", event[0]).wait()
        check(f"{file}: Last-Event-ID gives exactly the rest", rest.events == reader.events[i + 1 :])

    long = body("a b c", delay_ms=50, repeat="1000")
    reader = read(long, "left").until(5)
    location = begin(long, "left")
    until(f"{file}: a reader is counted", lambda: status(server_port, location)["readers"] == 1, 5)
    reader.leave()
    took = until(f"{file}: a client that left is noticed", lambda: status(server_port, location)["readers"] == 0, 3)
    check(f"{file}: its task goes on", status(server_port, location)["state"] == "running")

    reader = read(long, "left").until(5)
    deleted = request("DELETE", proxy.port, location).status
    if "internal;" in pathlib.Path(file).read_text():
        check(f"{file}: clients cannot ask for a stream themselves: {deleted}", deleted == 404)
        open_file = WORK / "nginx-hidden.conf"
        open_file.write_text(pathlib.Path(file).read_text().replace("internal;", ""))
        opened = Proxy(str(open_file), server_port, (server_port,) * 2)
        code, headers, _ = post(opened.port, body("a b"), {"Prefer": "respond-async"})
        check(f"{file}: without `internal` the address of a stream can be used", code == 202)
        shown = Client(opened.port, headers["Location"]).wait()
        check(f"{file}: for the stream", shown.text() == "a b")
        check(f"{file}: and its status", status(opened.port, headers["Location"])["state"] == "completed")
        deleted = request("DELETE", opened.port, location).status
        opened.close()
    check(f"{file}: DELETE is accepted: {deleted}", deleted == 202)
    reader.wait(5)
    check(f"{file}: and ends the stream", reader.events[-1][2] == "[DONE]")

    def cut(how, stop):
        """The server stops in mid-stream."""
        client = curl(proxy.port, long)
        lines = []
        for line in client.stdout:
            lines.append(line)
            if line.startswith("data: ") and sum(line.startswith("data: ") for line in lines) == 5:
                stop()
        return client.wait(30), "".join(lines)

    code, out = cut("stopped", lambda: chat.process.terminate())
    check(f"{file}: a server that stops says interrupted", "interrupted" in out)
    check(f"{file}: and does not end the answer", "[DONE]" not in out)
    codes = [code]
    chat.process.wait(30)
    chat = Role("all", "--port", server_port, "--redirect", redirect)
    until(f"{file}: the new chat server is reached", lambda: request("GET", proxy.port, "/v1/models").status == 200)
    code, out = cut("killed", chat.process.kill)
    check(f"{file}: a server that dies does not end the answer", "[DONE]" not in out)
    codes.append(code)
    if file.startswith("Caddyfile") and CADDY and CADDY < (2, 8):  # none if it was built from source
        # Caddy 2.6 ends a cut stream as if it were complete. Only the data tell: no end, or the event interrupted.
        check(f"{file}: Caddy 2.6 shows no cut: {codes}", codes == [0, 0])
    else:
        check(f"{file}: curl sees a cut stream as an error: {codes}", 0 not in codes)
    chat.process.wait(30)
    proxy.close()
    print(f"{file}: a client that left was noticed after {took * 1000:.0f} ms, a cut stream gives curl {codes}", flush=True)


IMPATIENT = 2  # seconds; a proxy of others may have 10 or 60


def impatient(file, hidden):
    """Documents that take longer than the proxy waits for a byte: white space keeps the connection alive."""
    content = pathlib.Path(file).read_text()
    if file.startswith("Caddyfile"):
        waits = f"dial_timeout 1s\n\t\tread_timeout {IMPATIENT}s\n\t\tresponse_header_timeout {IMPATIENT}s"
        content = content.replace("dial_timeout 1s", waits)
    else:
        content = re.sub(r"(proxy_read_timeout|timeout server|timeout client)( +)(1h|1m)", rf"\1\g<2>{IMPATIENT}s", content)
    chat = Role("all", "--port", server_port, "--redirect", "accel" if hidden else "see-other", "--keep-alive", "500ms")
    proxy = Proxy(file, server_port, (server_port,) * 2, content=content)
    until(f"{file}: the chat server is reached", lambda: request("GET", proxy.port, "/v1/models").status == 200)

    def slow(**metadata):
        return body(words(10), stream=False, delay_ms=IMPATIENT * 200, **metadata)  # twice the time of the proxy

    asked = {
        "whole": curl(proxy.port, slow()),
        "failed": curl(proxy.port, slow(fail_after=9)),
        "failed at once": curl(proxy.port, body("a b", stream=False, fail_after=1), None, "-o", "/dev/null", "-w", "%{http_code}"),
    }
    if not hidden:
        # A client that says how long it waits gets no white space. This shows that the proxy is impatient. nginx asks both
        # servers, one after the other, so the document takes twice the time of both.
        longer = body(words(20), stream=False, delay_ms=IMPATIENT * 200)
        asked["waits"] = curl(proxy.port, longer, None, "-H", "Prefer: wait=60", "-o", "/dev/null", "-w", "%{http_code}")
        code, headers, _ = post(proxy.port, slow(), {"Prefer": "respond-async"})
        check(f"{file}: respond-async is answered with 202: {code}", code == 202 and headers["Location"])
        seen = []
        while not seen or seen[-1] == 202 and len(seen) < 60:
            answer = request("GET", proxy.port, headers["Location"], headers={"Prefer": "wait=1"})
            seen.append(answer.status)
        found = json.loads(answer.read())["choices"][0]["message"]["content"]
        check(f"{file}: a client that asks again every second gets the document: {seen}", seen[-1] == 200 and found == words(10))
        check(f"{file}: after it was told to wait: {seen}", seen.count(202) >= 2)
    out, _ = asked["whole"].communicate()
    check(f"{file}: white space comes before the document: {out[:100]!r}", out.startswith("   "))
    check(f"{file}: which is whole", json.loads(out)["choices"][0]["message"]["content"] == words(10))
    check(f"{file}: so curl reports no error", asked["whole"].returncode == 0)
    out, _ = asked["failed"].communicate()
    check(f"{file}: the error comes after white space: {out[:300]!r}", json.loads(out)["error"]["code"] == "echo_failed")
    if file.startswith("Caddyfile") and CADDY and CADDY < (2, 8):
        check(f"{file}: Caddy 2.6 does not show that the document is cut", asked["failed"].returncode == 0)
    else:
        check(f"{file}: and the document is cut: {asked['failed'].returncode}", asked["failed"].returncode != 0)
    out, _ = asked["failed at once"].communicate()
    check(f"{file}: an error before the first white space has its status: {out}", out == "500")
    if not hidden:
        out, _ = asked["waits"].communicate()
        check(f"{file}: without white space the proxy gives up: {out}", out in ("502", "504"))
    chat.process.terminate()
    chat.process.wait(30)
    proxy.close()
    print(f"{file}: a document that takes {2 * IMPATIENT} s passes a proxy that waits {IMPATIENT} s", flush=True)


CADDY = tuple(int(n) for n in re.findall(r"\d+", subprocess.run(["caddy", "version"], capture_output=True, text=True).stdout)[:2])
server_port = free_port()
try:
    # The suite "deployment" runs deploy/Caddyfile.
    configurations = (file for file in sorted(pathlib.Path("deploy").iterdir()) if file.suffix in (".conf", ".cfg"))
    files = ["Caddyfile", "Caddyfile.hidden", *map(str, configurations)]
    document = pathlib.Path("docs/proxies.md").read_text()
    named = set(re.findall(r"\]\(\.\./((?:deploy/|Caddyfile)[^)]*)\)", document))
    check(f"docs/proxies.md names the files that are run here, {files}, and no other: {named}", named == set(files))
    for file in files:
        keeps_tokens(file)
        streams(file, hidden="hidden" in file)
        impatient(file, hidden="hidden" in file)
        if not file.startswith("Caddyfile"):  # Caddy has no retry for a status
            passes_over_draining(file)
    passed()
except BaseException:
    for proxy in started:
        print(f"--- {proxy.file}\n{proxy.logged()[-2000:]}", file=sys.stderr)
    raise
finally:
    for proxy in started:
        proxy.close()
    for role in Role.all:
        role.kill()
