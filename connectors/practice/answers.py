"""What the practice platform's answers mean, and how its verdicts become a receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    Receipt,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.http import Throttled
from connectors.oauth import TokenExpired
from connectors.practice.settings import Positions, PracticeSettings
from connectors.redact import redact
from connectors.wire import Answer, NoAnswer

REASONS = ("refused", "invalid_email", "invalid_phone", "no_identifier")
UNTOLD = "refused"
NAME = "Practice platform"
Row = Mapping[str, str | None]


def error_of(answer: Answer) -> Mapping[str, object] | None:
    """The error an answer holds, whatever its status. Raises NoAnswer unless the body is a JSON object."""
    body = answer.json
    if not isinstance(body, dict):
        raise NoAnswer(f"HTTP {answer.status} without JSON")
    error = body.get("error")
    if error is None or "job" in body:  # a job's error is the job's
        return None
    if not isinstance(error, dict):
        raise NoAnswer(f"HTTP {answer.status} with an unreadable error")
    return error


def judge(
    answer: Answer, variables: str, positions: Positions, secrets: tuple[str, ...], sent: Iterable[str] = ()
) -> None:
    """Raise what an answer means; errors may hide in an HTTP 200.

    ``variables``: settings that sign requests; ``sent``: identifiers that the request held.
    """
    error = error_of(answer)
    if error is None:
        return
    code = redact(str(error.get("code", "")), secrets)
    match code:
        case "token_expired" | "token_invalid" | "token_missing":
            raise TokenExpired(f"{NAME}: the token is refused ({code}); check {variables}")
        case "terms_not_accepted":
            raise ActionNeeded(f"{NAME}: the terms are not accepted; accept them on the sandbox's page")
        case "audience_not_found":
            raise AudienceGone(f"{NAME}: the audience does not exist any more")
        case "too_many_requests" | "quota_spent":
            raise Throttled("too many requests", None)
        case "internal_error":
            raise NoAnswer("a fault that passes")
        case "session_closed" | "session_not_found" | "job_not_found":
            raise Uncertain(f"{NAME}: nobody knows what became of the request ({code})")
        case "rows_invalid":
            rows = named_rows(error.get("rows"), positions)
            raise RowsRefused(f"{NAME}: some rows are not acceptable", rows)
    raise Refused(f"{NAME}: refused ({code}): {redact(str(error.get('message', '')), secrets, sent)}")


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
