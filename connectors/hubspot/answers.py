"""What HubSpot's answers say: errors of a request and of single contacts under HTTP 207, and what its limits take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.account import items_of, object_of, texts_of
from connectors.email import CONSENT_BLOCKED, UNKNOWN_PERSON
from connectors.http import retry_after
from connectors.meanings import NO_SUCH_CALL, Meaning, Then, Told
from connectors.people import FieldType
from connectors.platform_ids import platform_id
from connectors.rate_headers import Left
from connectors.rules import EMAIL
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    "ILS.DUPLICATE_LIST_NAMES": Meaning(
        Then.ACT,
        "a list of this name exists that cannot be read; rename or restore it in HubSpot (CRM, Segments)",
    ),
    "PROPERTY_DOESNT_EXIST": Meaning(
        Then.ACT, "a contact property does not exist; create it in HubSpot, or leave the attribute out"
    ),
    "VALIDATION_ERROR": Meaning(Then.ROWS, "what was sent of a contact is not valid there"),
    "INVALID_AUTHENTICATION": Meaning(Then.SIGN_IN, "the token is not valid"),
    "EXPIRED_AUTHENTICATION": Meaning(Then.SIGN_IN, "the token has ended"),
    "MISSING_SCOPES": Meaning(Then.SIGN_IN, "the token lacks a scope"),
    "OBJECT_NOT_FOUND": Meaning(Then.GONE, "the list does not exist"),
    "CONFLICT": Meaning(Then.ROWS, "another contact has the same unique value"),
    "DAILY": Meaning(Then.WAIT, "the requests of the day are spent"),
    401: Meaning(Then.SIGN_IN, "the token is not valid"),
    404: NO_SUCH_CALL,
    409: Meaning(Then.ROWS, "another contact has the same unique value"),
    414: Meaning(Then.REFUSE, "the address of the request is too long"),
    423: Meaning(Then.WAIT, "HubSpot changes the same data at the moment"),
    477: Meaning(Then.WAIT, "the account moves to another data centre"),
}
"""By subcategory, category, policy of the limit and, at last, status."""

TEN_SECONDS = 10.0
AN_HOUR = 3_600.0
"""The day ends at midnight in the account's time zone, which no answer tells: every hour is tried."""
A_DAY = 86_400.0
LOCKED_FOR = 2.0

FIELD_TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT,
    "phone_number": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATE,
}
"""Of a property's ``type``; an enumeration takes the names of its options, whatever they look like."""

ERASED = "erased"
INVALID = "invalid"
REFUSED = "refused"
REASONS: Mapping[str, str] = {
    "OBJECT_NOT_FOUND": UNKNOWN_PERSON,
    "VALIDATION_ERROR": INVALID,
    "CONFLICT": "conflict",
    ERASED: CONSENT_BLOCKED,
}
"""Of one contact's error, by category, or by our word for people who were erased there at their own wish."""

_ERASED = re.compile(r"gdpr|block ?list|permanently deleted", re.IGNORECASE)

ADDRESSES = ["email", "hs_additional_emails"]
"""Properties that hold a contact's addresses: the first, and the others with semicolons between."""


def told_of(answer: Answer, now: datetime) -> Told | None:
    """The error in an answer, None for a success, a partial one (207) included."""
    body = object_of(answer)
    partial = answer.status == 207 or not body.get("errors")
    if answer.status < 400 and partial and body.get("status") != "error":
        return None
    codes = [error.get("code") for error in items_of(body.get("errors"))]
    codes += [body.get("subCategory"), body.get("policyName"), body.get("category")]
    message = str(body.get("message", ""))
    if "PROPERTY_DOESNT_EXIST" in message:
        codes.insert(0, "PROPERTY_DOESNT_EXIST")
    known = tuple(str(code) for code in codes if code)
    waits = {429: AN_HOUR if "DAILY" in known else TEN_SECONDS, 423: LOCKED_FOR}
    wait = waits.get(answer.status, retry_after(answer.headers, now))
    return Told((*known, answer.status), message, str(body.get("correlationId", "")), wait)


def row_errors(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Id as it was sent (lower case) and category of each contact's error in a partial success."""
    for error in items_of(body.get("errors")):
        category = ERASED if _ERASED.search(str(error.get("message", ""))) else str(error.get("category", ""))
        context = object_of(error.get("context"))
        named = [*texts_of(context.get("ids")), *texts_of(context.get("id")), context.get("id")]
        for key in named:
            if isinstance(key, str):
                yield key.lower(), category


def contacts_of(body: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Record id and addresses (normalised) of every contact in an answer, the first address first."""
    for contact in items_of(body.get("results")):
        record, properties = platform_id(contact.get("id")), object_of(contact.get("properties"))
        written = ";".join(str(properties.get(name) or "") for name in ADDRESSES)
        addresses = [EMAIL.normalise(text) for text in written.split(";")]
        if record is not None:
            yield record, [address for address in addresses if address]


def left(headers: Mapping[str, str], now: datetime) -> Iterator[Left]:
    """What the account takes yet in ten seconds, and today."""
    remaining, most = _number(headers, "Remaining"), _number(headers, "Max")
    if remaining is not None:
        yield Left(remaining, None, most)
    today = _number(headers, "Daily-Remaining")
    if today is not None:
        yield Left(today, A_DAY if today else AN_HOUR, _number(headers, "Daily"))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(f"X-HubSpot-RateLimit-{name}", "")
    return int(text) if text.isdecimal() and len(text) < 16 else None
