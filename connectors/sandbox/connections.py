"""A hand on the TCP connection behind a request, so that an answer can be lost as networks lose it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int] | None


class OpenConnections:
    """The connections of one server by their peer's address."""

    def __init__(self) -> None:
        self._transports: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's HTTP protocol, which here also keeps this register."""
        transports = self._transports

        class RegisteredProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.peer = _peer(transport.get_extra_info("peername"))
                transports[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                transports.pop(self.peer, None)

        return RegisteredProtocol

    def knows(self, scope: Scope) -> bool:
        """Whether the request came over a connection of this register: another server may run the app."""
        return _peer(scope.get("client")) in self._transports

    async def cut(self, scope: Scope, receive: Receive, *, reset: bool) -> None:
        """Close a known request's connection without an answer, by reset or in good order."""
        transport = self._transports[_peer(scope["client"])]
        if reset:
            # With no time to linger the kernel sends RST instead of FIN.
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def _peer(address: Any) -> Peer:
    return (str(address[0]), int(address[1])) if address else None
