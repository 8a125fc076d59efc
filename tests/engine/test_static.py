"""A static segment holds the people of its day on every later one, and is followed like any other before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.segments.errors import SegmentError
from pipelines.segments.run import compute
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, DAY_BEFORE, segment
from tests.engine.test_built_on import RICH, members, on

FROZEN = replace(
    segment("select person_no from features where spend >= 50", name="well_off"),
    mode="static",
    frozen_on=DAY_BEFORE,
)
"""Five to ten on the day before, all on the day."""


@pytest.mark.requirement("FRE-4")
def test_its_people_are_those_of_its_day(engine: DuckDBEngine) -> None:
    """Computed on the day itself or later they are the same, and the day is told."""
    assert engine.run_segment(FROZEN, DAY_BEFORE).size == 6
    profile = engine.run_segment(FROZEN, DAY)
    assert (profile.as_of, profile.size, profile.universe) == (DAY, 6, 10)
    assert members(engine, "well_off") == [5, 6, 7, 8, 9, 10]
    assert engine.run_segment(replace(FROZEN, frozen_on=None, mode="scheduled"), DAY).size == 10
    (outcome,) = compute(engine, [FROZEN], DAY)
    assert outcome.notes == (f"static: its people are those of {DAY_BEFORE}",)  # type: ignore[union-attr]


@pytest.mark.requirement("FRE-4")
def test_before_its_day_it_follows_its_rule(engine: DuckDBEngine) -> None:
    """A freeze in the future changes nothing yet."""
    assert engine.run_segment(replace(FROZEN, frozen_on=DAY), DAY_BEFORE).size == 6
    assert engine.run_segment(replace(FROZEN, frozen_on=DAY), DAY).size == 10


@pytest.mark.requirement("FRE-4")
def test_who_is_gone_is_not_kept(engine: DuckDBEngine) -> None:
    """A freeze holds nobody who has no features any more: erased people, say."""
    with engine._cursor() as cursor:
        cursor.execute("delete from features where person_no = 7 and as_of = $1", [DAY])
    assert engine.run_segment(FROZEN, DAY).size == 5
    assert members(engine, "well_off") == [5, 6, 8, 9, 10]


@pytest.mark.requirement("FRE-4")
def test_a_frozen_layer_is_of_its_day_and_its_neighbours_of_theirs(engine: DuckDBEngine) -> None:
    """Also where both stand on the same layer, and where the frozen one is left out."""
    was_rich = replace(
        on("select person_no from rich", RICH, name="was_rich"), mode="static", frozen_on=DAY_BEFORE
    )
    newly = on(
        "select person_no from rich anti join was_rich using (person_no)", RICH, was_rich, name="newly"
    )
    engine.run_segment(newly, DAY)
    assert members(engine, "newly") == list(range(2, 11)), "nobody was rich the day before"
    others = on(
        "select person_no from rich anti join well_off using (person_no)", RICH, FROZEN, name="others"
    )
    assert [(one.segment, one.size) for one in engine.run_segment(others, DAY).layers] == [
        ("rich", 9),
        ("well_off", 6),
    ]
    assert members(engine, "others") == [2, 3, 4]


@pytest.mark.requirement("FRE-4")
def test_a_look_at_it_is_a_look_at_its_day(engine: DuckDBEngine) -> None:
    """Previews, explanations and profiles show the people that are in it; a day without features is told."""
    assert engine.measure(FROZEN, DAY).size == 6
    assert [one.is_member for one in engine.judge(FROZEN, DAY, [4, 5])] == [False, True]
    lost = replace(FROZEN, frozen_on=DAY_BEFORE.replace(month=1))
    for look in (engine.measure, engine.run_segment):
        with pytest.raises(
            SegmentError, match="it is frozen on 2017-01-30, and there are no features for that day"
        ):
            look(lost, DAY)
