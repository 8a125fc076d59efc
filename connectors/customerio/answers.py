"""What Customer.io's answers mean: the errors of its Track and App APIs, and people of a batch that were not taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.account import count_of, items_of, object_of, texts_of
from connectors.meanings import Meaning, Then, Told
from connectors.people import Unreachable
from connectors.rules import EMAIL
from connectors.wire import Answer

Reason = Literal["unsubscribed", "bounced", "complained", "suppressed"]
LAST_MOMENT = 253_402_300_800
"""Seconds of the year 10000, which no honest answer names."""
PARTLY = 207
"""The others of the batch were taken."""
ERRORS: Mapping[str | int, Meaning] = {
    200: Meaning(Then.DOUBT, "an error under HTTP 200, which is not documented"),
    401: Meaning(
        Then.SIGN_IN,
        "a key is not valid, or of another kind or region: the Track API takes {prefix}SITE_ID and {prefix}TRACK_KEY, "
        "the App API {prefix}API_KEY",
    ),
    403: Meaning(Then.SIGN_IN, "a key may not do this in the workspace"),
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower"),
}
"""By status: there are hardly any codes."""


def error_in(answer: Answer) -> Told | None:
    """An error of either API, also under HTTP 200."""
    body = object_of(answer)
    meta = object_of(body.get("meta"))
    first = next(items_of(body.get("errors")), {})
    messages = [
        *texts_of(meta.get("errors")),
        *texts_of([meta.get("error"), first.get("detail"), first.get("message")]),
    ]
    failed = messages or body.get("errors")
    if answer.status == PARTLY or (answer.status < 400 and not failed):
        return None
    return Told((answer.status,), messages[0] if messages else "")


def not_taken(answer: Answer) -> Mapping[int, str]:
    """Reasons by position in a batch of people."""
    reasons: dict[int, str] = {}
    for error in items_of(object_of(answer).get("errors")):
        position = count_of(error.get("batch_index"))
        if position is not None:
            reason = str(error.get("reason"))
            reasons[position] = reason if re.fullmatch(r"[a-z_]{1,40}", reason) else "refused"
    return reasons


def following(page: Mapping[str, Any]) -> Mapping[str, str]:
    """What leads to the next page, empty on the last."""
    return {"start": str(page["next"])} if page.get("next") else {}


def suppressed(found: Mapping[str, Any], reason: Reason) -> Unreachable:
    """An address that the sending server does not write to."""
    created = found.get("created")
    at = datetime.fromtimestamp(created, UTC) if type(created) is int and 0 <= created < LAST_MOMENT else None
    return Unreachable(reason, at, email=EMAIL.normalise(str(found.get("email") or "")))
