"""What a run has hashed for the ledger is what it sends; nobody is normalised twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from world import HASHED, Person, Platform, World, digest, push_all

from connectors.identity import Identity
from pipelines.delivery import fresh
from pipelines.engine import Export, PeopleByNumber


@dataclass
class CountingWorld(World):
    """Counts the people whose identifiers are asked for by number."""

    asked: list[int] = field(default_factory=list)

    def export(self, export: Export) -> pa.RecordBatchReader:
        if isinstance(export, PeopleByNumber):
            self.asked.append(len(export.numbers))
        return super().export(export)


@pytest.fixture
def counting() -> CountingWorld:
    """Thirty people in two overlapping segments."""
    world = CountingWorld()
    for n in range(30):
        world.put(n, Person(f"p{n}@example.com", f"+1 202 555 01{n:02d}"))
    world.want("vip", set(range(25)))
    world.want("new", set(range(20, 30)))
    return world


def hashed_platform(identity: Identity = HASHED) -> Platform:
    """A platform all of whose columns are digests."""
    platform = Platform()
    platform.identity = identity
    return platform


def test_a_first_push_asks_for_nobodys_identifiers_again(counting: CountingWorld, tmp_path: Path) -> None:
    """All audiences of a first run are sent from what was hashed once, and it is the right thing."""
    platform = hashed_platform()
    push_all(counting, platform, tmp_path, "vip", "new")
    assert counting.asked == [0, 0]
    assert platform.members("vip") == counting.desired("vip")
    assert platform.members("new") == counting.desired("new")
    assert set(platform.payload_cities) == {digest("springfield")}


def test_a_later_push_asks_for_those_who_join(counting: CountingWorld, tmp_path: Path) -> None:
    """Who joins without having changed is read; who changed is hashed once, and sent as they are now."""
    platform = hashed_platform()
    push_all(counting, platform, tmp_path, "vip")
    counting.asked.clear()
    counting.change(3, email="new.address@example.com")
    counting.want("vip", set(range(27)))
    push_all(counting, platform, tmp_path, "vip")
    assert counting.asked == [2]
    assert platform.members("vip") == counting.desired("vip")


def test_beyond_the_room_people_are_read_again(
    counting: CountingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is bounded: the others' identifiers are read when they are sent."""
    monkeypatch.setattr(fresh, "MOST_VALUES", 30)
    platform = hashed_platform()
    push_all(counting, platform, tmp_path, "vip")
    assert counting.asked == [15]
    assert platform.members("vip") == counting.desired("vip")


def test_plain_contact_data_is_not_kept(counting: CountingWorld, tmp_path: Path) -> None:
    """An identity with a plain column keeps nobody: everybody to add is read when they are sent."""
    platform = Platform()
    push_all(counting, platform, tmp_path, "vip")
    assert counting.asked == [25]
