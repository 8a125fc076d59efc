"""The lines of both sums add up, for a plan, for a push, and for one that a guard or a fault stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import BOUNDS, Platform, World, plan_all, push_all

from pipelines.delivery.accounts import of_desired, of_held_before
from pipelines.delivery.model import Delivery


def closes(delivery: Delivery) -> bool:
    """Whether both sums come to what they should."""
    desired = sum(number for _, number in of_desired(delivery))
    held_before = sum(number for _, number in of_held_before(delivery))
    return (desired, held_before) == (delivery.desired, delivery.held_before)


@pytest.mark.promise("closes")
@pytest.mark.parametrize("fault", ["none", "refuse", "lost_before", "lost_after", "named"])
@pytest.mark.parametrize("wanted", [range(25), range(5, 30), range(3), range(0)])
def test_lines_add_up(world: World, platform: Platform, tmp_path: Path, fault: str, wanted: range) -> None:
    """Joined, left, opted out, refused, unsure, held back by a guard: everybody is in one line of each sum."""
    [first] = push_all(world, platform, tmp_path, "vip")
    assert closes(first)
    world.change(1, granted=False)
    world.change(7, email="new7@example.com")
    platform.bad_rows[world.people[26].handle[0] or ""] = "malformed"
    world.want("vip", set(wanted))
    [planned] = plan_all(world, platform, tmp_path, "vip")
    assert closes(planned), planned
    platform.faults = [fault] * 6
    [pushed] = push_all(world, platform, tmp_path, "vip", bounds=BOUNDS)
    assert closes(pushed), pushed
    platform.faults = []
    [again] = push_all(world, platform, tmp_path, "vip", bounds=BOUNDS)
    assert closes(again), again
