"""The deployment that the clients use: the roles of bin/chat on a stand-in for MongoDB, and nginx, once with each of its files."""

import http.client
import json
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
from upstream import MODEL  # noqa: E402

KEY = "compat-key"
MODES = {"visible": "deploy/nginx.conf", "hidden": "deploy/nginx-hidden.conf"}

# nginx follows X-Accel-Redirect with any of its files, so each mode has its own application server.
REDIRECTS = {"visible": "see-other", "hidden": "accel"}

# The times of a real deployment, divided by about ten.
SWEEP, CANCEL_UNATTENDED, HEARTBEAT = "500ms", "3s", "1500ms"


class Deployment:
    """The processes. Call `close` also if `start` fails."""

    def __init__(self):
        roles.SUITE = "compat"
        self._work = pathlib.Path(tempfile.mkdtemp(prefix="compat-"))
        self._work.chmod(0o755)  # the workers of nginx run under another user
        self._processes = []

    def start(self, upstream):
        store, self._stream = roles.free_port(), roles.free_port()
        self._apis = {mode: roles.free_port() for mode in MODES}
        roles.environment.update(
            HANDOFF_API_KEYS=KEY,
            HANDOFF_MONGODB_URI=f"mongodb://127.0.0.1:{store}/compat",
            OPENAI_BASE_URL=upstream.url,
            OPENAI_API_KEY="upstream-key",
        )
        times = ["--sweep", SWEEP, "--cancel-unattended", CANCEL_UNATTENDED]
        roles.Role("mongo-standin", "--port", store)
        roles.Role.run("indexes")
        for mode, port in self._apis.items():
            roles.Role("api", "--port", port, "--redirect", REDIRECTS[mode], *times)
        roles.Role("worker", *times)
        self._options = ["--port", self._stream, "--heartbeat", HEARTBEAT, *times]
        self._streaming = roles.Role("stream", *self._options)
        self._proxies = {mode: self._proxy(mode, file) for mode, file in MODES.items()}
        self.relays = {mode: Relay(port) for mode, port in self._proxies.items()}
        self._await_streams()
        self._check_redirects()

    def _check_redirects(self):
        body = json.dumps({"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
        for mode, status in (("visible", 303), ("hidden", 200)):
            seen, _, content = roles.post(self._proxies[mode], body, {"Authorization": f"Bearer {KEY}"})
            if seen != status:
                raise SystemExit(f"compat: {mode}: a client gets {seen} instead of {status}: {content}")

    def _proxy(self, mode, file):
        """Starts nginx with a file of the project, of which only the ports and the folders of the logs are changed."""
        port = roles.free_port()
        folder = self._work / mode
        folder.mkdir()
        text = (ROOT / file).read_text()
        text = re.sub(r"^ *server 127\.0\.0\.1:5003 .*\n", "", text, flags=re.MULTILINE)
        for old, new in (("5002", self._stream), ("5001", self._apis[mode]), ("5000", port)):
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        text = text.replace("/var/log/nginx/", f"{folder}/")
        paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = f"daemon off; pid {folder}/pid; error_log {folder}/start.log; events {{}}"
        config = folder / "nginx.conf"
        config.write_text(f"{main} http {{ {paths} {text} }}\n")
        self._processes.append(subprocess.Popen(["nginx", "-p", folder, "-e", folder / "start.log", "-c", config]))
        roles.until(f"nginx listens for {mode}", lambda: roles.listening(port))
        return port

    def _await_streams(self):
        """Waits until the streaming server answers. nginx does not leave out a server that is the only one."""
        roles.until("the streaming server is ready", self._ready, 60)

    def _ready(self):
        try:
            return roles.request("GET", self._stream, "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

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
