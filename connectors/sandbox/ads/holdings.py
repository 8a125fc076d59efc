"""Audiences of the ad platforms and who is in them.

A member is a tuple of identifiers, each a kind and a value (``("EMAIL_SHA256", "76365…")``), as one request named
them. Whoever shares an identifier with a removal leaves.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import orjson

from connectors.sandbox import clock
from connectors.sandbox.store import record_change
from connectors.sandbox.wire import Json, Platform

Op = Literal["add", "remove"]
Member = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AdAudience:
    """One audience. ``document`` holds what the platform's module keeps of it, besides."""

    platform: Platform
    id: str
    account: str
    name: str
    document: dict[str, Json]
    created_at: float
    changed_at: float
    """When members last came or went."""
    size: int


def next_number(db: sqlite3.Connection, platform: Platform) -> int:
    """A number that this platform has never given out, for ids."""
    (number,) = db.execute(
        """
        insert into ad_numbers (platform, last) values (?, 1)
        on conflict (platform) do update set last = last + 1
        returning last
        """,
        (platform.value,),
    ).fetchone()
    return int(number)


def create(
    db: sqlite3.Connection,
    platform: Platform,
    audience_id: str,
    account: str,
    name: str,
    document: dict[str, Json],
) -> AdAudience:
    """A new audience without members."""
    now = clock.now(db)
    db.execute(
        "insert into ad_audiences values (?, ?, ?, ?, ?, ?, ?, 0)",
        (platform.value, audience_id, account, name, orjson.dumps(document).decode(), now, now),
    )
    return AdAudience(platform, audience_id, account, name, document, now, now, 0)


def find(db: sqlite3.Connection, platform: Platform, audience_id: str) -> AdAudience | None:
    """One audience by id."""
    row = db.execute(
        "select * from ad_audiences where platform = ? and id = ?", (platform.value, audience_id)
    ).fetchone()
    return _audience(row) if row else None


def listed(db: sqlite3.Connection, platform: Platform, account: str | None = None) -> list[AdAudience]:
    """The audiences of an account, or of all accounts, oldest first."""
    rows = db.execute(
        """
        select *
        from ad_audiences
        where platform = ? and account = coalesce(?, account)
        order by created_at, id
        """,
        (platform.value, account),
    )
    return [_audience(row) for row in rows]


def update(db: sqlite3.Connection, audience: AdAudience, **changes: Json) -> None:
    """Change what the platform's module keeps of an audience."""
    db.execute(
        "update ad_audiences set document = ? where platform = ? and id = ?",
        (orjson.dumps({**audience.document, **changes}).decode(), audience.platform.value, audience.id),
    )


def rename(db: sqlite3.Connection, audience: AdAudience, name: str) -> None:
    """Give an audience another name."""
    db.execute(
        "update ad_audiences set name = ? where platform = ? and id = ?",
        (name, audience.platform.value, audience.id),
    )


def delete(db: sqlite3.Connection, platform: Platform, audience_id: str) -> None:
    """Delete an audience with its members and waiting jobs; its id is never used again."""
    for table in ("ad_members", "ad_identifiers", "ad_jobs"):
        db.execute(f"delete from {table} where platform = ? and audience = ?", (platform.value, audience_id))
    db.execute("delete from ad_audiences where platform = ? and id = ?", (platform.value, audience_id))


def apply(
    db: sqlite3.Connection,
    audience: AdAudience,
    op: Op,
    members: Sequence[Member],
    request: int,
    lifetime: float | None = None,
    at: float | None = None,
) -> tuple[int, int]:
    """Add or remove members; returns how many came and how many went. ``lifetime`` in seconds, None for ever.

    Adding somebody who is there renews their lifetime. ``at``: the moment they came, None for now.
    """
    came = clock.now(db) if at is None else at
    added, removed = (
        (_add(db, audience, members, lifetime, came), 0)
        if op == "add"
        else (0, _remove(db, audience, members))
    )
    _note(db, audience, request, added, removed)
    return added, removed


def clear(
    db: sqlite3.Connection, audience: AdAudience, request: int, added_before: float | None = None
) -> int:
    """Remove everybody, or those last added before a moment; returns how many went."""
    gone = [
        bytes(row["member"])
        for row in _rows(db, audience)
        if added_before is None or row["added_at"] < added_before
    ]
    _drop(db, audience.platform, audience.id, gone)
    _note(db, audience, request, 0, len(gone))
    return len(gone)


def members(
    db: sqlite3.Connection, platform: Platform, audience_id: str, limit: int | None = None
) -> list[dict[str, str]]:
    """The members as they were sent, by kind of identifier; no order that means anything."""
    rows = db.execute(
        "select identifiers from ad_members where platform = ? and audience = ? limit coalesce(?, -1)",
        (platform.value, audience_id, limit),
    )
    return [dict(orjson.loads(row["identifiers"])) for row in rows]


def drop_expired(db: sqlite3.Connection, platform: Platform) -> None:
    """Let those leave whose lifetime is over by the sandbox's clock."""
    ended = db.execute(
        "select audience, member from ad_members where platform = ? and expires_at <= ?",
        (platform.value, clock.now(db)),
    ).fetchall()
    by_audience: dict[str, list[bytes]] = {}
    for row in ended:
        by_audience.setdefault(row["audience"], []).append(bytes(row["member"]))
    for audience_id, gone in by_audience.items():
        _drop(db, platform, audience_id, gone)
        audience = find(db, platform, audience_id)
        if audience is not None:
            _note(db, audience, 0, 0, len(gone))


def lose(db: sqlite3.Connection, platform: Platform, audience_id: str, share: float, seed: int) -> int:
    """Drop a share of the members without a word; returns how many. The same seed drops the same people."""
    audience = find(db, platform, audience_id)
    if audience is None:
        return 0
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lost = [bytes(row["member"]) for row in _rows(db, audience) if chance.random() < share]
    _drop(db, platform, audience_id, lost)
    if lost:
        _note(db, audience, 0, 0, len(lost))
    return len(lost)


def _add(
    db: sqlite3.Connection,
    audience: AdAudience,
    members: Sequence[Member],
    lifetime: float | None,
    now: float,
) -> int:
    ends = None if lifetime is None else now + lifetime
    keyed = {_digest(member): member for member in members}
    place = (audience.platform.value, audience.id)
    before = _count(db, audience)
    db.executemany(
        """
        insert into ad_members values (?, ?, ?, ?, ?, ?)
        on conflict do update set added_at = excluded.added_at, expires_at = excluded.expires_at
        """,
        [(*place, key, orjson.dumps(member).decode(), now, ends) for key, member in keyed.items()],
    )
    db.executemany(
        "insert or ignore into ad_identifiers values (?, ?, ?, ?)",
        [(*place, _digest((identifier,)), key) for key, member in keyed.items() for identifier in member],
    )
    return _count(db, audience) - before


def _remove(db: sqlite3.Connection, audience: AdAudience, members: Sequence[Member]) -> int:
    found: set[bytes] = set()
    for identifier in {_digest((identifier,)) for member in members for identifier in member}:
        rows = db.execute(
            "select member from ad_identifiers where platform = ? and audience = ? and identifier = ?",
            (audience.platform.value, audience.id, identifier),
        )
        found.update(bytes(row["member"]) for row in rows)
    _drop(db, audience.platform, audience.id, found)
    return len(found)


def _drop(db: sqlite3.Connection, platform: Platform, audience_id: str, gone: Iterable[bytes]) -> None:
    keys = [(platform.value, audience_id, member) for member in gone]
    rows = {
        key: db.execute(
            "select identifiers from ad_members where platform = ? and audience = ? and member = ?", key
        ).fetchone()
        for key in keys
    }
    db.executemany("delete from ad_members where platform = ? and audience = ? and member = ?", keys)
    db.executemany(
        "delete from ad_identifiers where platform = ? and audience = ? and identifier = ? and member = ?",
        [
            (*key[:2], _digest(((kind, value),)), key[2])
            for key, row in rows.items()
            if row is not None
            for kind, value in orjson.loads(row["identifiers"])
        ],
    )


def _note(db: sqlite3.Connection, audience: AdAudience, request: int, added: int, removed: int) -> None:
    """Keep size and history in step with the members."""
    (size,) = db.execute(
        """
        update ad_audiences
        set size = size + ?, changed_at = ?
        where platform = ? and id = ?
        returning size
        """,
        (added - removed, clock.now(db), audience.platform.value, audience.id),
    ).fetchone()
    record_change(db, audience.platform, audience.id, request, added=added, removed=removed, size=int(size))


def _count(db: sqlite3.Connection, audience: AdAudience) -> int:
    (count,) = db.execute(
        "select count(*) from ad_members where platform = ? and audience = ?",
        (audience.platform.value, audience.id),
    ).fetchone()
    return int(count)


def _rows(db: sqlite3.Connection, audience: AdAudience) -> list[sqlite3.Row]:
    return db.execute(
        "select member, added_at from ad_members where platform = ? and audience = ? order by member",
        (audience.platform.value, audience.id),
    ).fetchall()


def _digest(member: Member) -> bytes:
    return blake2b(orjson.dumps(sorted(member)), digest_size=16).digest()


def _audience(row: sqlite3.Row) -> AdAudience:
    return AdAudience(
        Platform(row["platform"]),
        row["id"],
        row["account"],
        row["name"],
        orjson.loads(row["document"]),
        row["created_at"],
        row["changed_at"],
        row["size"],
    )
