"""What is known of platforms beyond their connectors: expected match, sizes of lookalike seeds, and sources of both."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("platforms.toml")


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform; the smallest audience that it uses is its connector's ``limits.min_size``."""

    match: float
    """Share of the people sent whom it may be expected to recognise, 0 to 1."""
    match_source: str
    source: str
    """Where the connector's smallest audience comes from."""
    seen: date
    """When that was looked up."""
    seed: tuple[int, int] | None = None
    """From how many to how many people a seed for lookalikes should have, where the platform says so."""


@cache
def platforms() -> Mapping[str, Platform]:
    """Every platform of the file, by its connector's name."""
    written = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: _platform(entry) for name, entry in written.items()}


def _platform(entry: dict[str, object]) -> Platform:
    seed = entry.pop("seed", None)
    assert seed is None or isinstance(seed, list)
    return Platform(**entry, seed=None if seed is None else (seed[0], seed[1]))  # type: ignore[arg-type]


def expected_match(connector: str) -> float:
    """The share of people sent who are expected to be recognised; 1 where people are known by their address."""
    known = platforms().get(connector)
    return known.match if known else 1.0
