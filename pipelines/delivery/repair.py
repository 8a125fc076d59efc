"""What a comparison found is written into the ledger so that the next push sets it right, under its own guards.

Nobody is added or taken out here. The members to repair point at a batch of their own that the journal knows and that
was never sent, so they may or may not be there: whoever is desired is sent again, whoever is not is removed. It is an
addition, so that the guards see those removals like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulid import ULID

from connectors.base import Batch
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.listing import PERMITTED
from pipelines.duck import quote
from pipelines.segments.model import DriftPolicy


@dataclass(frozen=True, slots=True)
class Repaired:
    """What the next push will look at."""

    doubted: int = 0
    """Missing members: added again if they are desired."""
    taken_up: int = 0
    """People whom nobody here had sent: removed unless they are desired."""


def repair(
    journal: Journal, ledger: Ledger, audience: int, segment: str, run_id: str, policy: DriftPolicy
) -> Repaired:
    """Put missing members into doubt and strangers into the ledger; those who may not be there, under any policy.

    Needs the tables that `compare_listing` leaves. One commit of the ledger, before which the journal knows the batch:
    a process that dies leaves nothing done, or all of it.
    """
    wanted = "true" if policy == "ours_wins" else f"not {PERMITTED}"
    chosen = f"not is_leaving and {wanted}"
    doubted = _count(ledger, "missing", "true") if policy == "ours_wins" else 0
    repaired = Repaired(doubted, _count(ledger, "strangers", chosen))
    size = repaired.doubted + repaired.taken_up
    if not size:
        return repaired
    batch = Batch(str(ULID()), "add", 1, 1, size)
    journal.plan(ledger.destination, segment, run_id, None, [batch])
    with ledger.commit("repair"):
        ledger.connection.execute(
            "insert into batches select coalesce(max(batch), 0) + 1, $id from batches", {"id": batch.id}
        )
        if policy == "ours_wins":
            _doubt(ledger, audience, batch)
        _take_up(ledger, audience, batch, chosen)
    journal.fail(batch.id, "unknown", "a comparison with the platform's own list found otherwise")
    return repaired


def _doubt(ledger: Ledger, audience: int, batch: Batch) -> None:
    ledger.connection.execute(
        """
        update members
        set batch = (select batch from batches where id = $id)
        where audience = $audience
          and member in (select member from missing)
        """,
        {"audience": audience, "id": batch.id},
    )


def _take_up(ledger: Ledger, audience: int, batch: Batch, chosen: str) -> None:
    names = ", ".join(quote(column.name) for column in ledger.identity.handle)
    ledger.connection.execute(
        f"""
        insert into members (audience, member, person_no, batch, {names})
        select $audience, member, person_no, (select batch from batches where id = $id), {names}
        from strangers
        where {chosen}
        """,
        {"audience": audience, "id": batch.id},
    )
    ledger.connection.execute(
        f"""
        insert into found
        select
          $audience,
          member,
          (select batch from batches where id = $id),
          coalesce(refused = 'erased' and person_no is null, false)
        from strangers
        where {chosen}
        """,
        {"audience": audience, "id": batch.id},
    )
    ledger.connection.execute(
        f"""
        create or replace temp table taken_up as
        select person_no
        from strangers
        where {chosen}
          and person_no is not null
        """
    )
    ledger.identities.find_moved("taken_up")


def _count(ledger: Ledger, table: str, chosen: str) -> int:
    rows = ledger.connection.execute(f"select count(*) from {table} where {chosen}").fetchall()
    return int(rows[0][0])
