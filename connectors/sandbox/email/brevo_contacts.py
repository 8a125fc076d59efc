"""Brevo's contacts: who an identifier means, what they become, and the ways in which they are resubscribed."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from datetime import date
from typing import Final

from connectors.sandbox import clock
from connectors.sandbox.email import fields, lists, people
from connectors.sandbox.email.brevo_bodies import ChangedContact, ContactFields, ImportedContact
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json, Platform

BREVO: Final = Platform.BREVO
ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"(\+|00)?[0-9]{6,19}")
BUILT_IN: Final = {"FIRSTNAME": "text", "LASTNAME": "text", "SMS": "text"}
"""Attributes of a new account; everything else has to be defined first."""
KEYS: Final[dict[str, people.Key]] = {
    "email_id": "email",
    "contact_id": "id",
    "ext_id": "external_id",
    "phone_id": "phone",
}


def find(db: sqlite3.Connection, identifier: str, kind: str | None = None) -> Known | None:
    """The contact that an identifier in an address means: an e-mail or an id, unless the kind is told."""
    kind = kind or ("email_id" if "@" in identifier else "contact_id")
    return people.find(db, BREVO, KEYS[kind], identifier) if kind in KEYS else None


def attributes_of_account(db: sqlite3.Connection) -> dict[str, str]:
    """Names and types of the attributes that there are."""
    return BUILT_IN | {defined.name: str(defined.document["type"]) for defined in fields.listed(db, BREVO)}


def taken(db: sqlite3.Connection, given: dict[str, Json], *, empties: bool = True) -> dict[str, Json]:
    """Of attributes those that are defined and of the right type; the rest is passed over without a word."""
    types = attributes_of_account(db)
    kept: dict[str, Json] = {}
    for name, value in given.items():
        if name not in types or name == "SMS":
            continue
        if value in ("", None):
            if empties:
                kept[name] = None
        elif _is_of(types[name], value):
            kept[name] = value
    return kept


def _is_of(kind: str, value: Json) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_date(value)
        case "multiple-choice":
            return isinstance(value, list)
        case _:
            return isinstance(value, str)


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == 10


def create(db: sqlite3.Connection, email: str | None, wish: ContactFields, request: int) -> Known:
    """A new contact: on no blocklist, so that Brevo writes to them, although they said nothing."""
    number = str(people.next_number(db, BREVO))
    made = people.create(db, BREVO, number, email=email)
    change(db, made, wish, request)
    return made


def change(db: sqlite3.Connection, person: Known, wish: ContactFields, request: int) -> None:
    """Change attributes, places in lists and blocklists. Another e-mail takes a contact off the blocklist."""
    identifiers: dict[str, str | None] = {}
    if wish.ext_id is not None and find(db, wish.ext_id, "ext_id") is None:
        identifiers["external_id"] = wish.ext_id
    phone, email = wish.attributes.get("SMS"), wish.attributes.get("EMAIL")
    if isinstance(phone, str) and PHONE.fullmatch(phone):
        identifiers["phone"] = phone
    if isinstance(email, str) and email.lower() != person.email:
        identifiers["email"] = email
        if people.consent(db, BREVO, person.id) == "unsubscribed":
            people.set_consent(db, BREVO, person.id, "subscribed", request)
    people.update(db, BREVO, person, attributes=taken(db, wish.attributes), **identifiers)
    for channel, blocked in (("email", wish.emailBlacklisted), ("sms", wish.smsBlacklisted)):
        if blocked is not None:
            people.set_consent(
                db, BREVO, person.id, "unsubscribed" if blocked else "subscribed", request, channel
            )
    agree(db, person, wish.consentGroupIds, request)
    for number in wish.listIds:
        if (found := lists.find(db, BREVO, str(number))) is not None:
            lists.add(db, found, [person.id], request)
    for number in wish.unlinkListIds if isinstance(wish, ChangedContact) else ():
        if (found := lists.find(db, BREVO, str(number))) is not None:
            lists.remove(db, found, [person.id], request)


def agree(db: sqlite3.Connection, person: Known, groups: list[str], request: int) -> None:
    """Put a contact into consent groups."""
    for group in groups:
        people.set_consent(db, BREVO, person.id, "subscribed", request, f"consent group {group}")


def document(db: sqlite3.Connection, person: Known) -> dict[str, Json]:
    """One contact as it is shown."""
    sms: dict[str, Json] = {} if person.phone is None else {"SMS": person.phone}
    return {
        "id": int(person.id),
        "email": person.email,
        "ext_id": person.external_id,
        "emailBlacklisted": people.consent(db, BREVO, person.id) == "unsubscribed",
        "smsBlacklisted": people.consent(db, BREVO, person.id, "sms") == "unsubscribed",
        "createdAt": clock.text(person.created_at),
        "modifiedAt": clock.text(person.changed_at),
        "listIds": [int(number) for number in lists.of_person(db, BREVO, person.id)],
        "listUnsubscribed": None,
        "attributes": {**person.attributes, **sms},
    }


def rows_of_file(text: str) -> list[ImportedContact]:
    """The rows of a file with semicolons, whose first line names the columns."""
    rows = []
    for line in csv.DictReader(io.StringIO(text), delimiter=";"):
        cells = {str(name).upper(): value for name, value in line.items() if isinstance(value, str)}
        email, ext_id = cells.pop("EMAIL", None), cells.pop("EXT_ID", None)
        rows.append(ImportedContact(email=email or None, ext_id=ext_id or None, attributes={**cells}))
    return rows


def run_import(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Make and change contacts and put them into lists; returns the addresses that are none."""
    payload, wrong = job.payload, []
    for content in list(payload["rows"]):  # type: ignore[arg-type]
        row = ImportedContact.model_validate(content)
        if row.email is None or not ADDRESS.fullmatch(row.email):
            wrong.append(row.email or "")
            continue
        wish = ContactFields(
            attributes=taken(db, row.attributes, empties=payload["empties"] is True),
            ext_id=row.ext_id,
            listIds=payload["lists"],  # type: ignore[arg-type]
            consentGroupIds=payload["groups"],  # type: ignore[arg-type]
            emailBlacklisted=True if payload["blocked"] else None,
            smsBlacklisted=True if payload["sms_blocked"] else None,
        )
        person = people.find(db, BREVO, "email", row.email)
        if person is None:
            create(db, row.email, wish, job.request)
        elif payload["updates"]:
            change(db, person, wish, job.request)
        else:
            change(db, person, ContactFields(listIds=wish.listIds), job.request)
    return {"invalid": [*wrong]}


def clear(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Take everybody out of a list."""
    found = lists.find(db, BREVO, str(job.payload["list"]))
    if found is not None:
        lists.remove(db, found, [person.id for _, person, _ in lists.members(db, found)], job.request)
    return {}
