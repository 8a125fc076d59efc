"""A platform that takes anything after a fixed time: ``python -m bench.sink PORT LATENCY_SECONDS``.

Its own process, so that the CPU seconds of the benchmark are the client's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn


def app(latency: float) -> Callable[..., Awaitable[None]]:
    """An ASGI application that reads a body, waits, and answers."""

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        await asyncio.sleep(latency)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": b'{"ok":true}'})

    return answer


if __name__ == "__main__":
    uvicorn.run(app(float(sys.argv[2])), port=int(sys.argv[1]), log_level="error", lifespan="off")
