"""The roles as the units of deploy/systemd start and stop them, behind deploy/Caddyfile with HTTPS, HTTP/2 and a certificate of its own."""

import pathlib
import re
import shlex
import signal
import subprocess
import sys

import roles
from roles import JAR, Role, body, check, environment, events, free_port, listening, passed, post, text, until, words

WORK = pathlib.Path(sys.argv[1])
UNITS = pathlib.Path("deploy/systemd")
SITE = f"https://localhost:{free_port()}"
EXIT_OF_THE_JVM = -signal.SIGTERM  # as subprocess reports it; systemd and the shell see 143


class Unit:
    """A unit whose ExecStart runs here, with the variables of handoff.env."""

    all = []

    def __init__(self, name, instance=""):
        self.name = name
        self.file = (UNITS / f"{name}.service").read_text()
        variables = dict(re.findall(r"^([A-Z_]+)=(.*)$", (UNITS / "handoff.env").read_text(), re.MULTILINE))
        command = []
        for word in shlex.split(self.setting("ExecStart").replace("%i", instance)):
            word = word.replace("/usr/bin/java", "java").replace("/opt/handoff/handoff-chat.jar", str(JAR))
            command += shlex.split(variables[word[1:]]) if word.startswith("$") else [word]
        self.path = WORK / f"unit-{len(Unit.all)}-{name}.log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment)
        Unit.all.append(self)

    def setting(self, name):
        return re.search(rf"^{name}=(.*)$", self.file, re.MULTILINE)[1]

    def log(self):
        return self.path.read_text(errors="replace")

    def stop(self):
        """Stops it as systemd does, and checks that it ends in its time and as its unit expects."""
        check(f"{self.name}: SIGTERM", self.setting("KillSignal") == "SIGTERM")
        self.process.send_signal(signal.SIGTERM)
        limit = int(self.setting("TimeoutStopSec").removesuffix("s"))
        took = until(f"{self.name} has stopped", lambda: self.process.poll() is not None, limit)
        code = self.process.returncode
        check(f"{self.name}: {code} is a clean exit for systemd", code in (0, 143, EXIT_OF_THE_JVM))
        check(f"{self.name} has stopped what it did\n{self.log()}", " stopped" in self.log())
        print(f"{self.name}: stopped after {took:.1f} s of {limit} s", flush=True)


def curl(*options):
    """A curl that trusts the certificate and speaks HTTP/2."""
    command = ["curl", "-sS", "-N", "--http2", "--max-time", "60", "--cacert", str(WORK / "certificate.pem"), *options]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def chat(content, *options):
    return curl("-L", *options, "-d", content, f"{SITE}/v1/chat/completions")


def answer_of(client):
    out, _ = client.communicate(timeout=90)
    return list(events(out.encode().splitlines()))


def certificate():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj"]
        + ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", WORK / "key.pem", "-out", WORK / "certificate.pem"],
        check=True,
        capture_output=True,
    )


def caddyfile():
    """deploy/Caddyfile with the line for an own certificate, and without the ports 80 and 2019, which other programs may use."""
    lines = pathlib.Path("deploy/Caddyfile").read_text()
    lines, tls = re.subn(r"# (tls) \S+ \S+", rf"\1 {WORK}/certificate.pem {WORK}/key.pem", lines)
    lines, options = re.subn(r"^\{$", f"{{\n\tadmin unix/{WORK}/admin.sock\n\tauto_https disable_redirects", lines, count=1, flags=re.M)
    check("the Caddyfile has a line for a certificate, and options", (tls, options) == (1, 1))
    path = WORK / "Caddyfile"
    path.write_text(lines)
    return path


try:
    for port in (5001, 5011, 5002, 5003):
        check(f"port {port} is free", not listening(port))
    port = free_port()
    environment["HANDOFF_MONGODB_URI"] = f"mongodb://127.0.0.1:{port}/handoff"
    Role("mongo-standin", "--port", port)

    # All at once, as the target starts them: the roles wait for the indexes.
    indexes = Unit("handoff-indexes")
    check("the indexes are created", indexes.process.wait(60) == 0)
    api = [Unit("handoff-api@", "5001"), Unit("handoff-api@", "5011")]
    streams = [Unit("handoff-stream@", "5002"), Unit("handoff-stream@", "5003")]
    worker = Unit("handoff-worker@", "1")
    for unit in (*api, *streams, worker):
        until(f"{unit.name} is ready\n", lambda: " ready" in unit.log(), 60)

    certificate()
    path = caddyfile()
    caddy = subprocess.Popen(
        ["caddy", "run", "--adapter", "caddyfile", "--config", path],
        env={**environment, "HANDOFF_SITE": SITE.removeprefix("https://"), "HOME": str(WORK)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(WORK / "caddy.log").open("wb"),
    )
    roles.Role.all.append(type("Caddy", (), {"process": caddy}))
    until("Caddy is up", lambda: listening(int(SITE.rpartition(":")[2])))
    until("Caddy knows a healthy application", lambda: answer_of(chat(body("a"))), 20)

    said = answer_of(chat(body("one two three"), "-w", "version %{http_version}\\n"))
    check(f"an answer over HTTPS is whole: {said}", text(said[:-1]) == "one two three" and said[-1][2] == "[DONE]")
    head, _ = curl("-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"{SITE}/healthz").communicate(timeout=30)
    check(f"over HTTP/2: {head}", head == "2 200")

    # Caddy reads its file again while a stream is open.
    reading = chat(body(words(30), delay_ms=100))
    first = reading.stdout.readline()
    subprocess.run(
        ["caddy", "reload", "--adapter", "caddyfile", "--config", path, "--force"],
        env={**environment, "HANDOFF_SITE": SITE.removeprefix("https://"), "HOME": str(WORK)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    out, _ = reading.communicate(timeout=60)
    said = list(events((first + out).encode().splitlines()))
    check("caddy reload cuts no stream", text(said[:-1]) == words(30) and said[-1][2] == "[DONE]")

    # One streaming server after the other stops, as in a rolling upgrade. Its readers are told, and go on at the other one.
    location = post(5001, body(words(100), delay_ms=100))[1]["Location"]
    reader = roles.Reader(5002, location).until(5)
    streams[0].stop()
    reader.wait(10)
    check(f"its reader is told: {reader.events[-1]}", reader.events[-1][1] == "interrupted" or "interrupted" in reader.events[-1][2])
    check("and its response is cut", reader.clean is False)
    last = [event[0] for event in reader.events if event[0]][-1]
    rest = curl("-H", f"Last-Event-ID: {last}", f"{SITE}{location}")
    check("the other streaming server has the rest", answer_of(rest)[-1][2] == "[DONE]")

    # A worker finishes what it has begun.
    location = post(5011, body(words(30), delay_ms=100))[1]["Location"]
    reader = roles.Reader(5003, location).until(5)
    worker.stop()
    reader.wait(10)
    check("a stopping worker finishes its answer", text(reader.events[:-1]) == words(30) and reader.events[-1][2] == "[DONE]")

    for unit in (*api, streams[1]):
        unit.stop()
    for unit in Unit.all:
        wrong = [line for line in unit.log().splitlines() if re.search(r"\b(ERROR|WARN)\b|Exception", line)]
        check(f"{unit.name} logged no error: {wrong[:3]}", not wrong)
    token = location.removeprefix("/events/").split(".")[0]
    check("Caddy logged no token", token not in (WORK / "caddy.log").read_text(errors="replace"))
    passed()
finally:
    for process in [unit.process for unit in Unit.all] + [role.process for role in roles.Role.all]:
        if process.poll() is None:
            process.kill()
            process.wait()
