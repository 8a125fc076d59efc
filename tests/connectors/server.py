"""A small HTTP server on loopback whose answers a test scripts, and which remembers what it was sent."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """What to answer. ``how`` may lose the answer: ``reset`` and ``silence`` after reading the request, ``drip``."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "whole"

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[Seen], Reply]


@dataclass
class Scripted:
    """The running server."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    script: Script = field(default=lambda seen: Reply())

    def answers(self, *replies: Reply) -> None:
        """Answer with these in turn; the last one again and again."""
        left = list(replies)
        self.script = lambda seen: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def scripted_server() -> Iterator[Scripted]:
    """A server until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            seen = Seen(self.command, self.path, dict(self.headers), self.rfile.read(length))
            with lock:
                scripted.seen.append(seen)
                reply = scripted.script(seen)
            if reply.how == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if reply.how == "silence":
                time.sleep(0.15)
                self.close_connection = True
                return
            self.send_response_only(reply.status)  # no Date unless a test gives one
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header(
                "Content-Length", str(len(reply.payload) + (10 if reply.how == "truncated" else 0))
            )
            self.end_headers()
            try:
                if reply.how == "drip":
                    for byte in reply.payload:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(0.002)
                else:
                    self.wfile.write(reply.payload)
            except OSError:
                self.close_connection = True
            if reply.how == "truncated":
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any

        def log_message(self, format: str, *args: object) -> None:
            return

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scripted = Scripted(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
