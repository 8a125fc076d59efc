"""Klaviyo's answers: JSON:API documents, errors with a pointer to what is wrong."""

from __future__ import annotations

import uuid
from dataclasses import replace

import orjson

from connectors.sandbox.wire import Json, Reply
from connectors.sandbox.words import Words

MEDIA_TYPE = "application/vnd.api+json"

_TITLES = {
    "invalid": "Invalid input.",
    "not_authenticated": "Authentication credentials were not provided.",
    "permission_denied": "You do not have permission to perform this action.",
    "not_found": "Not found.",
    "not_acceptable": "Could not satisfy the request Accept header.",
    "unsupported_media_type": "Unsupported media type in request.",
    "payload_too_large": "The payload is too large.",
    "duplicate_profile": "Conflict.",
    "revision_retired": "This revision is retired.",
    "throttled": "Request was throttled.",
    "error": "A server error occurred.",
}


def document(
    content: dict[str, Json],
    outcome: str,
    *,
    status: int = 200,
    audience: str | None = None,
    rows: int | None = None,
) -> Reply:
    """A JSON:API answer."""
    return Reply(
        status,
        orjson.dumps(content),
        content_type=MEDIA_TYPE,
        rows=rows,
        audience=audience,
        outcome=outcome,
    )


def nothing(
    outcome: str, *, status: int = 204, audience: str | None = None, rows: int | None = None
) -> Reply:
    """An answer without a body."""
    return Reply(status, content_type=MEDIA_TYPE, rows=rows, audience=audience, outcome=outcome)


def error(
    code: str,
    detail: str,
    *,
    pointer: str | None = None,
    parameter: str | None = None,
    meta: dict[str, Json] | None = None,
    status: int = 400,
) -> dict[str, Json]:
    """One member of ``errors``."""
    source: dict[str, Json] = {"parameter": parameter} if parameter else {"pointer": pointer or "/data"}
    return {
        "id": str(uuid.uuid4()),
        "status": status,
        "code": code,
        "title": _TITLES.get(code, code),
        "detail": detail,
        "source": source,
        "meta": meta or {},
    }


def errors(found: list[dict[str, Json]], status: int = 400) -> Reply:
    """A refusal for several reasons."""
    codes = ", ".join(dict.fromkeys(str(one["code"]) for one in found))
    return replace(document({"errors": list(found)}, f"refused: {codes}"), status=status)


class KlaviyoWords(Words):
    """One error each."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Throttled."""
        return self.refused(status, "throttled", "Request was throttled. Expected available soon.")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "error", "A server error occurred.")

    def signed_out(self, *, expired: bool) -> Reply:
        """401; keys do not end by themselves."""
        return self.refused(401, "not_authenticated", "Missing or invalid private key.")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404 with the id, which is no secret."""
        return self.refused(404, "not_found", f"A list with id {audience_id} does not exist.")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any other."""
        own = {"invalid_request": "invalid"}.get(code, code)
        return errors([error(own, message, status=status)], status)
