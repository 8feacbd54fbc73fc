"""A TCP relay between a client and the deployment. It counts requests and events, and can cut the first POST."""

import re
import socket
import struct
import threading

REQUEST = re.compile(rb"(?:^|\n)(GET|POST|DELETE) (\S+) HTTP/1\.1\r\n")


class Relay:
    """Listens on a free port of this machine. One client uses it at a time; `reset` begins a new count."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, cut_after=None):
        """
        Begins a new count.

        :param cut_after: None, or a function that waits until the first POST may be cut. The client gets nothing of its response.
        """
        self.requests = []
        self.events = 0
        self._cut_after = cut_after

    def posts(self):
        return sum(method == "POST" for method, _ in self.requests)

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Pair(self, client, server)


class _Pair:
    def __init__(self, relay, client, server):
        self.relay, self.client, self.server = relay, client, server
        self.held = False
        threading.Thread(target=self._requests, daemon=True).start()
        threading.Thread(target=self._responses, daemon=True).start()

    def _requests(self):
        try:
            while data := self.client.recv(65536):
                for method, path in REQUEST.findall(data):
                    self.relay.requests.append((method.decode(), path.decode()))
                    if method == b"POST" and self.relay._cut_after:
                        self._cut()
                self.server.sendall(data)
        except OSError:
            pass
        self._close()

    def _cut(self):
        cut_after, self.relay._cut_after = self.relay._cut_after, None
        self.held = True

        def cut():
            cut_after()
            self._close()

        threading.Thread(target=cut, daemon=True).start()

    def _responses(self):
        aborted = False
        try:
            while data := self.server.recv(65536):
                if not self.held:
                    self.relay.events += data.count(b"data:")
                    self.client.sendall(data)
        except OSError:
            aborted = True
        if not self.held:
            self._close(aborted)

    def _close(self, aborted=False):
        """Closes both connections. An aborted response stays one."""
        for s in (self.client, self.server):
            try:
                if aborted:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other thread has closed it
            s.close()
