"""Segments whose people an audience leaves out: they are never sent there, and taken out when they are there.

An excluded person is nobody's desired member, and neither is whoever shares an identifier with them, because a
platform that is sent the one is sent the other. Where it is not known who is excluded, nobody is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.delivery.difference import Difference
from pipelines.delivery.guards import Guard, Verdict
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Push
from pipelines.engine import Engine, Members

EXCLUDED = "excluded"
"""The reason under which left-out people are counted as withheld."""


def unknown_exclusion(engine: Engine, push: Push, as_of: date | None) -> Verdict | None:
    """Why nobody may be sent: an excluded segment that was not computed for the day; None when all are known."""
    for name in push.sync.exclude:
        newest = engine.latest(name)
        if newest is None or (as_of is not None and newest < as_of):
            told = (
                "was never computed" if newest is None else f"is of {newest}, older than the audience's own"
            )
            return Verdict(
                Guard.HELD_BACK,
                f"the segment {name}, whose people it leaves out, {told}; only opt-outs are removed until: "
                f"turnout segments {name}",
            )
    return None


def nobody_left_out(ledger: Ledger) -> None:
    """Make the temporary table ``left_out`` empty."""
    ledger.connection.execute("create or replace temp table left_out (person_no integer)")


def leave_out(
    ledger: Ledger, engine: Engine, push: Push, as_of: date | None, people: pa.Table
) -> tuple[pa.Table, int]:
    """The people who are not left out, and how many are; the temporary table ``left_out`` has their numbers.

    ``people`` holds ``person_no``. Needs fresh identities, and `unknown_exclusion` to have found nothing.
    """
    nobody_left_out(ledger)
    for name in push.sync.exclude:
        day = as_of or engine.latest(name)
        assert day is not None, "the guards let nothing pass whose exclusions are unknown"
        ledger.stage("excluded_people", engine.export(Members(name, day)))
        ledger.connection.execute("insert into left_out select person_no from excluded_people")
    if not push.sync.exclude:
        return people, 0
    numbers = ledger.connection.sql(
        """
        select person_no
        from left_out
        union
        select others.person_no
        from left_out
        join identities
          on identities.person_no = left_out.person_no
        join identities as others
          on others.member = identities.member
        """
    ).to_arrow_table()
    ledger.stage("left_out", numbers)
    is_out = pc.is_in(people.column("person_no"), value_set=numbers.column("person_no"))
    return people.filter(pc.invert(is_out)), int(pc.sum(is_out).as_py() or 0)


def with_left_out(difference: Difference, people: int) -> Difference:
    """The difference with the left-out people among the desired and the withheld, so that everybody is in it."""
    if not people:
        return difference
    return replace(
        difference,
        desired=difference.desired + people,
        withheld={**difference.withheld, EXCLUDED: people},
    )
