"""Who cannot be reached by SendGrid: its suppressions, which are listings of their own and only ever read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.account import MOST_PAGES, count_of, items_of
from connectors.base import ActionNeeded, Uncertain, Unreachable
from connectors.rules import EMAIL
from connectors.wire import Answer

SUPPRESSIONS: Mapping[str, Literal["unsubscribed", "bounced", "complained"]] = {
    "unsubscribes": "unsubscribed",
    "bounces": "bounced",
    "spam_reports": "complained",
}
"""Listings below ``/v3/suppression``, and what they say of somebody."""
PAGE = 500
"""Entries in one answer."""
NO_MOMENT = 10_000_000_000
"""Seconds of no time at which anything has happened."""

Ask = Callable[[str, Mapping[str, str]], Answer]
"""Asks for a page: path and query."""


def suppressed(ask: Ask, since: datetime | None) -> Iterator[Unreachable]:
    """Global unsubscribes, bounces and spam reports since then."""
    for listing, reason in SUPPRESSIONS.items():
        for entry in _entries(ask, listing, since):
            if address := EMAIL.normalise(str(entry.get("email") or "")):
                yield Unreachable(reason, _moment(entry.get("created")), email=address)


def _entries(ask: Ask, listing: str, since: datetime | None) -> Iterator[dict[str, Any]]:
    begins = {"start_time": str(int(since.timestamp()))} if since else {}
    for number in range(MOST_PAGES):
        query = {**begins, "limit": str(PAGE), "offset": str(number * PAGE)}
        page = ask(f"/v3/suppression/{listing}", query).json
        if not isinstance(page, list):
            raise Uncertain("SendGrid: a listing of suppressions is none")
        yield from items_of(page)
        if len(page) < PAGE:
            return
    raise ActionNeeded("SendGrid: a listing of suppressions does not end")


def _moment(seconds: object) -> datetime | None:
    known = count_of(seconds)
    return datetime.fromtimestamp(known, UTC) if known and known < NO_MOMENT else None
