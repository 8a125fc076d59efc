"""Meta's error body and the errors of the custom-audience pages ("Error Codes", "Custom Audience" reference)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import orjson

from connectors.sandbox.wire import Reply

LOGGED_LENGTH = 100
DOCS_HINT = "Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"


@dataclass(frozen=True, slots=True)
class GraphError:
    """One refusal. ``code`` and ``subcode`` carry the meaning; the HTTP status is 400 for nearly everything."""

    code: int
    message: str
    subcode: int | None = None
    type: str = "OAuthException"
    status: int = 400
    title: str | None = None
    advice: str | None = None
    is_transient: bool = False

    def reply(self, *, rows: int | None = None, audience: str | None = None) -> Reply:
        """The answer that carries this error."""
        error: dict[str, object] = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "is_transient": self.is_transient,
            "fbtrace_id": "A" + secrets.token_urlsafe(16),
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.title is not None:
            error["error_user_title"] = self.title
        if self.advice is not None:
            error["error_user_msg"] = self.advice
        label = f"{self.code}" if self.subcode is None else f"{self.code}/{self.subcode}"
        reason = (self.title or self.message).removeprefix(f"(#{self.code}) ")[:LOGGED_LENGTH]
        headers = {}
        if self.code in (190, 102):
            headers["WWW-Authenticate"] = f'OAuth "Facebook Platform" "invalid_token" "{self.message}"'
        return Reply(
            self.status,
            orjson.dumps({"error": error}),
            headers=headers,
            rows=rows,
            audience=audience,
            outcome=f"refused {label}: {reason}",
        )


class GraphRefusal(Exception):
    """Raised to end a call with this answer."""

    def __init__(self, error: GraphError) -> None:
        super().__init__(error.message)
        self.error = error


def invalid(message: str, subcode: int | None = None) -> GraphError:
    """Code 100: a parameter is wrong."""
    return GraphError(100, f"(#100) {message}", subcode)


def missing_object(object_id: str, method: str) -> GraphError:
    """Code 100/33: there is no such object, or not for this token."""
    return GraphError(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be loaded "
        f"due to missing permissions, or does not support this operation. {DOCS_HINT}",
        33,
        type="GraphMethodException",
    )


def unknown_path(path: str) -> GraphError:
    """Code 2500: the path has no such part."""
    return GraphError(2500, f"Unknown path components: {path}")


NO_TOKEN = GraphError(104, "An access token is required to request this resource.")
BAD_TOKEN = GraphError(190, "Invalid OAuth access token - Cannot parse access token")
EXPIRED_TOKEN = GraphError(
    190,
    "Error validating access token: Session has expired. The current time is past the expiry.",
    463,
)
TERMS_NOT_ACCEPTED = GraphError(
    200,
    "Permissions error",
    1870090,
    status=403,
    title="Custom Audience Terms Not Accepted",
    advice="You have not accepted the Custom Audience Terms. Accept them for this ad account, then try again.",
)
FLAGGED = GraphError(
    100,
    "Invalid parameter",
    1713230,
    title="Custom audience can't be edited",
    advice="This custom audience may suggest health or financial information and can't be used or edited. "
    "Resolve it in Ads Manager.",
)
NO_PROOF = GraphError(
    100, "API calls from the server require an appsecret_proof argument", type="GraphMethodException"
)
WRONG_PROOF = GraphError(
    100, "Invalid appsecret_proof provided in the API argument", type="GraphMethodException"
)
TOO_MUCH = GraphError(
    1, "Please reduce the amount of data you're asking for, then retry your request", status=500
)
TOO_MANY_AUDIENCES = GraphError(
    2654,
    "(#2654) Failed to create custom audience",
    title="Too many custom audiences",
    advice="This ad account has reached its limit of 500 customer file custom audiences.",
)
ROWS_DO_NOT_MATCH = invalid("Data is missing or does not match schema")


def retired_version(current: str) -> GraphError:
    """Code 2635: the version in the path is missing, retired or unknown."""
    return GraphError(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. "
        f"Please update to the latest version: {current}.",
    )


def update_failed(subcode: int, advice: str) -> GraphError:
    """Code 2650: the audience can't be updated now or in this session."""
    return GraphError(2650, "(#2650) Failed to update the custom audience", subcode, advice=advice)


UPDATE_IN_PROGRESS = update_failed(
    1870145, "An update of this audience is in progress. Try again when it has finished."
)
FIRST_BATCH_MISSING = update_failed(1870147, "The first batch of this session has not been received.")
SESSION_TOO_OLD = update_failed(1870158, "This session has been open for more than 90 minutes.")
SESSION_CLOSED = update_failed(1870159, "This session is already closed.")
REPEATED_FIRST_BATCH = update_failed(1870148, "The first batch of this session has been received before.")


def rate_limited(code: int, subcode: int | None = None) -> GraphError:
    """One of the throttling codes: 4, 17, 613, 80003."""
    messages = {
        4: "(#4) Application request limit reached",
        17: "(#17) User request limit reached",
        613: "(#613) Calls to this api have exceeded the rate limit.",
        80003: "(#80003) There have been too many calls from this ad-account. Wait a bit and try again.",
    }
    return GraphError(
        code,
        messages.get(code, f"(#{code}) Rate limit reached"),
        subcode,
        title="Ad Account Has Too Many API Calls",
        advice="There have been too many calls from this ad account. Wait a bit and try again.",
        is_transient=True,
    )
