"""State grows with the change, and what is older than the history is forgotten, unless somebody rests on it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from world import BOUNDS, TODAY, Platform, World, account, audience_push, push_all

from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Run

KEEP = timedelta(days=30)


def test_a_year_of_days_leaves_a_month_of_history(world: World, platform: Platform, tmp_path: Path) -> None:
    """Every day somebody joins and somebody leaves: books, batches and history stay as long as declared."""
    now = datetime(2018, 1, 1, tzinfo=UTC)
    for day in range(120):
        now += timedelta(days=1)
        world.want("vip", {n for n in range(25) if n != day % 20})
        mine = replace(account(world, platform, tmp_path), clock=lambda now=now: now, keep_history=KEEP)  # type: ignore[misc]
        [delivery] = deliver(mine, [audience_push("vip", bounds=BOUNDS)], Run(f"run-{day}", TODAY))
        assert delivery.ok
    assert platform.members("vip") == world.desired("vip")
    with duckdb.connect(tmp_path / "platform.duckdb", read_only=True) as ledger:
        [(oldest, rows)] = ledger.execute("select min(moment), count(*) from history").fetchall()
        [(batches,)] = ledger.execute("select count(*) from batches").fetchall()
    assert oldest >= (now - KEEP).replace(tzinfo=None)
    assert 50 <= rows <= 62
    assert batches <= 62 + 6, "those of the month, and those that members still rest on"
    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        [(pushes,)] = journal.execute("select count(*) from pushes")
        [(journalled,)] = journal.execute("select count(*) from batches")
    assert pushes <= 31
    assert journalled == batches


def test_history_follows_people_into_a_rebuilt_warehouse(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A new warehouse gives other numbers: what was sent for somebody stays theirs, and nobody else's."""
    world.want("vip", {1, 2, 3})
    push_all(world, platform, tmp_path, "vip")
    world.people = {number + 1: person for number, person in world.people.items()}
    for number in list(world.people):
        world.put(number, world.people[number])
    world.identity = "warehouse-2"
    world.want("vip", {2, 3, 4})
    [delivery] = push_all(world, platform, tmp_path, "vip")
    assert (delivery.kept, delivery.requests) == (3, 0)
    with duckdb.connect(tmp_path / "platform.duckdb", read_only=True) as ledger:
        numbers = ledger.execute("select person_no from history order by all").fetchall()
    assert numbers == [(2,), (3,), (4,)]
