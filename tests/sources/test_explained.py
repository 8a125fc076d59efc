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
from tests.sources.test_features import YEAR_END

KNOWN = catalog(demo_sources())
SEGMENTS = {
    one.name: one
    for one in load_segments(shipped_segments(), KNOWN, {name: load(name).options_type for name in SHIPPED})
    if isinstance(one, Segment)
}


@pytest.fixture(scope="module")
def engine(demo_file: Path) -> DuckDBEngine:
    """The demo's warehouse."""
    opened = DuckDBEngine(demo_file, catalog=KNOWN)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", SEGMENTS)
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
