"""The history of a segment's size, over random histories."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine import Profile
from pipelines.quality.growth import sparkline
from pipelines.warehouse import evidence, history

FIRST = date(2017, 12, 1)


@pytest.mark.requirement("FRE-3")
@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(0, 20), st.frozensets(st.integers(1, 8)), max_size=8))
def test_growth_is_what_sets_say(days: dict[int, frozenset[int]]) -> None:
    """Sizes, and who came and left since the computed day before, whatever days were left out."""
    with duckdb.connect() as con:
        con.execute(history.SCHEMA)
        con.execute('create table segment."regulars" (as_of date not null, person_no integer not null)')
        for n, people in days.items():
            day = FIRST + timedelta(days=n)
            history.record(con, {Profile("regulars", day, len(people), 10): f"v{n}"})
            for person in people:
                con.execute('insert into segment."regulars" values (?, ?)', [day, person])
        told = evidence.growth(con, "regulars")
        expected = []
        before: frozenset[int] | None = None
        for n, people in sorted(days.items()):
            came, left = (len(people - before), len(before - people)) if before is not None else (0, 0)
            expected.append((FIRST + timedelta(days=n), len(people), 10, came, left))
            before = people
        assert [(day.as_of, day.size, day.universe, came, left) for day, came, left in told] == expected
        assert [day.definition for day, _, _ in told] == [f"v{n}" for n in sorted(days)]
        known = evidence.members(con, "regulars", [FIRST + timedelta(days=n) for n in range(21)])
        assert known == {FIRST + timedelta(days=n): people for n, people in days.items()}


@pytest.mark.requirement("FRE-3")
def test_a_sparkline_shows_the_shape() -> None:
    """Lowest to highest, flat in the middle, and never wider than asked for."""
    assert sparkline([1, 5, 8]) == "▁▅█"
    assert sparkline([4, 4]) == "▄▄"
    assert sparkline([]) == ""
    assert len(sparkline(list(range(400)))) == 60
