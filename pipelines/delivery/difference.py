"""Desired against held: the delta stays in the ledger's temporary table ``delta``, the rest in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.delivery.ledger import Ledger, sql
from pipelines.delivery.unchanged import set_aside


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference in numbers that close by construction.

    ``desired`` = kept + adds + rejected + pending + the sum of withheld (people);
    ``held`` = kept + the adds that are sent again + pending + removes (members).
    """

    desired: int
    held: int
    """Members that are on the platform, or may be; known rejected ones are not."""
    kept: int
    adds: int
    removes: int
    must_go: int
    """The removes that no guard may hold back."""
    rejected: int
    """Desired people whose row the platform refused before; tried again after a while."""
    pending: int
    """Desired people whose earlier removal the platform has not finished."""
    withheld: Mapping[str, int]
    """Desired people who are not sent, by reason."""


def compare(ledger: Ledger, audience: int, wanted: pa.RecordBatchReader | pa.Table) -> Difference:
    """Compare the segment's people with the held members; the delta stays in the temporary table ``delta``.

    ``wanted`` holds ``person_no``. Needs `read_states` and fresh identities.
    """
    people = wanted if isinstance(wanted, pa.Table) else wanted.read_all()
    kept = set_aside(ledger, audience, people)
    ledger.connection.execute(sql("must_go"), {"audience": audience})
    ledger.connection.execute(sql("difference"), {"kept": kept})
    return _count(ledger, audience)


def only_must_go(ledger: Ledger, audience: int) -> Difference:
    """The difference of an audience whose segment can't be trusted: opt-outs leave, nobody else moves."""
    ledger.connection.execute(sql("must_go"), {"audience": audience})
    ledger.connection.execute(
        """
        create or replace temp table delta as
        select
          'remove' as change,
          cast(null as varchar) as withheld,
          false as is_desired,
          member,
          person_no,
          1 as people
        from must_go
        """
    )
    return _count(ledger, audience)


def _count(ledger: Ledger, audience: int) -> Difference:
    rows = ledger.connection.execute(
        """
        select
          change,
          withheld,
          is_desired,
          cast(sum(people) as bigint) as people,
          count(member) as members
        from delta
        group by all
        """
    ).fetchall()
    people: Counter[str] = Counter()
    members: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    for change, reason, is_desired, persons, distinct in rows:
        people[change] += persons if is_desired else 0
        members[change] += distinct
        if change == "withheld":
            withheld[reason] += persons
    held = ledger.held(audience)
    kept = held - members["again"] - members["pending"] - members["remove"] if people.total() else 0
    sent_or_named = members["add"] + members["again"] + members["rejected"]
    twins = people.total() - withheld.total() - people["pending"] - kept - sent_or_named
    if twins:
        withheld["same_identity"] = twins
    return Difference(
        desired=people.total(),
        held=held,
        kept=kept,
        adds=members["add"] + members["again"],
        removes=members["remove"],
        must_go=_urgent(ledger),
        rejected=members["rejected"],
        pending=people["pending"],
        withheld=dict(withheld),
    )


def _urgent(ledger: Ledger) -> int:
    rows = ledger.connection.execute(
        """
        select count(*)
        from delta
        where change = 'remove'
          and member in (select member from must_go)
        """
    ).fetchall()
    return int(rows[0][0])
