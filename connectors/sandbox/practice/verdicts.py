"""How the platform says what became of the rows: in as many ways as real platforms have."""

from __future__ import annotations

from connectors.sandbox.practice.audiences import PracticeAudience
from connectors.sandbox.practice.errors import PracticeError, PracticeRefusal
from connectors.sandbox.practice.rows import Judged
from connectors.sandbox.wire import Json, RowRejection

MOST_SAMPLES = 3
"""Refused rows that are shown as samples, in no order that means anything."""


def refuse_whole(audience: PracticeAudience, judged: Judged) -> None:
    """Raises PracticeRefusal (400) where one bad row is enough to refuse a request, naming the rows if it blames."""
    if audience.verdicts != "whole_request" or not judged.faults:
        return
    details: dict[str, Json] = {"rows": _named(audience, judged)} if audience.blame else {}
    raise PracticeRefusal(
        PracticeError(400, "rows_invalid", "Some rows are not acceptable; nothing was applied.", details)
    )


def verdict(audience: PracticeAudience, judged: Judged, rejection: RowRejection) -> dict[str, Json]:
    """What the answer says about the rows."""
    counts: dict[str, Json] = {"received": len(judged.rows), "invalid": len(judged.faults)}
    match audience.verdicts:
        case "none":
            return {}
        case "whole_request":
            return {"received": len(judged.rows)}
        case "per_row":
            return {**counts, "rejected": [] if rejection.unnamed else _named(audience, judged)}
        case "count_and_samples":
            return {**counts, "samples": [] if rejection.unnamed else _samples(judged)}
        case "count":
            return counts


def _named(audience: PracticeAudience, judged: Judged) -> list[Json]:
    return [
        {"row": _position(audience, judged, position), "reason": reason}
        for position, reason in sorted(judged.faults.items())
    ]


def _position(audience: PracticeAudience, judged: Judged, position: int) -> Json:
    match audience.positions:
        case "zero_based":
            return position
        case "one_based":
            return position + 1
        case "text":
            return str(position + 1)
        case "key":
            return judged.rows[position].key


def _samples(judged: Judged) -> list[Json]:
    """The last refused rows first: an order that nobody should rely on."""
    shown = sorted(judged.faults, reverse=True)[:MOST_SAMPLES]
    return [[judged.rows[position].email or "", judged.rows[position].phone or ""] for position in shown]
