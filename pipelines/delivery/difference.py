"""Desired against held: the delta stays in the ledger's temporary table ``delta``, the rest in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipelines.delivery.ledger import Ledger, sql
from pipelines.delivery.unchanged import set_aside
from pipelines.duck import literal

RESENDS = ("again", "expire", "assert_on", "update")
"""Changes of members that are held and desired, and sent again: unsure, soon dropped, perhaps undone, or with other
attributes."""
ADDS = ("add", *RESENDS)
REMOVES = ("remove", "clear", "assert_gone")
"""Changes that ask the platform to take somebody out: held, refused earlier, or perhaps back by a late copy."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference in numbers that close by construction.

    ``desired`` = kept + resends + adds + rejected + pending + the sum of withheld (people);
    ``held`` = kept + unjudged + resends + removes + leaving (members).
    """

    desired: int
    held: int
    """Members that are on the platform, or may be; known rejected ones are not."""
    kept: int
    """Held, desired and certain: nothing is sent for them."""
    unjudged: int
    """Held members that were not compared, because the segment can't be trusted."""
    adds: int
    """Desired people who are not held."""
    resends: int
    """Held and desired, and sent again."""
    updates: int
    """The resends because of attributes that changed."""
    asserted: int
    """Requests for members repeated because a late copy of an earlier one may have undone them."""
    removes: int
    must_go: int
    """The removes that no guard may hold back."""
    asked_out: int
    """The other removes of members whose last request was a removal already, which a resync doubts: the guards let it
    pass then."""
    rejected: int
    """Desired people whose row the platform refused before; tried again after a while."""
    pending: int
    """Desired people whose earlier removal the platform has not finished."""
    leaving: int
    """Members whose earlier removal the platform has not finished, desired or not."""
    withheld: Mapping[str, int]
    """Desired people who are not sent, by reason."""


def compare(ledger: Ledger, audience: int, wanted: pa.Table) -> Difference:
    """Compare the segment's people with the held members; the delta stays in the temporary table ``delta``.

    ``wanted`` holds ``person_no``. Needs `read_states`, fresh identities and `stage_attributes`.
    """
    kept = set_aside(ledger, audience, wanted)
    ledger.connection.execute(sql("must_go"), {"audience": audience})
    ledger.connection.execute(sql("difference"), {"kept": kept})
    return _count(ledger, audience, judged=True)


def only_must_go(ledger: Ledger, audience: int) -> Difference:
    """The difference of an audience whose segment can't be trusted: opt-outs leave, nobody else moves."""
    ledger.connection.execute(sql("must_go"), {"audience": audience})
    ledger.connection.execute(
        """
        create or replace temp table delta as
        select
          case when rejected.member is null then 'remove' else 'clear' end as change,
          cast(null as varchar) as withheld,
          false as is_desired,
          must_go.member,
          must_go.person_no,
          1 as people
        from must_go
        join members
          on members.audience = $audience
          and members.member = must_go.member
        left join rejected
          on rejected.batch = members.batch
          and rejected.member = members.member
        union all
        select
          'assert_gone',
          null,
          false,
          members.member,
          members.person_no,
          1
        from members
        join asserting
          on asserting.member = members.member
        join batch_states
          on batch_states.batch = members.batch
          and batch_states.state = 'gone'
        where members.audience = $audience
        """,
        {"audience": audience},
    )
    return _count(ledger, audience, judged=False)


def _count(ledger: Ledger, audience: int, *, judged: bool) -> Difference:
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
    resends = sum(members[change] for change in RESENDS)
    rest = held - resends - members["pending"] - members["remove"]
    kept = rest if judged else 0
    sent_or_named = members["add"] + resends + members["rejected"]
    twins = people.total() - withheld.total() - people["pending"] - kept - sent_or_named
    if twins:
        withheld["same_identity"] = twins
    return Difference(
        desired=people.total(),
        held=held,
        kept=kept,
        unjudged=rest - kept,
        adds=members["add"],
        resends=resends,
        updates=members["update"],
        asserted=members["assert_on"] + members["assert_gone"],
        removes=members["remove"],
        must_go=_removes(ledger, "member in (select member from must_go)"),
        asked_out=_removes(ledger, _ASKED_OUT, audience=audience),
        rejected=members["rejected"],
        pending=people["pending"],
        leaving=members["pending"],
        withheld=dict(withheld),
    )


_ASKED_OUT = """
    member not in (select member from must_go)
    and member in (
      select members.member
      from members
      join batch_states
        on batch_states.batch = members.batch
      where members.audience = $audience
        and batch_states.op = 'remove'
        and batch_states.verdict = 'doubted'
    )
"""


def _removes(ledger: Ledger, which: str, **parameters: int) -> int:
    rows = ledger.connection.execute(
        f"select count(*) from delta where change = 'remove' and {which}", parameters
    ).fetchall()
    return int(rows[0][0])


def among(changes: Sequence[str]) -> str:
    """The right side of an ``in`` over changes."""
    return f"({', '.join(map(literal, changes))})"
