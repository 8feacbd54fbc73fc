"""The deployment that the clients use: the roles of bin/chat on a stand-in for MongoDB, and Caddy, once with each Caddyfile."""

import http.client
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

import roles  # noqa: E402
from relay import Relay  # noqa: E402

KEY = "compat-key"
MODES = {"visible": "Caddyfile", "hidden": "Caddyfile.hidden"}

# The times of a real deployment, divided by about ten.
SWEEP, CANCEL_UNATTENDED, HEARTBEAT = "500ms", "3s", "1500ms"


class Deployment:
    def __init__(self, upstream):
        roles.SUITE = "compat"
        self._work = pathlib.Path(tempfile.mkdtemp(prefix="compat-"))
        self._processes = []
        store, self._api, self._stream = roles.free_port(), roles.free_port(), roles.free_port()
        roles.environment.update(
            HANDOFF_API_KEYS=KEY,
            HANDOFF_MONGODB_URI=f"mongodb://127.0.0.1:{store}/compat",
            OPENAI_BASE_URL=upstream.url,
            OPENAI_API_KEY="upstream-key",
        )
        times = ["--sweep", SWEEP, "--cancel-unattended", CANCEL_UNATTENDED]
        roles.Role("mongo-standin", "--port", store)
        roles.Role.run("indexes")
        roles.Role("api", "--port", self._api, "--redirect", "accel", *times)
        roles.Role("worker", *times)
        self._options = ["--port", self._stream, "--heartbeat", HEARTBEAT, *times]
        self._streaming = roles.Role("stream", *self._options)
        self._caddies = {mode: self._caddy(mode, file) for mode, file in MODES.items()}
        self.relays = {mode: Relay(port) for mode, port in self._caddies.items()}
        self._await_streams()

    def _caddy(self, mode, file):
        """Starts Caddy with a file of the project, of which only the ports are changed."""
        port = roles.free_port()
        text = (ROOT / file).read_text()
        text = text.replace("127.0.0.1:5002 127.0.0.1:5003", f"127.0.0.1:{self._stream}")
        text = text.replace("127.0.0.1:5001", f"127.0.0.1:{self._api}")
        text = re.sub(r"^:5000 ", f":{port} ", text, flags=re.MULTILINE)
        config = self._work / file
        config.write_text(text)
        self._processes.append(
            subprocess.Popen(
                ["caddy", "run", "--adapter", "caddyfile", "--config", config],
                stdout=subprocess.DEVNULL,
                stderr=(self._work / f"caddy-{mode}.log").open("wb"),
                env={**os.environ, "HOME": str(self._work)},
            )
        )
        roles.until(f"Caddy listens for {mode}", lambda: roles.listening(port))
        return port

    def _await_streams(self):
        """Waits until each Caddy gets the refusal of an unknown token from the streaming server."""
        for port in self._caddies.values():
            roles.until("Caddy reaches the streaming server", lambda: self._status(port) not in (None, 502, 503, 504), 60)

    @staticmethod
    def _status(port):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/events/none")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None

    def restart_streaming(self):
        """Kills the streaming server and starts it again."""
        self._streaming.kill()
        self._streaming = roles.Role("stream", *self._options)
        self._await_streams()

    def errors(self):
        return [line for role in roles.Role.all for line in role.errors()]

    def close(self):
        for role in roles.Role.all:
            role.kill()
        for process in self._processes:
            process.terminate()
            process.wait(30)
        shutil.rmtree(self._work, ignore_errors=True)
