"""Who cannot be reached, as Braze lists addresses that unsubscribed or bounced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from connectors.account import items_of, object_of
from connectors.base import Refused
from connectors.people import Unreachable
from connectors.wire import Answer

PAGE = 500
FIRST_DAY = date(2011, 1, 1)
"""Before Braze was."""

Ask = Callable[[str, Mapping[str, str]], Answer]


def unreachable(ask: Ask, since: datetime | None, now: datetime) -> Iterator[Unreachable]:
    """Everybody since the day of ``since``. Days begin at midnight UTC, and the last one is not whole."""
    first = FIRST_DAY if since is None else since.astimezone(UTC).date()
    last = now.astimezone(UTC).date() + timedelta(days=1)
    question = {"start_date": first.isoformat(), "end_date": last.isoformat(), "limit": str(PAGE)}
    # The oldest first: who leaves meanwhile comes after the others and moves nobody to another page.
    oldest_first = {**question, "sort_direction": "asc"}
    yield from _listed(ask, "/email/unsubscribes", oldest_first, "unsubscribed")
    yield from _listed(ask, "/email/hard_bounces", question, "bounced")


def _listed(
    ask: Ask, path: str, question: Mapping[str, str], reason: Literal["unsubscribed", "bounced"]
) -> Iterator[Unreachable]:
    """Pages until one is not full."""
    at = {"unsubscribed": "unsubscribed_at", "bounced": "hard_bounced_at"}[reason]
    offset = 0
    while True:
        listed = object_of(ask(path, {**question, "offset": str(offset)})).get("emails")
        if not isinstance(listed, list):
            raise Refused("Braze: the answer holds no addresses")
        for one in items_of(listed):
            if isinstance(one.get("email"), str) and one["email"]:
                yield Unreachable(reason, _moment(one.get(at)), email=one["email"])
        if len(listed) < PAGE:
            return
        offset += len(listed)


def _moment(text: object) -> datetime | None:
    """``2026-11-22 15:24:32 +0000``, or ISO 8601."""
    try:
        told = datetime.fromisoformat(str(text).replace(" +", "+"))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
