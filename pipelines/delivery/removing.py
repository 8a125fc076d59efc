"""Whom to take out, by the handles that were sent, so that removing one person never removes another."""

from __future__ import annotations

from connectors.identity import Column
from pipelines.delivery.difference import REMOVES, among
from pipelines.delivery.ledger import Ledger
from pipelines.duck import quote


def stage_removing(ledger: Ledger, audience: int, *, only_must_go: bool) -> None:
    """Make the temporary table ``removing`` of the delta's removals, with the handle columns as they were sent.

    An identifier that a staying member carries too, or somebody about to be added, is left out.
    """
    handle = ", ".join(f"members.{quote(column.name)}" for column in ledger.identity.handle)
    urgent = (
        "and (delta.change = 'assert_gone' or delta.member in (select member from must_go))"
        if only_must_go
        else ""
    )
    ledger.connection.execute(
        f"""
        create or replace temp table removing as
        with
        leaving as (
          -- Found by key alone, so that handles are read of these rows and no others.
          select members.rowid as position, delta.change
          from members
          join delta
            on delta.member = members.member
            and delta.change in {among(REMOVES)}
          where members.audience = $audience
          {urgent}
        )
        select members.member, members.person_no, leaving.change, {handle}
        from members
        join leaving
          on leaving.position = members.rowid
        """,
        {"audience": audience},
    )
    identifying = [column for column in ledger.identity.identifying if column.in_handle]
    if len(identifying) > 1:
        for column in identifying:
            _leave_out_shared(ledger, audience, column)


def _leave_out_shared(ledger: Ledger, audience: int, column: Column) -> None:
    name = quote(column.name)
    ledger.connection.execute(
        f"""
        update removing
        set {name} = null
        where {name} in (
            select {name}
            from members
            where audience = $audience
              and member not in (select member from removing)
              and batch not in (select batch from batch_states where state in ('gone', 'leaving'))
            union all
            select {name}
            from outbox
            where op = 'add'
          )
        """,
        {"audience": audience},
    )
