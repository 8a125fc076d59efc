"""Braze's refusals: a message and a list of errors, no stable codes."""

from __future__ import annotations

import time
from dataclasses import replace

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

REQUESTS = 3_000
WINDOW_SECONDS = 3


def rate_headers(remaining: int, allowed: int = REQUESTS) -> dict[str, str]:
    """How many requests are left; the reset is a moment of the real clock, which is the caller's too."""
    return {
        "X-RateLimit-Limit": str(allowed),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(time.time()) + WINDOW_SECONDS),
    }


class BrazeWords(Words):
    """Sentences; nobody may tell errors apart by more than the status."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Rate limited, without Retry-After."""
        return replace(self.refused(status, "", "Rate limit exceeded"), headers=rate_headers(0))

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "", "Internal Server Error")

    def signed_out(self, *, expired: bool) -> Reply:
        """401: the key, the host or the permission."""
        return self.refused(401, "", "Invalid API key")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """Attributes are never missing; this is for what else has an address."""
        return self.refused(404, "", "Invalid URL")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A message."""
        shown = "Invalid URL" if code == "not_found" else message
        errors: list[Json] = []
        return json_reply({"message": shown, "errors": errors}, status=status, outcome=f"refused: {status}")
