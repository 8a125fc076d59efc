"""The sandbox as a web application, as a server, and as something a test can hold in a ``with``."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from urllib.request import ProxyHandler, Request, build_opener

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from connectors.sandbox.accounts import DEFAULT_PORT
from connectors.sandbox.api import api_routes
from connectors.sandbox.connections import OpenConnections
from connectors.sandbox.faults.board import FaultBoard
from connectors.sandbox.faults.rules import Fault
from connectors.sandbox.gate import Gate
from connectors.sandbox.local_only import LocalOnly
from connectors.sandbox.mailchimp.access import Connections
from connectors.sandbox.mailchimp.api import MailchimpApi
from connectors.sandbox.mailchimp.worker import BatchWorker
from connectors.sandbox.meta.api import MetaApi
from connectors.sandbox.pages.views import make_pages
from connectors.sandbox.practice.api import PracticeApi
from connectors.sandbox.registry import PLAYED
from connectors.sandbox.state import SandboxState
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Platform

START_SECONDS = 10


def create_app(
    folder: Path,
    faults: FaultBoard | None = None,
    connections: OpenConnections | None = None,
    *,
    allow_remote: bool = False,
) -> Starlette:
    """All platforms, the API for tests and the pages, with their memory in ``folder``.

    ``connections`` comes from the server that runs the app; without it, faults that cut connections answer 502.
    Requests to or from another machine's name are refused unless ``allow_remote``.
    """
    board = faults or FaultBoard()
    register = connections or OpenConnections()
    store = Store(folder)
    mailchimp = MailchimpApi(store)
    worker = BatchWorker(store, mailchimp)
    state = SandboxState(folder)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker.start()
        try:
            yield
        finally:
            worker.stop()
            state.close()
            store.close()

    gates = {
        "/meta": Gate(Platform.META, MetaApi(store), store, board, register),
        "/mailchimp": Gate(Platform.MAILCHIMP, mailchimp, store, board, register, Connections()),
        "/practice": Gate(Platform.PRACTICE, PracticeApi(store), store, board, register),
        **{
            f"/{platform}": Gate(platform, played(store), store, board, register)
            for platform, played in PLAYED.items()
        },
    }

    async def clock_moved() -> None:
        for gate in gates.values():
            await gate.apply_due()

    routes: list[BaseRoute] = [Mount(path, app=gate) for path, gate in gates.items()]
    routes += [*api_routes(state, board, clock_moved), *make_pages(state, board, clock_moved).routes()]
    middleware = [] if allow_remote else [Middleware(LocalOnly)]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


class SandboxServer:
    """A sandbox on a free port of this machine, in a thread of its own, for as long as a ``with`` lasts."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Sequence[Fault] = (),
        allow_remote: bool = False,
    ) -> None:
        """``port`` 0 takes a free one. Raises ValueError for a host others can reach, unless allowed."""
        refuse_remote(host, allow_remote=allow_remote)
        self.folder = folder
        self.faults = FaultBoard(faults)
        self._connections = OpenConnections()
        self._socket = _listen(host, port)
        name, bound = self._socket.getsockname()[:2]
        self.url = f"http://[{name}]:{bound}" if ":" in name else f"http://{name}:{bound}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(folder, self.faults, self._connections, allow_remote=allow_remote),
                http=self._connections.protocol(),
                loop="asyncio",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=1,
                server_header=False,
            )
        )
        self._thread: threading.Thread | None = None
        self.state = SandboxState(folder)

    @property
    def meta_url(self) -> str:
        """Base address of Meta's Graph API; a version follows."""
        return f"{self.url}/meta"

    @property
    def mailchimp_url(self) -> str:
        """Base address of Mailchimp's Marketing API, version included."""
        return f"{self.url}/mailchimp/3.0"

    @property
    def practice_url(self) -> str:
        """Base address of the practice platform."""
        return f"{self.url}/practice"

    def url_of(self, platform: str) -> str:
        """Base address of an ad platform's API, version included."""
        return f"{self.url}/{platform}{PLAYED[Platform(platform)].mount}"

    def advance_clock(self, seconds: float) -> None:
        """Let time pass: jobs end, tokens and sessions expire, and requests that were held back are applied."""
        call = Request(  # noqa: S310 - our own address
            f"{self.url}/sandbox/api/clock",
            orjson.dumps({"seconds": seconds}),
            {"Content-Type": "application/json"},
        )
        with build_opener(ProxyHandler({})).open(call, timeout=START_SECONDS):
            pass

    def __enter__(self) -> SandboxServer:
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        self._wait_until_started()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()
        self.state.close()

    def run(self) -> None:
        """Serve in this thread until interrupted."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self.state.close()

    def _wait_until_started(self) -> None:
        waited = threading.Event()
        for _ in range(START_SECONDS * 100):
            if self._server.started:
                return
            if self._thread is None or not self._thread.is_alive():
                break
            waited.wait(0.01)
        raise RuntimeError("the sandbox did not start; its log above says why")


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    faults: Sequence[Fault] = (),
    *,
    allow_remote: bool = False,
) -> None:
    """Run a sandbox until interrupted. Raises ValueError for a host that is not loopback, OSError for a used port."""
    SandboxServer(folder, host=host, port=port, faults=faults, allow_remote=allow_remote).run()


def refuse_remote(host: str, *, allow_remote: bool) -> None:
    """Raises ValueError when others could reach this host: the sandbox shows people's addresses to any caller."""
    if allow_remote or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            f"{host!r} is not a loopback address; the sandbox has no access control of its own, so others "
            "could read it. Use 127.0.0.1, or allow_remote=True where the network is closed."
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off (40 ms an answer) only for sockets that do.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} of {host} can't be used: {error.strerror}") from error
    listener.set_inheritable(True)
    return listener
