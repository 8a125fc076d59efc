from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import bare, computed, computed_once, pushed, pushed_once, shop, turnout
from tests.delivery.world import Person, Platform, World
from tests.upkeep.town import built_once, town

__all__ = [
    "bare",
    "built_once",
    "computed",
    "computed_once",
    "pushed",
    "pushed_once",
    "shop",
    "town",
    "turnout",
]


@pytest.fixture
def world() -> World:
    """Thirty people, all of whom segment ``vip`` wants."""
    made = World()
    for number in range(30):
        made.put(number, Person(f"p{number}@example.com", f"+1 555 01{number:04}"))
    made.want("vip", set(range(30)))
    return made


@pytest.fixture
def platform() -> Platform:
    """A platform that remembers."""
    return Platform()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder."""
    return tmp_path / "state"
