"""A full resync ends with exactly the desired people: it also takes out whoever is stale."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.delivery.guards import Bounds
from tests.delivery.world import BOUNDS, Platform, World, push_all

WIDE = replace(BOUNDS, max_removed=1.0, max_growth=99.0)


def resync(world: World, platform: Platform, state: Path, bounds: Bounds = WIDE) -> None:
    """Doubt everything and push; afterwards an ordinary push has nothing to do."""
    [done] = push_all(world, platform, state, "vip", resync=True, bounds=bounds)
    assert done.ok, done.errors
    assert platform.members("vip") == world.desired("vip")
    assert push_all(world, platform, state, "vip")[0].requests == 0


@pytest.mark.promise("converges")
@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "refuse"])
def test_members_in_doubt_who_are_not_wanted_any_more_leave(
    world: World, platform: Platform, state: Path, fault: str
) -> None:
    """Their add had no answer, then the segment dropped them: whether they are there or not, they are taken out."""
    world.want("vip", set(range(10)))
    push_all(world, platform, state, "vip")
    world.want("vip", set(range(20)))
    platform.faults = [fault]
    push_all(world, platform, state, "vip")
    world.want("vip", set(range(5)))
    resync(world, platform, state)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "refuse"])
def test_members_whose_removal_had_no_answer_leave(
    world: World, platform: Platform, state: Path, fault: str
) -> None:
    """A removal that may or may not have been applied is made sure of."""
    push_all(world, platform, state, "vip")
    world.want("vip", set(range(10, 30)))
    platform.faults = [fault]
    push_all(world, platform, state, "vip")
    resync(world, platform, state)


@pytest.mark.promise("converges")
def test_who_was_let_go_is_asked_out_again_past_the_guards(
    world: World, platform: Platform, state: Path
) -> None:
    """An accepted removal of most people, then a resync: it repeats the removal, which nobody has to accept again."""
    platform.limits = replace(platform.limits, settles_after=timedelta(hours=1))
    push_all(world, platform, state, "vip")
    world.want("vip", set(range(25, 30)))
    [let_go] = push_all(world, platform, state, "vip", bounds=WIDE)
    tight = replace(BOUNDS, max_removed=0.1, floor=0)
    [again] = push_all(world, platform, state, "vip", resync=True, bounds=tight)
    assert again.ok, again.errors
    assert again.removed == let_go.removed > 0
    world.want("vip", {29})
    [stopped] = push_all(world, platform, state, "vip", bounds=tight)
    assert stopped.verdict == "too_many_removals"


def test_what_somebody_changed_on_the_platform_is_mended(
    world: World, platform: Platform, state: Path
) -> None:
    """People taken out by hand come back; people whom the ledger knows and somebody put back leave again."""
    push_all(world, platform, state, "vip")
    kept = world.people[3].handle
    world.want("vip", set(range(2, 30)))
    platform.audiences["turnout:vip"].discard(kept)
    resync(world, platform, state)
    assert kept in platform.members("vip")


@pytest.mark.parametrize("stores", [("journal", "platform"), ("platform",)])
def test_stale_members_of_an_old_copy_leave(
    world: World, platform: Platform, state: Path, tmp_path: Path, stores: tuple[str, ...]
) -> None:
    """An old ledger, with or without its journal, holds people who left since: the resync asks them out again."""
    push_all(world, platform, state, "vip")
    shutil.copytree(state, tmp_path / "old")
    world.want("vip", set(range(15, 30)))
    world.change(20, email="moved@example.com")
    push_all(world, platform, state, "vip")
    left = {world.people[number].handle for number in range(5)}
    platform.audiences["turnout:vip"] |= left  # a late copy, say, that nobody can know of
    for store in stores:
        for path in state.glob(f"{store}.*"):
            path.unlink()
        for path in (tmp_path / "old").glob(f"{store}.*"):
            shutil.copy(path, state)
    resync(world, platform, state)


def test_a_resync_sends_everybody_once(world: World, platform: Platform, state: Path) -> None:
    """All desired people in full batches, and nobody removed who stays."""
    push_all(world, platform, state, "vip")
    platform.calls.clear()
    resync(world, platform, state)
    wanted = len(world.desired("vip"))
    assert [op for op, _ in platform.calls] == ["add"] * -(-wanted // 10)
    assert sum(rows for _, rows in platform.calls) == wanted


def test_the_guard_holds_for_a_resync_too(world: World, platform: Platform, state: Path) -> None:
    """A resync is no leave to empty an audience: the share of those who would leave is judged as ever."""
    push_all(world, platform, state, "vip")
    before = platform.members("vip").copy()
    world.want("vip", {1})
    [done] = push_all(world, platform, state, "vip", resync=True)
    assert (done.status, done.verdict) == ("stopped", "too_many_removals")
    assert platform.members("vip") == before
