"""Who has a tag, page by page.

Without its three flags the list leaves out whoever is not subscribed, though they have the tag all the same. Pages are
counted from the list's start, so while others change the tag somebody may be named twice, or be hidden once by somebody
who leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from connectors.base import Present, Refused
from connectors.platform_ids import platform_id
from connectors.rules import EMAIL

PAGE = 1_000
"""Members in one answer: the most that Mailchimp gives."""
EVERYBODY = {"include_unsubscribed": "true", "include_cleaned": "true", "include_transactional": "true"}
"""Whoever has the tag, whatever their status. Archived contacts are never shown."""
_FIELDS = "members.id,members.email_address,total_items"


def pages(ask: Callable[[dict[str, str]], Mapping[str, object]]) -> Iterator[list[Present]]:
    """Every page of a listing; ``ask`` reads one by its parameters.

    Raises Refused for an answer that is no page, or when the pages end before everybody was named.
    """
    offset = 0
    while True:
        answer = ask({"count": str(PAGE), "offset": str(offset), "fields": _FIELDS, **EVERYBODY})
        members, total = answer.get("members"), answer.get("total_items")
        if not isinstance(members, list) or not isinstance(total, int):
            raise Refused("Mailchimp: the answer about a tag's members is no page of them")
        if not members and offset < total:
            raise Refused("Mailchimp: the list of a tag's members breaks off")
        if members:
            yield [_present(member) for member in members]
        offset += len(members)
        if offset >= total:
            return


def _present(member: object) -> Present:
    found = member if isinstance(member, dict) else {}
    written = found.get("email_address")
    if not isinstance(written, str) or not written.strip():
        raise Refused("Mailchimp: a tag's member has no address")
    address = EMAIL.normalise(written) or written.strip().lower()
    return Present(platform_id(found.get("id")), {"EMAIL": address})
