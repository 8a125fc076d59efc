"""What Microsoft Advertising's errors mean: of a request, and of its items."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.account import items_of, object_of
from connectors.meanings import BY_STATUS, FAULT, Meaning, Then, Told
from connectors.wire import Answer

_SIGNED_OUT = Meaning(Then.SIGN_IN, "a token is wrong, or of the other environment")
_TERMS = Meaning(
    Then.ACT,
    "the Customer Match terms are not accepted; make a customer list in Microsoft Advertising once, or set "
    "{prefix}ACCEPT_CUSTOMER_MATCH_TERMS=true, which accepts them in your name",
)

ERRORS: Mapping[str | int, Meaning] = {
    "CallRateExceeded": BY_STATUS[429], "117": BY_STATUS[429],
    "BulkServiceNoMoreCallsPermittedForTheTimePeriod": BY_STATUS[429], "4204": BY_STATUS[429],
    "AuthenticationTokenExpired": BY_STATUS[401], "109": BY_STATUS[401],
    "InvalidCredentials": _SIGNED_OUT, "105": _SIGNED_OUT,
    "106": Meaning(Then.SIGN_IN, "no access to the account; check {prefix}CUSTOMER_ACCOUNT_ID and {prefix}CUSTOMER_ID"),
    "CustomerListTermsAndConditionsNotAccepted": _TERMS, "TermsAndConditionsNotAccepted": _TERMS,
    "InternalError": FAULT,
    "HTTP 404": Meaning(Then.REFUSE, "no such call; check {prefix}BASE_URL"),
}  # fmt: skip
"""``ErrorCode`` of an error. Numbers are used again for other errors, so only those of a whole request decide, after
the word. A missing list is an error among others, so a status 404 is about the address."""

RATE_WINDOW_SECONDS = 60.0
"""Calls are counted in a window that slides over a minute."""


def error_in(answer: Answer) -> Told | None:
    """A fault, or an error under HTTP 200 that is about more than one item."""
    body = object_of(answer)
    trace = str(body.get("TrackingId") or "")
    if answer.status < 400:
        codes = [str(error.get("ErrorCode")) for error in items_of(body.get("PartialErrors"))]
        known = tuple(code for code in codes if code in ERRORS)
        return Told(known, trace=trace, wait=RATE_WINDOW_SECONDS) if known else None
    parts = ("Errors", "BatchErrors", "OperationErrors")
    errors = [error for part in parts for error in items_of(body.get(part))]
    names = [str(error[key]) for key in ("ErrorCode", "Code") for error in errors if error.get(key)]
    message = "; ".join(str(error.get("Message") or "") for error in errors)
    return Told((*names, f"HTTP {answer.status}"), message, trace, RATE_WINDOW_SECONDS)


def reason_of(error: Mapping[str, object]) -> str:
    """``InvalidEmailHash`` as ``invalid_email_hash``: letters only, so that nobody's identifier can be in it."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", str(error.get("ErrorCode") or ""))
    return "_".join(words).lower()[:80] or "refused"
