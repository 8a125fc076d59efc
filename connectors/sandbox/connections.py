"""A hand on the TCP connection behind a request, so that an answer can be lost as networks lose it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


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
                if self.peer is not None:
                    transports[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                if self.peer is not None:
                    transports.pop(self.peer, None)

        return RegisteredProtocol

    async def cut(self, scope: Scope, receive: Receive, *, reset: bool) -> bool:
        """Close the request's connection without an answer, by reset or in good order.

        Returns False when this server doesn't know the connection (another server than ours runs the app).
        """
        peer = _peer(scope.get("client"))
        transport = self._transports.get(peer) if peer else None
        if transport is None:
            return False
        if reset:
            # With no time to linger the kernel sends RST instead of FIN.
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
        return True


def _peer(address: Any) -> Peer | None:
    return (str(address[0]), int(address[1])) if address else None
