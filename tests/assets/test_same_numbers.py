"""One push, four places that tell of it: the ledger, the journal, the page in Dagster and the command line."""

from __future__ import annotations

import re
from contextlib import closing

import duckdb
import pytest

from pipelines.cli.machine import of_push
from pipelines.project import Project
from tests.assets.dagster_room import Room, metadata

LINE = re.compile(r"^\| (?!people|:|\*\*)[^|]+\| ([\d,]+) \|$", re.MULTILINE)
TOTAL = re.compile(r"\| \*\*(desired|held before)\*\* \| \*\*([\d,]+)\*\* \|")


@pytest.mark.promise("closes")
def test_the_same_numbers_everywhere(delivered: Room) -> None:
    """After people joined, left and opted out, every place has the same numbers, and the lines add up to the sums."""
    shop = delivered.shop
    shop.opt_out(1, 2, 3)
    shop.segment("buyers", "select distinct person_no\nfrom orders\nwhere total >= 25", ("ads", "mail"))
    delivered.load()
    delivered.segment()
    page = metadata(delivered.deliver(), "audience/ads/buyers")
    project = Project(shop.settings())
    [pushed] = [
        p
        for p in project.record.status()
        if (p.delivery.destination, p.delivery.segment) == ("ads", "buyers")
    ]
    told = of_push(pushed.delivery)
    assert told["removed"] > 0
    same = {
        "desired": "desired", "held_before": "held before", "kept": "kept", "added": "added", "removed": "removed",
        "rejected": "rejected", "withheld": "withheld", "uncertain": "uncertain", "held": "size held",
        "requests": "requests", "awaited": "awaited",
    }  # fmt: skip
    assert {name: told[name] for name in same} == {name: page[shown] for name, shown in same.items()}
    with closing(duckdb.connect(shop.settings().state_dir / "ads.duckdb", read_only=True)) as ledger:
        [(members,)] = ledger.execute(
            "select count(*) from members join audiences using (audience) where segment = 'buyers'"
        ).fetchall()
    assert members == told["held"] == len(shop.members("ads", "buyers"))
    accounts = str(page["everybody accounted for"])
    sums = {name: int(number.replace(",", "")) for name, number in TOTAL.findall(accounts)}
    assert sums == {"desired": told["desired"], "held before": told["held_before"]}
    for table, total in zip(accounts.split("\n\n"), sums.values(), strict=True):
        assert sum(int(number.replace(",", "")) for number in LINE.findall(table)) == total
