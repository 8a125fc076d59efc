"""What Criteo's answers mean: resources, errors and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.account import items_of, object_of
from connectors.meanings import BY_STATUS, FAULT, NO_SUCH_CALL, Meaning, Then, Told
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    **dict.fromkeys(("authorization-token-invalid", "authorization-token-expired"), BY_STATUS[401]),
    "access-control": Meaning(
        Then.SIGN_IN,
        "the advertiser has not approved the app with the Audiences domain; open its consent link",
    ),
    **dict.fromkeys(("audience-invalid", "segment-not-found"), BY_STATUS[404]),
    "name-must-be-unique": Meaning(Then.ACT, "the advertiser has another segment or audience of this name"),
    "name-must-not-be-empty": Meaning(Then.REFUSE, "the name is empty"),
    "validation": BY_STATUS[400],
    "quota": BY_STATUS[429],
    "availability": FAULT,
    "HTTP 200": Meaning(Then.DOUBT, "an error under HTTP 200 that the documentation does not list"),
    "HTTP 404": NO_SUCH_CALL,
    **dict.fromkeys(
        ("deprecation", "HTTP 410"),
        Meaning(Then.ACT, "this API version is retired; set {prefix}BASE_URL to that of a current one"),
    ),
}
"""``code`` of an error, else its ``type``, else the status."""
NOT_DONE = ("name-must-be-unique", "name-must-not-be-empty", "segment-not-found", "audience-invalid")
"""Warnings under HTTP 200 that say that an item failed."""


def error_in(answer: Answer) -> Told | None:
    """Errors, also under HTTP 200; warnings there are errors only if their code is known as one."""
    body = object_of(answer)
    warned = [warning for warning in items_of(body.get("warnings")) if warning.get("code") in NOT_DONE]
    failed = [*items_of(body.get("errors")), *warned]
    if answer.status < 400 and not failed:
        return None
    error = failed[0] if failed else {}
    codes = (str(error.get("code") or ""), str(error.get("type") or ""), f"HTTP {answer.status}")
    trace = str(error.get("traceId") or error.get("traceIdentifier") or "")
    return Told(codes, str(error.get("detail") or error.get("title") or ""), trace)


def resource_of(data: object) -> dict[str, Any]:
    """Attributes of a resource with its id."""
    return {**object_of(object_of(data).get("attributes")), "id": object_of(data).get("id")}


def is_read_only(segment: Mapping[str, Any]) -> bool:
    """Whether a contact list is managed by somebody else's means."""
    return object_of(segment.get("contactList")).get("isReadOnly") is True
