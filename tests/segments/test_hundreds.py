"""A large shop: hundreds of segments for ten destinations are read, checked and drawn as one project."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipelines.project import Project
from tests.assets.shop import BUYERS, Shop

SEGMENTS, DESTINATIONS = 500, 10
MOST_SECONDS = 120


@pytest.mark.bad_input("B93")
def test_five_hundred_segments_for_ten_destinations(tmp_path: Path) -> None:
    """Each file is bound to the catalogue and held against all others; none is lost, and it takes seconds."""
    destinations = {f"d{number}": "file" for number in range(DESTINATIONS)}
    shop = Shop(tmp_path, people=10, destinations=destinations)
    shop.sources.mkdir(parents=True)
    shop.segment_defs.mkdir()
    (shop.sources / "sources.toml").write_text(
        '[source.customers]\ncontract = "customers"\ncsv = "customers.csv"\n'
    )
    for number in range(SEGMENTS):
        shop.segment(f"segment_{number}", BUYERS, list(destinations))
    started = time.monotonic()
    project = Project(shop.settings())
    assert project.broken == ()
    assert len(project.segments) == SEGMENTS
    assert sum(len(project.audiences(name)) for name in destinations) == SEGMENTS * DESTINATIONS
    assert time.monotonic() - started < MOST_SECONDS
