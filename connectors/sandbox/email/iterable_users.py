"""Iterable's users: who a row means, what becomes of its fields, and the subscriptions that overwrite each other."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from connectors.sandbox.email import fields, lists, people
from connectors.sandbox.email.iterable_bodies import Subscriber, Subscriptions, Who
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json, Platform

ITERABLE: Final = Platform.ITERABLE
USER_ID_LENGTH = 52
FIELDS = 1_000
FORGOTTEN = "forgotten"
EMAIL_CHANNEL = 1
"""The message channel of e-mail, which every list here belongs to."""

ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
SUBSCRIPTION_FIELDS: Final = frozenset(
    {"emailListIds", "unsubscribedChannelIds", "unsubscribedMessageTypeIds", "subscribedMessageTypeIds"}
)
Failure = Literal["invalid", "notFound", "forgotten", "conflict", "invalidData"]
FAILURES: Final[tuple[Failure, ...]] = ("invalid", "notFound", "forgotten", "conflict", "invalidData")


@dataclass
class Outcome:
    """What became of a request's rows, as all calls with rows answer it."""

    succeeded: int = 0
    failed: list[tuple[Failure, Who]] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    filtered: set[str] = field(default_factory=set)

    def content(self) -> dict[str, Json]:
        """The answer."""
        updates: dict[str, Json] = {}
        for failure in FAILURES:
            rows = [who for why, who in self.failed if why == failure]
            updates[f"{failure}Emails"] = [who.email.lower() for who in rows if who.email is not None]
            updates[f"{failure}UserIds"] = [who.userId for who in rows if who.email is None]
        return {
            "successCount": self.succeeded,
            "failCount": len(self.failed),
            "createdFields": [*sorted(self.created)],
            "filteredOutFields": [*sorted(self.filtered)],
            "failedUpdates": updates,
        }


def user_id(number: int) -> str:
    """The id of Iterable's own."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def channel(kind: Literal["channel", "type"], number: int) -> str:
    """What the memory calls a message channel or type."""
    return "email" if (kind, number) == ("channel", EMAIL_CHANNEL) else f"{kind} {number}"


def resolve(db: sqlite3.Connection, who: Who) -> Known | Failure:
    """The user that a row means, or why there is none."""
    if who.email is not None and not ADDRESS.fullmatch(who.email):
        return "invalid"
    if who.userId is not None and not _is_user_id(who.userId):
        return "invalid"
    if any(is_forgotten(db, value) for value in (who.email, who.userId) if value):
        return "forgotten"
    by_email = people.find(db, ITERABLE, "email", who.email) if who.email else None
    by_id = people.find(db, ITERABLE, "external_id", who.userId) if who.userId else None
    if by_email and by_id and by_email.id != by_id.id:
        return "conflict"
    if by_email and who.userId and not by_id and by_email.external_id:
        return "conflict"
    return by_email or by_id or "notFound"


def _is_user_id(value: str) -> bool:
    return value.isascii() and value.strip() == value and 0 < len(value) <= USER_ID_LENGTH


def is_forgotten(db: sqlite3.Connection, identifier: str) -> bool:
    """Whether this person was forgotten for good."""
    row = db.execute(
        "select 1 from email_suppressions where tool = ? and email = ? and kind = ?",
        (ITERABLE.value, identifier.lower(), FORGOTTEN),
    ).fetchone()
    return row is not None


def upsert(
    db: sqlite3.Connection,
    row: Subscriber,
    outcome: Outcome,
    request: int,
    *,
    creates: bool,
    new_fields: bool = True,
) -> Known | Failure:
    """Update one user, or create them; the user, or why not."""
    found = resolve(db, row)
    if isinstance(found, str) and not (found == "notFound" and creates):
        return found
    types = {defined.name: defined.document["type"] for defined in fields.listed(db, ITERABLE)}
    given = {name: value for name, value in row.dataFields.items() if name not in SUBSCRIPTION_FIELDS}
    if any(
        name in types and types[name] != kind_of(value) for name, value in given.items() if value is not None
    ):
        return "invalidData"
    for name, value in dict(given).items():
        if name in types:
            continue
        if new_fields:
            fields.create(db, ITERABLE, name, name, {"type": kind_of(value)})
            outcome.created.add(name)
        else:
            outcome.filtered.add(name)
            del given[name]
    if isinstance(found, str):
        number = people.next_number(db, ITERABLE)
        person = people.create(db, ITERABLE, user_id(number), email=row.email, external_id=row.userId)
    else:
        person = found
    if row.mergeNestedObjects:
        for name, value in given.items():
            before = person.attributes.get(name)
            if isinstance(before, dict) and isinstance(value, dict):
                given[name] = {**before, **value}
    both = {"email": row.email or person.email, "external_id": row.userId or person.external_id}
    people.update(db, ITERABLE, person, attributes=given, **both)
    overwritten = {name: value for name, value in row.dataFields.items() if name in SUBSCRIPTION_FIELDS}
    if overwritten:
        subscribe(db, person, Subscriptions.model_validate(overwritten), request)
    return person


def kind_of(value: Json) -> str:
    """A field's type, which never changes after its first use."""
    names = {bool: "boolean", int: "long", float: "double", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "string")


def subscribe(db: sqlite3.Connection, person: Known, wish: Subscriptions, request: int) -> None:
    """Overwrite subscriptions: whoever is not named as unsubscribed any more is subscribed again."""
    if wish.emailListIds is not None:
        wanted = {str(number) for number in wish.emailListIds}
        for each in lists.listed(db, ITERABLE):
            change = lists.add if each.id in wanted else lists.remove
            change(db, each, [person.id], request)
    if wish.unsubscribedChannelIds is not None:
        _overwrite(db, person, "channel", wish.unsubscribedChannelIds, request)
    if wish.unsubscribedMessageTypeIds is not None:
        _overwrite(db, person, "type", wish.unsubscribedMessageTypeIds, request)
    for number in wish.subscribedMessageTypeIds or ():
        people.set_consent(db, ITERABLE, person.id, "subscribed", request, channel("type", number))


def left(db: sqlite3.Connection, person: Known, kind: Literal["channel", "type"]) -> list[int]:
    """The message channels or types that a user has left."""
    rows = db.execute(
        "select channel from email_consent where tool = ? and person = ? and state = 'unsubscribed'",
        (ITERABLE.value, person.id),
    )
    names = {str(row["channel"]) for row in rows}
    email = [EMAIL_CHANNEL] if kind == "channel" and "email" in names else []
    return sorted([*email, *(int(name.split()[1]) for name in names if name.startswith(f"{kind} "))])


def _overwrite(
    db: sqlite3.Connection,
    person: Known,
    kind: Literal["channel", "type"],
    wanted: Iterable[int],
    request: int,
) -> None:
    for number in set(left(db, person, kind)) - set(wanted):
        people.set_consent(db, ITERABLE, person.id, "subscribed", request, channel(kind, number))
    for number in wanted:
        people.set_consent(db, ITERABLE, person.id, "unsubscribed", request, channel(kind, number))


def delete_user(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Delete a user; they may come again."""
    people.delete(db, ITERABLE, str(job.payload["person"]))
    return {}


def forget(db: sqlite3.Connection, who: Who, request: int) -> None:
    """Delete a user and never take them again."""
    person = resolve(db, who)
    values = {who.email, who.userId}
    if not isinstance(person, str):
        values |= {person.email, person.external_id}
        people.delete(db, ITERABLE, person.id)
    for value in filter(None, values):
        people.suppress(db, ITERABLE, value, FORGOTTEN)
        people.set_consent(db, ITERABLE, value.lower(), "unsubscribed", request, FORGOTTEN)


def unforget(db: sqlite3.Connection, who: Who, request: int) -> None:
    """Take somebody again who was to be forgotten: what a sync must never do."""
    for value in filter(None, (who.email, who.userId)):
        if people.unsuppress(db, ITERABLE, value, FORGOTTEN):
            # They may have been forgotten in the tool's own pages, which no request has noted.
            people.set_consent(db, ITERABLE, value.lower(), "unsubscribed", 0, FORGOTTEN)
            people.set_consent(db, ITERABLE, value.lower(), "unknown", request, FORGOTTEN)
