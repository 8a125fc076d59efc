"""The people that an email tool knows, what they agreed to, and which addresses it does not write to."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

import orjson

from connectors.sandbox import clock
from connectors.sandbox.wire import Json, Platform

Key = Literal["id", "email", "phone", "external_id"]
Consent = Literal["subscribed", "unknown", "unsubscribed"]
"""By channel: asked for, never said anything, or left (also by bouncing or complaining)."""
WIDTH: dict[str, int] = {"unsubscribed": 0, "unknown": 1, "subscribed": 2}


@dataclass(frozen=True, slots=True)
class Known:
    """One person as the tool knows them."""

    id: str
    email: str | None
    phone: str | None
    external_id: str | None
    attributes: dict[str, Json]
    created_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """A channel's consent before and after one request."""

    person: str
    channel: str
    before: str
    after: str
    request: int

    @property
    def is_wider(self) -> bool:
        """Whether the person may be written to more than before."""
        return WIDTH[self.after] > WIDTH[self.before]


def next_number(db: sqlite3.Connection, tool: Platform) -> int:
    """A number that this tool has never given out, for ids and for an order of what came when."""
    (number,) = db.execute(
        """
        insert into email_numbers (tool, last) values (?, 1)
        on conflict (tool) do update set last = last + 1
        returning last
        """,
        (tool.value,),
    ).fetchone()
    return int(number)


def create(
    db: sqlite3.Connection,
    tool: Platform,
    person_id: str,
    *,
    email: str | None = None,
    phone: str | None = None,
    external_id: str | None = None,
    attributes: dict[str, Json] | None = None,
) -> Known:
    """A person whom the tool did not know; they have agreed to nothing."""
    now = clock.now(db)
    address = email.lower() if email else None
    db.execute(
        "insert into email_people values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tool.value,
            person_id,
            address,
            phone,
            external_id,
            orjson.dumps(attributes or {}).decode(),
            now,
            now,
        ),
    )
    return Known(person_id, address, phone, external_id, attributes or {}, now, now)


def find(db: sqlite3.Connection, tool: Platform, key: Key, value: str) -> Known | None:
    """The person with this id or identifier; addresses are compared without case."""
    sought = value.lower() if key == "email" else value
    row = db.execute(
        f"select * from email_people where tool = ? and {key} = ? order by created_at, id limit 1",
        (tool.value, sought),
    ).fetchone()
    return _known(row) if row else None


def listed(
    db: sqlite3.Connection, tool: Platform, *, after: str = "", limit: int | None = None
) -> list[Known]:
    """Everybody, by id, from the first after ``after``."""
    rows = db.execute(
        "select * from email_people where tool = ? and id > ? order by id limit coalesce(?, -1)",
        (tool.value, after, limit),
    )
    return [_known(row) for row in rows]


def count(db: sqlite3.Connection, tool: Platform) -> int:
    """How many people the tool knows."""
    (known,) = db.execute("select count(*) from email_people where tool = ?", (tool.value,)).fetchone()
    return int(known)


def update(
    db: sqlite3.Connection,
    tool: Platform,
    person: Known,
    *,
    attributes: dict[str, Json] | None = None,
    **identifiers: str | None,
) -> None:
    """Set identifiers (email, phone, external_id) and merge attributes; None as an attribute's value takes it out."""
    merged = {**person.attributes, **(attributes or {})}
    kept = {name: value for name, value in merged.items() if value is not None}
    values = {"email": person.email, "phone": person.phone, "external_id": person.external_id, **identifiers}
    address = values["email"]
    db.execute(
        """
        update email_people
        set email = ?, phone = ?, external_id = ?, attributes = ?, changed_at = ?
        where tool = ? and id = ?
        """,
        (
            address.lower() if address else None,
            values["phone"],
            values["external_id"],
            orjson.dumps(kept).decode(),
            clock.now(db),
            tool.value,
            person.id,
        ),
    )


def delete(db: sqlite3.Connection, tool: Platform, person_id: str) -> None:
    """Forget a person, with their consent and places in lists."""
    db.execute(
        """
        update email_lists
        set size = size - 1
        where tool = ? and id in (select list from email_members where tool = ? and person = ?)
        """,
        (tool.value, tool.value, person_id),
    )
    for table in ("email_members", "email_consent"):
        db.execute(f"delete from {table} where tool = ? and person = ?", (tool.value, person_id))
    db.execute("delete from email_people where tool = ? and id = ?", (tool.value, person_id))


def consent(db: sqlite3.Connection, tool: Platform, person_id: str, channel: str = "email") -> Consent:
    """What a person agreed to on a channel."""
    row = db.execute(
        "select state from email_consent where tool = ? and person = ? and channel = ?",
        (tool.value, person_id, channel),
    ).fetchone()
    state: Consent = row["state"] if row else "unknown"
    return state


def set_consent(
    db: sqlite3.Connection,
    tool: Platform,
    person_id: str,
    state: Consent,
    request: int,
    channel: str = "email",
) -> None:
    """Change it, and note the change; ``request`` 0 is what a person did by themselves."""
    before = consent(db, tool, person_id, channel)
    db.execute(
        """
        insert into email_consent values (?, ?, ?, ?)
        on conflict do update set state = excluded.state
        """,
        (tool.value, person_id, channel, state),
    )
    if before != state:
        db.execute(
            """
            insert into email_consent_changes (tool, person, channel, before, after, request, at)
            values (?, ?, ?, ?, ?, ?, ?)
            """,
            (tool.value, person_id, channel, before, state, request, clock.now(db)),
        )


def with_consent(
    db: sqlite3.Connection, tool: Platform, state: Consent, channel: str = "email"
) -> list[Known]:
    """Everybody in this state on a channel, by id; nobody's silence is looked for."""
    rows = db.execute(
        """
        select persons.*
        from email_consent as consent
        join email_people as persons on persons.tool = consent.tool and persons.id = consent.person
        where consent.tool = ? and consent.channel = ? and consent.state = ?
        order by persons.id
        """,
        (tool.value, channel, state),
    )
    return [_known(row) for row in rows]


def consent_changes(db: sqlite3.Connection, tool: Platform) -> list[ConsentChange]:
    """Every change that a request made, oldest first; what people did by themselves is left out."""
    rows = db.execute(
        """
        select person, channel, before, after, request
        from email_consent_changes
        where tool = ? and request > 0
        order by id
        """,
        (tool.value,),
    )
    return [ConsentChange(**dict(row)) for row in rows]


def suppress(db: sqlite3.Connection, tool: Platform, email: str, kind: str) -> None:
    """Let the tool write to an address no more."""
    db.execute(
        "insert or ignore into email_suppressions values (?, ?, ?, ?)",
        (tool.value, email.lower(), kind, clock.now(db)),
    )


def unsuppress(db: sqlite3.Connection, tool: Platform, email: str, kind: str) -> bool:
    """Take an address off; whether it was on. For calls that a sync must never make."""
    cursor = db.execute(
        "delete from email_suppressions where tool = ? and email = ? and kind = ?",
        (tool.value, email.lower(), kind),
    )
    return cursor.rowcount > 0


def suppressions(
    db: sqlite3.Connection, tool: Platform, kind: str | None = None
) -> list[tuple[str, str, float]]:
    """Addresses with kind and time, oldest first."""
    rows = db.execute(
        """
        select email, kind, at
        from email_suppressions
        where tool = ? and kind = coalesce(?, kind)
        order by at, email
        """,
        (tool.value, kind),
    )
    return [(row["email"], row["kind"], row["at"]) for row in rows]


def _known(row: sqlite3.Row) -> Known:
    return Known(
        row["id"],
        row["email"],
        row["phone"],
        row["external_id"],
        orjson.loads(row["attributes"]),
        row["created_at"],
        row["changed_at"],
    )
