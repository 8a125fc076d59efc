"""A platform drops members after a while: everybody is sent again before that, a few each day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Delivery, Run
from pipelines.delivery.states import RENEW_AT_SHARE, SPARE
from tests.delivery.world import TODAY, Person, Platform, World, account, audience_push

PEOPLE = 300


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.now = datetime(2018, 1, 1, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Forgetful(Platform):
    """Drops a member whose last add is older than the lifetime, and remembers the least that was left of it."""

    def __init__(self, clock: Clock, lifetime: timedelta) -> None:
        super().__init__(max_rows=1000)
        self.limits = replace(self.limits, expires_after=lifetime)
        self.clock, self.stays = clock, lifetime
        self.since: dict[object, datetime] = {}
        self.dropped = 0
        self.least_left = lifetime

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        for handle in zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True):
            if handle in self.since:
                self.least_left = min(self.least_left, self.since[handle] + self.stays - self.clock.now)
            self.since[handle] = self.clock.now
        return super().add(audience, rows, batch)

    def forgets(self) -> None:
        """What is too old goes."""
        for handle, at in list(self.since.items()):
            if self.clock.now - at >= self.stays:
                del self.since[handle]
                self.dropped += 1


def pushed(folder: Path, lifetime: timedelta, days: Iterable[int]) -> tuple[Forgetful, list[Delivery]]:
    """A first push, then one on each of these days after it."""
    clock = Clock()
    begun = clock.now
    world, platform = World(), Forgetful(clock, lifetime)
    for number in range(PEOPLE):
        world.put(number, Person(f"p{number}@example.com"))
    world.want("vip", set(range(PEOPLE)))
    mine = replace(account(world, platform, folder), clock=clock)
    pushes = []
    for day in (0, *days):
        clock.now = begun + timedelta(days=day)
        platform.forgets()
        [done] = deliver(mine, [audience_push("vip")], Run("run", TODAY))
        assert done.ok, done.errors
        pushes.append(done)
    return platform, pushes


@pytest.mark.fault(
    "F33",
    injected="a platform that drops members 60 days after they were sent",
    outcome="a year without a loss",
)
def test_a_year_without_a_loss_and_without_a_peak(tmp_path: Path) -> None:
    """Nobody is ever dropped, and no night sends more than twice an even share of the window's.

    Only every second night delivers, which is harsher than a year of nights.
    """
    lifetime = timedelta(days=60)
    platform, pushes = pushed(tmp_path, lifetime, range(2, 366, 2))
    assert platform.dropped == 0
    assert platform.least_left > timedelta(0)
    resent = [done.resends for done in pushes[1:]]
    window = (lifetime - SPARE) - lifetime * RENEW_AT_SHARE
    assert max(resent) <= 2 * PEOPLE / (window.days / 2)
    assert 6 * PEOPLE <= sum(resent) <= 8 * PEOPLE, "each about every 53 days, not every night"
    assert pushes[0].added == PEOPLE
    assert all(done.kept == PEOPLE for done in pushes[1:])


def test_a_reserve_is_kept_for_nights_that_fail(tmp_path: Path) -> None:
    """With a push every night nobody is sent later than a day before the reserve begins to be used up."""
    platform, _ = pushed(tmp_path, timedelta(days=60), range(46, 62))
    assert platform.dropped == 0
    assert platform.least_left >= SPARE - timedelta(days=1)


def test_a_short_lifetime_is_not_spread(tmp_path: Path) -> None:
    """Where a fifth of the lifetime is no longer than what is kept in reserve, all are sent at its beginning."""
    platform, pushes = pushed(tmp_path, timedelta(days=7), range(1, 22))
    assert platform.dropped == 0
    assert {done.resends for done in pushes[1:]} == {0, PEOPLE}


def test_who_is_due_is_always_the_same(tmp_path: Path) -> None:
    """The days follow from the members' keys: two installations send the same people on the same days."""
    _, first = pushed(tmp_path / "one", timedelta(days=60), range(47, 60))
    _, second = pushed(tmp_path / "two", timedelta(days=60), range(47, 60))
    assert [done.resends for done in first] == [done.resends for done in second]
    assert sum(done.resends > 0 for done in first) >= 9, "spread over the window's days"
