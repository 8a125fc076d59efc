"""Addresses that a tool does not write to: who is among them, and what it is to be put there or taken off.

Each kind counts as a channel of its own that the person has left, so that taking an address off shows as a consent that
got wider, although nobody was ever asked.
"""

from __future__ import annotations

import sqlite3

from connectors.sandbox.email import people
from connectors.sandbox.wire import Platform


def person_of(db: sqlite3.Connection, tool: Platform, email: str) -> str:
    """The id of the person with this address; the address itself where the tool knows nobody by it."""
    known = people.find(db, tool, "email", email)
    return known.id if known else email.lower()


def add(
    db: sqlite3.Connection, tool: Platform, email: str, kind: str, request: int, channel: str | None = None
) -> None:
    """Write to an address no more; ``channel`` is the kind unless it is one that people agree to themselves."""
    people.suppress(db, tool, email, kind)
    people.set_consent(db, tool, person_of(db, tool, email), "unsubscribed", request, channel or kind)


def lift(
    db: sqlite3.Connection, tool: Platform, email: str, kind: str, request: int, channel: str | None = None
) -> bool:
    """Write to an address again; whether it was on. This is what a sync must never do."""
    person, left = person_of(db, tool, email), channel or kind
    if people.unsuppress(db, tool, email, kind):
        # An address may have got on by itself, which no request has noted.
        people.set_consent(db, tool, person, "unsubscribed", 0, left)
    elif people.consent(db, tool, person, left) != "unsubscribed":
        return False
    people.set_consent(db, tool, person, "unknown", request, left)
    return True


def listed(
    db: sqlite3.Connection, tool: Platform, kind: str, channel: str | None = None
) -> list[tuple[str, float]]:
    """Addresses of a kind with the moment they got there, oldest first; people who left the channel are among them."""
    moments = {email: at for email, _, at in people.suppressions(db, tool, kind)}
    for person in people.with_consent(db, tool, "unsubscribed", channel or kind):
        if person.email:
            moments.setdefault(person.email, person.changed_at)
    return sorted(moments.items(), key=lambda entry: (entry[1], entry[0]))
