"""People's places in lists, looked at by person or by the place's own number."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.wire import Platform


@dataclass(frozen=True, slots=True)
class Place:
    """One person in one list."""

    number: int
    """Its own, never given out twice."""
    list: str
    person: str
    added_at: float


def by_person(db: sqlite3.Connection, found: EmailList, after: str, limit: int) -> list[Place]:
    """A page of the places in a list, after a person's id and in the order of ids, which are of one width."""
    rows = db.execute(
        """
        select number, list, person, added_at
        from email_members
        where tool = ? and list = ? and person > ?
        order by person
        limit ?
        """,
        (found.tool.value, found.id, after, limit),
    )
    return [Place(**dict(row)) for row in rows]


def of_person(db: sqlite3.Connection, tool: Platform, person: str) -> list[Place]:
    """The places that a person has, in the order they got them."""
    rows = db.execute(
        """
        select number, list, person, added_at
        from email_members
        where tool = ? and person = ?
        order by number
        """,
        (tool.value, person),
    )
    return [Place(**dict(row)) for row in rows]


def numbered(db: sqlite3.Connection, tool: Platform, number: int) -> Place | None:
    """The place with this number, None when it was given up or never given out."""
    row = db.execute(
        "select number, list, person, added_at from email_members where tool = ? and number = ?",
        (tool.value, number),
    ).fetchone()
    return Place(**dict(row)) if row else None
