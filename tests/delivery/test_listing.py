"""Whatever somebody does to a tool's list, a comparison finds it, and where ours wins the next push undoes it."""

from __future__ import annotations

import tempfile
from dataclasses import astuple
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.delivery.listing import Drift
from tests.delivery.listing_tool import ListingTool, compare, push
from tests.delivery.world import Person, World

PEOPLE = range(12)
SOME = st.sets(st.sampled_from(PEOPLE))
STRANGERS = st.sets(st.sampled_from([f"s{n}@elsewhere.org" for n in range(5)]))
FAULTS = st.lists(st.sampled_from(["none", "lost_before", "lost_after"]), max_size=4)


def email(number: int) -> str:
    """Two people share an address."""
    return f"p{number % 11}@example.com"


def world_of(wanted: set[int], refused: set[int] = frozenset()) -> World:  # type: ignore[assignment]
    """Twelve people, of whom the segment wants some and some may not be sent."""
    world = World()
    for number in PEOPLE:
        world.put(number, Person(email(number), suppressed="unsubscribed" if number in refused else None))
    world.want("vip", wanted)
    return world


def desired(world: World) -> set[str]:
    """The addresses that should be on the list."""
    [numbers] = world.segments["vip"].values()
    return {email(number) for number in numbers if world.people[number].allowed}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=SOME,
    refused=SOME,
    faults=FAULTS,
    taken=SOME,
    put=SOME,
    strangers=STRANGERS,
    then=SOME,
    no_more=SOME,
)
def test_whatever_was_done_by_hand_ours_wins(
    first: set[int],
    refused: set[int],
    faults: list[str],
    taken: set[int],
    put: set[int],
    strangers: set[str],
    then: set[int],
    no_more: set[int],
) -> None:
    """In any world, after any push and any change by hand: comparing and pushing leaves exactly the desired people,
    and a comparison after it finds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        world, tool, path = world_of(first, refused), ListingTool(), Path(folder)
        tool.faults = list(faults)
        push(world, tool, path)
        tool.faults = []
        tool.there -= {email(number) for number in taken}
        tool.there |= {email(number) for number in put} | strangers
        world.want("vip", then)
        for number in no_more:
            world.change(number, suppressed="unsubscribed")
        compare(world, tool, path)
        done = push(world, tool, path)
        assert done.ok
        assert tool.there == desired(world)
        after = compare(world, tool, path)
        assert after == Drift(len(tool.there), len(tool.there), 0, 0, 0, 0, 0)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=SOME, refused=SOME, taken=SOME, put=SOME, strangers=STRANGERS)
def test_who_may_not_be_there_leaves_whatever_the_policy(
    first: set[int], refused: set[int], taken: set[int], put: set[int], strangers: set[str]
) -> None:
    """Where drift is only reported, a push takes out the opted-out and nobody else, and adds nobody."""
    with tempfile.TemporaryDirectory() as folder:
        world, tool, path = world_of(first, refused), ListingTool(), Path(folder)
        push(world, tool, path)
        tool.there -= {email(number) for number in taken}
        tool.there |= {email(number) for number in put} | strangers
        permitted = {person.email for person in world.people.values() if person.allowed}
        before = set(tool.there)
        found = compare(world, tool, path, "report_only")
        push(world, tool, path)
        assert tool.there == {one for one in before if one in permitted or one in strangers}
        assert found.not_permitted == len(before) - len(tool.there)
        assert found.missing == len(desired(world) - before)


@pytest.fixture
def pushed(tmp_path: Path) -> tuple[World, ListingTool]:
    """Six people on a list that names its members by ids alone."""
    world, tool = world_of(set(range(6))), ListingTool(ids_alone=True)
    push(world, tool, tmp_path)
    return world, tool


def test_ids_alone_are_enough(pushed: tuple[World, ListingTool], tmp_path: Path) -> None:
    """Members are known by the ids that were learned as they were sent; whoever is lacking is missed."""
    world, tool = pushed
    assert compare(world, tool, tmp_path) == Drift(6, 6, 0, 0, 0, 0, 0)
    tool.there.remove(email(1))
    assert compare(world, tool, tmp_path).missing == 1
    push(world, tool, tmp_path)
    assert tool.there == desired(world)


def test_an_id_of_nobody_is_told_and_left(pushed: tuple[World, ListingTool], tmp_path: Path) -> None:
    """An id alone names nobody whom a removal could be asked for: it is counted, and nothing is done."""
    world, tool = pushed
    tool.there.add("stranger@elsewhere.org")
    found = compare(world, tool, tmp_path)
    assert (found.unnamed, found.added_by_hand) == (1, 0)
    push(world, tool, tmp_path)
    assert "stranger@elsewhere.org" in tool.there


def test_a_member_whose_id_is_not_remembered_is_not_missed(
    pushed: tuple[World, ListingTool], tmp_path: Path
) -> None:
    """They may be the one whose id is nobody's: nothing is proven."""
    world, tool = pushed
    with duckdb.connect(tmp_path / "platform.duckdb") as ledger:
        ledger.execute("delete from remote_ids where remote_id = $id", {"id": f"id-{email(2)}"})
    found = compare(world, tool, tmp_path)
    assert astuple(found) == (6, 5, 0, 0, 0, 1, 1, None)
