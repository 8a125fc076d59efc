"""What the journal says of the batches that members point at, as tables that the difference can join.

`batch_states` (temporary) has a row for each batch: what it says of its members, and ``closes_at``, the moment
after which no copy of its request can be applied any more. `rejected` (temporary) names the rows not taken.
`asserting` (temporary) names the members whose last request must be repeated: an opposite request for the same
member was sent shortly before it, a late copy of which may have undone it. See docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from connectors.base import Op
from pipelines.delivery.entries import BatchState, JournalledBatch, Rejection
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger

RENEW_AT_SHARE = 0.8
"""Members begin to be sent again when this share of their lifetime on the platform has passed."""
SPARE = timedelta(days=2)
"""All of them are sent again this long before its end, so that a night that fails loses nobody."""

STATES: dict[tuple[Op, BatchState], str] = {
    ("add", "applied"): "on",
    ("add", "accepted"): "coming",
    ("remove", "applied"): "gone",
    ("remove", "accepted"): "leaving",
}
"""What a batch says of the members that point at it; anything else is ``maybe``."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """The moment of a run, and the spans by which what was sent is judged."""

    now: datetime
    expires_after: timedelta | None
    """Members leave the platform by themselves after this long; None: never."""
    retry_after: timedelta
    """A rejected row is tried again after this long."""
    keep_history: timedelta
    """How long it is kept who moved."""
    settles_after: timedelta
    """How long after its last attempt a request, or a copy of it, may still be applied."""


def read_states(ledger: Ledger, journal: Journal, audience: int, segment: str, times: Times) -> None:
    """Make the temporary tables anew, and drop what nothing depends on any more.

    Needed before a difference, and again after sending, to see what became of it.
    """
    _stage_batches(ledger, journal.batches(ledger.destination, segment), times)
    known = journal.rejections(ledger.destination, segment)
    _stage_rejections(ledger, known, times)
    journal.forget_rejections(ledger.destination, segment, _pointless(ledger, audience, known))
    _tidy(ledger, audience, times)
    _prune(ledger, journal, segment, times)
    _stage_asserting(ledger, audience, times.now)


def _stage_batches(ledger: Ledger, batches: Sequence[JournalledBatch], times: Times) -> None:
    columns = {
        "id": [b.id for b in batches],
        "op": [b.op for b in batches],
        "state": [_state(b, times) for b in batches],
        "verdict": [b.state for b in batches],
        "sent_at": [as_stored(b.sent_at or LONG_AGO) for b in batches],
        "closes_at": [as_stored(_closes_at(b, times.settles_after)) for b in batches],
        "renewing": [_renewing(b, times) for b in batches],
    }
    ledger.stage("journalled", pa.table(columns, schema=_JOURNALLED))
    ledger.connection.execute(
        """
        create or replace temp table batch_states as
        select
          batches.batch,
          journalled.op,
          journalled.state,
          journalled.verdict,
          journalled.sent_at,
          journalled.closes_at,
          journalled.renewing
        from batches
        join journalled
          on journalled.id = batches.id
        """
    )


def _state(batch: JournalledBatch, times: Times) -> str:
    state = STATES.get((batch.op, batch.state), "maybe")
    if state != "on" or times.expires_after is None or batch.settled_at is None:
        return state
    return "expiring" if batch.settled_at < times.now - times.expires_after * RENEW_AT_SHARE else "on"


def _renewing(batch: JournalledBatch, times: Times) -> float | None:
    """The share of an expiring batch's members that are due by now: they are spread over days by their keys.

    A first push of a million would else come back on one day of every lifetime. None while it does not expire.
    """
    if _state(batch, times) != "expiring" or times.expires_after is None or batch.settled_at is None:
        return None
    begins = times.expires_after * RENEW_AT_SHARE
    span = times.expires_after - SPARE - begins
    passed = times.now - batch.settled_at - begins
    return min(1.0, passed / span) if span > timedelta(0) else 1.0


def _closes_at(batch: JournalledBatch, settles_after: timedelta) -> datetime:
    """When the last copy of a batch's request can have been applied."""
    if batch.sent_at is None or batch.state == "refused":
        return LONG_AGO
    if batch.state == "accepted":
        return NEVER  # the platform says itself that it is still to come
    return max(batch.sent_at, batch.settled_at or batch.sent_at) + settles_after


def _stage_rejections(ledger: Ledger, rejections: Sequence[Rejection], times: Times) -> None:
    """``retried``: the row was refused so long ago that it is sent again; until then nobody is there through it."""
    named = {
        "id": [r.batch for r in rejections],
        "member": [r.member for r in rejections],
        "retried": [r.at < times.now - times.retry_after for r in rejections],
    }
    ledger.stage("named", pa.table(named, schema=_NAMED))
    ledger.connection.execute(
        """
        create or replace temp table rejected as
        select
          batches.batch,
          cast(named.member as uuid) as member,
          bool_or(named.retried) as retried
        from named
        join batches
          on batches.id = named.id
        group by all
        """
    )


def _pointless(ledger: Ledger, audience: int, rejections: Sequence[Rejection]) -> list[Rejection]:
    """Rejections of members that left, or that a later batch touched."""
    if not rejections:
        return []
    standing = ledger.connection.execute(
        """
        select batches.id, cast(members.member as varchar)
        from members
        join rejected
          on rejected.batch = members.batch
          and rejected.member = members.member
        join batches
          on batches.batch = members.batch
        where members.audience = $audience
        """,
        {"audience": audience},
    ).fetchall()
    pointed = set(standing)
    return [r for r in rejections if (r.batch, r.member) not in pointed]


def _tidy(ledger: Ledger, audience: int, times: Times) -> None:
    """Drop what is final: settled doubts, members whose removal can't be undone any more, positions, old history."""
    with ledger.commit("tidy"):
        ledger.connection.execute(
            """
            delete from settling
            where audience = $audience
              and not exists (
                select 1
                from members
                join batch_states as earlier
                  on earlier.batch = settling.batch
                left join batch_states as later
                  on later.batch = members.batch
                where members.audience = settling.audience
                  and members.member = settling.member
                  and not (
                    coalesce(later.state, 'maybe') in ('on', 'expiring', 'gone')
                    and later.verdict = 'applied'
                    and later.sent_at > earlier.closes_at
                  )
              )
            """,
            {"audience": audience},
        )
        ledger.connection.execute(
            """
            delete from members
            where audience = $audience
              and batch in (select batch from batch_states where state = 'gone' and closes_at <= $now)
              and member not in (select member from settling where audience = $audience)
            """,
            {"audience": audience, "now": as_stored(times.now)},
        )
        ledger.connection.execute(
            """
            delete from found
            where audience = $audience
              and member not in (select member from members where audience = $audience)
            """,
            {"audience": audience},
        )
        ledger.connection.execute(
            "delete from history where audience = $audience and moment < $before",
            {"audience": audience, "before": as_stored(times.now - times.keep_history)},
        )
        ledger.connection.execute(
            """
            delete from positions
            where batch in (select batch from batch_states where verdict <> 'accepted')
            """
        )


def _prune(ledger: Ledger, journal: Journal, segment: str, times: Times) -> None:
    """Forget batches and reports older than the history, unless a member still rests on them."""
    journal.logbook.prune(ledger.destination, segment, times.now - times.keep_history)
    unused = ledger.connection.execute(
        """
        select batches.batch, batches.id
        from batches
        join batch_states
          on batch_states.batch = batches.batch
          and batch_states.sent_at < $before
        where batches.batch not in (
          select batch
          from members
          where batch is not null
          union all
          select batch
          from settling
          union all
          select batch
          from history
          where batch is not null
          union all
          select batch
          from positions
        )
        """,
        {"before": as_stored(times.now - times.keep_history)},
    ).fetchall()
    if unused:
        journal.forget_batches([batch_id for _, batch_id in unused])
        ledger.forget_batches([number for number, _ in unused])


def _stage_asserting(ledger: Ledger, audience: int, now: datetime) -> None:
    """Members whose earlier, opposite requests can't be applied any more: their last request is due once more."""
    ledger.connection.execute(
        """
        create or replace temp table asserting as
        select settling.member
        from settling
        join batch_states
          on batch_states.batch = settling.batch
        where settling.audience = $audience
        group by settling.member
        having max(batch_states.closes_at) <= $now
        """,
        {"audience": audience, "now": as_stored(now)},
    )


def as_stored(moment: datetime) -> datetime:
    """UTC without a zone, as DuckDB's plain timestamps compare."""
    return moment.astimezone(UTC).replace(tzinfo=None)


_JOURNALLED = pa.schema(
    [
        ("id", pa.string()),
        ("op", pa.string()),
        ("state", pa.string()),
        ("verdict", pa.string()),
        ("sent_at", pa.timestamp("us")),
        ("closes_at", pa.timestamp("us")),
        ("renewing", pa.float64()),
    ]
)
_NAMED = pa.schema([("id", pa.string()), ("member", pa.string()), ("retried", pa.bool_())])
