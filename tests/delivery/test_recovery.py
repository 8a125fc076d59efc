"""What `docs/recovery.md` promises: after a loss or an old backup, the documented walk leads back to the truth."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from world import Platform, World, push_all

STORES = {"journal": "journal.sqlite", "ledger": "platform.duckdb"}


def back_up(state: Path, to: Path) -> None:
    """Copy the state folder while nothing runs."""
    shutil.copytree(state, to)


def restore(backup: Path, state: Path, stores: tuple[str, ...]) -> None:
    """Put stores of a backup in place of the current ones."""
    for store in stores:
        for path in state.glob(f"{STORES[store]}*"):
            path.unlink()
        for path in backup.glob(f"{STORES[store]}*"):
            shutil.copy(path, state)


@pytest.mark.fault(
    "F53",
    injected="ledger and journal replaced by old copies",
    outcome="a resync ends with the desired people",
)
@pytest.mark.promise("converges")
@pytest.mark.parametrize("stores", [("journal", "ledger"), ("journal",), ("ledger",)])
def test_an_old_backup_and_a_resync_lead_back_to_the_truth(
    world: World, platform: Platform, tmp_path: Path, stores: tuple[str, ...]
) -> None:
    """Whatever was restored, and however old, a resync ends with exactly the desired people that can be known.

    People whom only the lost state knew, and who have left since, are the ones no state can know of; here nobody
    was added after the backup who has left.
    """
    state, backup = tmp_path / "state", tmp_path / "backup"
    push_all(world, platform, state, "vip")
    back_up(state, backup)
    world.want("vip", set(range(3, 25)))
    world.change(10, email="moved@example.com")
    push_all(world, platform, state, "vip")
    restore(backup, state, stores)
    world.want("vip", set(range(5, 25)))
    push_all(world, platform, state, "vip", resync=True)
    assert platform.members("vip") == world.desired("vip")
    result = push_all(world, platform, state, "vip")[0]
    assert (result.status, result.requests) == ("delivered", 0)


@pytest.mark.fault(
    "F54", injected="the ledger is deleted", outcome="desired people are added again, which changes nothing"
)
def test_a_lost_ledger_adds_everybody_again_and_harms_nobody(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """Without a ledger nothing is known of the platform: desired people are added again, which changes nothing."""
    push_all(world, platform, tmp_path, "vip")
    (tmp_path / "platform.duckdb").unlink()
    result = push_all(world, platform, tmp_path, "vip")[0]
    assert (result.status, result.added, result.removed) == ("delivered", 25, 0)
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.fault(
    "F54", injected="the ledger is deleted for good", outcome="delete the audience, push twice: as wanted"
)
def test_a_lost_ledger_and_a_deleted_audience_start_anew(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """The walk for a ledger that is gone for good: delete the audience, push twice."""
    push_all(world, platform, tmp_path, "vip")
    (tmp_path / "platform.duckdb").unlink()
    world.want("vip", set(range(5, 25)))
    platform.audiences.clear()
    assert push_all(world, platform, tmp_path, "vip")[0].status == "failed"
    assert push_all(world, platform, tmp_path, "vip")[0].status == "delivered"
    assert platform.members("vip") == world.desired("vip")
