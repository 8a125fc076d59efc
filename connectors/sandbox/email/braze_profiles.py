"""Braze's profiles: who an object of a request means, what it changes, and who has a boolean attribute.

A boolean custom attribute is a list here, so that its people can be counted; an attribute that a colleague deletes is
gone from everybody.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Final

import orjson

from connectors.sandbox.email import lists, people
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Consent, Known
from connectors.sandbox.wire import Json, Platform

BRAZE: Final = Platform.BRAZE
EXTERNAL_ID_BYTES = 987
TEXT_LENGTH = 255
ARRAY_LENGTH = 500
"""What is longer is cut without a word."""
OBJECT_ID_BASE = 0x65A0_0000_0000_0000_0000_0000

STANDARD: Final = frozenset(
    {
        "country",
        "current_location",
        "date_of_first_session",
        "date_of_last_session",
        "dob",
        "first_name",
        "gender",
        "home_city",
        "language",
        "last_name",
        "push_tokens",
        "time_zone",
    }
)
"""Fields of every profile that are no custom attributes."""
IDENTIFIERS: Final = frozenset({"external_id", "user_alias", "braze_id", "email", "phone"})
STATES: Final[dict[str, Consent]] = {
    "opted_in": "subscribed",
    "subscribed": "unknown",
    "unsubscribed": "unsubscribed",
}
"""Braze calls subscribed whoever never said anything."""
GROUP_STATES: Final[dict[str, Consent]] = {"subscribed": "subscribed", "unsubscribed": "unsubscribed"}
STATE_NAMES: Final = {state: name for name, state in STATES.items()}
CONSENT_CHANNELS: Final = {"email_subscribe": "email", "push_subscribe": "push"}
NOT_CUSTOM: Final = (
    STANDARD
    | IDENTIFIERS
    | CONSENT_CHANNELS.keys()
    | {"_update_existing_only", "_merge_objects", "subscription_groups"}
)


def object_id(number: int) -> str:
    """A ``braze_id``: 24 hexadecimal digits."""
    return f"{OBJECT_ID_BASE + number:024x}"


def alias_id(alias: dict[str, Json]) -> str:
    """The ``braze_id`` of a profile that is known by an alias only: the same alias finds it again."""
    named = f"{alias['alias_label']}\0{alias['alias_name']}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def fault_of(db: sqlite3.Connection, row: dict[str, Json]) -> str | None:
    """Why Braze refuses an object, in its own words; None for a good one. New boolean attributes begin here."""
    keys = [name for name in ("external_id", "user_alias", "braze_id") if row.get(name) is not None]
    if len(keys) > 1:
        return "only one of 'external_id', 'braze_id' or 'user_alias' may be given"
    if not keys and not (row.get("email") or row.get("phone")):
        return "'external_id' or 'braze_id' or 'user_alias' or 'email' or 'phone' is required"
    alias = row.get("user_alias")
    if alias is not None and not is_alias(alias):
        return "'user_alias' must have 'alias_name' and 'alias_label'"
    for name in IDENTIFIERS - {"user_alias"}:
        if not isinstance(row.get(name), str | None):
            return f"'{name}' must be a string"
    if len(str(row.get("external_id") or "").encode()) > EXTERNAL_ID_BYTES:
        return "EXTERNAL_USER_ID_TOO_LARGE"
    if "@" not in str(row.get("email") or "@"):
        return "Invalid email address"
    for name, channel in CONSENT_CHANNELS.items():
        if row.get(name) is not None and row[name] not in STATES:
            return f"'{name}' is no state of {channel}"
    return _fault_of_attributes(db, row)


def _fault_of_attributes(db: sqlite3.Connection, row: dict[str, Json]) -> str | None:
    for name, value in row.items():
        if name in NOT_CUSTOM or value is None:
            continue
        if len(name) > TEXT_LENGTH or (isinstance(value, str) and len(value) > TEXT_LENGTH):
            return "Custom attribute keys and values must be 255 characters or less"
        flag = lists.find(db, BRAZE, name)
        if flag is not None and not isinstance(value, bool):
            return "The type of a custom attribute can't be changed"
        if flag is None and isinstance(value, bool):
            flag_of(db, name)
    return None


def is_alias(value: Json) -> bool:
    """Whether this is an alias with both its parts."""
    return (
        isinstance(value, dict)
        and set(value) == {"alias_name", "alias_label"}
        and all(isinstance(part, str) and part for part in value.values())
    )


def flag_of(db: sqlite3.Connection, name: str) -> EmailList:
    """A boolean attribute's list, begun with its first use; a marketer makes a segment of it at once."""
    found = lists.find(db, BRAZE, name)
    if found is not None:
        return found
    digits = hashlib.sha256(name.encode()).hexdigest()
    segment = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
    return lists.create(db, BRAZE, name, name, {"segment_id": segment})


def find(db: sqlite3.Connection, row: dict[str, Json]) -> Known | None:
    """The profile that an object means. Of several with one address: the last changed that has an external id."""
    if row.get("external_id") is not None:
        return people.find(db, BRAZE, "external_id", str(row["external_id"]))
    if row.get("braze_id") is not None:
        return people.find(db, BRAZE, "id", str(row["braze_id"]))
    if isinstance(row.get("user_alias"), dict):
        return people.find(db, BRAZE, "id", alias_id(row["user_alias"]))  # type: ignore[arg-type]
    for key in ("email", "phone"):
        if row.get(key):
            found = sharing(db, key, str(row[key]))
            return found[0] if found else None
    return None


def sharing(db: sqlite3.Connection, key: str, value: str) -> list[Known]:
    """The profiles with this e-mail or phone, the one first that Braze would choose."""
    rows = db.execute(
        f"""
        select id
        from email_people
        where tool = ? and {key} = ?
        order by external_id is null, changed_at desc, id
        """,
        (BRAZE.value, value.lower() if key == "email" else value),
    ).fetchall()
    found = [people.find(db, BRAZE, "id", row["id"]) for row in rows]
    return [person for person in found if person is not None]


def alike(db: sqlite3.Connection, person: Known) -> list[Known]:
    """A profile and those that share its e-mail."""
    return sharing(db, "email", person.email) if person.email else [person]


def apply_rows(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Do what a request of ``/users/track`` asked for."""
    for row in list(job.payload["rows"]):  # type: ignore[arg-type]
        _apply(db, dict(row), job.request)  # type: ignore[arg-type]
    return {}


def _apply(db: sqlite3.Connection, row: dict[str, Json], request: int) -> None:
    person = find(db, row)
    if person is None:
        # A profile is never made for a braze_id that Braze did not give out.
        if row.get("braze_id") is not None or row.get("_update_existing_only", "user_alias" in row):
            return
        alias = row.get("user_alias")
        made = alias_id(alias) if isinstance(alias, dict) else object_id(people.next_number(db, BRAZE))
        person = people.create(
            db, BRAZE, made, external_id=None if row.get("external_id") is None else str(row["external_id"])
        )
    identifiers = {key: str(row[key]) for key in ("email", "phone") if row.get(key)}
    attributes = {
        name: _changed(person.attributes.get(name), value, merges=bool(row.get("_merge_objects")))
        for name, value in row.items()
        if name not in NOT_CUSTOM or name in STANDARD
    }
    people.update(db, BRAZE, person, attributes=attributes, **identifiers)
    _flag(db, person, attributes, request)
    _consent(db, person, row, request)


def _flag(db: sqlite3.Connection, person: Known, attributes: dict[str, Json], request: int) -> None:
    """Keep the lists of boolean attributes in step."""
    for name, value in attributes.items():
        if isinstance(value, bool):
            change = lists.add if value else lists.remove
            change(db, flag_of(db, name), [person.id], request)
        elif value is None and (flag := lists.find(db, BRAZE, name)) is not None:
            lists.remove(db, flag, [person.id], request)


def _consent(db: sqlite3.Connection, person: Known, row: dict[str, Json], request: int) -> None:
    """What an object says of subscriptions; a group's state goes to every profile with that address."""
    for field, channel in CONSENT_CHANNELS.items():
        if row.get(field) is not None:
            people.set_consent(db, BRAZE, person.id, STATES[str(row[field])], request, channel)
    groups = row.get("subscription_groups")
    for group in groups if isinstance(groups, list) else []:
        state = GROUP_STATES.get(str(group.get("subscription_state"))) if isinstance(group, dict) else None
        if isinstance(group, dict) and state is not None:
            now = people.find(db, BRAZE, "id", person.id) or person
            channel = str(group.get("subscription_group_id"))
            for each in alike(db, now):
                people.set_consent(db, BRAZE, each.id, state, request, channel)


def _changed(before: Json, value: Json, *, merges: bool) -> Json:
    """An attribute's new value: increments, changes to arrays, merged objects, or simply the value."""
    if isinstance(value, list):
        return value[:ARRAY_LENGTH]
    if not isinstance(value, dict):
        return value
    if set(value) == {"inc"} and isinstance(value["inc"], int):
        return (before if isinstance(before, int) else 0) + value["inc"]
    if value and set(value) <= {"add", "remove"}:
        kept = list(before) if isinstance(before, list) else []
        added, removed = value.get("add"), value.get("remove")
        kept += [one for one in (added if isinstance(added, list) else []) if one not in kept]
        gone = removed if isinstance(removed, list) else []
        return [one for one in kept if one not in gone][:ARRAY_LENGTH]
    return {**before, **value} if merges and isinstance(before, dict) else value


def exported(db: sqlite3.Connection, person: Known, fields: list[str]) -> dict[str, Json]:
    """One profile as the exports show it, without fields that are empty."""
    flags = set(lists.of_person(db, BRAZE, person.id))
    custom: dict[str, Json] = {
        name: value
        for name, value in person.attributes.items()
        if name not in STANDARD
        and (not isinstance(value, bool) or (name in flags if value else lists.find(db, BRAZE, name)))
    }
    everything: dict[str, Json] = {
        "external_id": person.external_id,
        "braze_id": person.id,
        "email": person.email,
        "phone": person.phone,
        **{name: value for name, value in person.attributes.items() if name in STANDARD},
        "custom_attributes": custom,
    }
    for field, channel in CONSENT_CHANNELS.items():
        everything[field] = STATE_NAMES[people.consent(db, BRAZE, person.id, channel)]
    return {name: value for name, value in everything.items() if name in fields and value not in (None, {})}


def write_export(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """The lines of an exported segment."""
    flag = lists.find(db, BRAZE, str(job.payload["flag"]))
    fields = [str(field) for field in list(job.payload["fields"])]  # type: ignore[arg-type]
    shown = [person for _, person, _ in lists.members(db, flag)] if flag else []
    lines = [orjson.dumps(exported(db, person, fields)).decode() for person in shown]
    return {"lines": "".join(f"{line}\n" for line in lines)}
