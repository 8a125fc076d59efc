"""An audience without the people of other segments: never sent, taken out, counted; unknown exclusions send nobody."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import DAY, TODAY, Person, Platform, World, account, audience_push

from pipelines.delivery.delivery import deliver
from pipelines.delivery.guards import Bounds, Guard
from pipelines.delivery.model import Delivery, Run

WIDE = Bounds(max_removed=1.0, max_growth=1_000, floor=5, max_age_days=2)


def push_without(world: World, platform: Platform, folder: Path, *exclude: str) -> Delivery:
    """Push the segment ``vip`` without the people of others."""
    push = audience_push("vip", bounds=WIDE)
    push = replace(push, sync=replace(push.sync, exclude=exclude))
    (delivery,) = deliver(account(world, platform, folder), [push], Run("run", TODAY))
    return delivery


def handles(world: World, numbers: set[int]) -> set[tuple[str | None, str | None]]:
    """What the platform knows these people by."""
    return {world.people[n].handle for n in numbers}


@pytest.mark.requirement("TYP-20")
def test_excluded_people_are_not_sent(world: World, platform: Platform, tmp_path: Path) -> None:
    """They are counted as withheld under their own reason; the rest is sent."""
    world.want("buyers", {1, 2, 29})
    world.want("complaints", {2, 3})
    delivery = push_without(world, platform, tmp_path, "buyers", "complaints")
    assert (delivery.desired, delivery.added, delivery.withheld) == (25, 22, {"excluded": 3})
    assert platform.members("vip") == handles(world, set(range(25)) - {1, 2, 3})
    again = push_without(world, platform, tmp_path, "buyers", "complaints")
    assert (again.requests, again.kept, again.withheld) == (0, 22, {"excluded": 3})


@pytest.mark.requirement("TYP-20")
def test_who_becomes_excluded_leaves_and_comes_back(world: World, platform: Platform, tmp_path: Path) -> None:
    """The history says why they went."""
    world.want("buyers", set())
    push_without(world, platform, tmp_path, "buyers")
    world.want("buyers", {4, 5})
    delivery = push_without(world, platform, tmp_path, "buyers")
    assert (delivery.removed, delivery.withheld) == (2, {"excluded": 2})
    assert platform.members("vip") == handles(world, set(range(25)) - {4, 5})
    with duckdb.connect(str(tmp_path / "platform.duckdb"), read_only=True) as ledger:
        reasons = ledger.execute(
            "select why, person_no from history where op = 'remove' order by 2"
        ).fetchall()
    assert reasons == [("excluded", 4), ("excluded", 5)]
    world.want("buyers", {5})
    assert push_without(world, platform, tmp_path, "buyers").added == 1


@pytest.mark.requirement("TYP-20")
def test_sharing_an_identifier_is_being_the_same_person(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A platform that is sent the one is sent the other, so neither is."""
    shared = world.people[1]
    world.put(2, Person(shared.email, shared.phone))
    world.want("buyers", {1})
    delivery = push_without(world, platform, tmp_path, "buyers")
    assert delivery.withheld == {"excluded": 2}
    assert shared.handle not in platform.members("vip")


@pytest.mark.requirement("TYP-20")
@pytest.mark.parametrize("state", ["never computed", "of another day"])
def test_unknown_exclusions_send_nobody(world: World, platform: Platform, tmp_path: Path, state: str) -> None:
    """Opt-outs still leave; a new audience is not opened for it."""
    if state == "of another day":
        world.want("buyers", {1}, DAY - timedelta(days=1))
    stopped = push_without(world, platform, tmp_path, "buyers")
    assert (stopped.verdict, stopped.requests, stopped.status) == (Guard.HELD_BACK, 0, "stopped")
    assert "turnout segments buyers" in stopped.sentence
    push_without(world, platform, tmp_path)
    world.want("vip", {1, 2, 3})
    world.change(2, granted=False)
    delivery = push_without(world, platform, tmp_path, "buyers")
    assert (delivery.verdict, delivery.removed) == (Guard.HELD_BACK, 1)
    assert world.people[1].handle in platform.members("vip")


@pytest.mark.requirement("TYP-20")
@settings(max_examples=12, deadline=None)
@given(
    days=st.lists(
        st.tuples(st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29))),
        min_size=1,
        max_size=4,
    )
)
def test_the_platform_ends_with_the_difference(days: list[tuple[set[int], set[int], set[int]]]) -> None:
    """Whatever was there before, and whoever takes consent back: wanted, permitted and not excluded."""
    world, platform = World(), Platform()
    for n in range(30):
        world.put(n, Person(f"p{n}@example.com", f"+1 202 555 01{n:02d}"))
    with tempfile.TemporaryDirectory() as folder:
        for wanted, excluded, agreeing in days:
            world.want("vip", wanted | {0})
            world.want("buyers", excluded - {0})
            for n in range(30):
                if world.people[n].granted != (n in agreeing or n == 0):
                    world.change(n, granted=n in agreeing or n == 0)
            delivery = push_without(world, platform, Path(folder), "buyers")
            assert delivery.verdict == "fine"
            expected = {n for n in (wanted | {0}) - (excluded - {0}) if world.people[n].allowed}
            assert platform.members("vip") == handles(world, expected)
            parts = delivery.kept + delivery.added + sum(delivery.withheld.values())
            assert parts == delivery.desired == len(wanted | {0})
