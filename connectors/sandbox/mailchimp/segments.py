"""Static segments, which are tags: their records and who is in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from connectors.sandbox.mailchimp.contacts import moment
from connectors.sandbox.mailchimp.errors import NOT_FOUND, Problem, Refusal, invalid_field
from connectors.sandbox.mailchimp.requests import InclusionQuery
from connectors.sandbox.store import record_change
from connectors.sandbox.wire import Json, Platform

FIRST_ID = 3_000_001


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as stored; ``type`` is ``static`` (a tag) or ``saved`` (conditions, never evaluated here)."""

    id: int
    list_id: str
    name: str
    type: str
    options: str | None
    size: int
    created_at: str
    updated_at: str


def require(db: sqlite3.Connection, list_id: str, segment_id: str) -> Segment:
    """One segment of a list. Raises Refusal (404)."""
    row = None
    if segment_id.isdecimal() and len(segment_id) < 19:
        row = db.execute(
            "select * from mailchimp_segments where list_id = ? and id = ?", (list_id, int(segment_id))
        ).fetchone()
    if row is None:
        raise Refusal(NOT_FOUND)
    return Segment(**dict(row))


def of_list(db: sqlite3.Connection, list_id: str) -> list[Segment]:
    """All segments of a list by id."""
    rows = db.execute("select * from mailchimp_segments where list_id = ? order by id", (list_id,))
    return [Segment(**dict(row)) for row in rows]


def by_name(db: sqlite3.Connection, list_id: str, name: str) -> Segment | None:
    """The segment of this name."""
    row = db.execute(
        "select * from mailchimp_segments where list_id = ? and name = ?", (list_id, name)
    ).fetchone()
    return Segment(**dict(row)) if row else None


def create(db: sqlite3.Connection, list_id: str, name: str, options: dict[str, Json] | None) -> Segment:
    """A new segment, static without ``options``. Raises Refusal (400) when the name is taken."""
    if by_name(db, list_id, name) is not None:
        raise Refusal(invalid_field("name", "Sorry, that segment already exists."))
    now = moment()
    cursor = db.execute(
        """
        insert into mailchimp_segments (id, list_id, name, type, options, created_at, updated_at)
        values ((select coalesce(max(id) + 1, ?) from mailchimp_segments), ?, ?, ?, ?, ?, ?)
        """,
        (
            FIRST_ID,
            list_id,
            name,
            "static" if options is None else "saved",
            None if options is None else orjson.dumps(options).decode(),
            now,
            now,
        ),
    )
    return require(db, list_id, str(cursor.lastrowid))


def rename(db: sqlite3.Connection, segment: Segment, name: str) -> None:
    """Give a segment another name. Raises Refusal (400) when it is taken."""
    twin = by_name(db, segment.list_id, name)
    if twin is not None and twin.id != segment.id:
        raise Refusal(invalid_field("name", "Sorry, that segment already exists."))
    db.execute(
        "update mailchimp_segments set name = ?, updated_at = ? where id = ?", (name, moment(), segment.id)
    )


def delete(db: sqlite3.Connection, segment: Segment) -> None:
    """Delete the segment; its contacts stay in the list."""
    db.execute("delete from mailchimp_segment_members where segment_id = ?", (segment.id,))
    db.execute("delete from mailchimp_segments where id = ?", (segment.id,))


def refuse_saved(segment: Segment) -> None:
    """Raises Refusal (400): only static segments have members of their own."""
    if segment.type != "static":
        raise Refusal(
            Problem(400, "Bad Request", "Members can be added to or removed from static segments only.")
        )


def put_in(db: sqlite3.Connection, segment: Segment, hashes: Sequence[str]) -> list[str]:
    """Add contacts and return those who were not there before."""
    now = moment()
    return [
        member_hash
        for member_hash in dict.fromkeys(hashes)
        if db.execute(
            "insert or ignore into mailchimp_segment_members values (?, ?, ?)", (segment.id, member_hash, now)
        ).rowcount
    ]


def take_out(db: sqlite3.Connection, segment: Segment, hashes: Sequence[str]) -> list[str]:
    """Remove contacts and return those who were there."""
    return [
        member_hash
        for member_hash in dict.fromkeys(hashes)
        if db.execute(
            "delete from mailchimp_segment_members where segment_id = ? and hash = ?",
            (segment.id, member_hash),
        ).rowcount
    ]


def note_change(db: sqlite3.Connection, segment: Segment, request: int, added: int, removed: int) -> None:
    """Keep size and history in step with the members."""
    if not added and not removed:
        return
    (size,) = db.execute(
        """
        update mailchimp_segments
        set size = size + ? - ?, updated_at = ?
        where id = ?
        returning size
        """,
        (added, removed, moment(), segment.id),
    ).fetchone()
    record_change(db, Platform.MAILCHIMP, str(segment.id), request, added=added, removed=removed, size=size)


def of_contact(db: sqlite3.Connection, list_id: str, member_hash: str) -> list[tuple[Segment, str]]:
    """A contact's tags, each with the moment it was given."""
    rows = db.execute(
        """
        select segments.*, members.added_at
        from mailchimp_segment_members as members
        join mailchimp_segments as segments on segments.id = members.segment_id
        where members.hash = ? and segments.list_id = ? and segments.type = 'static'
        order by segments.id
        """,
        (member_hash, list_id),
    )
    found = []
    for row in rows:
        values = dict(row)
        added_at = values.pop("added_at")
        found.append((Segment(**values), added_at))
    return found


def visible_statuses(wish: InclusionQuery) -> list[str]:
    """Which contacts a read shows: subscribed and pending always, others only where asked, archived never."""
    statuses = ["subscribed", "pending"]
    if wish.include_unsubscribed:
        statuses.append("unsubscribed")
    if wish.include_cleaned:
        statuses.append("cleaned")
    if wish.include_transactional:
        statuses.append("transactional")
    return statuses


def visible_count(db: sqlite3.Connection, segment: Segment, wish: InclusionQuery) -> int:
    """How many members a read with these flags would show."""
    (count,) = db.execute(
        """
        select count(*)
        from mailchimp_segment_members as members
        join mailchimp_contacts as contacts on contacts.hash = members.hash and contacts.list_id = ?
        where members.segment_id = ?
          and contacts.status in (select value from json_each(?))
        """,
        (segment.list_id, segment.id, orjson.dumps(visible_statuses(wish)).decode()),
    ).fetchone()
    return int(count)
