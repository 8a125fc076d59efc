"""What happens to an account or an audience behind everybody's back: deletions, lost members, ended tokens."""

from __future__ import annotations

import random
import re
import sqlite3

from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.registry import AD_PLATFORMS
from connectors.sandbox.email import lists as email_lists
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.faults import rules as fault
from connectors.sandbox.meta import audiences as meta_audiences
from connectors.sandbox.practice import audiences as practice_audiences
from connectors.sandbox.practice import tokens
from connectors.sandbox.registry import PLAYED
from connectors.sandbox.store import record_change
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Call, Platform

_IN_PATH = {
    Platform.META: re.compile(r"/v[\d.]+/(\d+)"),
    Platform.MAILCHIMP: re.compile(r"/segments/(\d+)"),
    Platform.PRACTICE: re.compile(r"/audiences/(\d+)"),
}
_MEMBERS = {
    Platform.META: ("meta_members", "audience", "member", "meta_audiences"),
    Platform.MAILCHIMP: ("mailchimp_segment_members", "segment_id", "hash", "mailchimp_segments"),
    Platform.PRACTICE: ("practice_members", "audience", "member", "practice_audiences"),
}
"""Table of the members, its columns for audience and member, and the table that holds the size."""


def audience_of(call: Call) -> str | None:
    """The id of the audience that a call is addressed to, None for none."""
    if call.platform in PLAYED:
        return PLAYED[call.platform].audience_of(call)
    named = _IN_PATH[call.platform].search(call.path)
    return named[1] if named else None


def happen(db: sqlite3.Connection, rule: fault.Fault, call: Call) -> None:
    """Let the rule's incident happen to what the call is addressed to; nothing where that is no audience."""
    match rule:
        case fault.TokensEnd():
            desk_of(call.platform).expire_all(db)
        case fault.RefreshRotated():
            desk_of(call.platform).rotate_all(db)
    audience = audience_of(call)
    if audience is None:
        return
    match rule:
        case fault.AudienceDeleted():
            delete_audience(db, call.platform, audience)
        case fault.MembersLost(share=share, seed=seed):
            lose_members(db, call.platform, audience, share, seed)


def desk_of(platform: Platform) -> TokenDesk:
    """Where a platform gives out tokens. Raises KeyError when it gives out none."""
    if platform is Platform.PRACTICE:
        return tokens.DESK
    desk = PLAYED[platform].desk
    if desk is None:
        raise KeyError(f"{platform} gives out no tokens")
    return desk


def delete_audience(db: sqlite3.Connection, platform: Platform, audience: str) -> None:
    """Delete an audience as a colleague in the platform's own pages would."""
    match platform:
        case Platform.META:
            meta_audiences.delete(db, int(audience))
        case Platform.PRACTICE:
            practice_audiences.delete(db, int(audience))
        case Platform.MAILCHIMP:
            db.execute("delete from mailchimp_segment_members where segment_id = ?", (int(audience),))
            db.execute("delete from mailchimp_segments where id = ?", (int(audience),))
        case _ if platform in EMAIL_PLATFORMS:
            email_lists.delete(db, platform, audience)
        case _:
            holdings.delete(db, platform, audience)


def lose_members(db: sqlite3.Connection, platform: Platform, audience: str, share: float, seed: int) -> int:
    """Drop a share of an audience's members without a word; returns how many. The same seed drops the same people."""
    if platform in AD_PLATFORMS:
        return holdings.lose(db, platform, audience, share, seed)
    if platform in EMAIL_PLATFORMS:
        return email_lists.lose(db, platform, audience, share, seed)
    return _lose(db, platform, int(audience), share, seed)


def _lose(db: sqlite3.Connection, platform: Platform, audience: int, share: float, seed: int) -> int:
    table, audience_column, member_column, sizes = _MEMBERS[platform]
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    present = db.execute(
        f"select {member_column} from {table} where {audience_column} = ? order by {member_column}",
        (audience,),
    ).fetchall()
    lost = [(audience, member) for (member,) in present if chance.random() < share]
    db.executemany(f"delete from {table} where {audience_column} = ? and {member_column} = ?", lost)
    if lost:
        db.execute(f"update {sizes} set size = size - ? where id = ?", (len(lost), audience))
        (size,) = db.execute(f"select size from {sizes} where id = ?", (audience,)).fetchone()
        record_change(db, platform, str(audience), 0, added=0, removed=len(lost), size=int(size))
    return len(lost)
