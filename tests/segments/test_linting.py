"""Each doubt about a segment at its threshold, and none just inside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.insight.linting import findings
from pipelines.insight.previewing import Preview, Reach
from pipelines.segments.model import Goal, Segment, Sync
from pipelines.warehouse.sizing import Narrowing, Overlap, Sized

TODAY = date(2018, 1, 1)
SEGMENT = Segment(
    name="regulars",
    path=Path("segment_defs/regulars.sql"),
    sql="select person_no from features",
    sql_line=1,
    title="Regulars",
    description="They come again.",
    types=("behavioural",),
    owner="team:crm",
    goal=Goal("orders_90d", "up", "+3 %", date(2018, 3, 31)),
    treatment="A letter.",
    universe="customers",
    reads=frozenset({"features"}),
    syncs=(Sync("mail", "Regulars"),),
)


def looked(
    size: int,
    *,
    universe: int = 1_000,
    conditions: tuple[Narrowing, ...] | None = (),
    overlaps: tuple[Overlap, ...] = (),
    reach: tuple[Reach, ...] = (),
) -> Preview:
    """A segment of so many people as it was looked at."""
    people = pa.table({"person_no": pa.array(range(size), pa.int32())})
    return Preview("regulars", TODAY, Sized(people, universe, (), conditions, overlaps), reach)


def rules(preview: Preview, segment: Segment = SEGMENT) -> list[tuple[str, str]]:
    """Rules with their severity."""
    return [(one.rule, one.severity) for one in findings(segment, preview, TODAY)]


@pytest.mark.requirement("QUA-1", "QUA-9", "MIS-1", "MIS-2")
@pytest.mark.parametrize(
    ("size", "found"),
    [(49, [("QUA-1", "error")]), (50, [("QUA-1", "warning")]), (99, [("QUA-1", "warning")]), (100, []), (600, []),
     (601, [("QUA-9", "warning")])],
)  # fmt: skip
def test_neither_too_small_nor_too_broad(size: int, found: list[tuple[str, str]]) -> None:
    """Fifty and a hundred people, six tenths of the universe."""
    assert rules(looked(size)) == found


@pytest.mark.requirement("QUA-1", "MIS-1")
def test_a_part_that_joined_the_rest_is_no_error() -> None:
    """A template says that small parts join the rest: nobody in one is what it asks for, a few would not be."""
    part = replace(SEGMENT, name="regulars__367")
    assert rules(looked(0), part) == [("QUA-1", "warning")]
    assert rules(looked(7), part) == [("QUA-1", "error")]
    assert rules(looked(0)) == [("QUA-1", "error")]


@pytest.mark.requirement("QUA-1", "MIS-1")
def test_the_segments_own_minimum_counts() -> None:
    """What the header says is the least is the least."""
    assert rules(looked(150), replace(SEGMENT, min_size=200)) == [("QUA-1", "error")]


@pytest.mark.requirement("QUA-5")
@pytest.mark.parametrize(
    ("jaccard", "found"),
    [(0.49, []), (0.5, [("QUA-5", "warning")]), (0.94, [("QUA-5", "warning")]), (0.95, [("QUA-5", "error")])],
)
def test_distinct(jaccard: float, found: list[tuple[str, str]]) -> None:
    """One concept told twice, and one segment under two names."""
    assert rules(looked(200, overlaps=(Overlap("others", 200, 150, jaccard),))) == found


@pytest.mark.requirement("QUA-3", "MIS-6")
@pytest.mark.parametrize(
    ("reachable", "least", "found"),
    [
        (0, 0, [("QUA-3", "error")]),
        (59, 0, [("QUA-3", "warning")]),
        (60, 0, []),
        (99, 100, [("QUA-1", "warning")]),
        (100, 100, []),
    ],
)
def test_reachable(reachable: int, least: int, found: list[tuple[str, str]]) -> None:
    """Nobody, fewer than three tenths, fewer than the destination uses."""
    reach = Reach("mail", reachable, {"no_consent": 200 - reachable}, least)
    assert rules(looked(200, reach=(reach,))) == found


@pytest.mark.requirement("QUA-10")
def test_narrow() -> None:
    """More than eight conditions, or one that takes away more than 95 % of those who meet the others."""
    plain = Narrowing("a > 1", 500, 500, 0)
    assert rules(looked(200, conditions=(plain,) * 8)) == []
    assert rules(looked(200, conditions=(plain,) * 9)) == [("QUA-10", "warning")]
    harsh = Narrowing("b > 1", 200, 200, 4_000)
    assert rules(looked(200, conditions=(plain, harsh))) == [("QUA-10", "warning")]
    assert rules(looked(200, conditions=(plain, replace(harsh, only_this=3_800)))) == []
    assert rules(looked(200, conditions=(harsh,))) == [], "of a single condition the size says it"


@pytest.mark.requirement("ACT-7", "FRE-2", "DEF-2", "DEF-11", "MIS-4", "MIS-7", "MIS-9")
def test_purpose() -> None:
    """It goes nowhere, its review or its goal is past, its rule has no evidence after the review."""
    assert rules(looked(200), replace(SEGMENT, syncs=())) == [("ACT-7", "warning")]
    past = replace(SEGMENT, review_by=date(2017, 12, 31))
    assert rules(looked(200), past) == [("FRE-2", "warning"), ("DEF-11", "warning")]
    assert rules(looked(200), replace(past, evidence="Analysis of May")) == [("FRE-2", "warning")]
    assert rules(looked(200), replace(SEGMENT, review_by=TODAY)) == []
    late = replace(SEGMENT, goal=replace(SEGMENT.goal, by=date(2017, 12, 31)))
    assert rules(looked(200), late) == [("DEF-2", "warning")]


@pytest.mark.requirement("IDEA-2", "DEF-9")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("segment_7", [("DEF-9", "warning")]),
        ("new_list", [("DEF-9", "warning")]),
        ("all_women", [("DEF-9", "warning")]),
        ("new_customers_60d", []),
        ("high_spenders_500", []),
    ],
)
def test_a_name_says_who(name: str, found: list[tuple[str, str]]) -> None:
    """A number, a word for any list, or everybody of a kind: nobody knows who is meant."""
    assert rules(looked(200), replace(SEGMENT, name=name)) == found
