"""What makes a segment its size, counted by another way."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.sizing import Narrowing, Overlap
from tests.engine.conftest import DAY, DAY_BEFORE, segment

SPEND = {number: number * 100 for number in range(1, 11)}


def test_each_condition_is_counted_among_the_others(engine: DuckDBEngine) -> None:
    """Alone, with those above, and who lack nothing else; nothing of it is kept."""
    asked = segment("select person_no from features where spend >= 300 and baskets <= 6 and spend <> 500")
    sized = engine.measure(asked, DAY)
    assert sorted(sized.people.column("person_no").to_pylist()) == [3, 4, 6]
    assert (sized.size, sized.universe, sized.share) == (3, 10, 0.3)
    assert sized.conditions == (
        Narrowing("spend >= 300", 8, 8, 2),
        Narrowing("baskets <= 6", 6, 4, 4),
        Narrowing("spend <> 500", 9, 3, 1),
    )
    assert engine.latest("big_spenders") is None


def test_overlaps_are_those_of_the_day(engine: DuckDBEngine) -> None:
    """The likest first; who shares nobody is left out, and so is what was computed for another day."""
    engine.run_segment(segment("select person_no from features where spend >= 300", name="rich"), DAY)
    engine.run_segment(segment("select person_no from features where spend < 300", name="poor"), DAY)
    engine.run_segment(segment("select person_no from features", name="all_of_them"), DAY)
    engine.run_segment(segment("select person_no from features", name="yesterdays"), DAY_BEFORE)
    sized = engine.measure(segment("select person_no from features where spend >= 500"), DAY)
    assert sized.overlaps == (Overlap("rich", 8, 6, 0.75), Overlap("all_of_them", 10, 6, 0.6))


def test_sql_that_is_no_list_is_sized_all_the_same(engine: DuckDBEngine) -> None:
    """Size and overlaps, without conditions; somebody who comes out twice counts once."""
    sized = engine.measure(segment("select person_no from features union all select 3"), DAY)
    assert (sized.size, sized.conditions) == (10, None)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["<", ">="]), st.integers(0, 1_100)), min_size=1, max_size=4))
def test_counts_agree_with_plain_python(engine: DuckDBEngine, bounds: list[tuple[str, int]]) -> None:
    """For random lists of conditions, every number is what counting people one by one gives."""
    where = " and ".join(f"spend {word} {bound}" for word, bound in bounds)
    sized = engine.measure(segment(f"select person_no from features where {where}"), DAY)
    meets = [
        {n: (spend < bound if word == "<" else spend >= bound) for n, spend in SPEND.items()}
        for word, bound in bounds
    ]
    assert sized.size == sum(all(one[n] for one in meets) for n in SPEND)
    assert sized.conditions is not None
    for place, one in enumerate(sized.conditions):
        assert one.alone == sum(meets[place].values())
        assert one.so_far == sum(all(m[n] for m in meets[: place + 1]) for n in SPEND)
        assert one.only_this == sum(
            not meets[place][n] and all(m[n] for k, m in enumerate(meets) if k != place) for n in SPEND
        )
