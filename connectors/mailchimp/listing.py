"""Who has a tag, page by page.

Without its three flags the list leaves out whoever is not subscribed, though they have the tag all the same. Archived
contacts are never in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import Refused
from connectors.mailchimp.paging import Ask, Member, walk
from connectors.people import Present
from connectors.platform_ids import platform_id
from connectors.rules import EMAIL

EVERYBODY = {"include_unsubscribed": "true", "include_cleaned": "true", "include_transactional": "true"}
"""Whoever has the tag, whatever their status."""
_FIELDS = "members.id,members.email_address,total_items"


def pages(ask: Ask) -> Iterator[list[Present]]:
    """Every page of a listing; ``ask`` reads one by its parameters.

    Raises Refused for a page that is none, or when the pages end before everybody was named.
    """
    for page in walk(ask, {"fields": _FIELDS, **EVERYBODY}):
        if page:
            yield [_present(member) for member in page]


def _present(member: Member) -> Present:
    written = member.get("email_address")
    if not isinstance(written, str) or not written.strip():
        raise Refused("Mailchimp: a tag's member has no address")
    address = EMAIL.normalise(written) or written.strip().lower()
    return Present(platform_id(member.get("id")), {"EMAIL": address})
