"""How a contact of ActiveCampaign's stands in a list: being in one is having agreed to it."""

from __future__ import annotations

import re
import sqlite3
from typing import Literal

from connectors.sandbox.email import lists, people
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Platform

TOOL = Platform.ACTIVECAMPAIGN
UNCONFIRMED, ACTIVE, UNSUBSCRIBED, BOUNCED = 0, 1, 2, 3
BOUNCE = "bounced"
"""Kind of suppression: the address takes no mail."""
EXCLUDED = "excluded"
"""Kind of suppression: the account's own list of addresses that it never writes to."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")

Kind = Literal["tag", "list"]

FIRST_CONTACT = 10_000_000


def contact_id(number: int) -> str:
    """The id of a new contact; all have one width, so that they sort as texts."""
    return str(FIRST_CONTACT + number)


def of_kind(db: sqlite3.Connection, kind: Kind) -> list[EmailList]:
    """All tags, or all lists."""
    return [each for each in lists.listed(db, TOOL) if each.document["kind"] == kind]


def channel(found: EmailList) -> str:
    """Under which consent to one list is kept."""
    return f"list:{found.id}"


def status(db: sqlite3.Connection, contact: Known, found: EmailList) -> int | None:
    """The contact's standing in a list, None where there is none; who left everything has left every list."""
    here = people.consent(db, TOOL, contact.id, channel(found))
    if here != "unsubscribed" and found.id not in lists.of_person(db, TOOL, contact.id):
        return overall(db, contact)
    state = ACTIVE if here == "subscribed" else UNCONFIRMED
    return overall(db, contact) or (UNSUBSCRIBED if here == "unsubscribed" else state)


def overall(db: sqlite3.Connection, contact: Known) -> int | None:
    """Bounced or unsubscribed, where that holds for everything that is sent; None otherwise."""
    if contact.email in {email for email, _, _ in people.suppressions(db, TOOL, BOUNCE)}:
        return BOUNCED
    return UNSUBSCRIBED if people.consent(db, TOOL, contact.id) == "unsubscribed" else None


def activate(db: sqlite3.Connection, contact: Known, found: EmailList, request: int) -> None:
    """Make the contact active, whatever they said before."""
    people.set_consent(db, TOOL, contact.id, "subscribed", request, channel(found))
    people.set_consent(db, TOOL, contact.id, "subscribed", request)
    lists.add(db, found, [contact.id], request)


def unsubscribe(db: sqlite3.Connection, contact: Known, found: EmailList, request: int) -> None:
    """Let the contact leave; who is active nowhere any more has left everything."""
    people.set_consent(db, TOOL, contact.id, "unsubscribed", request, channel(found))
    lists.remove(db, found, [contact.id], request)
    if not any(status(db, contact, other) == ACTIVE for other in of_kind(db, "list")):
        people.set_consent(db, TOOL, contact.id, "unsubscribed", request)
