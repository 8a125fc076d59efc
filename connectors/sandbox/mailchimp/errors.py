"""Mailchimp's problem documents (RFC 7807), with the titles and sentences of its error glossary."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import ValidationError

from connectors.sandbox.wire import PROBLEM_TYPE, Reply

GLOSSARY = "https://mailchimp.com/developer/marketing/docs/errors/"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field that could not be validated."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal."""

    status: int
    title: str
    detail: str
    faults: Sequence[FieldFault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self, *, rows: int | None = None, audience: str | None = None) -> Reply:
        """The answer that carries this problem."""
        content: dict[str, object] = {
            "type": GLOSSARY,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": secrets.token_hex(16),
        }
        if self.faults:
            content["errors"] = [{"field": fault.field, "message": fault.message} for fault in self.faults]
        fields = ", ".join(fault.field for fault in self.faults[:3])
        return Reply(
            self.status,
            orjson.dumps(content),
            content_type=PROBLEM_TYPE,
            headers=self.headers,
            rows=rows,
            audience=audience,
            outcome=f"refused: {self.title}" + (f" ({fields})" if fields else ""),
        )


class Refusal(Exception):
    """Raised to end a call with this answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


def invalid_resource(*faults: FieldFault) -> Problem:
    """400: fields of the body are wrong."""
    return Problem(
        400,
        "Invalid Resource",
        "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
        faults,
    )


def invalid_field(name: str, message: str) -> Problem:
    """400: one field of the body is wrong."""
    return invalid_resource(FieldFault(name, message))


def from_validation(error: ValidationError) -> Problem:
    """400 for everything a request model found."""
    return invalid_resource(
        *(
            FieldFault(".".join(str(part) for part in fault["loc"]), _sentence(fault["type"], fault["msg"]))
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        )
    )


def _sentence(kind: str, message: str) -> str:
    if kind == "missing":
        return "This value should not be blank."
    if kind == "extra_forbidden":
        return "This field is not part of the resource."
    return message


MISSING_KEY = Problem(401, "API Key Missing", "Your request did not include an API key.")
INVALID_KEY = Problem(
    401, "API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong datacenter."
)
NOT_FOUND = Problem(404, "Resource Not Found", "The requested resource could not be found.")
INTERNAL_ERROR = Problem(500, "Internal Server Error", "An unexpected internal error has occurred.")
BAD_JSON = Problem(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error.")
NOT_JSON = Problem(
    415, "Unsupported Media Type", "The body of a request must be sent as 'Content-Type: application/json'."
)
TOO_MANY_CONNECTIONS = Problem(
    429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections."
)
TOO_MANY_BATCHES = Problem(429, "Too Many Requests", "You have more than 500 pending batches.")


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """405 with the methods that would do."""
    return Problem(
        405,
        "Method Not Allowed",
        "The requested method and resource are not compatible. See the Allow header for this resource's "
        "available methods.",
        headers={"Allow": ", ".join(allowed)},
    )


def member_exists(email: str) -> Problem:
    """400 of a POST for an address that is in the list."""
    return Problem(
        400, "Member Exists", f"{email} is already a list member. Use PUT to insert or update list members."
    )


def compliance_state(email: str) -> Problem:
    """400: this person left and only they can come back."""
    return Problem(
        400,
        "Member In Compliance State",
        f"{email} is already a list member in compliance state due to unsubscribe, bounce, or compliance "
        "review and cannot be subscribed.",
    )


def forgotten(email: str) -> Problem:
    """400: permanently deleted, never to be imported again."""
    return Problem(
        400,
        "Forgotten Email Not Subscribed",
        f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get "
        "back on the list.",
    )


LOOKS_FAKE = FieldFault(
    "email_address", "This email address looks fake or invalid. Please enter a real email address."
)
NOT_AN_ADDRESS = FieldFault("email_address", "Please provide a valid email address.")
