"""Lists, tags, segments and flags of the email tools: who is in which."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson

from connectors.sandbox import clock
from connectors.sandbox.email import people
from connectors.sandbox.store import record_change
from connectors.sandbox.wire import Json, Platform


@dataclass(frozen=True, slots=True)
class EmailList:
    """One list. ``document`` holds what the tool's module keeps of it, besides."""

    tool: Platform
    id: str
    name: str
    document: dict[str, Json]
    created_at: float
    size: int


def create(
    db: sqlite3.Connection, tool: Platform, list_id: str, name: str, document: dict[str, Json]
) -> EmailList:
    """A new list without members."""
    now = clock.now(db)
    db.execute(
        "insert into email_lists values (?, ?, ?, ?, ?, 0)",
        (tool.value, list_id, name, orjson.dumps(document).decode(), now),
    )
    return EmailList(tool, list_id, name, document, now, 0)


def find(db: sqlite3.Connection, tool: Platform, list_id: str) -> EmailList | None:
    """One list by id."""
    row = db.execute("select * from email_lists where tool = ? and id = ?", (tool.value, list_id)).fetchone()
    return _list(row) if row else None


def listed(db: sqlite3.Connection, tool: Platform) -> list[EmailList]:
    """Every list, oldest first."""
    rows = db.execute("select * from email_lists where tool = ? order by created_at, id", (tool.value,))
    return [_list(row) for row in rows]


def rename(db: sqlite3.Connection, found: EmailList, name: str, **changes: Json) -> EmailList:
    """Give it another name, and change what its document holds; returns the list as it is then."""
    kept = {**found.document, **changes}
    db.execute(
        "update email_lists set name = ?, document = ? where tool = ? and id = ?",
        (name, orjson.dumps(kept).decode(), found.tool.value, found.id),
    )
    return replace(found, name=name, document=kept)


def delete(db: sqlite3.Connection, tool: Platform, list_id: str) -> None:
    """Delete a list; its people stay, its id is never used again."""
    db.execute("delete from email_members where tool = ? and list = ?", (tool.value, list_id))
    db.execute("delete from email_lists where tool = ? and id = ?", (tool.value, list_id))


def add(db: sqlite3.Connection, found: EmailList, persons: Iterable[str], request: int) -> list[str]:
    """Put people in by their ids; returns those who were not in it. They must be known."""
    now = clock.now(db)
    come = []
    for person in dict.fromkeys(persons):
        cursor = db.execute(
            "insert or ignore into email_members values (?, ?, ?, ?, ?)",
            (found.tool.value, found.id, person, people.next_number(db, found.tool), now),
        )
        if cursor.rowcount:
            come.append(person)
    _note(db, found, request, added=len(come), removed=0)
    return come


def remove(db: sqlite3.Connection, found: EmailList, persons: Iterable[str], request: int) -> list[str]:
    """Take people out; returns those who were in it."""
    gone = []
    for person in dict.fromkeys(persons):
        cursor = db.execute(
            "delete from email_members where tool = ? and list = ? and person = ?",
            (found.tool.value, found.id, person),
        )
        if cursor.rowcount:
            gone.append(person)
    _note(db, found, request, added=0, removed=len(gone))
    return gone


def members(
    db: sqlite3.Connection, found: EmailList, *, after: int = 0, limit: int | None = None
) -> list[tuple[int, people.Known, float]]:
    """The members with a number to go on from and the moment they came, in the order they came."""
    rows = db.execute(
        """
        select members.number, members.added_at, persons.*
        from email_members as members
        join email_people as persons
          on persons.tool = members.tool and persons.id = members.person
        where members.tool = ? and members.list = ? and members.number > ?
        order by members.number
        limit coalesce(?, -1)
        """,
        (found.tool.value, found.id, after, limit),
    ).fetchall()
    known = {row["id"]: people.find(db, found.tool, "id", row["id"]) for row in rows}
    return [
        (row["number"], person, row["added_at"]) for row in rows if (person := known[row["id"]]) is not None
    ]


def of_person(db: sqlite3.Connection, tool: Platform, person: str) -> list[str]:
    """The lists that a person is in."""
    rows = db.execute(
        "select list from email_members where tool = ? and person = ? order by list", (tool.value, person)
    )
    return [str(row["list"]) for row in rows]


def lose(db: sqlite3.Connection, tool: Platform, list_id: str, share: float, seed: int) -> int:
    """Drop a share of the members without a word; returns how many. The same seed drops the same people."""
    found = find(db, tool, list_id)
    if found is None:
        return 0
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    present = sorted(person.id for _, person, _ in members(db, found))
    return len(remove(db, found, [person for person in present if chance.random() < share], 0))


def _note(db: sqlite3.Connection, found: EmailList, request: int, *, added: int, removed: int) -> None:
    """Keep size and history in step with the members."""
    (size,) = db.execute(
        "update email_lists set size = size + ? where tool = ? and id = ? returning size",
        (added - removed, found.tool.value, found.id),
    ).fetchone()
    record_change(db, found.tool, found.id, request, added=added, removed=removed, size=int(size))


def _list(row: sqlite3.Row) -> EmailList:
    return EmailList(
        Platform(row["tool"]),
        row["id"],
        row["name"],
        orjson.loads(row["document"]),
        row["created_at"],
        row["size"],
    )
