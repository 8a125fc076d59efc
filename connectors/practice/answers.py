"""What the practice platform's answers mean, and how its verdicts become a receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from connectors.base import Receipt, Uncertain
from connectors.meanings import Meaning, Then, Told
from connectors.practice.settings import Positions, PracticeSettings
from connectors.wire import Answer, NoAnswer

REASONS = ("refused", "invalid_email", "invalid_phone", "no_identifier")
UNTOLD = "refused"
NAME = "Practice platform"
Row = Mapping[str, str | None]


ERRORS: Mapping[str | int, Meaning] = {
    "token_expired": Meaning(Then.RENEW, "the access token has ended"),
    "token_invalid": Meaning(Then.RENEW, "the token is refused"),
    "token_missing": Meaning(Then.RENEW, "the token is refused"),
    "terms_not_accepted": Meaning(Then.ACT, "the terms are not accepted; accept them on the sandbox's page"),
    "audience_not_found": Meaning(Then.GONE, "the audience does not exist any more"),
    "too_many_requests": Meaning(Then.WAIT, "too many requests"),
    "quota_spent": Meaning(Then.WAIT, "today's requests are spent"),
    "internal_error": Meaning(Then.REPEAT, "a fault that passes"),
    "session_closed": Meaning(Then.DOUBT, "nobody knows what became of the session"),
    "session_not_found": Meaning(Then.DOUBT, "nobody knows what became of the session"),
    "job_not_found": Meaning(Then.DOUBT, "nobody knows what became of the job"),
    "rows_invalid": Meaning(Then.ROWS, "some rows are not acceptable"),
}
"""``code`` of an error; any other means that nothing was applied."""
REFUSED = Meaning(Then.REFUSE, "refused")


def error_in(answer: Answer, positions: Positions) -> Told | None:
    """The error an answer holds, whatever its status."""
    body = answer.json if isinstance(answer.json, dict) else {}
    error = body.get("error")
    if error is None or "job" in body:  # a job's error is the job's
        return None
    if not isinstance(error, dict):
        raise NoAnswer(f"HTTP {answer.status} with an unreadable error")
    rows = named_rows(error.get("rows"), positions)
    return Told((str(error.get("code", "")),), str(error.get("message", "")), rows=rows)


def receipt(body: object, sent: Sequence[Row] | None, settings: PracticeSettings, reference: str) -> Receipt:
    """The receipt by the style of answering; ``sent`` is None when the rows are not at hand any more.

    Raises Uncertain when the answer does not say what its style has to say.
    """
    told = body if isinstance(body, dict) else {}
    if settings.verdicts == "none":
        return Receipt("applied", reference)
    received, invalid = told.get("received"), told.get("invalid", 0)
    if not _is_count(received) or not _is_count(invalid) or (sent is not None and received != len(sent)):
        raise Uncertain(f"{NAME}: the answer's counts do not fit what was sent")
    located: Mapping[int, str] = {}
    if settings.verdicts == "per_row":
        located = named_rows(told.get("rejected"), settings.positions)
    elif settings.verdicts == "count_and_samples" and sent is not None:
        located = _sampled(told.get("samples"), sent)
    if any(position >= received for position in located) or len(located) > invalid:
        raise Uncertain(f"{NAME}: the answer names rows that were not sent")
    return Receipt("applied", reference, located, invalid - len(located))


def named_rows(listed: object, positions: Positions) -> dict[int, str]:
    """0-based positions with reasons, however the platform counts. Raises Uncertain for a name that means no row."""
    rows: dict[int, str] = {}
    for item in listed if isinstance(listed, list) else []:
        told = item if isinstance(item, dict) else {}
        reason = told.get("reason")
        rows[_position(told.get("row"), positions)] = reason if reason in REASONS else UNTOLD
    return rows


def _position(name: object, positions: Positions) -> int:
    match positions, name:
        case ("zero_based", int(number)) if number >= 0:
            return number
        case ("one_based", int(number)) if number >= 1:
            return number - 1
        case ("text", str(text)) if text.isdecimal() and int(text) >= 1:
            return int(text) - 1
        case ("key", str(text)) if text.isdecimal():
            return int(text)
    raise Uncertain(f"{NAME}: the answer names rows in a way that means none")


def _sampled(samples: object, sent: Sequence[Row]) -> dict[int, str]:
    """Rows that a sample can only mean."""
    places: dict[tuple[str, str], list[int]] = {}
    for position, row in enumerate(sent):
        places.setdefault((row["email"] or "", row["phone"] or ""), []).append(position)
    found: dict[int, str] = {}
    for sample in samples if isinstance(samples, list) else []:
        if isinstance(sample, list) and len(sample) == 2:
            meant = places.get((str(sample[0]), str(sample[1])), [])
            found |= {meant[0]: UNTOLD} if len(meant) == 1 else {}
    return found


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
