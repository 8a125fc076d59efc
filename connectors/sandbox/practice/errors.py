"""The practice platform's error body: a code for machines, a sentence for people, and the rows to blame, if any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from connectors.sandbox.wire import Json, Reply, json_reply


@dataclass(frozen=True, slots=True)
class PracticeError:
    """One refusal."""

    status: int
    code: str
    message: str
    details: Mapping[str, Json] | None = None
    headers: Mapping[str, str] | None = None

    def reply(self, *, audience: str | None = None, rows: int | None = None, hidden: bool = False) -> Reply:
        """The answer that carries this error; ``hidden`` puts it into an HTTP 200."""
        content = {"error": {"code": self.code, "message": self.message, **(self.details or {})}}
        reply = json_reply(
            content,
            status=200 if hidden else self.status,
            outcome=f"refused: {self.code}",
            rows=rows,
            audience=audience,
        )
        return replace(reply, headers=dict(self.headers or {}))


class PracticeRefusal(Exception):
    """Raised to end a call with this answer."""

    def __init__(self, error: PracticeError) -> None:
        super().__init__(error.code)
        self.error = error


def invalid(message: str) -> PracticeError:
    """The request is not as it has to be."""
    return PracticeError(400, "invalid_request", message)


NO_TOKEN = PracticeError(401, "token_missing", "Send a bearer token.")
BAD_TOKEN = PracticeError(401, "token_invalid", "The token is not valid.")
EXPIRED_TOKEN = PracticeError(401, "token_expired", "The token has expired.")
NOT_FOUND = PracticeError(404, "not_found", "There is nothing at this address.")
NO_AUDIENCE = PracticeError(404, "audience_not_found", "The audience does not exist.")
NO_SESSION = PracticeError(404, "session_not_found", "The session does not exist.")
NO_JOB = PracticeError(404, "job_not_found", "The job does not exist.")
TERMS_NOT_ACCEPTED = PracticeError(403, "terms_not_accepted", "Accept the terms of this account first.")
TOO_MANY_REQUESTS = PracticeError(429, "too_many_requests", "Too many requests.")
QUOTA_SPENT = PracticeError(429, "quota_spent", "Today's requests are spent.")
SERVER_ERROR = PracticeError(500, "internal_error", "Something went wrong on our side.")
SESSION_EXPIRED = PracticeError(
    409, "session_expired", "The session was open for too long; nothing was applied."
)
SESSION_CLOSED = PracticeError(409, "session_closed", "The session is closed.")
BATCHES_MISSING = PracticeError(
    409, "batches_missing", "Batches before the last are missing; send them first."
)
