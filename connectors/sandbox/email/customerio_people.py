"""Customer.io's people: what an item of the Track API asks for, and what becomes of it later."""

from __future__ import annotations

import sqlite3
from typing import Final

import orjson

from connectors.sandbox.email import lists, people
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json, Platform

CUSTOMERIO: Final = Platform.CUSTOMERIO
ID_BYTES = 150
ATTRIBUTES, NAME_BYTES, VALUE_BYTES = 300, 150, 1_000
ITEM_BYTES = 32_000
SUPPRESSED = "suppressed"

KEYS: Final[dict[str, people.Key]] = {"id": "external_id", "email": "email", "cio_id": "id"}
"""Kinds of identifiers, and where people keep them."""
ACTIONS: Final = frozenset({"identify", "delete", "suppress", "unsuppress", "event"})
PREFERENCES = "cio_subscription_preferences"

Item = dict[str, Json]


def cio_id(number: int) -> str:
    """The id of Customer.io's own."""
    return f"a3{number:06x}"


def in_path(identifier: str) -> dict[str, Json]:
    """What an identifier in an address means: ``cio_`` before one of theirs, an e-mail, or an id."""
    if identifier.startswith("cio_"):
        return {"cio_id": identifier.removeprefix("cio_")}
    return {"email" if "@" in identifier else "id": identifier}


def find(db: sqlite3.Connection, identifiers: dict[str, Json]) -> Known | None:
    """The person; nobody who is suppressed."""
    for kind, value in identifiers.items():
        found = None if is_suppressed(db, str(value)) else people.find(db, CUSTOMERIO, KEYS[kind], str(value))
        if found is not None:
            return found
    return None


def is_suppressed(db: sqlite3.Connection, identifier: str) -> bool:
    """Whether Customer.io ignores whatever is said of this identifier."""
    row = db.execute(
        "select 1 from email_suppressions where tool = ? and email = ? and kind = ?",
        (CUSTOMERIO.value, identifier.lower(), SUPPRESSED),
    ).fetchone()
    return row is not None


def fault_of(item: Json) -> tuple[str, str, str] | None:
    """Why an item can't be taken: reason, field and message; None for a good one."""
    if not isinstance(item, dict) or item.get("type") != "person":
        return "invalid", "type", "type must be person"
    if item.get("action") not in ACTIONS:
        return "invalid", "action", "action is not known"
    if len(orjson.dumps(item)) >= ITEM_BYTES:
        return "invalid", "", "item must be smaller than 32 KB"
    identifiers = item.get("identifiers")
    if not isinstance(identifiers, dict) or len(identifiers) != 1 or not set(identifiers) <= set(KEYS):
        return "required", "identifiers", "exactly one of id, email or cio_id is required"
    (value,) = identifiers.values()
    if not isinstance(value, str) or not 0 < len(value.encode()) <= ID_BYTES:
        return "invalid", "identifiers", "an identifier is a text of 1 to 150 bytes"
    attributes = item.get("attributes", {})
    if not isinstance(attributes, dict):
        return "invalid", "attributes", "attributes must be an object"
    return _fault_of_attributes(attributes)


def _fault_of_attributes(attributes: dict[str, Json]) -> tuple[str, str, str] | None:
    if len(attributes) > ATTRIBUTES:
        return "invalid", "attributes", "too many attributes"
    for name, value in attributes.items():
        size = len(value.encode()) if isinstance(value, str) else len(orjson.dumps(value))
        if len(name.encode()) > NAME_BYTES or size > VALUE_BYTES:
            return "invalid", "attributes", "an attribute's name or value is too long"
    return None


def apply_items(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Do what items asked for, in their order."""
    for item in list(job.payload["items"]):  # type: ignore[arg-type]
        _apply(db, dict(item), job.request)  # type: ignore[arg-type]
    return {}


def change_members(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Put people into a segment or take them out; who is not known is passed over."""
    segment = lists.find(db, CUSTOMERIO, str(job.payload["segment"]))
    if segment is None:
        return {}
    kind, ids = str(job.payload["id_type"]), list(job.payload["ids"])  # type: ignore[arg-type]
    found = [person.id for value in ids if (person := find(db, {kind: value})) is not None]
    change = lists.add if job.payload["op"] == "add" else lists.remove
    change(db, segment, found, job.request)
    return {}


def _apply(db: sqlite3.Connection, item: Item, request: int) -> None:
    identifiers: dict[str, Json] = dict(item["identifiers"])  # type: ignore[arg-type]
    ((kind, value),) = identifiers.items()
    match item["action"]:
        case "identify":
            _identify(db, kind, str(value), dict(item.get("attributes") or {}), request)  # type: ignore[arg-type]
        case "event":
            _identify(db, kind, str(value), {}, request)
        case "delete":
            if (person := find(db, identifiers)) is not None:
                people.delete(db, CUSTOMERIO, person.id)
        case "suppress":
            if (person := find(db, identifiers)) is not None:
                people.delete(db, CUSTOMERIO, person.id)
            people.suppress(db, CUSTOMERIO, str(value), SUPPRESSED)
            people.set_consent(db, CUSTOMERIO, str(value), "unsubscribed", request, SUPPRESSED)
        case "unsuppress":
            if people.unsuppress(db, CUSTOMERIO, str(value), SUPPRESSED):
                # It may have been suppressed by a person, which no request has noted.
                people.set_consent(db, CUSTOMERIO, str(value), "unsubscribed", 0, SUPPRESSED)
                people.set_consent(db, CUSTOMERIO, str(value), "unknown", request, SUPPRESSED)


def _identify(db: sqlite3.Connection, kind: str, value: str, given: dict[str, Json], request: int) -> None:
    if is_suppressed(db, value):
        return
    person = find(db, {kind: value})
    if person is None:
        if kind == "cio_id" or given.get("_update") is True:
            return
        person = people.create(
            db,
            CUSTOMERIO,
            cio_id(people.next_number(db, CUSTOMERIO)),
            email=value if kind == "email" else None,
            external_id=value if kind == "id" else None,
        )
    identifiers: dict[str, str | None] = {}
    for name in ("id", "email"):
        wanted = given.pop(name, None)
        # Somebody else's identifier is an "Attribute Update Failure" in the activity log, and nothing here.
        if isinstance(wanted, str) and wanted and find(db, {name: wanted}) is None:
            identifiers[KEYS[name]] = wanted
    _consent(db, person, given, request)
    attributes = {
        name: None if attribute == "" else attribute
        for name, attribute in given.items()
        if name not in ("_update", "_timestamp", "cio_id", "unsubscribed")
        and not name.startswith(PREFERENCES)
    }
    people.update(db, CUSTOMERIO, person, attributes=attributes, **identifiers)


def _consent(db: sqlite3.Connection, person: Known, given: dict[str, Json], request: int) -> None:
    """Subscriptions are attributes here: whatever is not true or 1 in ``unsubscribed`` subscribes."""
    if "unsubscribed" in given:
        left = str(given["unsubscribed"]).lower() in ("true", "1")
        people.set_consent(db, CUSTOMERIO, person.id, "unsubscribed" if left else "subscribed", request)
    topics: dict[str, Json] = {}
    for name, value in given.items():
        if name == PREFERENCES and isinstance(value, dict) and isinstance(value.get("topics"), dict):
            topics |= value["topics"]  # type: ignore[arg-type]
        elif name.startswith(f"{PREFERENCES}.topics."):
            topics[name.removeprefix(f"{PREFERENCES}.topics.")] = value
    for topic, wanted in topics.items():
        people.set_consent(
            db, CUSTOMERIO, person.id, "subscribed" if wanted else "unsubscribed", request, topic
        )


def topics_of(db: sqlite3.Connection, person: Known) -> dict[str, bool]:
    """The topics that somebody said anything of, and whether they want them."""
    rows = db.execute(
        """
        select channel, state
        from email_consent
        where tool = ? and person = ? and channel <> 'email'
        order by channel
        """,
        (CUSTOMERIO.value, person.id),
    )
    return {row["channel"]: row["state"] == "subscribed" for row in rows}
