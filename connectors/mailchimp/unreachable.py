"""Who cannot be reached, as Mailchimp lists the contacts of one status."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.mailchimp.guard import UNREACHABLE
from connectors.mailchimp.paging import Ask, walk
from connectors.people import Unreachable

FIELDS = "members.id,members.email_address,members.status,members.last_changed,total_items"


def unreachable(ask: Ask, since: datetime | None) -> Iterator[Unreachable]:
    """Everybody who unsubscribed or whose address is cleaned, changed since then.

    ``ask`` reads a page of the list's contacts. Somebody whose address bounced is `cleaned`; no status tells of
    complaints.
    """
    changed = {} if since is None else {"since_last_changed": since.astimezone(UTC).isoformat()}
    for status in UNREACHABLE:
        question = {"status": status, "sort_field": "last_changed", "sort_dir": "ASC", "fields": FIELDS}
        for page in walk(ask, {**question, **changed}):
            for member in page:
                address = member.get("email_address")
                # Where a filter did not filter, nobody is taken for unsubscribed who is not.
                if member.get("status") == status and isinstance(address, str) and address:
                    at = _moment(member.get("last_changed"))
                    yield Unreachable("bounced" if status == "cleaned" else "unsubscribed", at, email=address)


def _moment(text: object) -> datetime | None:
    try:
        told = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
