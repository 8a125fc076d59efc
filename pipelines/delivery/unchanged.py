"""Who stays as they are, found by number, so that only the rest of an audience is compared by member.

Joining people by their dense integers in two bit masks costs a fraction of one hash join over members, and on
most days nearly everybody is settled by it. What makes it exact is the ledger's table ``moved``: it names
everybody for whom some member was recorded under an identity or a permission that they do not have any more.
For anyone else the member recorded for them *is* their member, so a desired person who is not in ``moved`` and
whose member stands as ``on`` is kept, as `difference.sql` would find. Only the others go through it: the desired
people left over, the members left over, and the members that desired people left over share with somebody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.delivery.ledger import Ledger

ROWS_AT_ONCE = 1_000_000
"""Members read in one Arrow batch: some megabytes of numbers."""

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]


def set_aside(ledger: Ledger, audience: int, wanted: pa.Table) -> int:
    """Count the desired people who stay as they are; the others stay to be compared.

    ``wanted`` holds ``person_no``, distinct. Leaves the temporary tables ``wanted`` (desired people to compare)
    and ``standing`` (the audience's members to compare them with, and their columns but the handle).
    """
    people = wanted.column("person_no").to_numpy()
    certain = _mask(people, people.max(initial=-1) + 1)
    uncertain = _uncertain(ledger, audience)
    certain[uncertain[_contains(certain, uncertain)]] = False
    kept, rows = _by_number(ledger, audience, certain)
    others = people[~kept[people]]
    ledger.stage("wanted", pa.table({"person_no": pa.array(others, pa.int32())}))
    _stage_standing(ledger, audience, rows)
    return len(people) - len(others)


def compare_everybody(ledger: Ledger, audience: int, wanted: pa.Table) -> None:
    """The same tables with nobody set aside: what `set_aside` must agree with."""
    ledger.stage("wanted", wanted)
    ledger.connection.execute(
        """
        create or replace temp table standing as
        select member, person_no, batch, attributes
        from members
        where audience = $audience
        """,
        {"audience": audience},
    )


def _by_number(ledger: Ledger, audience: int, certain: Mask) -> tuple[Mask, Numbers]:
    """Which people are kept, and the rows of ``members`` that keep nobody by number."""
    on = _batches_on(ledger)
    kept = np.zeros_like(certain)
    left: list[Numbers] = [np.empty(0, np.int64)]
    held = ledger.connection.sql(
        "select rowid as position, coalesce(person_no, -1) as person_no, batch from members "
        f"where audience = {audience}"
    )
    for batch in held.to_arrow_reader(ROWS_AT_ONCE):
        position, person, number = (batch.column(name).to_numpy() for name in batch.schema.names)
        same = _contains(certain, person) & _contains(on, number)
        kept[person[same]] = True
        left.append(position[~same])
    return kept, np.concatenate(left)


def _stage_standing(ledger: Ledger, audience: int, rows: Numbers) -> None:
    ledger.stage("unkept", pa.table({"position": pa.array(rows, pa.int64())}))
    ledger.connection.execute(
        """
        create or replace temp table standing as
        select member, person_no, batch, attributes
        from members
        where rowid in (select position from unkept)
        union
        select member, person_no, batch, attributes
        from members
        where audience = $audience
          and member in (
            select identities.member
            from identities
            join wanted
              on wanted.person_no = identities.person_no
            where identities.refused is null
          )
        """,
        {"audience": audience},
    )


def _uncertain(ledger: Ledger, audience: int) -> Numbers:
    """People whose number does not tell all of their member: their identity moved, they are held out, their row was
    refused, or their attributes are others than were sent."""
    found: pa.Table = ledger.connection.sql(
        f"""
        select person_no
        from moved
        union
        select person_no
        from held_out
        union
        select members.person_no
        from members
        join asserting
          on asserting.member = members.member
        where members.audience = {audience}
          and members.person_no is not null
        union
        select members.person_no
        from members
        join rejected
          on rejected.batch = members.batch
          and rejected.member = members.member
        where members.audience = {audience}
          and members.person_no is not null
        union
        select members.person_no
        from members
        join attributes_wanted
          on attributes_wanted.member = members.member
        where members.audience = {audience}
          and members.person_no is not null
          and members.attributes is distinct from attributes_wanted.digest
        """
    ).to_arrow_table()
    numbers: Numbers = found.column("person_no").to_numpy()
    return numbers


def _batches_on(ledger: Ledger) -> Mask:
    found = ledger.connection.sql("select batch from batch_states where state = 'on'").to_arrow_table()
    batches = found.column("batch").to_numpy()
    return _mask(batches, batches.max(initial=-1) + 1)


def _mask(numbers: Numbers, size: int) -> Mask:
    mask = np.zeros(max(size, 1), np.bool_)
    mask[numbers] = True
    return mask


def _contains(mask: Mask, numbers: Numbers) -> Mask:
    """Whether each number is set; numbers beyond the mask, and negative ones, are not."""
    within = (numbers >= 0) & (numbers < len(mask))
    return within & mask[np.where(within, numbers, 0)]
