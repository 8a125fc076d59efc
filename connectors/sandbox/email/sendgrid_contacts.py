"""SendGrid's contacts: how they are found, shown and exported, and what is done with them later."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import uuid
from collections.abc import Iterable

import orjson

from connectors.sandbox import clock
from connectors.sandbox.email import lists, people
from connectors.sandbox.email.jobs import Job, Work
from connectors.sandbox.email.people import Key, Known
from connectors.sandbox.wire import Json, Platform

TOOL = Platform.SENDGRID
UNSUBSCRIBES = "unsubscribes"
EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
KEYS: dict[str, Key] = {"email": "email", "phone_number_id": "phone", "external_id": "external_id"}
IDENTIFIERS = (*KEYS, "anonymous_id")
PLAIN = (
    "first_name",
    "last_name",
    "unique_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "country",
    "postal_code",
    "phone_number",
    "whatsapp",
    "line",
    "facebook",
)
MEGABYTE = 1_000_000


def new_uuid(kind: str, number: int) -> str:
    """The same number of a kind always has the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{number}"))


def find(db: sqlite3.Connection, kind: str, value: str) -> Known | None:
    """The contact with this identifier."""
    if kind in KEYS:
        return people.find(db, TOOL, KEYS[kind], value)
    row = db.execute(
        "select id from email_people where tool = ? and json_extract(attributes, '$.anonymous_id') = ?",
        (TOOL.value, value),
    ).fetchone()
    return people.find(db, TOOL, "id", row["id"]) if row else None


def identifiers(known: Known) -> dict[str, str]:
    """Those that a contact has."""
    values = {
        "email": known.email,
        "phone_number_id": known.phone,
        "external_id": known.external_id,
        "anonymous_id": known.attributes.get("anonymous_id"),
    }
    return {kind: str(value) for kind, value in values.items() if value}


def shown(db: sqlite3.Connection, known: Known, address: str) -> dict[str, Json]:
    """A contact as a resource; ``address`` is that of all contacts."""
    kept = known.attributes
    in_lists: list[Json] = [*lists.of_person(db, TOOL, known.id)]
    return {
        "id": known.id,
        **{kind: identifiers(known).get(kind, "") for kind in IDENTIFIERS},
        **{name: kept.get(name, "") for name in PLAIN},
        "alternate_emails": kept.get("alternate_emails", []),
        "list_ids": in_lists,
        "segment_ids": [],
        "custom_fields": kept.get("custom_fields", {}),
        "created_at": _moment(known.created_at),
        "updated_at": _moment(known.changed_at),
        "_metadata": {"self": f"{address}/{known.id}"},
    }


def recent(db: sqlite3.Connection, list_id: str | None = None, limit: int = 50) -> list[Known]:
    """Those who came last, to a list or at all, by address."""
    rows = db.execute(
        """
        select persons.id
        from email_people as persons
        left join email_members as members
          on members.tool = persons.tool and members.person = persons.id and members.list = ?
        where persons.tool = ? and (? is null or members.list is not null)
        order by coalesce(members.number, 0) desc, persons.created_at desc
        limit ?
        """,
        (list_id, TOOL.value, list_id, limit),
    ).fetchall()
    found = [known for row in rows if (known := people.find(db, TOOL, "id", row["id"]))]
    return sorted(found, key=lambda known: known.email or "")


# --- what is done later --------------------------------------------------------------------------------------


def upsert(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Create or update each contact that can be, then put those into the lists. No suppression ends by it."""
    refused = set(_items(job, "refused"))
    unsubscribed = {email for email, _, _ in people.suppressions(db, TOOL, UNSUBSCRIBES)}
    done: list[str] = []
    failures: list[Json] = []
    created = failed = 0
    for position, row in enumerate(_items(job, "contacts")):
        given = row if isinstance(row, dict) else {}
        problem = "the contact was refused" if position in refused else _conflict(db, given)
        if problem:
            failed += 1
            if not (position in refused and job.payload["unnamed"]):
                failures.append([next((given[kind] for kind in IDENTIFIERS if given.get(kind)), ""), problem])
            continue
        known = _matching(db, given)
        if known:
            _update(db, known[0], given)
            done.append(known[0].id)
            continue
        made = _create(db, given)
        created += 1
        done.append(made.id)
        if made.email in unsubscribed:
            people.set_consent(db, TOOL, made.id, "unsubscribed", 0)
    for list_id in _items(job, "lists"):
        target = lists.find(db, TOOL, str(list_id))
        if target is not None:
            lists.add(db, target, done, job.request)
    counts = {"created_count": created, "updated_count": len(done) - created, "errored_count": failed}
    return {**counts, "errors": failures, "finished_at": clock.now(db)}


def remove(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Take contacts out of a list; they stay contacts."""
    target = lists.find(db, TOOL, str(job.payload["list"]))
    refused = set(_items(job, "refused"))
    ids = [str(one) for position, one in enumerate(_items(job, "ids")) if position not in refused]
    gone = lists.remove(db, target, ids, job.request) if target else []
    failures: list[Json] = [
        [one, "the contact was refused"]
        for position, one in enumerate(_items(job, "ids"))
        if position in refused and not job.payload["unnamed"]
    ]
    return {
        "updated_count": len(gone),
        "errored_count": len(refused),
        "errors": failures,
        "finished_at": clock.now(db),
    }


def delete(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Forget contacts; their suppressions stay."""
    named = {str(one) for one in _items(job, "ids")}
    emails = {str(one).lower() for one in _items(job, "emails")}
    everybody = bool(job.payload.get("everybody"))
    gone = [
        known.id
        for known in people.listed(db, TOOL)
        if everybody or known.id in named or (known.email or "") in emails
    ]
    for one in gone:
        people.delete(db, TOOL, one)
    return {"deleted_count": len(gone), "errored_count": 0, "finished_at": clock.now(db)}


def export(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Write down everybody in the lists, or everybody, in files of a size."""
    found: dict[str, Known] = {}
    for list_id in _items(job, "lists"):
        target = lists.find(db, TOOL, str(list_id))
        if target is not None:
            found |= {known.id: known for _, known, _ in lists.members(db, target)}
    if not _items(job, "lists"):
        found = {known.id: known for known in people.listed(db, TOOL)}
    as_json = job.payload["file_type"] == "json"
    size = job.payload["max_file_size"]
    most = size * MEGABYTE if isinstance(size, int) else MEGABYTE
    address = str(job.payload["address"])
    lines = (
        orjson.dumps(shown(db, known, address)).decode() + "\n" if as_json else _csv_line(db, known)
        for known in found.values()
    )
    files: list[Json] = [*_files(lines, most, "" if as_json else csv_text([["EMAIL", "CONTACT_ID", *PLAIN]]))]
    return {"files": files, "contact_count": len(found), "finished_at": clock.now(db)}


WORK: dict[str, Work] = {"upsert": upsert, "remove": remove, "delete": delete, "export": export}


def csv_text(rows: Iterable[Iterable[Json]]) -> str:
    """Rows as a file of comma-separated values."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _csv_line(db: sqlite3.Connection, known: Known) -> str:
    document = shown(db, known, "")
    return csv_text([[document["email"], known.id, *(document[name] for name in PLAIN)]])


def _files(lines: Iterable[str], most: int, heading: str) -> list[str]:
    files = [heading]
    for line in lines:
        if len(files[-1]) + len(line) > most and files[-1] != heading:
            files.append(heading)
        files[-1] += line
    return files


def _items(job: Job, name: str) -> list[Json]:
    value = job.payload.get(name)
    return value if isinstance(value, list) else []


def _matching(db: sqlite3.Connection, given: dict[str, Json]) -> list[Known]:
    """The contacts that a row's identifiers belong to."""
    found = [find(db, kind, str(given[kind])) for kind in IDENTIFIERS if given.get(kind)]
    return list({known.id: known for known in found if known}.values())


def _conflict(db: sqlite3.Connection, given: dict[str, Json]) -> str:
    """Why a row cannot be written, empty where it can."""
    found = _matching(db, given)
    if len(found) > 1:
        return "the identifiers belong to different contacts"
    for kind, value in identifiers(found[0]).items() if found else ():
        if str(given.get(kind) or "").lower() != value.lower():
            return "all existing identifiers of the contact must be present"
    return ""


def _create(db: sqlite3.Connection, given: dict[str, Json]) -> Known:
    return people.create(
        db,
        TOOL,
        new_uuid("contact", people.next_number(db, TOOL)),
        email=_text(given, "email"),
        phone=_text(given, "phone_number_id"),
        external_id=_text(given, "external_id"),
        attributes=_attributes(given),
    )


def _update(db: sqlite3.Connection, known: Known, given: dict[str, Json]) -> None:
    """Set what was given; fields that were left out stay, custom fields among them."""
    changes = _attributes(given)
    fields, before = changes.get("custom_fields"), known.attributes.get("custom_fields")
    if isinstance(fields, dict) and isinstance(before, dict):
        changes["custom_fields"] = {**before, **fields}
    named = {key: text for kind, key in KEYS.items() if (text := _text(given, kind))}
    people.update(db, TOOL, known, attributes=changes, **named)


def _attributes(given: dict[str, Json]) -> dict[str, Json]:
    names = ("anonymous_id", *PLAIN, "alternate_emails", "custom_fields")
    return {name: given[name] for name in names if given.get(name) is not None}


def _text(given: dict[str, Json], name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) and value else None


def _moment(at: float) -> str:
    return clock.text(at).replace("+00:00", "Z")
