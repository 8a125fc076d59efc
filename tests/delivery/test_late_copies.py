"""A copy of an old request that comes after a newer one: outlived, once the connector's settle window has closed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from world import BOUNDS, TODAY, Platform, World, account, audience_push

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Delivery, Run

WINDOW = timedelta(minutes=15)


@dataclass
class Time:
    """A clock that is turned by hand."""

    now: datetime = field(default_factory=lambda: datetime(2018, 1, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def passes(self, span: timedelta) -> None:
        """Let time go by."""
        self.now += span


class Delayed(Platform):
    """Keeps a copy of every request, as a proxy might, and applies it again when asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = replace(self.limits, settles_after=WINDOW)
        self.copies: list[tuple[str, Audience, pa.Table, Batch]] = []

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        self.copies.append(("add", audience, rows, batch))
        return super().add(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        self.copies.append(("remove", audience, rows, batch))
        return super().remove(audience, rows, batch)

    def copies_arrive(self, op: str) -> None:
        """Every copy of the requests of one kind is applied now."""
        for kind, audience, rows, batch in list(self.copies):
            if kind == op:
                getattr(Platform, op)(self, audience, rows, batch)


@dataclass
class Shop:
    """A world, its platform, and the time."""

    world: World
    folder: Path
    platform: Delayed = field(default_factory=Delayed)
    time: Time = field(default_factory=Time)

    def push(self, *wanted: int, bounds: object = BOUNDS) -> Delivery:
        """Deliver the audience of these people."""
        self.world.want("vip", set(wanted))
        mine = replace(account(self.world, self.platform, self.folder), clock=self.time)
        [delivery] = deliver(mine, [audience_push("vip")], Run("run", TODAY))
        assert delivery.ok, delivery.errors
        return delivery

    @property
    def right(self) -> bool:
        """Whether the platform holds whom it should."""
        return self.platform.members("vip") == self.world.desired("vip")


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Shop:
    """Three people in an audience."""
    shop = Shop(world, tmp_path)
    shop.push(1, 2, 3)
    return shop


@pytest.mark.fault(
    "F20", injected="a copy of the add comes after the removal", outcome="removed again after the window"
)
def test_a_copy_of_an_add_after_the_removal_is_undone(shop: Shop) -> None:
    """Whoever was removed soon after being added is asked to be removed once more, when no copy can come any more."""
    shop.push(1, 2)
    shop.platform.copies_arrive("add")
    assert not shop.right, "the copy has brought the third person back"
    shop.time.passes(WINDOW + timedelta(seconds=1))
    delivery = shop.push(1, 2)
    assert shop.right
    assert (delivery.asserted, delivery.removed, delivery.kept, delivery.requests) == (1, 0, 2, 1)


@pytest.mark.fault(
    "F20", injected="a copy of the removal comes after the add", outcome="added again after the window"
)
def test_a_copy_of_a_removal_after_the_add_is_undone(shop: Shop) -> None:
    """Whoever was added again soon after being removed is added once more, when no copy can come any more."""
    shop.push(1, 2)
    shop.time.passes(WINDOW - timedelta(seconds=1))
    shop.push(1, 2, 3)
    shop.platform.copies_arrive("remove")
    assert not shop.right
    shop.time.passes(WINDOW + timedelta(seconds=1))
    delivery = shop.push(1, 2, 3)
    assert shop.right
    assert (delivery.asserted, delivery.added, delivery.kept, delivery.requests) == (1, 0, 3, 1)


@pytest.mark.fault("F19", injected="the same request is applied twice", outcome="changes nothing")
def test_a_copy_of_the_only_request_needs_nothing(shop: Shop) -> None:
    """Nobody is sent again for whom no opposite request was sent: a copy of the only one changes nothing."""
    shop.platform.copies_arrive("add")
    shop.time.passes(WINDOW * 2)
    assert shop.push(1, 2, 3).requests == 0
    assert shop.right


def test_it_is_repeated_once_and_final_then(shop: Shop) -> None:
    """One receipt after the window ends it; within the window an unchanged run sends nothing."""
    shop.push(1, 2)
    assert shop.push(1, 2).requests == 0
    shop.time.passes(WINDOW + timedelta(seconds=1))
    assert shop.push(1, 2).requests == 1
    assert shop.push(1, 2).requests == 0
    shop.time.passes(WINDOW + timedelta(seconds=1))
    assert shop.push(1, 2).requests == 0
    with duckdb.connect(shop.folder / "platform.duckdb", read_only=True) as ledger:
        assert ledger.execute("select count(*) from settling").fetchone() == (0,)
        assert ledger.execute("select count(*) from members").fetchone() == (2,)


def test_without_an_answer_it_stays_due(shop: Shop) -> None:
    """A repeated request that gets no receipt is repeated again."""
    shop.push(1, 2)
    shop.platform.copies_arrive("add")
    shop.time.passes(WINDOW + timedelta(seconds=1))
    shop.platform.faults = ["lost_before"]
    mine = replace(account(shop.world, shop.platform, shop.folder), clock=shop.time)
    [delivery] = deliver(mine, [audience_push("vip")], Run("run", TODAY))
    assert (delivery.status, delivery.uncertain, delivery.uncertain_held) == ("failed", 1, 0)
    assert shop.push(1, 2).requests == 1
    assert shop.right


def test_long_after_nothing_is_repeated(shop: Shop) -> None:
    """When the earlier request is older than the window, its copies are gone: nothing is kept for it."""
    shop.time.passes(WINDOW + timedelta(seconds=1))
    shop.push(1, 2)
    shop.time.passes(WINDOW + timedelta(seconds=1))
    assert shop.push(1, 2).requests == 0
    assert shop.right


def test_an_opt_out_is_repeated_even_when_the_segment_is_stale(shop: Shop) -> None:
    """A removal that is due once more does not wait for the segment."""
    shop.world.change(3, granted=False)
    shop.push(1, 2, 3)
    shop.platform.copies_arrive("add")
    shop.time.passes(WINDOW + timedelta(seconds=1))
    mine = replace(account(shop.world, shop.platform, shop.folder), clock=shop.time)
    [delivery] = deliver(mine, [audience_push("vip")], Run("run", TODAY + timedelta(days=30)))
    assert (delivery.status, delivery.verdict, delivery.asserted) == ("stopped", "stale_segment", 1)
    assert shop.right


def test_a_clock_that_jumps_back_only_repeats_more(shop: Shop) -> None:
    """Set back by a day, the clock makes earlier requests look as if their copies could still come."""
    shop.time.passes(WINDOW * 2)
    shop.time.passes(-timedelta(days=1))
    shop.push(1, 2)
    shop.platform.copies_arrive("add")
    shop.time.passes(timedelta(days=2))
    shop.push(1, 2)
    assert shop.right


def test_a_copy_of_a_removal_that_takes_somebody_else_out_is_undone(shop: Shop) -> None:
    """Two people share a phone: a late removal of the one by that phone takes the other out, who is added once more."""
    shop.world.change(4, phone=shop.world.people[3].phone)
    shop.push(1, 2)
    shop.push(1, 2, 4)
    shop.platform.copies_arrive("remove")
    assert not shop.right
    shop.time.passes(WINDOW + timedelta(seconds=1))
    assert shop.push(1, 2, 4).asserted == 2, (
        "the one who was taken out, and the one who had been added before"
    )
    assert shop.right
