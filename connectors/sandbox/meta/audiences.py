"""Audiences of the ad account: their record, their life, and the fields that can be read of them."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import orjson

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_META_AD_ACCOUNT
from connectors.sandbox.meta import members
from connectors.sandbox.meta.errors import TOO_MANY_AUDIENCES, GraphRefusal
from connectors.sandbox.meta.requests import CreateAudience, UpdateAudience
from connectors.sandbox.store import record_change
from connectors.sandbox.wire import Json, Platform

MAX_AUDIENCES = 500
"""Customer-file audiences in one ad account ("Custom Audiences", limits)."""
FIRST_ID = 120210000000000001
"""Real ids have this size: beyond what a double can hold, which is why they travel as text."""
MASKED_BELOW = 1_000
SERVABLE_FROM = 100

FIELDS = frozenset(
    {
        "id", "account_id", "name", "description", "subtype", "customer_file_source", "audience_labels",
        "approximate_count_lower_bound", "approximate_count_upper_bound", "delivery_status",
        "operation_status", "is_value_based", "opt_out_link", "retention_days", "time_created",
        "time_updated", "time_content_updated", "permission_for_actions", "data_source",
    }
)  # fmt: skip

# Words of the policy page on health and financial status whose mere mention flags an audience.
_SENSITIVE = re.compile(
    r"\b(arthritis|diabet\w*|cancer|asthma|hiv|pregnan\w*|depress\w*|medical|disease|"
    r"credit score\w*|high income|low income|loan\w*|debt\w*|bankrupt\w*|mortgage\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AudienceRecord:
    """One audience as stored."""

    id: int
    account: str
    name: str
    description: str | None
    customer_file_source: str
    retention_days: int | None
    is_value_based: int
    audience_labels: str
    opt_out_link: str | None
    created_at: int
    updated_at: int
    content_updated_at: int | None
    busy_until: float
    size: int
    flagged: int
    replace_session: int | None
    replace_failed: int
    deleted_at: int | None


def find(db: sqlite3.Connection, audience_id: str) -> AudienceRecord | None:
    """The audience of this id, unless it was deleted."""
    if not audience_id.isdecimal() or len(audience_id) > 18:
        return None
    row = db.execute(
        "select * from meta_audiences where id = ? and deleted_at is null", (int(audience_id),)
    ).fetchone()
    return AudienceRecord(**dict(row)) if row else None


def page(db: sqlite3.Connection, account: str, *, below: int | None, limit: int) -> list[AudienceRecord]:
    """Newest first, from below the given id."""
    rows = db.execute(
        """
        select *
        from meta_audiences
        where account = ? and deleted_at is null and (? is null or id < ?)
        order by id desc
        limit ?
        """,
        (account, below, below, limit),
    )
    return [AudienceRecord(**dict(row)) for row in rows]


def count(db: sqlite3.Connection, account: str) -> int:
    """How many audiences the account has."""
    (found,) = db.execute(
        "select count(*) from meta_audiences where account = ? and deleted_at is null", (account,)
    ).fetchone()
    return int(found)


def create(db: sqlite3.Connection, account: str, wish: CreateAudience) -> tuple[int, bool]:
    """Create an audience, or fetch the one of the same name where asked. Returns its id and whether it is new."""
    if wish.enable_fetch_or_create:
        twin = db.execute(
            "select id from meta_audiences where account = ? and name = ? and deleted_at is null order by id",
            (account, wish.name),
        ).fetchone()
        if twin:
            return int(twin["id"]), False
    if count(db, account) >= MAX_AUDIENCES:
        raise GraphRefusal(TOO_MANY_AUDIENCES)
    now = int(clock.now(db))
    cursor = db.execute(
        """
        insert into meta_audiences
          (id, account, name, description, customer_file_source, retention_days, is_value_based,
           audience_labels, opt_out_link, created_at, updated_at, flagged)
        values ((select coalesce(max(id) + 1, ?) from meta_audiences), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            FIRST_ID,
            account,
            wish.name,
            wish.description,
            wish.customer_file_source,
            wish.retention_days,
            wish.is_value_based,
            orjson.dumps(wish.audience_labels).decode(),
            wish.opt_out_link,
            now,
            now,
            _hints_at_health_or_money(wish.name, wish.description),
        ),
    )
    return int(cursor.lastrowid or 0), True


def update(db: sqlite3.Connection, audience: AudienceRecord, wish: UpdateAudience) -> None:
    """Change what was given; a new name may raise or clear the flag."""
    name = wish.name if wish.name is not None else audience.name
    description = wish.description if wish.description is not None else audience.description
    db.execute(
        """
        update meta_audiences
        set name = ?, description = ?, opt_out_link = coalesce(?, opt_out_link), flagged = ?, updated_at = ?
        where id = ?
        """,
        (
            name,
            description,
            wish.opt_out_link,
            _hints_at_health_or_money(name, description),
            int(clock.now(db)),
            audience.id,
        ),
    )


def delete(db: sqlite3.Connection, audience_id: int) -> None:
    """Delete the audience with its members; its id stays used."""
    members.discard_staged(db, audience_id)
    db.execute("delete from meta_members where audience = ?", (audience_id,))
    db.execute(
        "update meta_audiences set deleted_at = ?, size = 0 where id = ?", (int(clock.now(db)), audience_id)
    )


def flag(db: sqlite3.Connection, audience_id: int, *, flagged: bool) -> None:
    """Flag the audience as the platform's reviewers would (operation status 471), or clear it."""
    db.execute("update meta_audiences set flagged = ? where id = ?", (flagged, audience_id))


def note_content_change(
    db: sqlite3.Connection,
    audience: AudienceRecord,
    request: int,
    added: int,
    removed: int,
    busy_seconds: float,
) -> None:
    """Keep size, times and history in step with the members."""
    now = clock.now(db)
    size = audience.size + added - removed
    db.execute(
        """
        update meta_audiences
        set size = ?, content_updated_at = ?, busy_until = ?, replace_failed = 0
        where id = ?
        """,
        (size, int(now), now + busy_seconds, audience.id),
    )
    record_change(db, Platform.META, str(audience.id), request, added=added, removed=removed, size=size)


def operation_status(audience: AudienceRecord, now: float) -> int:
    """The status code of the reference page that fits best at a moment."""
    if audience.flagged:
        return 471
    if audience.replace_session is not None:
        return 414
    if audience.replace_failed:
        return 415
    if audience.content_updated_at is None:
        return 410
    return 441 if audience.busy_until > now else 200


_STATUS_TEXT = {
    200: "Normal",
    410: "No customer list has been uploaded to this audience yet.",
    414: "This audience is being replaced.",
    415: "Replacing the users of this audience failed.",
    441: "We're finding people who fit your audience's criteria.",
    471: "This audience may suggest health or financial information and can't be edited.",
}


def read_fields(audience: AudienceRecord, fields: list[str], now: float) -> dict[str, Json]:
    """The asked fields; those without a value are left out, as the Graph API does."""
    lower, upper = _approximate_bounds(audience)
    status = operation_status(audience, now)
    values: dict[str, Json] = {
        "id": str(audience.id),
        "account_id": SANDBOX_META_AD_ACCOUNT.removeprefix("act_"),
        "name": audience.name,
        "description": audience.description,
        "subtype": "CUSTOM",
        "customer_file_source": audience.customer_file_source,
        "audience_labels": orjson.loads(audience.audience_labels) or None,
        "approximate_count_lower_bound": lower,
        "approximate_count_upper_bound": upper,
        "delivery_status": _delivery_status(audience),
        "operation_status": {"code": status, "description": _STATUS_TEXT[status]},
        "is_value_based": bool(audience.is_value_based),
        "opt_out_link": audience.opt_out_link,
        "retention_days": audience.retention_days,
        "time_created": audience.created_at,
        "time_updated": audience.updated_at,
        "time_content_updated": audience.content_updated_at,
        "permission_for_actions": {"can_edit": not audience.flagged, "can_see_insight": "true"},
        "data_source": {"type": "FILE_IMPORTED", "sub_type": "ANYTHING"},
    }
    asked = dict.fromkeys(["id", *fields])
    return {name: values[name] for name in asked if values[name] is not None}


def _approximate_bounds(audience: AudienceRecord) -> tuple[int, int]:
    """Rounded to two digits; -1 while the audience is too small to be told."""
    if audience.size < MASKED_BELOW:
        return -1, -1
    step = 10 ** (len(str(audience.size)) - 2)
    lower = audience.size // step * step
    return lower, lower + step


def _delivery_status(audience: AudienceRecord) -> dict[str, Json]:
    if audience.flagged:
        return {"code": 400, "description": "This audience can't be used."}
    if audience.size < SERVABLE_FROM:
        return {"code": 300, "description": "This audience is too small to be used."}
    return {"code": 200, "description": "This audience is ready for use."}


def _hints_at_health_or_money(name: str, description: str | None) -> bool:
    return bool(_SENSITIVE.search(f"{name} {description or ''}"))
