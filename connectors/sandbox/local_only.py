"""Keeps web pages from elsewhere out of the sandbox, which has no passwords of its own."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


class LocalOnly:
    """Refuses a foreign Host (a name rebound to this machine) and forms posted from foreign pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from this machine's own address."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            origin = headers.get("origin")
            if _name(f"//{host}") not in LOCAL_NAMES or (origin and _name(origin) not in LOCAL_NAMES):
                message = (
                    "The sandbox answers only requests made to and from this machine's loopback address.\n"
                )
                await PlainTextResponse(message, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
