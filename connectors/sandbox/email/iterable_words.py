"""Iterable's refusals: a sentence, a code in words, and parameters that hardly ever say anything."""

from __future__ import annotations

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

COMMON = {"invalid_request": "BadParams", "not_found": "NotFound"}
"""Iterable's codes of what all platforms here refuse alike."""


class IterableWords(Words):
    """``msg``, ``code`` and ``params``."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Rate limited, with the seconds until it ends; there is no Retry-After."""
        return limited(status, 5, 1)

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "GenericError", "An unexpected error occurred")

    def signed_out(self, *, expired: bool) -> Reply:
        """401: the key, the data centre or the project."""
        return self.refused(401, "BadApiKey", "Invalid API key")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """A missing list is a bad parameter."""
        return self.refused(400, "BadParams", "List does not exist")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any code."""
        return _reply(status, COMMON.get(code, code), message, None)


def limited(status: int, allowed: int, seconds: int) -> Reply:
    """Rate limited: so many are allowed, and there are new ones in so many seconds."""
    params: dict[str, Json] = {
        "rateLimitLimit": allowed,
        "rateLimitRemaining": 0,
        "rateLimitReset": seconds,
    }
    return _reply(status, "RateLimitExceeded", "Rate limit exceeded", params)


def _reply(status: int, code: str, message: str, params: Json) -> Reply:
    content = {"msg": message, "code": code, "params": params}
    return json_reply(content, status=status, outcome=f"refused: {code}")
