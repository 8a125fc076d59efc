"""State grows with the change, and what is older than the history is forgotten, unless somebody rests on it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from world import BOUNDS, TODAY, Platform, World, account, audience_push

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
