"""Who of a segment's people is held out of its audience: never sent, taken out when there, and counted with the reason.

It is decided here and nowhere else, for whatever an audience is to become: the segment of the day, or a push taken
back. Whoever has the same identifiers as somebody held out is held out with them, because a platform that is sent the
one is sent the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.delivery.ledger import Ledger
from pipelines.engine import Engine, HeldOut
from pipelines.segments.holdout import Holdout


def stage_held_out(ledger: Ledger, engine: Engine, draws: Sequence[Holdout], people: pa.Table) -> None:
    """Make the temporary table ``held_out``: ``person_no`` and ``reason``; nobody where nothing is drawn.

    ``people`` holds ``person_no``. Needs fresh identities.
    """
    if not draws:
        nobody_held_out(ledger)
        return
    numbers = people.column("person_no").combine_chunks()
    ledger.stage("drawn", engine.export(HeldOut(tuple(draws), numbers)))
    ledger.connection.execute(
        """
        create or replace temp table held_out as
        with
        sharing as (
          select
            others.person_no,
            drawn.reason
          from drawn
          join identities
            on identities.person_no = drawn.person_no
          join identities as others
            on others.member = identities.member
        ),
        everybody as (
          select person_no, reason, 0 as place
          from drawn
          union all
          select person_no, reason, 1
          from sharing
        )
        select
          person_no,
          arg_min(reason, (place, reason)) as reason
        from everybody
        group by person_no
        """
    )


def nobody_held_out(ledger: Ledger) -> None:
    """Make ``held_out`` empty, for an audience whose people are not compared."""
    ledger.stage("held_out", _NOBODY)


_NOBODY = pa.table({"person_no": pa.array([], pa.int32()), "reason": pa.array([], pa.string())})
