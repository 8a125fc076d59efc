"""Fixtures of the delivery tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import Person, Platform, World


@pytest.fixture
def platform() -> Platform:
    """An empty platform that takes ten rows a request."""
    return Platform()


@pytest.fixture
def world() -> World:
    """Thirty people with e-mail and phone, all of whom agreed; one segment of the first twenty-five."""
    world = World()
    for n in range(30):
        world.put(n, Person(f"p{n}@example.com", f"+1 202 555 01{n:02d}"))
    world.want("vip", set(range(25)))
    return world
