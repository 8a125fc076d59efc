"""Segments built from segments: read by name, each on everything below it; rings and broken layers are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.segments.load import BrokenSegment, load_segments
from pipelines.segments.model import Segment
from tests.segments.conftest import CATALOG, DESTINATIONS, GOOD

SYNCS = GOOD[GOOD.index("[sync.ads]") : GOOD.index("*/")]
RULE = GOOD[GOOD.index("select") :]


def put(write: Callable[..., Path], name: str, sql: str = RULE, policy: str = "") -> None:
    """A segment of this rule without an audience."""
    write(name, {SYNCS: "", RULE: sql, "min_size = 100": f"min_size = 100\n{policy}"})


def loaded(folder: Path) -> dict[str, Segment | BrokenSegment]:
    """Every file of the folder, by name."""
    return {one.name: one for one in load_segments(folder, CATALOG, DESTINATIONS)}


def above(*layers: str) -> str:
    """A rule on other segments."""
    joins = "\n".join(f"semi join {layer} using (person_no)" for layer in layers)
    return f"select person_no\nfrom features\n{joins}\n"


@pytest.mark.requirement("DEF-5")
def test_a_segment_reads_others_by_name(folder: Path, write: Callable[..., Path]) -> None:
    """It knows its layers, everything below them in order, their tables, and what is sensitive about them."""
    put(write, "buyers", "select person_no from orders\n")
    put(write, "drinkers", policy='policy = ["alcohol"]')
    put(write, "pair", above("buyers", "drinkers"))
    put(write, "top", "select person_no from pair\nexcept\nselect person_no from buyers\n")
    found = loaded(folder)
    pair, top = found["pair"], found["top"]
    assert isinstance(pair, Segment)
    assert isinstance(top, Segment)
    assert (pair.layers, [one.name for one in pair.builds_on]) == (
        ("buyers", "drinkers"),
        ["buyers", "drinkers"],
    )
    assert (pair.reads, pair.policy) == ({"features", "orders"}, ("alcohol",))
    assert top.layers == ("buyers", "pair")
    assert [one.name for one in top.builds_on] == ["buyers", "drinkers", "pair"]
    assert top.policy == ("alcohol",)


@pytest.mark.requirement("DEF-5")
@pytest.mark.bad_input("B83")
def test_a_ring_breaks_everybody_in_it(folder: Path, write: Callable[..., Path]) -> None:
    """Each file of the ring is broken and shows the way round; what stands beside it is not."""
    put(write, "one", above("two"))
    put(write, "two", above("three"))
    put(write, "three", above("one"))
    put(write, "four")
    found = loaded(folder)
    assert isinstance(found["four"], Segment)
    for name in ("one", "two", "three"):
        broken = found[name]
        assert isinstance(broken, BrokenSegment)
        assert "it is built on itself: " in str(broken.error)
        assert "one → two → three → one" in str(broken.error)


@pytest.mark.requirement("DEF-5")
def test_a_segment_on_itself(folder: Path, write: Callable[..., Path]) -> None:
    """The shortest ring."""
    put(write, "self_made", above("self_made"))
    broken = loaded(folder)["self_made"]
    assert isinstance(broken, BrokenSegment)
    assert str(broken.error) == (
        "segment_defs/self_made.sql: it is built on itself: self_made → self_made; take one of the layers out"
    )


@pytest.mark.requirement("DEF-5")
def test_a_broken_layer_breaks_what_is_on_top(folder: Path, write: Callable[..., Path]) -> None:
    """The file that must be mended is named, at any height."""
    put(write, "base", "select person_no from nowhere\n")
    put(write, "middle", above("base"))
    put(write, "top", above("middle"))
    found = loaded(folder)
    for name, below in (("middle", "base"), ("top", "middle")):
        broken = found[name]
        assert isinstance(broken, BrokenSegment)
        assert str(broken.error) == (
            f"segment_defs/{name}.sql: it is built on {below}, which is broken; mend {below}.sql"
        )


@pytest.mark.bad_input("B84")
def test_an_unknown_layer_has_its_nearest_name(folder: Path, write: Callable[..., Path]) -> None:
    """A slip in a layer's name is told like one in a table's."""
    put(write, "champions")
    put(write, "top", above("champion"))
    broken = loaded(folder)["top"]
    assert isinstance(broken, BrokenSegment)
    assert "unknown table 'champion'; did you mean 'champions'?" in str(broken.error)


@pytest.mark.requirement("DEF-5")
def test_a_layer_has_nothing_but_people(folder: Path, write: Callable[..., Path]) -> None:
    """Of a layer, only who is in it can be read."""
    put(write, "base")
    put(write, "top", "select person_no from base where spend > 3\n")
    broken = loaded(folder)["top"]
    assert isinstance(broken, BrokenSegment)
    assert "unknown column 'spend'" in str(broken.error)


def test_a_table_keeps_its_name(folder: Path, write: Callable[..., Path]) -> None:
    """A segment that is called like a table does not hide it."""
    put(write, "orders")
    put(write, "top", "select person_no from orders where amount > 3\n")
    top = loaded(folder)["top"]
    assert isinstance(top, Segment)
    assert (top.layers, top.reads) == ((), {"orders"})
