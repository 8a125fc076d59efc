"""Reading a list of contacts to its end, though Mailchimp counts its pages off anew for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connectors.base import Refused

PAGE = 1_000
OVERLAP = 100
"""Contacts of a page that the one before it has shown already."""
MOST_BEGINNINGS = 4

Ask = Callable[[dict[str, str]], Mapping[str, object]]
"""Reads one page."""
Member = Mapping[str, object]


def walk(ask: Ask, question: Mapping[str, str]) -> Iterator[Sequence[Member]]:
    """All contacts that a question is about, page by page, some of them twice.

    Its fields must be ``id`` and ``total_items`` among others. When somebody leaves the listing between two requests,
    whoever follows moves up. So a page begins within the one before; when it shows nobody of it, more have moved up
    than that, and everything is read again. Raises Refused when the listing does not hold still, is none, or ends
    before everybody was named.
    """
    offset, shown, beginnings = 0, frozenset[object](), 1
    while True:
        page, total = _members(ask({**question, "count": str(PAGE), "offset": str(offset)}))
        ids = [member.get("id") for member in page]
        if offset and shown.isdisjoint(ids[:OVERLAP]):
            if beginnings == MOST_BEGINNINGS:
                raise Refused("Mailchimp: the contacts change faster than they are listed; ask again later")
            offset, beginnings = 0, beginnings + 1
            continue
        yield page
        if len(page) < PAGE:
            if offset + len(page) < total:
                raise Refused("Mailchimp: the list of contacts breaks off")
            return
        offset, shown = offset + PAGE - OVERLAP, frozenset(ids)


def _members(found: Mapping[str, object]) -> tuple[list[Member], int]:
    """The contacts of a page, and how many there are on all of them."""
    members, total = found.get("members"), found.get("total_items")
    if not isinstance(members, list) or not isinstance(total, int):
        raise Refused("Mailchimp: the answer lists no contacts")
    return [member if isinstance(member, dict) else {} for member in members], total
