"""What Brevo's answers say: errors by code and status, and what is left of its limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connectors.account import object_of
from connectors.base import RowsRefused, Window
from connectors.meanings import NO_SUCH_CALL, Meaning, Then, Told
from connectors.people import FieldType
from connectors.rate_headers import Left
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    "invalid_parameter": Meaning(Then.ROWS, "what was sent of a contact is not valid there"),
    "duplicate_parameter": Meaning(Then.ROWS, "another contact has the same identifier"),
    "missing_parameter": Meaning(Then.REFUSE, "the request is not complete"),
    "out_of_range": Meaning(Then.REFUSE, "the request asks for more than Brevo gives at once"),
    "document_not_found": Meaning(Then.GONE, "the list does not exist"),
    "unauthorized": Meaning(Then.SIGN_IN, "the API key is not valid, or not for this machine's IP address"),
    "permission_denied": Meaning(Then.SIGN_IN, "the API key's account may not do this"),
    "not_enough_credits": Meaning(Then.ACT, "the account has no credits left"),
    "method_not_allowed": NO_SUCH_CALL,
    401: Meaning(Then.SIGN_IN, "the API key is not valid, or not for this machine's IP address"),
    402: Meaning(Then.ACT, "the account has to be paid for"),
    404: NO_SUCH_CALL,
    405: NO_SUCH_CALL,
    406: Meaning(Then.REFUSE, "Brevo does not take this form of request"),
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}IMPORT_ROWS lower"),
    422: Meaning(Then.ROWS, "what was sent of a contact is not valid there"),
    424: Meaning(Then.REPEAT, "something that Brevo needs has failed"),
    425: Meaning(Then.REPEAT, "Brevo is not ready for the request"),
}
"""By code, else by status."""

FIELD_TYPES: Mapping[str, FieldType] = {
    "text": FieldType.TEXT,
    "float": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
}
"""Of an attribute's ``type``; categories and choices take what they list, whatever it looks like."""
SETTABLE = ("normal", "category")
"""Categories of attributes that belong to a contact; the others are counted, or belong to an order or to everybody."""

_NOBODY = re.compile(r"contact.*(?:already in list|not in list|does not exist)", re.IGNORECASE)


class NobodyMoved(RowsRefused):
    """None of the contacts could be added or removed: they are unknown, or are there, or away, already."""


def told_of(answer: Answer) -> Told | None:
    """The error in an answer, None for a success. Raises NobodyMoved for what is none of either."""
    body = object_of(answer)
    code, message = body.get("code"), str(body.get("message", ""))
    if answer.status < 400 and not code and not body.get("error") and not body.get("errors"):
        return None
    if answer.status == 400 and code == "invalid_parameter" and _NOBODY.search(message):
        raise NobodyMoved("Brevo: none of the contacts is there, or all were moved before")
    reset = answer.headers.get("x-sib-ratelimit-reset", "")
    wait = float(reset) if reset.isdecimal() and len(reset) < 10 else None
    return Told((*([str(code)] if code else []), answer.status), message, wait=wait)


def left(headers: Mapping[str, str], now: datetime, windows: Sequence[Window]) -> Iterator[Left]:
    """What a window takes yet, where the headers are about one of ours: other calls have budgets of their own."""
    limit, remaining, reset = (
        int(text) if text.isdecimal() and len(text) < 10 else None
        for text in (headers.get(f"x-sib-ratelimit-{name}", "") for name in ("limit", "remaining", "reset"))
    )
    if remaining is not None and any(window.requests == limit for window in windows):
        yield Left(remaining, reset, limit)
