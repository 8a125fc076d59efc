"""Who is in an audience: rows as they were sent, found again by any strong identifier they share."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from connectors.sandbox import clock
from connectors.sandbox.meta.rows import Member

_ADD = """
insert or ignore into {table} (audience, member, email, phone, madid, extern_id, others, added_at)
values (?, ?, ?, ?, ?, ?, ?, ?)
"""

_DOOMED = """
create temp table if not exists doomed (member blob, email blob, phone blob, madid text, extern_id text)
"""

# A row removes itself and everybody who shares an e-mail, a phone, a device or an external id with it. "cross join"
# and "indexed by" keep SQLite from walking the whole audience once for every row.
_REMOVE = """
delete from meta_members
where audience = :audience
  and member in (
    select member from temp.doomed
    union
    select present.member
    from temp.doomed
    cross join meta_members as present indexed by meta_members_by_email
      on present.audience = :audience and present.email = doomed.email
    union
    select present.member
    from temp.doomed
    cross join meta_members as present indexed by meta_members_by_phone
      on present.audience = :audience and present.phone = doomed.phone
    union
    select present.member
    from temp.doomed
    cross join meta_members as present indexed by meta_members_by_madid
      on present.audience = :audience and present.madid = doomed.madid
    union
    select present.member
    from temp.doomed
    cross join meta_members as present indexed by meta_members_by_extern
      on present.audience = :audience and present.extern_id = doomed.extern_id
  )
"""

SECONDS_A_DAY = 86_400


def add(db: sqlite3.Connection, audience: int, members: Sequence[Member], *, staged: bool = False) -> int:
    """Add members, those already there without effect, and return how many are new."""
    now = int(clock.now(db))
    cursor = db.executemany(
        _ADD.format(table="meta_staged" if staged else "meta_members"),
        [(audience, m.key, m.email, m.phone, m.madid, m.extern_id, m.others, now) for m in members],
    )
    return cursor.rowcount if members else 0


def renew(db: sqlite3.Connection, audience: int, members: Sequence[Member]) -> None:
    """Start the retention of these members anew: being sent again counts as being added."""
    now = int(clock.now(db))
    db.executemany(
        "update meta_members set added_at = ? where audience = ? and member = ?",
        [(now, audience, member.key) for member in members],
    )


def remove(db: sqlite3.Connection, audience: int, members: Sequence[Member]) -> int:
    """Remove everybody whom these rows match and return how many were there."""
    db.execute(_DOOMED)
    db.execute("delete from temp.doomed")
    db.executemany(
        "insert into temp.doomed values (?, ?, ?, ?, ?)",
        [(m.key, m.email, m.phone, m.madid, m.extern_id) for m in members],
    )
    return db.execute(_REMOVE, {"audience": audience}).rowcount


def swap_staged(db: sqlite3.Connection, audience: int) -> tuple[int, int]:
    """Let the staged rows take the members' place; returns how many came and how many went."""
    gone = db.execute(
        """
        delete from meta_members
        where audience = :audience
          and member not in (select member from meta_staged where audience = :audience)
        """,
        {"audience": audience},
    ).rowcount
    came = db.execute(
        "insert or ignore into meta_members select * from meta_staged where audience = ?", (audience,)
    ).rowcount
    discard_staged(db, audience)
    return came, gone


def discard_staged(db: sqlite3.Connection, audience: int) -> None:
    """Forget what a replacement has staged so far."""
    db.execute("delete from meta_staged where audience = ?", (audience,))


def expire(db: sqlite3.Connection, audience: int, retention_days: int) -> int:
    """Drop members whose retention is over and return how many."""
    oldest = int(clock.now(db)) - retention_days * SECONDS_A_DAY
    return db.execute(
        "delete from meta_members where audience = ? and added_at <= ?", (audience, oldest)
    ).rowcount
