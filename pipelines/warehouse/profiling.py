"""How a segment's people differ from everybody else's, feature by feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.segments.attributes import type_of
from pipelines.segments.catalog import Column
from pipelines.segments.model import Segment
from pipelines.warehouse import compute
from pipelines.warehouse.confinement import time_limit
from pipelines.warehouse.sizing import MEASURED

FEWEST = 20
"""People of the segment below which a value is not shown, unless the operator says otherwise."""
KEYS = ("as_of", "person_no")


@dataclass(frozen=True, slots=True)
class Trait:
    """One feature, or one value of it, in the segment and in its universe."""

    feature: str
    value: str | None
    """Of a feature in words; None: the numbers are means of those of whom it is known."""
    here: float
    """Mean, or share of the people, 0 to 1."""
    universe: float
    index: float | None
    """``here`` over ``universe``, 1 for no difference; None where the universe has none of it."""
    effect: float
    """The difference in standard deviations of the universe: what traits are ordered by."""
    known: float
    """Share of the segment of whom the feature is known, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Unshown:
    """What is not said of a feature, because it would be about too few people."""

    feature: str
    values: int
    """Values that somebody of the segment has, each fewer people than the floor; 1 for a mean of so few."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Every feature's difference, the most telling first, and what is left out."""

    shown: tuple[Trait, ...]
    unshown: tuple[Unshown, ...]


def traits(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    columns: Mapping[str, Column],
    *,
    timeout_seconds: float,
    floor: int = FEWEST,
) -> Traits:
    """Every feature's difference on a day prepared on this cursor. Raises SegmentError.

    Nothing is said of fewer people than ``floor``, and nothing from which it could be reckoned.
    """
    compute.fill(cursor, segment, as_of, timeout_seconds)
    compute.lay(cursor, MEASURED)
    cursor.execute(
        f"""
        create temp table profiled as
        select
          features.* exclude (as_of),
          person_no in (select person_no from {quote(MEASURED)}) as is_in
        from features
        """
    )
    kinds = {name: type_of(column) for name, column in columns.items() if name not in KEYS}
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    words = [name for name, kind in kinds.items() if kind in ("text", "boolean")]
    with time_limit(cursor, timeout_seconds):
        found = [
            *_means(cursor, numbers, floor),
            *(one for name in words for one in _shares(cursor, name, floor)),
        ]
    shown = [one for one in found if isinstance(one, Trait)]
    return Traits(
        tuple(sorted(shown, key=lambda one: (-abs(one.effect), one.feature, one.value or ""))),
        tuple(one for one in found if isinstance(one, Unshown)),
    )


def _means(cursor: duckdb.DuckDBPyConnection, names: Sequence[str], floor: int) -> Iterable[Trait | Unshown]:
    if not names:
        return
    counted = ",\n  ".join(
        f"avg({column}) filter (where is_in), avg({column}), stddev_pop({column}), count({column}) filter (where is_in)"
        for column in (f"cast({quote(name)} as double)" for name in names)
    )
    row = cursor.execute(f"select\n  {counted},\n  count(*) filter (where is_in)\nfrom profiled").fetchall()[
        0
    ]
    people = row[-1]
    for place, name in enumerate(names):
        here, universe, spread, known = row[4 * place : 4 * place + 4]
        if known >= floor and universe is not None:
            yield _trait(name, None, here, universe, spread or 0.0, known / people)
        elif known:
            yield Unshown(name, 1)


def _shares(cursor: duckdb.DuckDBPyConnection, name: str, floor: int) -> Iterable[Trait | Unshown]:
    column = quote(name)
    rows = cursor.execute(
        f"""
        select
          cast({column} as varchar),
          count(*) filter (where is_in),
          count(*),
          (select count({column}) filter (where is_in) from profiled),
          (select count({column}) from profiled),
          (select count(*) filter (where is_in) from profiled)
        from profiled
        where {column} is not null
        group by all
        having count(*) filter (where is_in) > 0
        order by 2
        """
    ).fetchall()
    hidden = _hidden([int(row[1]) for row in rows], floor)
    if hidden:
        yield Unshown(name, hidden)
    for value, inside, all_of_it, known, known_of_all, people in rows[hidden:]:
        here, universe = inside / known, all_of_it / known_of_all
        yield _trait(name, str(value), here, universe, (universe * (1 - universe)) ** 0.5, known / people)


def _hidden(counts: Sequence[int], floor: int) -> int:
    """How many of the counts, smallest first, are not shown.

    Those below the floor, and as many more as it takes for the hidden people to be no fewer than the floor either:
    otherwise what is shown would give them away by subtraction.
    """
    hidden = 0
    for place, count in enumerate(counts):
        if count >= floor and (hidden == 0 or hidden >= floor):
            return place
        hidden += count
    return len(counts)


def _trait(name: str, value: str | None, here: float, universe: float, spread: float, known: float) -> Trait:
    return Trait(
        feature=name,
        value=value,
        here=here,
        universe=universe,
        index=here / universe if universe else None,
        effect=(here - universe) / spread if spread else 0.0,
        known=known,
    )
