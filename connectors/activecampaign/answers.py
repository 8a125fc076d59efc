"""What ActiveCampaign answers, in its several shapes, and what it must never be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.account import count_of, items_of, object_of, texts_of
from connectors.consent_guard import Call, ConsentGuard
from connectors.meanings import Meaning, Then, Told

RATE_LIMIT = "rate limit"
ERRORS: Mapping[str | int, Meaning] = {
    RATE_LIMIT: Meaning(Then.WAIT, "too many imports"),
    "duplicate": Meaning(Then.ACT, "there is something of this name already; rename it, or the segment's audience"),
    200: Meaning(Then.DOUBT, "an error under HTTP 200"),
    401: Meaning(Then.SIGN_IN, "the API key is not valid"),
    403: Meaning(Then.SIGN_IN, "the API key is not valid, or its user lacks a permission"),
    404: Meaning(Then.GONE, "the tag does not exist"),
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_BYTES lower"),
    422: Meaning(Then.REFUSE, "the request is not valid"),
    429: Meaning(Then.WAIT, "too many requests"),
}  # fmt: skip
"""A word or code of the answer, else its status; there is no common list of codes."""

ANY, UNSUBSCRIBED, BOUNCED = "-1", "2", "3"
"""States of contacts that can be asked for."""
IMPORTS, IMPORT_INFO = "/import/bulk_import", "/import/info"

GUARD = ConsentGuard(
    "ActiveCampaign",
    (
        Call("GET", "/tags"),
        Call("GET", "/tags/[0-9]+"),
        Call("POST", "/tags"),
        Call("GET", "/contacts", asks={"status": frozenset({ANY, UNSUBSCRIBED, BOUNCED})}),
        Call("GET", "/contacts/[0-9]+/contactTags"),
        Call("DELETE", "/contactTags/[0-9]+"),
        Call("POST", IMPORTS),
        Call("GET", IMPORT_INFO),
        Call("GET", "/fields"),
    ),
    never=frozenset(
        {
            "subscribe",  # puts people on lists
            "unsubscribe",
            "contactList",  # resubscribes with status 1, unsubscribes with status 2
            "contactLists",
            "status",
            "sourceid",  # 4 resubscribes
            "list",
            "lists",
            "callback",  # would tell another address about people
        }
    ),
)
"""Tags alone: whoever changes a list's members changes what they agreed to."""


def told_by(answer: Any, status: int) -> Told | None:
    """The error in a JSON object, None for a success."""
    body = object_of(answer)
    taken = str(body.get("Success", body.get("success", 1))) != "0" and not body.get("errors")
    if status < 400 and taken and set(body) != {"message"}:
        return None
    words = [str(body.get("message") or ""), *texts_of(body.get("failureReasons"))]
    codes: list[str | int] = [RATE_LIMIT] if any(RATE_LIMIT in word.lower() for word in words) else []
    for error in items_of(body.get("errors")):
        codes += filter(None, [str(error.get("code") or "")])
        words += [str(error.get("title") or ""), str(error.get("detail") or "")]
    return Told((*codes, status), "; ".join(filter(None, words)), rows=rows_in(body))


def rows_in(body: Mapping[str, Any]) -> dict[int, str]:
    """Rows of an import that the answer names, with reasons."""
    rows = {}
    for failure in items_of(body.get("failureReasons")):
        position = count_of(failure.get("contact"))
        if position is not None:
            about_address = "email" in str(failure.get("failureReason")).lower()
            rows[position] = "invalid_address" if about_address else "refused"
    return rows
