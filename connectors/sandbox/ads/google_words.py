"""Google's error model: a status in words, and details that say why and which fields are meant."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.ads.platform import Refusal
from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

DOMAIN = "datamanager.googleapis.com"
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request that is wrong: its path, what is wrong, and Google's word for that."""

    field: str
    description: str
    reason: str = "INVALID_ARGUMENT"


class GoogleWords(Words):
    """Every error has the same envelope."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """The minute's quota."""
        return _throttled(status, "IngestionRequestsPerMinutePerProject")

    def quota_spent(self) -> Reply:
        """The day's quota."""
        return _throttled(429, "IngestionRequestsPerDayPerProject")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "INTERNAL_ERROR", "An internal error has occurred.")

    def signed_out(self, *, expired: bool) -> Reply:
        """401, with a reason that is not the API's own."""
        reason = "ACCESS_TOKEN_EXPIRED" if expired else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
        return envelope(401, message, [_info(reason, "googleapis.com")], reason)

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404 for a user list itself; a call about members is wrong in its destination."""
        if method != "POST":
            return self.refused(404, "NOT_FOUND", "Resource not found.")
        unknown = Violation(
            "destinations[0].product_destination_id", "User list is not valid.", "INVALID_USER_LIST_ID"
        )
        return invalid([unknown])

    def terms(self) -> Reply:
        """403: the account has not accepted what Customer Match asks for."""
        return self.refused(
            403, "TERMS_AND_CONDITIONS_NOT_SIGNED", "Required terms and conditions are not accepted."
        )

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any reason; Google writes them in capitals."""
        return envelope(status, message, [_info(code.upper(), DOMAIN)], code)


def invalid(violations: Sequence[Violation]) -> Reply:
    """400 that names every field that is wrong."""
    named: list[Json] = [
        {"field": found.field, "description": found.description, "reason": found.reason}
        for found in violations
    ]
    details: list[dict[str, Json]] = [
        _info("INVALID_ARGUMENT", DOMAIN),
        {"@type": f"{_TYPE}BadRequest", "fieldViolations": named},
    ]
    first = violations[0].reason
    return envelope(400, "There was a problem with the request.", details, f"{first}, {len(named)} in all")


def missing(field: str) -> Violation:
    """A field that has to be there."""
    return Violation(field, "Required field is missing.", "REQUIRED_FIELD_MISSING")


def wrong(field: str, description: str, reason: str = "INVALID_ARGUMENT") -> Refusal:
    """To be raised where one field is wrong and nothing else was looked at."""
    return Refusal(invalid([Violation(field, description, reason)]))


def unreadable(field: str, description: str) -> Reply:
    """400 for what the JSON parser already refuses: no reason of the API, as the API has not seen it."""
    violation: dict[str, Json] = {"field": field, "description": description}
    details: list[dict[str, Json]] = [{"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}]
    return envelope(400, f"Invalid JSON payload received. {description}", details, "unreadable")


def envelope(status: int, message: str, details: Sequence[dict[str, Json]], outcome: str) -> Reply:
    """An error answer."""
    number: dict[str, Json] = {"@type": f"{_TYPE}RequestInfo", "requestId": secrets.token_hex(12)}
    error = {
        "code": status,
        "message": message,
        "status": STATUSES.get(status, "UNKNOWN"),
        "details": [*details, number],
    }
    return json_reply({"error": error}, status=status, outcome=f"refused: {outcome}")


def _throttled(status: int, quota: str) -> Reply:
    told: dict[str, Json] = {
        **_info("RATE_LIMIT_EXCEEDED", "googleapis.com"),
        "metadata": {"quota_limit": quota},
    }
    return envelope(status, f"Quota exceeded for quota metric '{quota}'.", [told], quota)


def _info(reason: str, domain: str) -> dict[str, Json]:
    return {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": domain}
