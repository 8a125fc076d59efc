"""Who an outbox would move, as digests: to be written into a plan, and to hold a later outbox to that plan.

A digest is made of a member's key and a text of the plan's own, so that it says nothing beside that plan and is no
platform's hash of anything. Rows that a run sends to keep what is there (soon dropped, or perhaps undone by a late
copy) depend on the hour and change no membership: they go along with any push and are in no plan.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

from connectors.base import Op
from pipelines.delivery.outbox import Outbox
from pipelines.duck import literal

Change = Literal["add", "again", "remove", "clear"]
"""Added, sent again because nobody knows whether they are there, removed, and taken out after a refusal."""
CHANGES: tuple[Change, ...] = get_args(Change)
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class BatchDigest:
    """One batch; ``digest`` is over the digests of the planned members in it, in order."""

    op: Op
    number: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Who moves: sorted digests by change, and the batches they go in."""

    members: Mapping[Change, bytes]
    batches: tuple[BatchDigest, ...]

    def count(self, change: Change) -> int:
        """How many members."""
        return len(self.members.get(change, b"")) // DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Unlike:
    """How an outbox differs from a plan."""

    more: Mapping[Change, int]
    """Members that would move though the plan does not say so."""
    fewer: Mapping[Change, int]
    """Members that the plan moves and the outbox does not."""
    opt_outs: int
    """Of the removals that are more, those who opted out, were erased or took back their consent."""
    batches: bool = False
    """The same members in other batches."""

    def __bool__(self) -> bool:
        return bool(sum(self.more.values()) + sum(self.fewer.values()) or self.batches)


def arrange(outbox: Outbox, key: str) -> None:
    """Put an outbox into the order of its digests, so that a plan's batches are sent as they were reviewed.

    Leaves the temporary table ``digests``, which the other functions here read. ``key`` is the plan's own text.
    """
    connection = outbox.connection
    connection.execute(
        """
        create or replace temp table digests as
        select
          op,
          change,
          member,
          batch,
          unhex(left(sha256(concat($key, cast(member as varchar))), 2 * $bytes)) as digest
        from outbox
        """,
        {"key": key, "bytes": DIGEST_BYTES},
    )
    connection.execute(
        f"""
        create or replace temp table arranged as
        with placed as (
          select
            op,
            member,
            min(batch) over (partition by op) as first_batch,
            row_number() over (partition by op order by change not in {_planned()}, digest) - 1 as place
          from digests
          where batch is not null
        )
        select
          op,
          member,
          first_batch + cast(place // $rows as integer) as batch,
          cast(place % $rows as integer) as ordinal
        from placed
        """,
        {"rows": outbox.max_rows},
    )
    for table in ("outbox", "digests"):
        moved = "batch = arranged.batch" + (", ordinal = arranged.ordinal" if table == "outbox" else "")
        connection.execute(
            f"update {table} set {moved} from arranged "
            f"where arranged.op = {table}.op and arranged.member = {table}.member"
        )


def read_changes(outbox: Outbox) -> ChangeSet:
    """Who an arranged outbox would move."""
    members: dict[Change, bytes] = {}
    for change in CHANGES:
        found: pa.Table = outbox.connection.sql(
            f"select digest from digests where change = {literal(change)} order by digest"
        ).to_arrow_table()
        members[change] = b"".join(found.column("digest").to_pylist())
    return ChangeSet(members, _batches(outbox))


def _batches(outbox: Outbox) -> tuple[BatchDigest, ...]:
    rows = outbox.connection.execute(
        f"""
        select
          op,
          batch - min(batch) over (partition by op) + 1 as number,
          count(*) as size,
          list(digest order by digest) filter (change in {_planned()}) as planned
        from digests
        where batch is not null
        group by op, batch
        order by op desc, batch
        """
    ).fetchall()
    return tuple(
        BatchDigest(op, number, size, hashlib.sha256(b"".join(planned or [])).hexdigest())
        for op, number, size, planned in rows
    )


def unlike(outbox: Outbox, expected: ChangeSet) -> Unlike:
    """How an arranged outbox differs from what was planned."""
    _stage(outbox, expected)
    more, fewer, opt_outs = _count(outbox, "true")
    recut = _planned_ones(expected.batches) != _planned_ones(_batches(outbox))
    return Unlike(more, fewer, opt_outs, batches=recut and not (more or fewer))


def _planned_ones(batches: Iterable[BatchDigest]) -> dict[tuple[Op, int], str]:
    """Batches that hold anybody whom a plan names."""
    return {(b.op, b.number): b.digest for b in batches if b.digest != _NOBODY}


def unlike_the_rest(outbox: Outbox, expected: ChangeSet, key: str) -> Unlike:
    """The same for a plan of which a part was sent before: what is missing must have been done.

    A planned addition that is not in the outbox must be held, or refused by the platform; a planned removal that is
    not must be out, or on its way.
    """
    _stage(outbox, expected)
    outbox.connection.execute(
        """
        create or replace temp table done as
        select
          unhex(left(sha256(concat($key, cast(members.member as varchar))), 2 * $bytes)) as digest
        from members
        left join batch_states
          on batch_states.batch = members.batch
        where members.audience = $audience
          and coalesce(batch_states.state, 'maybe') not in ('gone', 'leaving')
        """,
        {"key": key, "bytes": DIGEST_BYTES, "audience": outbox.audience},
    )
    return Unlike(
        *_count(
            outbox,
            "(change in ('add', 'again')) <> (digest in (select digest from done))",
        )
    )


def _stage(outbox: Outbox, expected: ChangeSet) -> None:
    """The plan's members as the temporary table ``expected``: ``change`` and ``digest``."""
    tables = [
        pa.table(
            {"change": pa.array([change] * expected.count(change)), "digest": _array(digests)}, _EXPECTED
        )
        for change, digests in expected.members.items()
    ]
    outbox.ledger.stage("expected", pa.concat_tables(tables) if tables else _EXPECTED.empty_table())


def _array(digests: bytes) -> pa.Array:
    count = len(digests) // DIGEST_BYTES
    fixed = pa.Array.from_buffers(pa.binary(DIGEST_BYTES), count, [None, pa.py_buffer(digests)])
    return fixed.cast(pa.binary())


def _count(outbox: Outbox, missing: str) -> tuple[Counter[Change], Counter[Change], int]:
    """Unplanned members, planned ones that are absent and ``missing``, and opt-outs among the first."""
    rows = outbox.connection.execute(
        f"""
        with
        unplanned as (
          select
            digests.change,
            digests.op = 'remove' and digests.member in (select member from must_go) as is_opt_out
          from digests
          anti join expected
            on expected.digest = digests.digest
            and {_same_kind()}
          where digests.change in {_planned()}
        ),
        absent as (
          select
            expected.change,
            expected.digest
          from expected
          anti join digests
            on digests.digest = expected.digest
            and {_same_kind()}
        )
        select 'more', change, count(*), count(*) filter (is_opt_out)
        from unplanned
        group by change
        union all
        select 'fewer', change, count(*), 0
        from absent
        where {missing}
        group by change
        """
    ).fetchall()
    more: Counter[Change] = Counter({change: n for which, change, n, _ in rows if which == "more"})
    fewer: Counter[Change] = Counter({change: n for which, change, n, _ in rows if which == "fewer"})
    return more, fewer, sum(row[3] for row in rows)


def _same_kind() -> str:
    """An addition whose answer was lost comes again as a repetition: the same movement."""
    return "(digests.change in ('add', 'again')) = (expected.change in ('add', 'again'))"


def _planned() -> str:
    return f"({', '.join(map(literal, CHANGES))})"


_NOBODY = hashlib.sha256(b"").hexdigest()
_EXPECTED = pa.schema([("change", pa.string()), ("digest", pa.binary())])
