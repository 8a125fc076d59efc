"""The tool's own ids are asked for once in a while, and go when the person goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from tool import Tool, push_described
from world import TODAY, World, account

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.delivery import deliver
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Run
from pipelines.delivery.remote_ids import forget_ids
from tests.delivery.world import audience_push


def remembered(folder: Path) -> int:
    """Ids in the ledger."""
    with duckdb.connect(str(folder / "platform.duckdb"), read_only=True) as ledger:
        return int(ledger.execute("select count(*) from remote_ids").fetchall()[0][0])


def test_an_id_is_asked_for_once(world: World, tmp_path: Path) -> None:
    """What an add learned serves the removal; only people who are new are looked up."""
    tool = Tool()
    push_described(world, tool, tmp_path, ())
    assert len(tool.asked) == 25 == remembered(tmp_path)
    world.want("vip", set(range(5, 27)))
    push_described(world, tool, tmp_path, ())
    assert len(tool.asked) == 27
    assert len(tool.members("vip")) == 22


def test_an_old_id_is_asked_for_again_to_add(world: World, tmp_path: Path) -> None:
    """After its time an id is not believed for an addition; a removal goes by it at any age."""
    tool = Tool(ids_last=timedelta(days=30))
    now = datetime.now().astimezone()
    left = {3}
    for days, asked in ((0, 25), (29, 25), (31, 26), (62, 26)):
        if days == 29:
            world.want("vip", set(range(25)) - left)
        if days == 31:
            world.want("vip", set(range(25)))
        if days == 62:
            world.want("vip", set(range(25)) - {4, 5})
        at = replace(account(world, tool, tmp_path), clock=lambda days=days: now + timedelta(days=days))
        assert deliver(at, [audience_push("vip")], Run("run", TODAY))[0].ok
        assert len(tool.asked) == asked
    assert len(tool.members("vip")) == 23


def test_an_id_that_the_tool_disowns_is_forgotten(world: World, tmp_path: Path) -> None:
    """A receipt that says None for a row takes the id out of the ledger."""

    class Disowning(Tool):
        def remove(self, audience: Audience, rows: object, batch: Batch) -> Receipt:
            receipt = super().remove(audience, rows, batch)  # type: ignore[arg-type]
            return Receipt(receipt.status, receipt.reference, learned=dict.fromkeys(range(batch.size)))

    tool = Disowning()
    push_described(world, tool, tmp_path, ())
    world.want("vip", set(range(20)))
    push_described(world, tool, tmp_path, ())
    assert remembered(tmp_path) == 20


def test_a_platform_that_goes_by_identifiers_sees_no_ids(world: World, tmp_path: Path) -> None:
    """No column, nothing remembered."""
    tool = Tool(ids_last=None)
    assert push_described(world, tool, tmp_path, ()).added == 25
    assert remembered(tmp_path) == 0


def test_the_id_of_an_erased_person_goes(world: World, tmp_path: Path) -> None:
    """Whoever is in no audience and not among the people any more leaves no id behind."""
    tool = Tool()
    push_described(world, tool, tmp_path, ())
    world.erase(7)
    for _ in range(2):  # the second finds that the removal is settled
        push_described(world, tool, tmp_path, ())
    with Ledger.open(
        tmp_path / "platform.duckdb", "platform", tool.identity, wait_seconds=0, config={}
    ) as ledger:
        forget_ids(ledger)
        left = ledger.connection.execute("select count(*) from remote_ids").fetchall()[0][0]
        held = ledger.connection.execute("select count(distinct member) from members").fetchall()[0][0]
    assert (left, held) == (24, 24)
