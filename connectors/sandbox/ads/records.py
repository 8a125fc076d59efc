"""What a platform keeps besides audiences and members: terms that a request accepted, expressions over audiences."""

from __future__ import annotations

import sqlite3

import orjson

from connectors.sandbox.wire import Json, Platform


def put(db: sqlite3.Connection, platform: Platform, kind: str, key: str, document: dict[str, Json]) -> None:
    """Keep a document, in the place of an older one with this key."""
    db.execute(
        """
        insert into ad_records values (?, ?, ?, ?)
        on conflict (platform, kind, key) do update set document = excluded.document
        """,
        (platform.value, kind, key, orjson.dumps(document).decode()),
    )


def find(db: sqlite3.Connection, platform: Platform, kind: str, key: str) -> dict[str, Json] | None:
    """One document by key."""
    return listed(db, platform, kind).get(key)


def listed(db: sqlite3.Connection, platform: Platform, kind: str) -> dict[str, dict[str, Json]]:
    """All documents of a kind by key."""
    rows = db.execute(
        "select key, document from ad_records where platform = ? and kind = ? order by key",
        (platform.value, kind),
    )
    return {row["key"]: orjson.loads(row["document"]) for row in rows}


def delete(db: sqlite3.Connection, platform: Platform, kind: str, key: str) -> bool:
    """Forget a document; whether there was one."""
    done = db.execute(
        "delete from ad_records where platform = ? and kind = ? and key = ?", (platform.value, kind, key)
    )
    return done.rowcount > 0
