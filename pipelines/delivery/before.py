"""Who was in an audience before its last push that changed it, from the history of joins and leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from pipelines.delivery.ledger import Ledger

NO_CHANGE = ("sent_again", "refreshed_for_expiry", "asserted")
"""Reasons of rows that repeat what was so before."""


@dataclass(frozen=True, slots=True)
class LastChange:
    """The newest push that changed a membership; ``at`` names it in the history."""

    at: datetime
    joined: int
    left: int


def last_change(ledger: Ledger, audience: int, at: datetime | None = None) -> LastChange | None:
    """The newest push that changed an audience, or the one of a moment; None when no history of it is kept."""
    rows = ledger.connection.execute(
        f"""
        with changes as (
          select moment, op, rowid as position
          from history
          where audience = $audience
            and why not in {NO_CHANGE}
        )
        select
          moment,
          count(*) filter (op = 'add') as joined,
          count(*) filter (op = 'remove') as "left"
        from changes
        where moment = coalesce($at, (select arg_max(moment, position) from changes))
        group by moment
        """,
        {"audience": audience, "at": at},
    ).fetchall()
    return LastChange(*rows[0]) if rows else None


def people_before(ledger: Ledger, audience: int, at: datetime) -> pa.Table:
    """``person_no`` of everybody who was in an audience before the push of a moment, the last that changed it.

    That is whoever is there now, less those who joined in that push, and those who left in it. Doing it twice is
    doing it once. Needs `read_states`.
    """
    people: pa.Table = ledger.connection.sql(
        f"""
        with
        changes as (
          select op, member, person_no
          from history
          where audience = $audience
            and moment = $at
            and why not in {NO_CHANGE}
        ),
        staying as (
          select members.person_no
          from members
          left join batch_states
            on batch_states.batch = members.batch
          where members.audience = $audience
            and coalesce(batch_states.state, 'maybe') not in ('gone', 'leaving')
            and members.member not in (select member from changes where op = 'add')
        )
        select person_no
        from staying
        where person_no is not null
        union
        select person_no
        from changes
        where op = 'remove'
          and person_no is not null
        order by person_no
        """,
        params={"audience": audience, "at": at},
    ).to_arrow_table()
    return people.cast(pa.schema([("person_no", pa.int32())]))
