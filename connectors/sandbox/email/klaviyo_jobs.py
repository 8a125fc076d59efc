"""What Klaviyo does later: imports, and everything that changes what people get."""

from __future__ import annotations

import sqlite3
from typing import Literal

import orjson

from connectors.sandbox import clock
from connectors.sandbox.email import klaviyo_profiles as profiles
from connectors.sandbox.email import lists, people, suppressions
from connectors.sandbox.email.jobs import Job, Work
from connectors.sandbox.email.klaviyo_bodies import ProfileAttributes, WrittenProfile
from connectors.sandbox.email.klaviyo_profiles import TOOL, UnusableError
from connectors.sandbox.email.klaviyo_words import error
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json

MANUAL = "USER_SUPPRESSED"
LIFTED_BY_SUBSCRIBING = ("SPAM_COMPLAINT", MANUAL)

Channel = Literal["email", "sms"]


def import_profiles(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Create or update every profile that can be, then put those into the lists. Nobody's consent changes."""
    written = [WrittenProfile.model_validate_json(orjson.dumps(row)) for row in _items(job, "profiles")]
    refused = set(_items(job, "refused"))
    found: list[str] = []
    failures: list[Json] = []
    failed = 0
    for position, one in enumerate(written):
        try:
            if position in refused:
                raise UnusableError("email", "The profile was refused.")
            known = profiles.matching(db, one)
            known = profiles.update(db, known, one) if known else profiles.create(db, one)
            found.append(known.id)
        except UnusableError as problem:
            failed += 1
            if not (position in refused and job.payload["unnamed"]):
                failures.append(_failure(position, one, problem))
    for list_id in _items(job, "lists"):
        target = lists.find(db, TOOL, str(list_id))
        if target is not None:
            lists.add(db, target, found, job.request)
    people_ids: list[Json] = list(dict.fromkeys(found))
    return {
        "profile_ids": people_ids,
        "errors": failures,
        "completed_count": len(written) - failed,
        "failed_count": failed,
        "completed_at": clock.now(db),
    }


def _failure(position: int, one: WrittenProfile, problem: UnusableError) -> dict[str, Json]:
    """An import error without its id."""
    place = f"/data/attributes/profiles/data/{position}"
    if problem.member:
        place += "/id" if problem.member == "id" else f"/attributes/{problem.member}"
    worded = error(problem.code, problem.detail)
    return {
        "code": problem.code,
        "title": worded["title"],
        "detail": problem.detail,
        "source": {"pointer": place},
        "original_payload": orjson.loads(one.model_dump_json(by_alias=True, exclude_unset=True)),
    }


def subscribe(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Grant consent, take suppressions off, and add to the list: at once, unless it asks for a confirmation."""
    target = _target(db, job)
    asks_first = target is not None and target.document["opt_in_process"] == "double_opt_in"
    if asks_first and not job.payload["historical"]:
        return {}
    for row in _items(job, "profiles"):
        known = _person(db, row)
        if known is None:
            continue
        for channel in _channels(row):
            people.set_consent(db, TOOL, known.id, "subscribed", job.request, channel)
        if "email" in _channels(row) and known.email:
            for reason in LIFTED_BY_SUBSCRIBING:
                suppressions.lift(db, TOOL, known.email, reason, job.request)
        if target is not None:
            lists.add(db, target, [known.id], job.request)
    return {}


def unsubscribe(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """From the list who is in it; from everything who is not."""
    target = _target(db, job)
    for row in _items(job, "profiles"):
        known = _person(db, row)
        if known is None:
            continue
        if target is not None and lists.remove(db, target, [known.id], job.request):
            people.set_consent(db, TOOL, known.id, "unsubscribed", job.request, f"list:{target.id}")
            continue
        for channel in _channels(row):
            people.set_consent(db, TOOL, known.id, "unsubscribed", job.request, channel)
    return {}


def suppress(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Write to these addresses no more, whatever their people agreed to."""
    on = {email for email, _ in suppressions.listed(db, TOOL, MANUAL)}
    addresses = _addresses(db, job)
    fresh = [email for email in addresses if email not in on]
    for email in fresh:
        suppressions.add(db, TOOL, email, MANUAL, job.request)
    return _counted(db, len(addresses), len(fresh))


def unsuppress(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Write to them again; what bounced, complained or unsubscribed stays."""
    addresses = _addresses(db, job)
    lifted = sum(suppressions.lift(db, TOOL, email, MANUAL, job.request) for email in addresses)
    return _counted(db, len(addresses), lifted)


def erase(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Forget everybody who matches."""
    for known in people.listed(db, TOOL):
        by_kind = {"id": known.id, "email": known.email, "phone_number": known.phone}
        if by_kind[str(job.payload["kind"])] == job.payload["value"]:
            people.delete(db, TOOL, known.id)
    return {}


WORK: dict[str, Work] = {
    "profile-bulk-import-job": import_profiles,
    "profile-subscription-bulk-create-job": subscribe,
    "profile-subscription-bulk-delete-job": unsubscribe,
    "profile-suppression-bulk-create-job": suppress,
    "profile-suppression-bulk-delete-job": unsuppress,
    "data-privacy-deletion-job": erase,
}
"""By the type of the job's resource."""


def _items(job: Job, name: str) -> list[Json]:
    value = job.payload.get(name)
    return value if isinstance(value, list) else []


def _target(db: sqlite3.Connection, job: Job) -> EmailList | None:
    named = job.payload.get("list")
    return lists.find(db, TOOL, str(named)) if named else None


def _channels(row: Json) -> list[Channel]:
    given = row["subscriptions"] if isinstance(row, dict) else None
    kinds: tuple[Channel, ...] = ("email", "sms")
    return [kind for kind in kinds if isinstance(given, dict) and given.get(kind)]


def _person(db: sqlite3.Connection, row: Json) -> Known | None:
    """Whom a row of a subscription is about; made where nobody is known by it."""
    if not isinstance(row, dict):
        return None
    attributes = ProfileAttributes.model_validate(
        {name: row[name] for name in ("email", "phone_number") if row.get(name)}
    )
    named = row.get("id")
    written = WrittenProfile(type="profile", id=str(named) if named else None, attributes=attributes)
    try:
        return profiles.matching(db, written) or profiles.create(db, written)
    except UnusableError:
        return None


def _addresses(db: sqlite3.Connection, job: Job) -> list[str]:
    target = _target(db, job)
    if target is None:
        return [str(email).lower() for email in _items(job, "emails")]
    return [known.email for _, known, _ in lists.members(db, target) if known.email]


def _counted(db: sqlite3.Connection, total: int, changed: int) -> dict[str, Json]:
    return {
        "total_count": total,
        "completed_count": changed,
        "skipped_count": total - changed,
        "completed_at": clock.now(db),
    }
