"""The door of a sandboxed platform: every request passes here, is logged, and may meet a fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connectors.sandbox import clock, request_log
from connectors.sandbox.connections import OpenConnections
from connectors.sandbox.faults import incidents
from connectors.sandbox.faults.board import FaultBoard
from connectors.sandbox.faults.effects import Delivery, Manner, carry_out
from connectors.sandbox.faults.rules import Fault, Later
from connectors.sandbox.mailchimp.access import Connections
from connectors.sandbox.mailchimp.errors import TOO_MANY_CONNECTIONS
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Call, Platform, Reply

MAX_BODY_BYTES = 64 * 1024 * 1024
CUTTING = (Manner.CLOSE, Manner.RESET, Manner.BREAK)
TOO_LARGE = Reply(413, b"Request Entity Too Large", content_type="text/plain", outcome="refused: too large")


class Api(Protocol):
    """A platform: from a call to a reply."""

    def handle(self, call: Call) -> Reply:
        """Answer one call, refusals included."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """One platform as an ASGI application."""

    platform: Platform
    api: Api
    store: Store
    board: FaultBoard
    connections: OpenConnections
    per_key: Connections | None = None
    """Counts requests under way, where the platform limits them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read one request, answer it (or not), and log what became of it."""
        started = time.perf_counter()
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope["root_path"]) or "/"
        number = await run_sync(self._open_entry, request.method, path)
        call = await self._read(request, path, number)
        await self.apply_due()
        fault = await self._pick(request.method, path) if call else None
        delivery = self._possible(await self._decide(call, fault), scope)
        if call is not None and isinstance(fault, Later):
            self.board.apply_later(call, fault, await self.now())
        self.board.count_request(self.platform)
        await self.apply_due()
        milliseconds = (time.perf_counter() - started) * 1000
        # Before the answer, so that whoever has it finds the log complete.
        await run_sync(self._close_entry, number, delivery, fault, milliseconds)
        await self._hand_over(delivery, scope, receive, send)

    async def _read(self, request: Request, path: str, number: int) -> Call | None:
        """The whole request, or None when it is larger than any of the platform's."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
        query: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            query[name] = f"{query[name]},{value}" if name in query else value
        root = request.scope["root_path"]
        return Call(
            platform=self.platform,
            number=number,
            method=request.method,
            path=path,
            query=query,
            headers=dict(request.headers),
            body=bytes(body),
            base_url=f"{request.url.scheme}://{request.headers.get('host', '')}{root}",
        )

    async def _pick(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets; the clock is not asked where there is none."""
        if not self.board.has_rules():
            return None
        return self.board.pick(self.platform, method, path, await self.now())

    async def _decide(self, call: Call | None, fault: Fault | None) -> Delivery:
        if call is None:
            return Delivery(TOO_LARGE)
        with self.per_key.one_more() if self.per_key else nullcontext(True) as within_limit:
            if not within_limit:
                return Delivery(TOO_MANY_CONNECTIONS.reply())
            return await carry_out(fault, call, self)

    async def apply(self, call: Call) -> Reply:
        """Let the platform handle a call."""
        return await run_sync(self.api.handle, call)

    async def rehearse(self, call: Call) -> Reply:
        """What the platform would answer; nothing is changed."""
        return await run_sync(self._rehearse, call)

    def _rehearse(self, call: Call) -> Reply:
        with self.store.rehearsal():
            return self.api.handle(call)

    async def happen(self, rule: Fault, call: Call) -> None:
        """Let something happen to the account or the audience."""
        await run_sync(self._happen, rule, call)

    def _happen(self, rule: Fault, call: Call) -> None:
        with self.store.writing() as db:
            incidents.happen(db, rule, call)

    async def now(self) -> float:
        """The sandbox's clock."""
        return await run_sync(self._now)

    def _now(self) -> float:
        with self.store.reading() as db:
            return clock.now(db)

    async def apply_due(self) -> None:
        """Apply the requests whose time has come."""
        if self.board.waiting():
            for late in self.board.due(self.platform, await self.now()):
                await self.apply(late)

    def _possible(self, delivery: Delivery, scope: Scope) -> Delivery:
        """The delivery, or a 502 where this server has no hand on its connections."""
        if delivery.manner in CUTTING and not self.connections.knows(scope):
            return Delivery(replace(delivery.reply, status=502, body=b"", content_type="text/plain"))
        return delivery

    async def _hand_over(self, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer in its manner."""
        reply = delivery.reply
        headers = dict(reply.headers)
        if reply.status != 204:
            headers["content-type"] = reply.content_type
        if delivery.manner is Manner.BREAK:
            await _send_half(reply, headers, send)
        if delivery.manner in CUTTING:
            await self.connections.cut(scope, receive, reset=delivery.manner is not Manner.CLOSE)
            return
        response: Response = Response(reply.body, reply.status, headers)
        if delivery.manner is Manner.DRIP:
            response = StreamingResponse(_drip(reply.body, delivery.seconds_per_byte), reply.status, headers)
        await response(scope, receive, send)

    def _open_entry(self, method: str, path: str) -> int:
        with self.store.writing() as db:
            return request_log.open_entry(db, self.platform, method, path)

    def _close_entry(self, number: int, delivery: Delivery, fault: Fault | None, milliseconds: float) -> None:
        status = None if delivery.manner in CUTTING else delivery.reply.status
        effect = fault.effect if fault else None
        with self.store.writing() as db:
            request_log.close_entry(db, number, delivery.reply, status, effect, milliseconds)


async def _send_half(reply: Reply, headers: dict[str, str], send: Send) -> None:
    """Promise the whole answer, send half of it."""
    promised = {**headers, "content-length": str(len(reply.body))}
    encoded = [(name.lower().encode(), value.encode()) for name, value in promised.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    half = reply.body[: len(reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _drip(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]
        await asyncio.sleep(seconds)
