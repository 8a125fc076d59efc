"""Reading a list of contacts to its end, though Mailchimp counts its pages off anew for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connectors import offsets
from connectors.base import Refused

PAGE = 1_000
OVERLAP = 100
"""Contacts of a page that the one before it has shown already."""

Ask = Callable[[dict[str, str]], Mapping[str, object]]
"""Reads one page."""
Member = Mapping[str, object]


def walk(ask: Ask, question: Mapping[str, str]) -> Iterator[Sequence[Member]]:
    """All contacts that a question is about, page by page, some of them twice.

    Its fields must be ``id`` and ``total_items`` among others. Raises Refused when the listing does not hold still
    (`connectors.offsets`), is none, or ends before everybody was named.
    """

    def page_at(offset: int) -> Sequence[Member]:
        page, total = _members(ask({**question, "count": str(PAGE), "offset": str(offset)}))
        if len(page) < PAGE and offset + len(page) < total:
            raise Refused("Mailchimp: the list of contacts breaks off")
        return page

    return offsets.walk(page_at, PAGE, OVERLAP, "Mailchimp")


def _members(found: Mapping[str, object]) -> tuple[list[Member], int]:
    """The contacts of a page, and how many there are on all of them."""
    members, total = found.get("members"), found.get("total_items")
    if not isinstance(members, list) or not isinstance(total, int):
        raise Refused("Mailchimp: the answer lists no contacts")
    return [member if isinstance(member, dict) else {} for member in members], total
