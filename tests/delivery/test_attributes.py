"""Declared columns reach the tool with a person, again when they change, and never otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool import DECLARED, DescribedWorld, Tool, push_described, told
from world import DAY, Person

from connectors.people import FieldType
from pipelines.segments.attributes import Attribute


@pytest.fixture
def world() -> DescribedWorld:
    """Thirty people with features; one segment of the first twenty-five."""
    return described_world()


def described_world() -> DescribedWorld:
    """Thirty people with features; one segment of the first twenty-five."""
    world = DescribedWorld()
    for n in range(30):
        world.put(n, Person(f"p{n}@example.com", f"+1 202 555 01{n:02d}"))
        world.features[n] = {"spend": n * 10, "store": f"store {n % 3}"}
    world.want("vip", set(range(25)))
    return world


def known(world: DescribedWorld, tool: Tool) -> dict[int, dict[str, object]]:
    """What the tool knows of the people of the world, by number."""
    return {n: tool.known[p.handle] for n, p in world.people.items() if p.handle in tool.known}


def test_a_new_member_comes_with_what_is_declared(world: DescribedWorld, tmp_path: Path) -> None:
    """Every member's fields are the features of the segment's day; nobody else is described."""
    tool = Tool()
    assert push_described(world, tool, tmp_path).added == 25
    assert known(world, tool) == {n: {"LTV": n * 10, "HOME_STORE": f"store {n % 3}"} for n in range(25)}


def test_the_cost_follows_the_change(world: DescribedWorld, tmp_path: Path) -> None:
    """Nothing changed: no request. Three people changed: one request with those three."""
    tool = Tool()
    push_described(world, tool, tmp_path)
    tool.calls.clear()
    assert push_described(world, tool, tmp_path).requests == 0
    for n in (3, 7, 24):
        world.features[n]["spend"] = 1
    world.features[29]["spend"] = 1  # is not in the segment
    delivery = push_described(world, tool, tmp_path)
    assert (tool.calls, delivery.added, delivery.kept, delivery.held) == ([("add", 3)], 0, 25, 25)
    assert {known(world, tool)[n]["LTV"] for n in (3, 7, 24)} == {1}


def test_a_change_that_waits_leaves_the_member_certain(world: DescribedWorld, tmp_path: Path) -> None:
    """While a guard stops the push, members with other attributes are kept: there, described as before."""
    tool = Tool()
    push_described(world, tool, tmp_path)
    world.want("vip", set(range(5)))
    world.features[1]["spend"] = 99
    delivery = push_described(world, tool, tmp_path)
    assert (delivery.status, delivery.updates, delivery.uncertain) == ("stopped", 1, 0)
    assert (delivery.kept, delivery.kept_back, delivery.held) == (5, 20, 25)


def test_what_is_not_known_is_not_sent(world: DescribedWorld, tmp_path: Path) -> None:
    """A feature without a value leaves the field alone, and people without features are members all the same."""
    tool = Tool()
    world.features[0]["store"] = None
    del world.features[1]
    assert push_described(world, tool, tmp_path).added == 25
    assert known(world, tool)[0] == {"LTV": 0}
    assert 1 not in known(world, tool)


def test_another_declaration_is_another_description(world: DescribedWorld, tmp_path: Path) -> None:
    """A field declared later reaches everybody once; a field that is taken out changes nothing."""
    tool = Tool()
    push_described(world, tool, tmp_path, DECLARED[:1])
    assert push_described(world, tool, tmp_path, DECLARED).requests == 3
    assert all("HOME_STORE" in fields for fields in known(world, tool).values())
    assert push_described(world, tool, tmp_path, ()).requests == 0


def test_a_lost_answer_is_followed_by_another_try(world: DescribedWorld, tmp_path: Path) -> None:
    """A change whose request had no answer is sent again, until it has one."""
    tool = Tool()
    push_described(world, tool, tmp_path)
    world.features[5]["spend"] = 77
    tool.faults = ["lost_before"]
    assert not push_described(world, tool, tmp_path).ok
    assert known(world, tool)[5]["LTV"] == 50
    assert push_described(world, tool, tmp_path).ok
    assert known(world, tool)[5]["LTV"] == 77
    assert push_described(world, tool, tmp_path).requests == 0


def test_two_people_of_one_member_are_described_once(world: DescribedWorld, tmp_path: Path) -> None:
    """Who shares a member does not describe it by turns: the lowest number counts, every night."""
    tool = Tool()
    world.put(9, Person("p4@example.com", "+1 202 555 0104"))
    push_described(world, tool, tmp_path)
    assert known(world, tool)[9]["LTV"] == 40
    assert push_described(world, tool, tmp_path).requests == 0
    world.features[9]["spend"] = 1
    assert push_described(world, tool, tmp_path).requests == 0
    world.features[4]["spend"] = 2
    assert push_described(world, tool, tmp_path).requests == 1
    assert known(world, tool)[4]["LTV"] == 2
    assert push_described(world, tool, tmp_path).requests == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"LTV": FieldType.NUMBER}, "has no field 'HOME_STORE' \\(text\\): create it there"),
        (
            {"LTV": FieldType.DATE, "HOME_STORE": FieldType.TEXT},
            "'LTV' holds date, the column 'spend' number",
        ),
    ],
)
def test_a_field_that_the_account_does_not_have_stops_the_push(
    world: DescribedWorld, tmp_path: Path, fields: dict[str, FieldType], words: str
) -> None:
    """Nobody is sent, the sentence says which field, and somebody has to act."""
    tool = Tool()
    tool.account_fields = fields
    delivery = push_described(world, tool, tmp_path)
    assert (delivery.status, delivery.needs_person, tool.calls) == ("failed", True, [])
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(delivery.sentence)
    tool.account_fields = {"LTV": FieldType.NUMBER, "HOME_STORE": FieldType.ANY}
    assert push_described(world, tool, tmp_path).added == 25


Step = st.one_of(
    st.tuples(st.just("feature"), st.integers(0, 29), st.one_of(st.none(), st.integers(0, 3))),
    st.tuples(st.just("join"), st.integers(0, 29), st.booleans()),
    st.tuples(st.just("push"), st.just(0), st.sampled_from(["calm", "lost_before", "lost_after", "refuse"])),
    st.tuples(st.just("declare"), st.just(0), st.integers(0, 2)),
    st.tuples(st.just("twin"), st.integers(0, 29), st.integers(0, 29)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(Step, max_size=14))
def test_after_a_calm_push_the_tool_knows_what_is_wanted(steps: list[tuple[str, int, object]]) -> None:
    """Whatever changes and gets lost: every member is described as declared, and then nothing more is sent."""
    world, tool, declared = described_world(), Tool(max_rows=4), DECLARED
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, number, value in steps:
            if what == "feature":
                world.features[number]["spend"] = value
            elif what == "join":
                world.want(
                    "vip",
                    world.segments["vip"][DAY] | {number} if value else world.segments["vip"][DAY] - {number},
                )
            elif what == "twin":
                world.put(number, Person(world.people[value].email, world.people[value].phone))  # type: ignore[index]
            elif what == "declare":
                declared = DECLARED[: int(str(value))]
            else:
                tool.faults = [] if value == "calm" else [str(value)]
                push_described(world, tool, folder, declared)
        tool.faults = []
        for _ in range(3):
            push_described(world, tool, folder, declared, resync=False)
        assert push_described(world, tool, folder, declared).requests == 0
        for member, fields in _wanted(world, declared).items():
            if member in tool.members("vip"):
                assert fields.items() <= tool.known.get(member, {}).items()


def _wanted(
    world: DescribedWorld, declared: tuple[Attribute, ...]
) -> dict[tuple[str | None, str | None], dict[str, object]]:
    """What must be known of each member: of people who share one, the lowest number's features."""
    found: dict[tuple[str | None, str | None], dict[str, object]] = {}
    for number in sorted(world.segments["vip"][DAY]):
        found.setdefault(world.people[number].handle, told(world.features[number], declared))
    return found
