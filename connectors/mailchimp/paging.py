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
    """All contacts that a question is about, page by page, some of them twice; ``id`` must be among its fields.

    When somebody leaves the listing between two requests, whoever follows moves up. So a page begins within the one
    before; when it shows nobody of it, more have moved up than that, and everything is read again. Raises Refused
    when the listing does not hold still, or is none.
    """
    offset, shown, beginnings = 0, frozenset[object](), 1
    while True:
        page = _members(ask({**question, "count": str(PAGE), "offset": str(offset)}))
        ids = [member.get("id") for member in page]
        if offset and shown.isdisjoint(ids[:OVERLAP]):
            if beginnings == MOST_BEGINNINGS:
                raise Refused("Mailchimp: the contacts change faster than they are listed; ask again later")
            offset, beginnings = 0, beginnings + 1
            continue
        yield page
        if len(page) < PAGE:
            return
        offset, shown = offset + PAGE - OVERLAP, frozenset(ids)


def _members(found: Mapping[str, object]) -> list[Member]:
    members = found.get("members")
    if not isinstance(members, list):
        raise Refused("Mailchimp: the answer lists no contacts")
    return [member for member in members if isinstance(member, dict)]
