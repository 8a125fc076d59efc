"""Definitions of the fields that people may have besides the tool's own."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import orjson

from connectors.sandbox import clock
from connectors.sandbox.email import people
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json, Platform


@dataclass(frozen=True, slots=True)
class Defined:
    """One field. ``document`` holds what the tool's module keeps of it, besides."""

    id: str
    name: str
    document: dict[str, Json]
    created_at: float


def create(
    db: sqlite3.Connection, tool: Platform, field_id: str, name: str, document: dict[str, Json]
) -> Defined:
    """Define a field; its id must be new."""
    now = clock.now(db)
    db.execute(
        "insert into email_fields values (?, ?, ?, ?, ?)",
        (tool.value, field_id, name, orjson.dumps(document).decode(), now),
    )
    return Defined(field_id, name, document, now)


def listed(db: sqlite3.Connection, tool: Platform) -> list[Defined]:
    """Every field that was defined, oldest first."""
    rows = db.execute("select * from email_fields where tool = ? order by created_at, id", (tool.value,))
    return [Defined(row["id"], row["name"], orjson.loads(row["document"]), row["created_at"]) for row in rows]


def holder(db: sqlite3.Connection, tool: Platform, name: str, value: str) -> Known | None:
    """The person whose field has this value, for fields whose values are unique."""
    row = db.execute(
        "select id from email_people where tool = ? and json_extract(attributes, ?) = ? limit 1",
        (tool.value, f'$."{name}"', value),
    ).fetchone()
    return people.find(db, tool, "id", row["id"]) if row else None
