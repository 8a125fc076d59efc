"""Features and segments of a few people alone are what they are among everybody, on real purchases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.duck import quote
from pipelines.project import Project
from pipelines.segments.model import Segment
from pipelines.segments.own_rows import refuse_others
from pipelines.settings import Settings, shipped_segments
from pipelines.sources import features
from pipelines.sources.catalog import catalog
from pipelines.sources.demo import demo_sources
from pipelines.sources.features import live as live_features
from pipelines.warehouse import DuckDBEngine, live
from tests.sources.conftest import DAY_AFTER, YEAR_END, con, demo, demo_file

__all__ = ["con", "demo", "demo_file"]

FEW = 120


def started(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The day under way begins: everybody's features are computed for it."""
    warehouse.execute(live.SCHEMA)
    assert live_features.build(warehouse, demo_sources(), DAY_AFTER)


def touch(warehouse: duckdb.DuckDBPyConnection, seed: int) -> list[int]:
    """Some people are touched, though nothing was added about them."""
    numbers = [
        n for (n,) in warehouse.execute("select person_no from person_numbers order by all").fetchall()
    ]
    few = random.Random(seed).sample(numbers, FEW)
    warehouse.executemany("insert into live.touched values (?)", [(number,) for number in few])
    return few


def rows(
    warehouse: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> list[tuple[object, ...]]:
    """The table's columns, everybody by number."""
    named = ", ".join(map(quote, columns))
    return warehouse.execute(f"select {named} from {table} order by person_no").fetchall()


@pytest.mark.requirement("TYP-18")
def test_features_of_a_few_people_are_what_they_are_among_everybody(demo: duckdb.DuckDBPyConnection) -> None:
    """Every feature but those that are said to depend on others, after an order, a view and a late event of some."""
    started(demo)
    few = touch(demo, 1)
    for number, person in enumerate(few):
        name = demo.execute("select person_id from person_numbers where person_no = ?", [person]).fetchall()[
            0
        ][0]
        when = DAY_AFTER - timedelta(days=number % 40)
        demo.execute(
            "insert into source.web_events by name select ? as event_id, ? as customer_id, "
            "'product_view' as event, ?::timestamp as occurred_at",
            [f"new-{number}", name, when],
        )
        demo.execute(
            "insert into source.orders by name select ? as order_id, ? as customer_id, ?::timestamp as ordered_at, "
            "12.5 as total, '367' as store_id",
            [f"new-{number}", name, when],
        )
    before = rows(demo, "live.features", ["person_no", "product_views_14d", "orders_ever"])
    assert not live_features.build(demo, demo_sources(), DAY_AFTER)
    assert rows(demo, "live.features", ["person_no", "product_views_14d", "orders_ever"]) != before
    features.build_features(demo, demo_sources(), DAY_AFTER)
    alone = [name for name in features.column_types() if name not in features.AMONG_PEOPLE]
    whole = f"(select * from features where as_of = '{DAY_AFTER}')"
    assert rows(demo, "live.features", alone) == rows(demo, whole, alone)


@pytest.mark.requirement("TYP-18")
def test_only_the_named_features_depend_on_other_people(demo: duckdb.DuckDBPyConnection) -> None:
    """Computed for a few alone, each of these comes out otherwise, so none is left out without a reason."""
    demo.execute(live.SCHEMA)
    few = touch(demo, 2)
    live_features._views_before(demo, demo_sources())
    end = {"window_end": DAY_AFTER}
    demo.execute(features.PRESENT_PEOPLE, end)
    alone = demo.execute(
        f"select * from ({features.selected()}) order by person_no", end | {"as_of": YEAR_END}
    ).fetchall()
    among = demo.execute(
        "select * from main.features where as_of = $as_of and list_contains($few, person_no) order by person_no",
        {"as_of": YEAR_END, "few": few},
    ).fetchall()
    assert len(alone) == len(among) == FEW
    different = {
        name
        for number, name in enumerate(features.column_types())
        if [one[number] for one in alone] != [one[number] for one in among]
    }
    assert different == features.AMONG_PEOPLE


@pytest.fixture
def by_own_rows(demo: duckdb.DuckDBPyConnection) -> tuple[Path, list[Segment]]:
    """The shipped segments that can be dynamic, and a warehouse whose day is under way and some are touched."""
    started(demo)
    path = Path(
        demo.execute("select path from duckdb_databases() where database_name = 'demo'").fetchall()[0][0]
    )
    touch(demo, 3)
    project = Project(Settings(_env_file=None, segment_defs=shipped_segments()))  # type: ignore[call-arg]
    asked = [refuse_others(replace(one, mode="dynamic"), project.catalog) for one in project.segments]
    demo.close()
    return path, [one for one in asked if isinstance(one, Segment)]


@pytest.mark.requirement("TYP-18")
def test_segments_of_a_few_people_are_what_they_are_among_everybody(
    by_own_rows: tuple[Path, list[Segment]],
) -> None:
    """For each shipped segment that may be dynamic: people put in and out by force come right, others stay."""
    path, segments = by_own_rows
    assert len(segments) >= 29
    with DuckDBEngine(path, catalog=catalog(demo_sources())) as engine:
        for segment in segments:
            first = engine.recompute(segment, DAY_AFTER)
            assert first.everybody
            right = members(path, engine, segment)
            spoil(engine, segment)
            again = engine.recompute(segment, DAY_AFTER)
            assert not again.everybody
            assert members(path, engine, segment) == right
            assert again.size == len(right)


def members(path: Path, engine: DuckDBEngine, segment: Segment) -> set[int]:
    """Who is in the segment on the day under way."""
    with engine._cursor() as cursor:
        query = f"select person_no from segment.{quote(segment.name)} where as_of = ?"
        return {number for (number,) in cursor.execute(query, [DAY_AFTER]).fetchall()}


def spoil(engine: DuckDBEngine, segment: Segment) -> None:
    """The touched people stand as if the opposite had been true before."""
    with engine._cursor() as cursor:
        table = f"segment.{quote(segment.name)}"
        cursor.execute(
            f"create or replace temp table opposite as select person_no from live.touched "
            f"anti join (select person_no from {table} where as_of = ?) as held using (person_no)",
            [DAY_AFTER],
        )
        gone = cursor.execute(
            f"delete from {table} where as_of = ? and person_no in (select person_no from live.touched)",
            [DAY_AFTER],
        ).fetchall()[0][0]
        come = cursor.execute(
            f"insert into {table} select ?::date, person_no from opposite", [DAY_AFTER]
        ).fetchall()[0][0]
        cursor.execute(
            "update segment.segment_runs set size = size + ? where segment = ? and as_of = ?",
            [come - gone, segment.name, DAY_AFTER],
        )
