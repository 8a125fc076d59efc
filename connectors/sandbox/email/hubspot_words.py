"""HubSpot's own words: refusals of a call, and refusals of single records inside a success."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"
CATEGORIES = {"invalid_request": "VALIDATION_ERROR", "not_found": "OBJECT_NOT_FOUND"}
"""HubSpot's categories for what all platforms here refuse alike."""


class HubSpotWords(Words):
    """Errors by their category."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """The short window's limit; the answer names the policy, and no time to wait."""
        return self._limited(status, "TEN_SECONDLY_ROLLING")

    def quota_spent(self) -> Reply:
        """The day's limit."""
        return self._limited(429, "DAILY")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "INTERNAL_ERROR", "internal error")

    def signed_out(self, *, expired: bool) -> Reply:
        """401 for a token that has ended or that nobody knows."""
        if expired:
            return self.refused(401, "EXPIRED_AUTHENTICATION", "The access token has expired.")
        return self.refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "OBJECT_NOT_FOUND", "The list was not found.")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any category."""
        return self.explained(status, CATEGORIES.get(code, code), message)

    def explained(self, status: int, category: str, message: str, **more: Json) -> Reply:
        """An error with more than its category: ``subCategory``, ``policyName`` and so on."""
        content: dict[str, Json] = {
            "status": "error",
            "message": message,
            "correlationId": CORRELATION,
            "category": category,
            **more,
        }
        told = more.get("subCategory", category)
        return json_reply(content, status=status, outcome=f"refused: {told}")

    def _limited(self, status: int, policy: str) -> Reply:
        message = f"You have reached your {policy.lower()} limit."
        return self.explained(status, "RATE_LIMITS", message, policyName=policy)


def record_error(category: str, code: str, message: str, ids: list[str]) -> dict[str, Json]:
    """One entry of a batch's ``errors``: what is wrong with these records."""
    named: list[Json] = list(ids)
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": {"ids": named} if ids else {},
        "errors": [{"message": message, "code": code}],
        "links": {},
    }


def moment(seconds: float) -> str:
    """A time as HubSpot writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
