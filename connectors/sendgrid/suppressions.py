"""Who cannot be reached by SendGrid: its suppressions, which are listings of their own and only ever read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.account import count_of, items_of
from connectors.base import ActionNeeded, Uncertain
from connectors.offsets import walk
from connectors.people import Unreachable
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
OVERLAP = 20
"""Entries in which a page repeats the one before, as others move up when a suppression is lifted meanwhile."""
MOST_PAGES = 100_000
"""Of a listing; a longer one is a loop."""
NO_MOMENT = 10_000_000_000
"""Seconds of no time at which anything has happened."""

Ask = Callable[[str, Mapping[str, str]], Answer]
"""Asks for a page: path and query."""


def suppressed(ask: Ask, since: datetime | None) -> Iterator[Unreachable]:
    """Global unsubscribes, bounces and spam reports since then; some twice."""
    for listing, reason in SUPPRESSIONS.items():
        for entry in _entries(ask, listing, since):
            if address := EMAIL.normalise(str(entry.get("email") or "")):
                yield Unreachable(reason, _moment(entry.get("created")), email=address)


def _entries(ask: Ask, listing: str, since: datetime | None) -> Iterator[dict[str, Any]]:
    begins = {"start_time": str(int(since.timestamp()))} if since else {}

    def page_at(offset: int) -> list[dict[str, Any]]:
        page = ask(f"/v3/suppression/{listing}", {**begins, "limit": str(PAGE), "offset": str(offset)}).json
        if not isinstance(page, list):
            raise Uncertain("SendGrid: a listing of suppressions is none")
        return [{**entry, "id": f"{entry.get('created')} {entry.get('email')}"} for entry in items_of(page)]

    for number, page in enumerate(walk(page_at, PAGE, OVERLAP, "SendGrid")):
        if number == MOST_PAGES:
            raise ActionNeeded("SendGrid: a listing of suppressions does not end")
        yield from page


def _moment(seconds: object) -> datetime | None:
    known = count_of(seconds)
    return datetime.fromtimestamp(known, UTC) if known and known < NO_MOMENT else None
