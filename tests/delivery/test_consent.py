"""Consent decides who is in a payload, whatever else holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import Person, Platform, World, push_all


@pytest.mark.requirement("PRI-1")
@pytest.mark.privacy("P01")
def test_nobody_without_consent_is_ever_in_a_payload(tmp_path: Path) -> None:
    """Whatever consent, suppression and identifiers are, no payload holds a person who may not be sent."""
    world, platform = World(), Platform()
    for n in range(64):
        world.put(
            n,
            Person(
                f"p{n}@example.com" if n & 1 else None,
                f"202555{n:04d}" if n & 2 else None,
                city=str(n),
                granted=bool(n & 4),
                suppressed="unsubscribed" if n & 8 else None,
            ),
        )
    world.want("all", set(range(64)))
    push_all(world, platform, tmp_path, "all")
    sent = {int(city) for city in platform.payload_cities if city}
    assert sent == {n for n, person in world.people.items() if person.allowed}
