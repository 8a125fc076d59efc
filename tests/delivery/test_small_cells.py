"""A policy profile's smallest cell: fewer people than that are sent nowhere, and opt-outs leave all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from world import BOUNDS, Platform, World, push_all

from pipelines.delivery.guards import Guard

STRICT = replace(BOUNDS, min_cell=11)


@pytest.mark.requirement("PRI-2")
def test_a_small_segment_is_not_even_opened(world: World, platform: Platform, tmp_path: Path) -> None:
    """No request goes out, nothing is held, and no run is red for it."""
    world.want("few", set(range(10)))
    (delivery,) = push_all(world, platform, tmp_path, "few", bounds=STRICT)
    assert (delivery.verdict, delivery.status, delivery.requests) == (Guard.CELL, "stopped", 0)
    assert delivery.ok
    assert platform.audiences == {}


@pytest.mark.requirement("PRI-2", "PRI-1")
def test_opt_outs_leave_an_audience_that_became_small(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """Nobody is added and nobody moves for the rule, but who took consent back is gone at once."""
    world.want("all", set(range(12)))
    (first,) = push_all(world, platform, tmp_path, "all", bounds=STRICT)
    assert first.verdict == "fine"
    before = platform.members("all")
    world.want("all", set(range(3, 9)) | {15})
    world.change(4, granted=False)
    (second,) = push_all(world, platform, tmp_path, "all", bounds=STRICT)
    assert (second.verdict, second.removed, second.added) == (Guard.CELL, 1, 0)
    assert platform.members("all") == before - {world.people[4].handle}
