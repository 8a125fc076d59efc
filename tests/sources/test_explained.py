"""What is said of somebody and a segment agrees with who is in it, for every person and every shipped segment."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from connectors.registry import load
from pipelines.engine import Members
from pipelines.segments.load import load_segments
from pipelines.segments.model import Segment
from pipelines.settings import SHIPPED, shipped_segments
from pipelines.sources.catalog import catalog
from pipelines.sources.demo import demo_sources
from pipelines.warehouse import DuckDBEngine
from tests.sources.test_features import CATALOGUE, YEAR_END

KNOWN = catalog(demo_sources())
SEGMENTS = {
    one.name: one
    for one in load_segments(shipped_segments(), KNOWN, {name: load(name).options_type for name in SHIPPED})
    if isinstance(one, Segment)
}
RULES = {name: SEGMENTS[name] for name in CATALOGUE}
"""The rules with published sizes."""
PLAIN = {
    name: one for name, one in SEGMENTS.items() if one.reads <= {"features", "scores"} and not one.layers
}
"""Those whose conditions can be told one by one."""


@pytest.fixture(scope="module")
def engine(scored_file: Path) -> DuckDBEngine:
    """The demo's warehouse, its last day scored."""
    opened = DuckDBEngine(scored_file, catalog=KNOWN)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", PLAIN)
def test_conditions_agree_with_membership(engine: DuckDBEngine, name: str) -> None:
    """Whoever meets every condition is in the segment, and nobody else; each condition shows what it looks at."""
    segment = SEGMENTS[name]
    engine.run_segment(segment, YEAR_END)
    computed: pa.Table = engine.export(Members(name, YEAR_END)).read_all()
    members = set(computed.column("person_no").to_pylist())
    judged = engine.judge(segment, YEAR_END, list(range(1, 2_470)))
    assert {one.person_no for one in judged if one.is_member} == members
    assert {
        one.person_no for one in judged if one.conditions and all(c.holds for c in one.conditions)
    } == members
    assert all(one.values for judgement in judged for one in judgement.conditions or ())


@pytest.mark.parametrize("name", PLAIN)
def test_the_bound_in_the_file_gives_the_published_size(engine: DuckDBEngine, name: str) -> None:
    """Among the sizes that other bounds would give stands today's, and sizes follow their bounds."""
    size = engine.measure(SEGMENTS[name], YEAR_END).size
    for one in engine.tune(SEGMENTS[name], YEAR_END):
        assert {option.bound: option.size for option in one.options}[one.bound] == size
        sizes = [option.size for option in one.options]
        assert sizes == sorted(sizes, reverse=one.sign.startswith(">"))


def test_every_bound_is_counted(engine: DuckDBEngine) -> None:
    """Both ends of a between and a plain bound, each with all else as it is."""
    tuned = engine.tune(SEGMENTS["lapsed_61_180"], YEAR_END)
    assert [(one.sign, one.bound) for one in tuned] == [(">=", 61.0), ("<=", 180.0)]
    everybody = engine.judge(SEGMENTS["lapsed_61_180"], YEAR_END, list(range(1, 2_470)))
    days = [one.conditions[0].values["days_since_last_order"] for one in everybody if one.conditions]
    for option in tuned[0].options:
        assert option.size == sum(day is not None and option.bound <= day <= 180 for day in days)
