"""A layer is computed from its own definition, for the very day, whatever was computed before."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.engine import Layer, Members
from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, DAY_BEFORE, segment

RICH = segment("select person_no from features where spend >= 200", name="rich")
BUYERS = segment("select person_no from orders", name="buyers", reads={"orders"})


def on(sql: str, *layers: Segment, name: str = "top") -> Segment:
    """A segment on these layers, as the loader makes it."""
    below = {one.name: one for layer in layers for one in (*layer.builds_on, layer)}
    return replace(
        segment(sql, name=name, reads={"features"}.union(*(layer.reads for layer in layers))),
        layers=tuple(sorted(layer.name for layer in layers)),
        builds_on=tuple(below.values()),
    )


def members(engine: DuckDBEngine, name: str) -> list[int]:
    """Who is in a computed segment."""
    table: pa.Table = engine.export(Members(name, DAY)).read_all()
    return sorted(table.column("person_no").to_pylist())


@pytest.mark.parametrize(
    ("sql", "people"),
    [
        ("select person_no from rich semi join buyers using (person_no)", [2]),
        ("select person_no from rich union select person_no from buyers", list(range(1, 11))),
        ("select person_no from rich anti join buyers using (person_no)", list(range(3, 11))),
    ],
    ids=["and", "or", "not"],
)
@pytest.mark.requirement("DEF-5")
def test_layers_are_sets(engine: DuckDBEngine, sql: str, people: list[int]) -> None:
    """And, or and not over other segments, though none of them was ever computed."""
    profile = engine.run_segment(on(sql, RICH, BUYERS), DAY)
    assert members(engine, "top") == people
    assert profile.layers == (
        Layer("buyers", 2, len({1, 2} & set(people))),
        Layer("rich", 9, len(set(range(2, 11)) & set(people))),
    )


@pytest.mark.requirement("DEF-5")
def test_a_layer_is_that_days(engine: DuckDBEngine) -> None:
    """The day before, nobody was rich; what a layer held on another day does not matter."""
    engine.run_segment(RICH, DAY)
    top = on("select person_no from rich", RICH)
    assert engine.run_segment(top, DAY_BEFORE).size == 0
    assert engine.run_segment(top, DAY).size == 9


@pytest.mark.requirement("DEF-5")
def test_layers_on_layers(engine: DuckDBEngine) -> None:
    """Each is computed before what stands on it, once."""
    middle = on("select person_no from rich where person_no < 9", RICH, name="middle")
    top = on("select person_no from middle anti join rich_and_nine using (person_no)", middle, name="top")
    nine = segment("select person_no from features where person_no = 7", name="rich_and_nine")
    top = replace(top, layers=("middle", "rich_and_nine"), builds_on=(*top.builds_on, nine))
    engine.run_segment(top, DAY)
    assert members(engine, "top") == [2, 3, 4, 5, 6, 8]


def test_nobody_and_twice_are_no_trouble_in_a_layer(engine: DuckDBEngine) -> None:
    """A layer that returns null or somebody twice holds each person once, also under not in."""
    odd = segment("select person_no from features union all select 3 union all select null", name="odd")
    top = on("select person_no from features where person_no not in (select person_no from odd)", odd)
    assert engine.run_segment(top, DAY).layers == (Layer("odd", 10, 0),)


def test_a_fault_in_a_layer_names_its_file(engine: DuckDBEngine) -> None:
    """What is wrong below is told with the file below."""
    bad = segment("select person_no from features where spend / 0 > baskets::date", name="bad")
    with pytest.raises(SegmentError, match=r"segment_defs/bad.sql"):
        engine.run_segment(on("select person_no from bad", bad), DAY)
