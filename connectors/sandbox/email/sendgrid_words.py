"""SendGrid's answers: errors by field, and what is left of the minute in headers."""

from __future__ import annotations

import time

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

REQUESTS_PER_MINUTE = 600
"""What the headers tell; the documents name no number for contacts."""


def error(message: str, field: str | None = None) -> dict[str, Json]:
    """One member of ``errors``."""
    return {"message": message, "field": field} if field else {"message": message}


def errors(found: list[dict[str, Json]], status: int = 400) -> Reply:
    """A refusal for several reasons."""
    return json_reply({"errors": found}, status=status, outcome=f"refused: {status}, {len(found)} errors")


def rate_headers(limit: int, spent: int, now: float) -> dict[str, str]:
    """How the minute stands; it is counted by the sandbox's clock, its end is told by the real one."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(0, limit - spent)),
        "X-RateLimit-Reset": str(int(time.time() + 60 - now % 60) + 1),
    }


class SendGridWords(Words):
    """One error each."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Too many requests."""
        return self.refused(status, "", "too many requests")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "", "internal server error")

    def signed_out(self, *, expired: bool) -> Reply:
        """401; keys do not end by themselves."""
        return self.refused(401, "", "The provided authorization grant is invalid, expired, or revoked")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404 that names nothing."""
        return self.refused(404, "", "list not found")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any other; there are no codes."""
        return errors([error(message)], status)
