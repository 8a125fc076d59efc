"""Merge fields: a list's own attributes, which must exist before a contact can have them."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import orjson

from connectors.sandbox.mailchimp.errors import FieldFault, Problem, Refusal, invalid_field, invalid_resource
from connectors.sandbox.mailchimp.requests import CreateMergeField, UpdateMergeField
from connectors.sandbox.wire import Json

STANDARD = (
    ("FNAME", "First Name", "text"),
    ("LNAME", "Last Name", "text"),
    ("ADDRESS", "Address", "address"),
    ("PHONE", "Phone Number", "phone"),
    ("BIRTHDAY", "Birthday", "birthday"),
)
"""What every new list has."""
_FORMS = {
    "date": (re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?"), "Please enter a date as YYYY-MM-DD"),
    "birthday": (
        re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])"),
        "Please enter a month (01-12) and a day (01-31)",
    ),
    "number": (re.compile(r"-?\d+(\.\d+)?"), "Please enter a number"),
}
_ADDRESS_PARTS = ("addr1", "city", "state", "zip")


@dataclass(frozen=True, slots=True)
class MergeField:
    """One merge field of a list."""

    list_id: str
    merge_id: int
    tag: str
    name: str
    type: str
    required: int
    default_value: str
    public: int
    display_order: int
    options: str
    help_text: str


def of_list(db: sqlite3.Connection, list_id: str) -> list[MergeField]:
    """All merge fields, in the order they are shown."""
    rows = db.execute(
        "select * from mailchimp_merge_fields where list_id = ? order by display_order, merge_id", (list_id,)
    )
    return [MergeField(**dict(row)) for row in rows]


def create(db: sqlite3.Connection, list_id: str, wish: CreateMergeField) -> MergeField:
    """A new field; the tag defaults to ``MMERGE<n>``. Raises Refusal when the tag is taken."""
    known = of_list(db, list_id)
    merge_id = max((field.merge_id for field in known), default=0) + 1
    tag = wish.tag or f"MMERGE{merge_id}"
    if any(field.tag == tag for field in known):
        raise Refusal(
            Problem(400, "Bad Request", f'A Merge Field with the tag "{tag}" already exists for this list.')
        )
    db.execute(
        "insert into mailchimp_merge_fields values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            list_id,
            merge_id,
            tag,
            wish.name,
            wish.type,
            wish.required,
            wish.default_value,
            wish.public,
            wish.display_order if wish.display_order is not None else merge_id + 1,
            orjson.dumps(wish.options).decode(),
            wish.help_text,
        ),
    )
    return next(field for field in of_list(db, list_id) if field.merge_id == merge_id)


def update(db: sqlite3.Connection, field: MergeField, wish: UpdateMergeField) -> None:
    """Change what was given."""
    db.execute(
        """
        update mailchimp_merge_fields
        set name = coalesce(?, name), tag = coalesce(?, tag), required = coalesce(?, required)
        where list_id = ? and merge_id = ?
        """,
        (wish.name, wish.tag, wish.required, field.list_id, field.merge_id),
    )


def delete(db: sqlite3.Connection, field: MergeField) -> None:
    """Remove the field; contacts keep what they had under its tag, unseen."""
    db.execute(
        "delete from mailchimp_merge_fields where list_id = ? and merge_id = ?",
        (field.list_id, field.merge_id),
    )


def accepted_values(
    known: list[MergeField], given: dict[str, Json] | None, *, complete: bool, skip_validation: bool
) -> dict[str, Json]:
    """The values to keep: unknown tags are dropped in silence, as the platform does.

    ``complete`` demands required fields (a new contact). Raises Refusal (400) for a missing or malformed value
    unless validation is skipped.
    """
    values = given or {}
    by_tag = {field.tag: field for field in known}
    kept = {tag: value for tag, value in values.items() if tag in by_tag}
    if skip_validation:
        return kept
    faults = [
        FieldFault(tag, fault) for tag, value in kept.items() if (fault := _fault(by_tag[tag].type, value))
    ]
    if complete:
        faults += [
            FieldFault(field.tag, "Please enter a value")
            for field in known
            if field.required and kept.get(field.tag) in (None, "")
        ]
    if faults:
        raise Refusal(invalid_resource(*faults))
    return kept


def _fault(kind: str, value: Json) -> str | None:
    if value == "":
        return None
    if kind == "address":
        complete = isinstance(value, dict) and all(value.get(part) for part in _ADDRESS_PARTS)
        return None if complete else "Please enter a complete address"
    if isinstance(value, (dict, list)):
        return "Data did not match any of the schemas described in anyOf."
    if kind in _FORMS:
        form, message = _FORMS[kind]
        return None if form.fullmatch(str(value)) else message
    return None


def require(db: sqlite3.Connection, list_id: str, merge_id: str) -> MergeField:
    """One field by id. Raises Refusal (400) for an id that the list doesn't have."""
    found = next((field for field in of_list(db, list_id) if str(field.merge_id) == merge_id), None)
    if found is None:
        raise Refusal(invalid_field("merge_id", "There is no such merge field in this list."))
    return found
