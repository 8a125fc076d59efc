"""A waterfall on real data: each person in one segment of a group, by priority, on any day and in any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine import Taken
from pipelines.segments.errors import SegmentError
from pipelines.segments.layers import laid
from pipelines.segments.model import Segment
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, DAY_BEFORE, segment
from tests.engine.test_built_on import members

PEOPLE = range(1, 11)


def placed(name: str, priority: int, sql: str, **fields: object) -> Segment:
    """A member of the group, not laid yet."""
    return replace(segment(sql, name=name), waterfall="retention", priority=priority, **fields)


def rule(numbers: set[int]) -> str:
    """SQL that selects these people."""
    listed = ", ".join(map(str, sorted(numbers))) or "null"
    return f"select person_no from features where person_no in ({listed})"


def group(*segments: Segment) -> dict[str, Segment]:
    """Laid as the loader lays them."""
    found = laid(segments, {})
    assert not [one for one in found.values() if isinstance(one, SegmentError)]
    return {name: one for name, one in found.items() if isinstance(one, Segment)}


@pytest.mark.requirement("DEF-10")
def test_people_go_to_the_first_that_has_them(engine: DuckDBEngine) -> None:
    """Who is left, and who lost whom to whom, though nothing was computed before."""
    laid_down = group(
        placed("rich", 1, "select person_no from features where spend >= 800"),
        placed("middle", 2, "select person_no from features where spend >= 500"),
        placed("everybody", 3, "select person_no from features"),
    )
    profile = engine.run_segment(laid_down["everybody"], DAY)
    assert members(engine, "everybody") == [1, 2, 3, 4]
    assert profile.taken == (Taken("rich", 3), Taken("middle", 3))
    assert engine.run_segment(laid_down["rich"], DAY).taken == ()
    assert engine.run_segment(laid_down["middle"], DAY).taken == (Taken("rich", 3),)
    assert members(engine, "middle") == [5, 6, 7]


@pytest.mark.requirement("DEF-10")
def test_a_day_is_that_days(engine: DuckDBEngine) -> None:
    """The day before nobody was rich, so nobody was taken."""
    laid_down = group(
        placed("rich", 1, "select person_no from features where spend >= 800"),
        placed("everybody", 3, "select person_no from features"),
    )
    assert engine.run_segment(laid_down["everybody"], DAY_BEFORE).taken == ()
    assert engine.run_segment(laid_down["everybody"], DAY).size == 7


@pytest.mark.requirement("DEF-10")
def test_a_member_is_read_as_it_ends(engine: DuckDBEngine) -> None:
    """Who reads a segment of the group by name sees whom it has left."""
    top = replace(segment("select person_no from second", name="top"), layers=("second",))
    laid_down = group(placed("first", 1, rule({1, 2})), placed("second", 2, rule({2, 3})), top)
    engine.run_segment(laid_down["top"], DAY)
    assert members(engine, "top") == [3]


@pytest.mark.requirement("DEF-10")
def test_looking_agrees_with_computing(engine: DuckDBEngine) -> None:
    """Preview, explain, tune and profile see the same people, and say who took the others."""
    laid_down = group(
        placed("rich", 1, "select person_no from features where spend >= 800"),
        placed("some", 2, "select person_no from features where spend >= 500"),
    )
    some = laid_down["some"]
    sized = engine.measure(some, DAY)
    assert (sized.size, sized.taken) == (3, (Taken("rich", 3),))
    judged = engine.judge(some, DAY, [4, 6, 9])
    assert [(one.is_member, one.taken_by) for one in judged] == [(False, None), (True, None), (False, "rich")]
    (tuned,) = engine.tune(some, DAY)
    assert {option.bound: option.size for option in tuned.options}[500.0] == 3


@pytest.mark.requirement("DEF-10")
def test_a_fault_before_names_its_file(engine: DuckDBEngine) -> None:
    """Who comes after a segment that fails on the data is not computed without it."""
    laid_down = group(
        placed("bad", 1, "select person_no from features where error('no') = 'x'"),
        placed("second", 2, rule({1})),
    )
    with pytest.raises(SegmentError, match=r"segment_defs/bad\.sql"):
        engine.run_segment(laid_down["second"], DAY)
    assert engine.latest("second") is None


ranked = st.dictionaries(st.integers(0, 20), st.sets(st.sampled_from(list(PEOPLE))), min_size=2, max_size=5)


@pytest.mark.requirement("DEF-10")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_group_shares_its_people_out(engine: DuckDBEngine, data: st.DataObject) -> None:
    """Whatever the rules: nobody is in two, nobody is lost, each is in the first that wants them, in any order."""
    rules = data.draw(ranked)
    laid_down = group(*(placed(f"s{place}", place, rule(wanted)) for place, wanted in rules.items()))
    order = data.draw(st.permutations(sorted(rules)))
    for place in order:
        profile = engine.run_segment(laid_down[f"s{place}"], DAY)
        assert profile.size + sum(one.people for one in profile.taken) == len(rules[place])
    found = {place: set(members(engine, f"s{place}")) for place in rules}
    first = {person: min(p for p in rules if person in rules[p]) for person in set().union(*rules.values())}
    assert found == {place: {person for person in first if first[person] == place} for place in rules}
    assert sum(map(len, found.values())) == len(first)


@pytest.mark.requirement("DEF-10")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ranked, min_size=2, max_size=3))
def test_a_changed_day_is_the_day_computed_anew(
    engine: DuckDBEngine, warehouse: Path, histories: list[dict[int, set[int]]]
) -> None:
    """After any history of rules, what is kept is what a warehouse without a history gives."""
    for rules in histories:
        laid_down = group(*(placed(f"s{place}", place, rule(wanted)) for place, wanted in rules.items()))
        for one in laid_down.values():
            engine.run_segment(one, DAY)
    kept = {name: members(engine, name) for name in laid_down}
    engine.close()
    with duckdb.connect(warehouse) as connection:
        connection.execute("drop schema segment cascade")
    for one in reversed(list(laid_down.values())):
        engine.run_segment(one, DAY)
    assert {name: members(engine, name) for name in laid_down} == kept
