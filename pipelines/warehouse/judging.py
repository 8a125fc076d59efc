"""What each condition of a segment says of some people on a day, and the values that it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.duck import quote
from pipelines.segments.conditions import Condition, conditions_of, relation_of
from pipelines.segments.model import Segment
from pipelines.warehouse import compute, waterfall
from pipelines.warehouse.confinement import time_limit
from pipelines.warehouse.damping import Damped, standings


@dataclass(frozen=True, slots=True)
class Answered:
    """One condition and one person."""

    says: str
    holds: bool
    values: dict[str, Any]
    """The features that it looks at, as they were that day."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One person and a segment on a day."""

    person_no: int
    is_member: bool
    """By the whole SQL, the entry and exit rules, and the waterfall."""
    conditions: tuple[Answered, ...] | None
    """None: the SQL is no plain list of conditions."""
    damped: Damped | None = None
    """What the entry and exit rules make of them; None where there are none, or they do not concern this person."""
    taken_by: str | None = None
    """The segment of its waterfall that has them first, though they would be in this one."""


def judge(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    people: Sequence[int],
    *,
    timeout_seconds: float,
) -> list[Judged]:
    """Ask the segment about people, in their order; its day must have been prepared on this cursor."""
    compute.fill(cursor, segment, as_of, timeout_seconds)
    taken = waterfall.taken_among(cursor, segment, people)
    cursor.register("asked", pa.table({"person_no": pa.array(people, pa.int32())}))
    members = {
        number
        for (number,) in cursor.execute(
            f"select person_no from {compute.COMPUTED} semi join asked using (person_no)"
        ).fetchall()
    }
    rules = segment.entry_exit
    damped = {} if rules is None else standings(cursor, segment.name, rules, as_of)
    conditions = conditions_of(segment.sql, segment.layers)
    if conditions is None:
        return [
            Judged(number, number in members, None, damped.get(number), taken.get(number))
            for number in people
        ]
    with time_limit(cursor, timeout_seconds):
        answers = _answers(cursor, conditions, relation_of(segment.sql), as_of)
    return [
        Judged(number, number in members, answers.get(number, ()), damped.get(number), taken.get(number))
        for number in people
    ]


def _answers(
    cursor: duckdb.DuckDBPyConnection, conditions: Sequence[Condition], relation: str, as_of: date
) -> dict[int, tuple[Answered, ...]]:
    """By person; nobody who has no features that day."""
    columns = list(dict.fromkeys(column for one in conditions for column in one.columns))
    # A condition about an unknown value does not hold, as in a where clause.
    asked = [f"coalesce(({one.sql}), false)" for one in conditions]
    query = f"""
select
  {", ".join(["person_no", *asked, *map(quote, columns)])}
from {relation}
semi join asked
  using (person_no)
"""
    known = compute.parameters_of(cursor, query, as_of)
    found: dict[int, tuple[Answered, ...]] = {}
    for number, *told in cursor.execute(query, known).fetchall():
        values = dict(zip(columns, told[len(conditions) :], strict=True))
        found[int(number)] = tuple(
            Answered(one.says, bool(holds), {column: values[column] for column in one.columns})
            for one, holds in zip(conditions, told, strict=False)
        )
    return found
