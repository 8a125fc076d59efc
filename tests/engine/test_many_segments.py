"""A day's segments computed together: each for itself, whatever becomes of its neighbours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.engine import Profile
from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment, load_segments
from pipelines.segments.run import Computed, Failed, Outcome, compute
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import CATALOG, DAY, segment


@pytest.mark.requirement("SUR-10")
@pytest.mark.promise("bounded")
def test_a_failing_segment_stops_no_neighbour(engine: DuckDBEngine) -> None:
    """Of four segments one file is broken and one query fails; the two others are computed, in order."""
    broken = BrokenSegment(
        "b", Path("segment_defs/b.sql"), SegmentError(Path("segment_defs/b.sql"), "bad", line=1)
    )
    heard: list[Outcome] = []
    outcomes = compute(
        engine,
        [
            segment("select person_no from features", name="a"),
            broken,
            segment("select person_no from features where spent > 1", name="c"),
            segment("select person_no from features where spend > 400", name="d"),
        ],
        DAY,
        heard.append,
    )
    assert heard == outcomes
    first, second, third, fourth = outcomes
    assert isinstance(first, Computed)
    assert first.profile == Profile("a", DAY, 10, 10)
    assert isinstance(second, Failed)
    assert (second.name, str(second.error)) == ("b", "segment_defs/b.sql:1: bad")
    assert isinstance(third, Failed)
    assert third.name == "c"
    assert isinstance(fourth, Computed)
    assert fourth.profile.size == 6
    assert engine.latest("c") is None


@pytest.mark.bad_input("B92")
@pytest.mark.privacy("P23")
def test_what_an_author_should_know_is_noted(engine: DuckDBEngine) -> None:
    """Fewer people than wanted, an overdue review and duplicates are notes; none of them stops a segment."""
    rule = replace(
        segment("select person_no from features where spend > 900 union all select 10 as person_no"),
        min_size=100,
        review_by=date(2017, 12, 1),
    )
    outcome = compute(engine, [rule], DAY)[0]
    assert isinstance(outcome, Computed)
    assert outcome.notes == (
        "1 people, fewer than its min_size of 100",
        "its review was due on 2017-12-01",
        "1 duplicate rows were left out",
    )
    assert compute(engine, [replace(rule, min_size=1, review_by=DAY)], DAY)[0].notes == (  # type: ignore[union-attr]
        "1 duplicate rows were left out",
    )


def test_files_become_members(engine: DuckDBEngine, tmp_path: Path) -> None:
    """From a file in a folder to its rows in the warehouse, with the file's own words in between."""
    folder = tmp_path / "segment_defs"
    folder.mkdir()
    (folder / "recent.sql").write_text(
        """/*
title = "Recent buyers"
description = "Bought on the day."
types = ["behavioural"]
owner = "team:crm"
treatment = "A thank-you."
universe = "customers"
goal = { metric = "orders", direction = "up", target = "+1", by = 2018-03-31 }
*/
select person_no
from orders
where ordered_at >= $window_end - interval 1 day
"""
    )
    outcome = compute(engine, load_segments(folder, CATALOG, {}), DAY)[0]
    assert isinstance(outcome, Computed)
    assert outcome.profile == Profile("recent", DAY, size=1, universe=10)
    assert outcome.notes == ()
