"""The people of a list: finding, writing, and above all what may happen to their subscription."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from connectors.sandbox.mailchimp import addresses
from connectors.sandbox.mailchimp.errors import Refusal, compliance_state, forgotten
from connectors.sandbox.mailchimp.requests import MemberFields
from connectors.sandbox.wire import Json

Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"]
LeftBy = Literal["self", "api", "bounce"]
FIRST_WEB_ID = 500_000_001


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact as stored. ``left_by`` says who ended the subscription: that decides who may resume it."""

    list_id: str
    hash: str
    contact_id: str
    email: str
    status: Status
    left_by: LeftBy | None
    email_type: str
    language: str
    vip: int
    merge_fields: str
    interests: str
    marketing_permissions: str
    ip_signup: str
    ip_opt: str
    latitude: float
    longitude: float
    timestamp_signup: str
    timestamp_opt: str
    last_changed: str
    web_id: int
    source: str


def moment() -> str:
    """Now, precise enough to order changes by."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def find(db: sqlite3.Connection, list_id: str, name: str) -> Contact | None:
    """A contact by subscriber hash, address or contact id."""
    member_hash = addresses.subscriber_hash(name) if "@" in name else name
    row = db.execute(
        """
        select * from mailchimp_contacts where list_id = :list and hash = :name
        union all
        select * from mailchimp_contacts where list_id = :list and contact_id = :name
        """,
        {"list": list_id, "name": member_hash},
    ).fetchone()
    return Contact(**dict(row)) if row else None


def refuse_forgotten(db: sqlite3.Connection, list_id: str, email: str) -> None:
    """Raises Refusal when the address was permanently deleted."""
    gone = db.execute(
        "select 1 from mailchimp_forgotten where list_id = ? and hash = ?",
        (list_id, addresses.subscriber_hash(email)),
    ).fetchone()
    if gone:
        raise Refusal(forgotten(email))


def create(
    db: sqlite3.Connection,
    request: int,
    list_id: str,
    email: str,
    status: Status,
    *,
    left_by: LeftBy | None = None,
    source: str = "API - Generic",
) -> Contact:
    """A new contact."""
    now = moment()
    member_hash = addresses.subscriber_hash(email)
    db.execute(
        """
        insert into mailchimp_contacts
          (list_id, hash, contact_id, email, status, left_by, timestamp_opt, last_changed, web_id, source)
        values (?, ?, ?, ?, ?, ?, ?, ?, (select coalesce(max(web_id) + 1, ?) from mailchimp_contacts), ?)
        """,
        (
            list_id,
            member_hash,
            addresses.contact_id(list_id, member_hash),
            email,
            status,
            left_by or _leaver(status),
            now if status == "subscribed" else "",
            now,
            FIRST_WEB_ID,
            source,
        ),
    )
    _note_status(db, request, list_id, member_hash, None, status)
    return _reload(db, list_id, member_hash)


def change_status(db: sqlite3.Connection, request: int, contact: Contact, status: Status) -> Contact:
    """Overwrite somebody's subscription, as ``status`` in a request does.

    Raises Refusal for those in compliance state: who left by themselves can only be asked again (``pending``),
    a bounced address can't come back at all. Who was unsubscribed by API is subscribed again without a word:
    that is the trap.
    """
    if status == contact.status:
        return contact
    if status in ("subscribed", "transactional") and contact.left_by == "self":
        raise Refusal(compliance_state(contact.email))
    if status in ("subscribed", "transactional", "pending") and contact.left_by == "bounce":
        raise Refusal(compliance_state(contact.email))
    keeps_leaver = status in ("archived", "pending") and contact.left_by is not None
    now = moment()
    db.execute(
        """
        update mailchimp_contacts
        set status = ?, left_by = ?, last_changed = ?,
            timestamp_opt = case when ? = 'subscribed' then ? else timestamp_opt end
        where list_id = ? and hash = ?
        """,
        (
            status,
            contact.left_by if keeps_leaver else _leaver(status),
            now,
            status,
            now,
            contact.list_id,
            contact.hash,
        ),
    )
    _note_status(db, request, contact.list_id, contact.hash, contact.status, status)
    return _reload(db, contact.list_id, contact.hash)


def write_fields(
    db: sqlite3.Connection, contact: Contact, wish: MemberFields, merge_fields: dict[str, Json]
) -> Contact:
    """Set what was given; merge fields and interests are merged into those present."""
    merged = orjson.loads(contact.merge_fields) | merge_fields
    interests = orjson.loads(contact.interests) | (wish.interests or {})
    permissions = contact.marketing_permissions
    if wish.marketing_permissions is not None:
        permissions = orjson.dumps([p.model_dump() for p in wish.marketing_permissions]).decode()
    location = wish.location
    db.execute(
        """
        update mailchimp_contacts
        set merge_fields = ?, interests = ?, marketing_permissions = ?,
            email_type = coalesce(?, email_type), language = coalesce(?, language), vip = coalesce(?, vip),
            latitude = coalesce(?, latitude), longitude = coalesce(?, longitude),
            ip_signup = coalesce(?, ip_signup), ip_opt = coalesce(?, ip_opt),
            timestamp_signup = coalesce(?, timestamp_signup), timestamp_opt = coalesce(?, timestamp_opt),
            last_changed = ?
        where list_id = ? and hash = ?
        """,
        (
            orjson.dumps(merged).decode(),
            orjson.dumps(interests).decode(),
            permissions,
            wish.email_type,
            wish.language,
            wish.vip,
            location.latitude if location else None,
            location.longitude if location else None,
            wish.ip_signup,
            wish.ip_opt,
            wish.timestamp_signup,
            wish.timestamp_opt,
            moment(),
            contact.list_id,
            contact.hash,
        ),
    )
    return _reload(db, contact.list_id, contact.hash)


def change_address(db: sqlite3.Connection, contact: Contact, email: str) -> Contact:
    """Move a contact, tags and all, to another address that the list doesn't have yet."""
    member_hash = addresses.subscriber_hash(email)
    key = (contact.list_id, contact.hash)
    db.execute(
        "update mailchimp_contacts set email = ?, hash = ?, last_changed = ? where list_id = ? and hash = ?",
        (email, member_hash, moment(), *key),
    )
    db.execute(
        """
        update mailchimp_segment_members
        set hash = ?
        where hash = ?
          and segment_id in (select id from mailchimp_segments where list_id = ?)
        """,
        (member_hash, contact.hash, contact.list_id),
    )
    return _reload(db, contact.list_id, member_hash)


def forget(db: sqlite3.Connection, contact: Contact) -> None:
    """Delete for ever: nothing stays but the hash that refuses the address."""
    key = (contact.list_id, contact.hash)
    db.execute("delete from mailchimp_contacts where list_id = ? and hash = ?", key)
    db.execute("insert or ignore into mailchimp_forgotten values (?, ?, ?)", (*key, moment()))


def _leaver(status: Status) -> LeftBy | None:
    """Who ends a subscription that a request sets to this status."""
    if status == "unsubscribed":
        return "api"
    return "bounce" if status == "cleaned" else None


def _note_status(
    db: sqlite3.Connection, request: int, list_id: str, member_hash: str, before: Status | None, after: Status
) -> None:
    db.execute(
        """
        insert into mailchimp_status_changes (at, request, list_id, hash, before, after)
        values (?, ?, ?, ?, ?, ?)
        """,
        (moment(), request, list_id, member_hash, before, after),
    )


def _reload(db: sqlite3.Connection, list_id: str, member_hash: str) -> Contact:
    row = db.execute(
        "select * from mailchimp_contacts where list_id = ? and hash = ?", (list_id, member_hash)
    ).fetchone()
    return Contact(**dict(row))
