"""A batch that was not taken whole: its rows, without the guilty ones, in batches that take its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.base import Batch
from pipelines.delivery.outbox import Outbox


def split(outbox: Outbox, batch: Batch, without: Iterable[int]) -> list[Batch]:
    """Put a refused batch's rows, without some, into new batches: one when rows are left out, else two halves."""
    left_out = list(without)
    if not left_out:
        return halves(outbox, batch, left_out)
    total = _remain(outbox, batch, left_out)
    return outbox.new_batches(batch.op, total, total)


def halves(outbox: Outbox, batch: Batch, without: Iterable[int]) -> list[Batch]:
    """Put a batch's rows, without some, into two new batches."""
    total = _remain(outbox, batch, list(without))
    return outbox.new_batches(batch.op, total, (total + 1) // 2)


def _remain(outbox: Outbox, batch: Batch, left_out: list[int]) -> int:
    """Number the rows of a batch, without some, anew; returns how many they are."""
    number = outbox.number(batch)
    outbox.connection.execute(
        f"""
        create or replace temp table remaining as
        select member, row_number() over (order by ordinal) - 1 as position
        from outbox
        where batch = {number}
          and not list_contains($left_out, ordinal)
        """,
        {"left_out": left_out},
    )
    counted = outbox.connection.execute("select count(*) from remaining").fetchall()
    return int(counted[0][0])


def repoint(outbox: Outbox, batch: Batch, parts: Sequence[Batch]) -> None:
    """Let outbox and members follow a split; the journal knows the new batches already."""
    half = parts[0].size
    first = outbox.number(parts[0])
    moved = f"cast({first} + position // {half} as integer)"
    old = outbox.number(batch)
    with outbox.ledger.commit("repoint"):
        outbox.connection.execute(
            f"""
            update members
            set batch = {moved}
            from remaining
            where members.audience = $audience
              and members.batch = {old}
              and members.member = remaining.member
            """,
            {"audience": outbox.audience},
        )
        outbox.connection.execute(
            f"update history set batch = {moved} from remaining "
            f"where history.batch = {old} and history.member = remaining.member"
        )
        if outbox.asynchronous:
            outbox.connection.execute(f"delete from positions where batch = {old}")
            outbox.connection.execute(
                f"""
                insert into positions
                select {moved}, cast(position % {half} as integer), member
                from remaining
                """
            )
    outbox.connection.execute(
        f"""
        update outbox
        set batch = {moved}, ordinal = cast(position % {half} as integer)
        from remaining
        where outbox.batch = {old}
          and outbox.member = remaining.member
        """
    )
