"""Klaviyo's profiles: how an upsert finds its profile, what it changes, and how a profile is shown."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from connectors.sandbox import clock
from connectors.sandbox.email import lists, people, suppressions
from connectors.sandbox.email.klaviyo_bodies import PatchProperties, WrittenProfile
from connectors.sandbox.email.people import Key, Known
from connectors.sandbox.wire import Json, Platform

TOOL = Platform.KLAVIYO
EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
IDENTIFIERS: dict[str, Key] = {"email": "email", "phone_number": "phone", "external_id": "external_id"}
KEYS: dict[str, Key] = {"id": "id", **IDENTIFIERS}
"""What profiles can be found by."""
PLAIN = ("first_name", "last_name", "organization", "locale", "title", "image")
FIELDS = (*IDENTIFIERS, *PLAIN, "created", "updated", "last_event_date", "location", "properties")
LOCATION = (
    "address1",
    "address2",
    "city",
    "country",
    "latitude",
    "longitude",
    "region",
    "zip",
    "timezone",
    "ip",
)
SELECTABLE = (*FIELDS, *(f"location.{name}" for name in LOCATION), "subscriptions", "joined_group_at")
LISTED_REASONS = ("HARD_BOUNCE", "INVALID_EMAIL", "SPAM_COMPLAINT", "USER_SUPPRESSED")
_CONSENT = {"subscribed": "SUBSCRIBED", "unsubscribed": "UNSUBSCRIBED", "unknown": "NEVER_SUBSCRIBED"}


class UnusableError(Exception):
    """Raised for a profile that cannot be written: the member that is wrong, and why."""

    def __init__(self, member: str, detail: str, code: str = "invalid", other: str = "") -> None:
        super().__init__(detail)
        self.member = member
        self.detail = detail
        self.code = code
        self.other = other
        """The profile in the way, for a conflict."""


def profile_id(number: int) -> str:
    """An id of 26 characters that sort as they were given out."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = ""
    while number:
        number, rest = divmod(number, 32)
        text = digits[rest] + text
    return f"01{text:0>24}"


def identifier(known: Known, member: str) -> str | None:
    """One of a profile's identifiers, or its id."""
    values = {
        "id": known.id,
        "email": known.email,
        "phone_number": known.phone,
        "external_id": known.external_id,
    }
    return values[member]


def check_identifiers(email: str | None, phone: str | None) -> None:
    """Raises UnusableError for an address or a number that is none."""
    if email is not None and not EMAIL.fullmatch(email):
        raise UnusableError("email", "Invalid email address")
    if phone is not None and not PHONE.fullmatch(phone):
        raise UnusableError("phone_number", "Invalid phone number format: it must be E.164")


def matching(db: sqlite3.Connection, written: WrittenProfile) -> Known | None:
    """The one profile that an upsert is about. Raises UnusableError when its identifiers point at two."""
    given = written.attributes
    check_identifiers(given.email, given.phone_number)
    found: dict[str, Known] = {}
    if written.id is not None:
        known = people.find(db, TOOL, "id", written.id)
        if known is None:
            raise UnusableError("id", "A profile with this id does not exist.", "not_found")
        found[known.id] = known
    for member, key in IDENTIFIERS.items():
        value = getattr(given, member)
        if value and (known := people.find(db, TOOL, key, value)):
            found[known.id] = known
    if len(found) > 1:
        raise UnusableError(
            "email", "The identifiers belong to different profiles.", "duplicate_profile", min(found)
        )
    return next(iter(found.values()), None)


def create(db: sqlite3.Connection, written: WrittenProfile) -> Known:
    """A profile that was not there. Raises UnusableError without an identifier."""
    given = written.attributes
    if not (given.email or given.phone_number or given.external_id):
        raise UnusableError("", "A profile needs an email, phone_number or external_id.")
    return people.create(
        db,
        TOOL,
        profile_id(people.next_number(db, TOOL)),
        email=given.email,
        phone=given.phone_number,
        external_id=given.external_id,
        attributes={k: v for k, v in _attributes(written, {}).items() if v is not None},
    )


def update(db: sqlite3.Connection, known: Known, written: WrittenProfile) -> Known:
    """Change what was given: null clears, absence leaves. Raises UnusableError when no identifier would be left."""
    given = written.attributes.model_dump(include=set(IDENTIFIERS), exclude_unset=True)
    identifiers = {IDENTIFIERS[member]: value or None for member, value in given.items()}
    left = {"email": known.email, "phone": known.phone, "external_id": known.external_id, **identifiers}
    if not any(left.values()):
        raise UnusableError("", "A profile needs an email, phone_number or external_id.")
    people.update(db, TOOL, known, attributes=_attributes(written, known.attributes), **identifiers)
    return people.find(db, TOOL, "id", known.id) or known


def _attributes(written: WrittenProfile, before: dict[str, Json]) -> dict[str, Json]:
    """The attributes that change, with what stays of those that are objects."""
    given = written.attributes.model_dump(exclude_unset=True)
    changes: dict[str, Json] = {name: given[name] for name in PLAIN if name in given}
    for name in ("location", "properties"):
        if name in given:
            kept = _object(before.get(name)) if given[name] is not None else {}
            merged = {**kept, **(given[name] or {})}
            changes[name] = {key: value for key, value in merged.items() if value is not None} or None
    patch = written.meta.patch_properties if written.meta else None
    if patch is not None:
        properties = _object(changes.get("properties", before.get("properties")))
        changes["properties"] = _patched(properties, patch) or None
    return changes


def _patched(properties: dict[str, Json], patch: PatchProperties) -> dict[str, Json]:
    changed = dict(properties)
    for name, value in (patch.append or {}).items():
        changed[name] = [*_items(changed.get(name)), *_items(value)]
    for name, value in (patch.unappend or {}).items():
        changed[name] = [item for item in _items(changed.get(name)) if item not in _items(value)]
    unset = [patch.unset] if isinstance(patch.unset, str) else patch.unset or []
    return {name: value for name, value in changed.items() if name not in unset}


def _items(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


# --- showing -------------------------------------------------------------------------------------------------


def shown(
    db: sqlite3.Connection,
    known: Known,
    base: str,
    wanted: Iterable[str],
    *,
    joined_at: float | None = None,
    subscriptions: bool = False,
) -> dict[str, Json]:
    """A profile as a resource; ``base`` is the address of the API."""
    wanted = set(wanted)
    kept = known.attributes
    everything: dict[str, Json] = {
        "email": known.email,
        "phone_number": known.phone,
        "external_id": known.external_id,
        **{name: kept.get(name) for name in PLAIN},
        "created": clock.text(known.created_at),
        "updated": clock.text(known.changed_at),
        "last_event_date": None,
        "location": {name: _object(kept.get("location")).get(name) for name in LOCATION},
        "properties": _object(kept.get("properties")),
    }
    places = {name.partition(".")[2] for name in wanted if name.startswith("location.")}
    attributes = {name: value for name, value in everything.items() if name in wanted}
    if places and "location" not in wanted:
        attributes["location"] = {name: _object(everything["location"])[name] for name in sorted(places)}
    if joined_at is not None and "joined_group_at" in wanted:
        attributes["joined_group_at"] = clock.text(joined_at)
    if subscriptions:
        attributes["subscriptions"] = _subscriptions(db, known)
    address = f"{base}/profiles/{known.id}"
    return {
        "type": "profile",
        "id": known.id,
        "attributes": attributes,
        "relationships": {
            name: {"links": {"self": f"{address}/relationships/{name}/", "related": f"{address}/{name}/"}}
            for name in ("lists", "segments")
        },
        "links": {"self": f"{address}/"},
    }


def suppressed(db: sqlite3.Connection) -> list[tuple[float, Known]]:
    """Everybody who gets no e-mail from the account, with the moment since when, the longest first."""
    moments: dict[str, tuple[float, Known]] = {
        known.id: (known.changed_at, known) for known in people.with_consent(db, TOOL, "unsubscribed")
    }
    for email, reason, at in people.suppressions(db, TOOL):
        known = people.find(db, TOOL, "email", email) if reason in LISTED_REASONS else None
        if known is not None:
            moments[known.id] = (max(at, moments.get(known.id, (at, known))[0]), known)
    return sorted(moments.values(), key=lambda entry: (entry[0], entry[1].id))


def _subscriptions(db: sqlite3.Connection, known: Known) -> dict[str, Json]:
    """What somebody agreed to, and why they get nothing."""
    consent = people.consent(db, TOOL, known.id)
    reasons: list[Json] = [
        {"reason": reason, "timestamp": clock.text(at)}
        for reason in LISTED_REASONS
        for email, at in suppressions.listed(db, TOOL, reason)
        if email == known.email
    ]
    if consent == "unsubscribed":
        reasons.append({"reason": "UNSUBSCRIBE", "timestamp": clock.text(known.changed_at)})
    from_lists: list[Json] = [
        {"list_id": one.id, "reason": "UNSUBSCRIBE", "timestamp": clock.text(known.changed_at)}
        for one in lists.listed(db, TOOL)
        if people.consent(db, TOOL, known.id, f"list:{one.id}") == "unsubscribed"
    ]
    texts = people.consent(db, TOOL, known.id, "sms")
    return {
        "email": {
            "marketing": {
                "can_receive_email_marketing": known.email is not None and not reasons,
                "consent": _CONSENT[consent],
                "suppression": reasons,
                "list_suppressions": from_lists,
            }
        },
        "sms": {
            "marketing": {
                "can_receive_sms_marketing": known.phone is not None and texts == "subscribed",
                "consent": _CONSENT[texts],
            }
        },
    }
