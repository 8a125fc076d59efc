"""Brevo's refusals: a code in words and a message."""

from __future__ import annotations

from dataclasses import replace

from connectors.sandbox.wire import Reply, json_reply
from connectors.sandbox.words import Words

REQUESTS = 10
"""A second."""
COMMON = {"invalid_request": "invalid_parameter", "not_found": "document_not_found"}
"""Brevo's codes of what all platforms here refuse alike."""


def rate_headers(allowed: int, remaining: int, seconds: int) -> dict[str, str]:
    """The limit, what is left of it, and the seconds until it starts anew. There is no Retry-After."""
    return {
        "x-sib-ratelimit-limit": str(allowed),
        "x-sib-ratelimit-remaining": str(remaining),
        "x-sib-ratelimit-reset": str(seconds),
    }


class BrevoWords(Words):
    """``code`` and ``message``."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Rate limited."""
        refused = self.refused(status, "too_many_requests", "API rate limit exceeded")
        return replace(refused, headers=rate_headers(REQUESTS, 0, 1))

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "internal_error", "Something went wrong")

    def signed_out(self, *, expired: bool) -> Reply:
        """401."""
        return self.refused(401, "unauthorized", "Key not found")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "document_not_found", "List ID does not exist")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any code."""
        code = COMMON.get(code, code)
        content = {"code": code, "message": message}
        return json_reply(content, status=status, outcome=f"refused: {code}")
