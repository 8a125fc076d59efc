"""What Mailchimp's answers mean: problems of a request by status and title, of one person by reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NoReturn

from connectors.base import ActionNeeded, AudienceGone, AuthFailed, Refused, RowsRefused
from connectors.http import Throttled
from connectors.redact import redact
from connectors.settings import env_prefix
from connectors.wire import Answer, NoAnswer

Node = Literal["list", "segment"]

UNKNOWN_PERSON = "unknown_person"
"""The one cause that the reference gives for a row error of a segment update: the list does not have the address."""
ALREADY_THERE = "already_there"
TRY_LATER = "try_later"
REFUSED = "refused"

REASONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"forgotten|permanently deleted", re.IGNORECASE), "forgotten"),
    (re.compile(r"archived", re.IGNORECASE), "archived"),
    (re.compile(r"compliance|unsubscribed|bounced|cleaned|under review", re.IGNORECASE), "consent_blocked"),
    (re.compile(r"already", re.IGNORECASE), ALREADY_THERE),
    (re.compile(r"looks fake|invalid|valid email|syntax", re.IGNORECASE), "invalid_address"),
    (re.compile(r"try (?:again|later)|temporar|internal|time-?out|timed out", re.IGNORECASE), TRY_LATER),
)
"""Words of a row's error, first match wins. Mailchimp documents neither codes nor sentences."""


_NOT_THERE = re.compile(
    r"(?:not|n't) (?:exist|found|tagged|subscribed|(?:in|on|part of|a|an)\b)|no such|unknown", re.IGNORECASE
)
"""Words of a removal's error that mean: there is nobody to remove."""


class RowProblem(Exception):
    """The one person a request was about was not taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def reason_of(text: str, otherwise: str) -> str:
    """The short code of a row's error text, ``otherwise`` if it says nothing known; addresses in it do not count."""
    words = redact(text)
    return next((reason for pattern, reason in REASONS if pattern.search(words)), otherwise)


def judge(answer: Answer, node: Node, destination: str, secrets: tuple[str, ...]) -> None:
    """Raise what an answer means unless it is a success. ``node`` is what the request was addressed to."""
    body = answer.json
    if not isinstance(body, dict):
        # The edge answers floods with a bare page; these two statuses are its way of saying "too many".
        if answer.status in (403, 503):
            raise Throttled(f"HTTP {answer.status} without JSON")
        raise NoAnswer(f"HTTP {answer.status} without JSON")
    status = max(answer.status, _problem_status(body))
    if status >= 400:
        _raise_problem(status, body, node, destination, secrets)


def _problem_status(body: dict[str, object]) -> int:
    """The status of a problem document, which may hide in an HTTP 200; 0 for anything else."""
    status = body.get("status")
    is_problem = isinstance(status, int) and "title" in body and "detail" in body
    return status if is_problem and isinstance(status, int) else 0


def judge_person(answer: Answer, destination: str, secrets: tuple[str, ...]) -> None:
    """As ``judge``, for a request about one person: raises RowProblem for what is that person's matter."""
    body = answer.json
    if answer.status == 400 and isinstance(body, dict):
        raise RowProblem(reason_of(f"{body.get('title', '')} {body.get('detail', '')}", REFUSED))
    judge(answer, "list", destination, secrets)


def row_errors(body: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Address (lower case) and reason of each row that a segment update did not take."""
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            reason = reason_of(str(error.get("error", "")), UNKNOWN_PERSON)
            addresses = error.get("email_addresses")
            for address in addresses if isinstance(addresses, list) else []:
                yield str(address).strip().lower(), reason


def removal_errors(body: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Address (lower case) and reason of each person whose removal was refused.

    Whoever is not there needs no removal; an error that does not say so leaves them in.
    """
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and not _NOT_THERE.search(redact(str(error.get("error", "")))):
            reason = reason_of(str(error.get("error", "")), REFUSED)
            yield from ((address, reason) for address, _ in row_errors({"errors": [error]}))


def _raise_problem(
    status: int, body: dict[str, object], node: Node, destination: str, secrets: tuple[str, ...]
) -> NoReturn:
    prefix = env_prefix(destination)
    title = redact(str(body.get("title", "")), secrets)
    instance = redact(str(body.get("instance", "")), secrets)
    where = f"({status} {title}" + (f", instance {instance})" if instance else ")")
    if status >= 500:
        raise NoAnswer(f"HTTP {status} {title}")
    if status == 401:
        raise AuthFailed(f"Mailchimp: the API key is not valid; set {prefix}API_KEY {where}")
    if status == 403:
        raise AuthFailed(
            f"Mailchimp: the key's user may not do this or is disabled; check {prefix}API_KEY {where}"
        )
    if status == 404 and node == "segment":
        raise AudienceGone(f"Mailchimp: the tag does not exist any more {where}")
    if status == 404:
        raise ActionNeeded(f"Mailchimp: the list does not exist; check {prefix}LIST_ID {where}")
    if status == 426:
        raise ActionNeeded(f"Mailchimp: refuses this kind of connection {where}")
    detail = redact(str(body.get("detail", "")), secrets)
    if status == 400 and node == "segment":
        raise RowsRefused(f"Mailchimp: {detail} {where}", _named_rows(body))
    raise Refused(f"Mailchimp: {detail} {where}")


def _named_rows(body: dict[str, object]) -> dict[int, str]:
    """0-based positions that field errors name (``members_to_add.item:3``, counted from 1)."""
    rows: dict[int, str] = {}
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            named = re.search(r"item:(\d+)", str(error.get("field", "")))
            if named and int(named[1]) >= 1:
                rows[int(named[1]) - 1] = reason_of(str(error.get("message", "")), REFUSED)
    return rows
