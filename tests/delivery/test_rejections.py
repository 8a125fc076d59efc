"""Rows that the platform did not take: nobody is there through them, and they are not given up for ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world import TODAY, Platform, World, account, audience_push, push_all

from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Delivery, Run


@dataclass
class Nights:
    """Pushes at six in the morning, so many days after the first."""

    world: World
    platform: Platform
    folder: Path

    def push(self, days: int, *, stale: bool = False) -> Delivery:
        """One push; a stale segment was last computed ten days before."""
        now = datetime(2018, 1, 1, 6, tzinfo=UTC) + timedelta(days=days)
        state = replace(account(self.world, self.platform, self.folder), clock=lambda: now)
        today = TODAY + timedelta(days=10) if stale else TODAY
        [delivery] = deliver(state, [audience_push("vip")], Run("run", today))
        return delivery


@pytest.fixture
def nights(world: World, platform: Platform, tmp_path: Path) -> Nights:
    """A platform that refuses person 4 by name and takes the rest of the batch."""
    bad = world.people[4].handle[0]
    assert bad is not None
    platform.bad_rows[bad] = "malformed"
    return Nights(world, platform, tmp_path)


@pytest.mark.promise("converges", "never_claimed")
def test_a_refused_row_is_tried_again_after_a_week(nights: Nights) -> None:
    """Until then it is left alone; then it is sent again, and refused again or taken: never taken for being there."""
    assert nights.push(0).rejected == 1
    assert nights.push(6).requests == 0
    again = nights.push(8)
    assert (again.held_before, again.adds, again.added, again.rejected, again.requests) == (24, 1, 0, 1, 1)
    nights.platform.bad_rows.clear()
    taken = nights.push(16)
    assert (taken.added, taken.rejected, taken.kept) == (1, 0, 24)
    assert nights.platform.members("vip") == nights.world.desired("vip")


@pytest.mark.promise("closes")
def test_a_refused_row_that_a_guard_holds_back_is_withheld(nights: Nights) -> None:
    """It is due again, but the segment jumped in size: it waits with the others, and is not counted as held."""
    nights.world.want("vip", set(range(6)))
    nights.push(0)
    nights.world.want("vip", set(range(30)))
    stopped = nights.push(8)
    assert (stopped.verdict, stopped.held_before, stopped.withheld) == ("size_jump", 5, {"guard": 25})


@pytest.mark.promise("closes")
def test_an_opt_out_whose_row_was_refused_is_not_counted_as_removed(nights: Nights) -> None:
    """They were never there: the platform is asked all the same, and everybody held stays in the sum."""
    nights.push(0)
    nights.world.change(4, granted=False)
    result = nights.push(1, stale=True)
    assert (result.verdict, result.requests) == ("stale_segment", 1)
    assert (result.held_before, result.kept_back, result.removes, result.removed) == (24, 24, 0, 0)
    assert nights.push(2).withheld == {"no_consent": 1}


def test_a_resync_tries_refused_rows_at_once(nights: Nights) -> None:
    """Whoever doubts everything doubts refusals too."""
    nights.push(0)
    nights.platform.bad_rows.clear()
    result = push_all(nights.world, nights.platform, nights.folder, "vip", resync=True)[0]
    assert (result.rejected, result.held) == (0, 25)
