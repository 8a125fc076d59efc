"""Waterfalls as they are declared: places in a group, who comes before whom, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from pipelines.segments.parse import parse
from tests.segments.conftest import CATALOG, DESTINATIONS
from tests.segments.test_layers import above, loaded, put


def placed(priority: int, group: str = "retention") -> str:
    """The header's lines for a place."""
    return f'waterfall = "{group}"\npriority = {priority}'


def broken(folder: Path, name: str) -> str:
    """What is wrong with a segment."""
    found = loaded(folder)[name]
    assert isinstance(found, BrokenSegment)
    return str(found.error)


@pytest.mark.requirement("DEF-10")
def test_the_lowest_priority_comes_first(folder: Path, write: Callable[..., Path]) -> None:
    """Each knows those before it in order, with what they read; who is in no group knows nobody."""
    put(write, "third", policy=placed(30))
    put(write, "first", "select person_no from orders\n", policy=placed(1))
    put(write, "second", policy=placed(2))
    put(write, "elsewhere", policy=placed(3, "other"))
    put(write, "free")
    found = {name: one for name, one in loaded(folder).items() if isinstance(one, Segment)}
    assert {name: [one.name for one in segment.after] for name, segment in found.items()} == {
        "first": [],
        "second": ["first"],
        "third": ["first", "second"],
        "elsewhere": [],
        "free": [],
    }
    assert found["third"].reads == {"features", "orders"}
    assert found["second"].builds_on == ()
    assert (found["third"].waterfall, found["third"].priority) == ("retention", 30)


@pytest.mark.requirement("DEF-10")
def test_what_those_before_stand_on_is_below(folder: Path, write: Callable[..., Path]) -> None:
    """Layers of a segment that comes before are computed too, and what is built on a member has all of it below."""
    put(write, "base")
    put(write, "first", above("base"), policy=placed(1))
    put(write, "second", policy=placed(2))
    put(write, "top", above("second"))
    found = loaded(folder)
    second, top = found["second"], found["top"]
    assert isinstance(second, Segment)
    assert isinstance(top, Segment)
    assert [one.name for one in second.builds_on] == ["base"]
    assert [one.name for one in top.builds_on] == ["base", "second"]
    assert [one.name for one in top.builds_on[1].after] == ["first"]


@pytest.mark.requirement("DEF-10")
def test_one_place_cannot_be_two_segments(folder: Path, write: Callable[..., Path]) -> None:
    """Both are broken and name both; so is whoever comes after them, and nobody before."""
    put(write, "first", policy=placed(0))
    put(write, "left", policy=placed(10))
    put(write, "right", policy=placed(10))
    put(write, "last", policy=placed(11))
    both = "priority = 10 of the waterfall retention is the same in left.sql and right.sql; give each its own place"
    assert broken(folder, "left") == f"segment_defs/left.sql: {both}"
    assert broken(folder, "right") == f"segment_defs/right.sql: {both}"
    assert broken(folder, "last") == (
        "segment_defs/last.sql: it comes after left in the waterfall retention, which is broken; mend left.sql"
    )
    assert isinstance(loaded(folder)["first"], Segment)


@pytest.mark.requirement("DEF-10")
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            'waterfall = "retention"',
            "segment_defs/lapsed.sql:9: waterfall = 'retention' without a priority; expected priority, a whole "
            "number: the lowest takes its people first",
        ),
        (
            "priority = 3",
            "segment_defs/lapsed.sql:9: priority without a waterfall decides nothing; expected waterfall, the name "
            "of the group in which it counts",
        ),
        (
            'waterfall = "The best"\npriority = 3',
            "segment_defs/lapsed.sql:9: 'waterfall' is not a group's name; expected the name of a group of segments "
            "that exclude each other: 1 to 64 of a-z, 0-9 and _",
        ),
        (
            'waterfall = "retention"\npriority = -1',
            "segment_defs/lapsed.sql:10: 'priority' is the number -1; expected a whole number from 0, the place in "
            "the waterfall: the lowest takes its people first",
        ),
        (
            'waterfall = "retention"\npriority = "first"',
            "segment_defs/lapsed.sql:10: 'priority' is the text 'first'; expected a whole number from 0, the place "
            "in the waterfall: the lowest takes its people first",
        ),
    ],
    ids=["no priority", "no waterfall", "not a name", "below nought", "a word"],
)
def test_a_slip_is_told(write: Callable[..., Path], lines: str, message: str) -> None:
    """With file, line and what was meant."""
    path = write(changes={"min_size = 100": f"min_size = 100\n{lines}"})
    with pytest.raises(SegmentError) as raised:
        parse(path, CATALOG, DESTINATIONS)
    assert str(raised.value) == message


@pytest.mark.requirement("DEF-10")
def test_nobody_is_built_on_who_comes_after(folder: Path, write: Callable[..., Path]) -> None:
    """A ring through the waterfall: who comes first would hang on who is left over."""
    put(write, "first", above("second"), policy=placed(1))
    put(write, "second", policy=placed(2))
    put(write, "aside", policy=placed(1, "other"))
    assert broken(folder, "first") == (
        "segment_defs/first.sql: it is built on itself through the waterfall retention: first → second → first; a "
        "segment that comes first cannot be built on one that comes after it"
    )
    assert "through the waterfall retention" in broken(folder, "second")
    assert isinstance(loaded(folder)["aside"], Segment)


@pytest.mark.requirement("DEF-10")
@pytest.mark.parametrize(
    "spoilt", ["select person_no from nowhere\n", "select person_no, from features where\n"]
)
def test_who_comes_after_a_broken_one_waits(folder: Path, write: Callable[..., Path], spoilt: str) -> None:
    """Whom a broken file would take cannot be told, so nobody who may be theirs moves on to the next."""
    put(write, "first", policy=placed(1))
    put(write, "second", spoilt, policy=placed(2))
    put(write, "third", policy=placed(3))
    assert isinstance(loaded(folder)["first"], Segment)
    assert broken(folder, "third") == (
        "segment_defs/third.sql: it comes after second in the waterfall retention, which is broken; mend second.sql"
    )


@pytest.mark.requirement("DEF-10")
def test_a_broken_place_is_before_everybody(folder: Path, write: Callable[..., Path]) -> None:
    """A header that is no TOML, and a priority that is no number: the whole group waits."""
    put(write, "first", policy=placed(1))
    put(write, "second", policy='waterfall = "retention"\npriority = soon')
    assert "it comes after second in the waterfall retention" in broken(folder, "first")
