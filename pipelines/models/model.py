"""A model as the rest of Turnout sees it: what it is called, how it is trained, and how a day is scored from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import duckdb
import pyarrow as pa

SCORED = pa.schema(
    [("person_no", pa.int32()), ("score", pa.float64()), ("label", pa.string()), ("reasons", pa.string())]
)
"""What scoring a day gives: each person once. ``score`` is what the model's ``unit`` says, ``label`` the group of a
model that groups people and null otherwise, ``reasons`` a sentence or null."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that a trained version must meet before anybody is scored with it."""

    name: str
    passed: bool
    says: str
    """What was asked and what was found, in numbers."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about a trained version."""

    name: str
    value: float
    says: str
    """What the number means, for somebody who reads the card."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table about a trained version: calibration, gain, what it looks at. Never a row a person."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """One day of the past whose people were looked at, and what became of them after it."""

    role: str
    """``training``, ``calibration`` or ``test``: each begins when the one before is over."""
    as_of: date
    until: date
    """The last day whose events it looks at."""
    people: int
    positives: int | None = None
    """Of a model that predicts whether something happens: to how many it did."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave: everything that scoring needs, and everything that its card says."""

    files: Mapping[str, bytes]
    """The frozen model by file name: JSON or another text, nothing that runs code when it is read."""
    kind: str
    """How it was made, in a word or two: ``logistic regression``, ``k-means`` …"""
    features: tuple[str, ...]
    windows: tuple[Window, ...]
    measures: tuple[Measure, ...]
    gates: tuple[Gate, ...]
    sheets: tuple[Sheet, ...] = ()
    libraries: tuple[str, ...] = ()
    """The packages that trained it, by the names they are installed under; their versions go onto the card."""

    @property
    def accepted(self) -> bool:
        """Whether every gate let it through."""
        return all(gate.passed for gate in self.gates)


class Model(Protocol):
    """A declaration: frozen, cheap to make, without state. Everything that was learnt is in a version's files."""

    @property
    def name(self) -> str:
        """snake_case; how segments, commands and folders call it."""
        ...

    @property
    def title(self) -> str:
        """A short name people can say."""
        ...

    @property
    def description(self) -> str:
        """What it says of whom, and by which definition."""
        ...

    @property
    def unit(self) -> str:
        """What ``score`` is: ``probability``, ``dollars of the next 26 weeks``, ``distance to the centre`` …"""
        ...

    @property
    def policy(self) -> tuple[str, ...]:
        """Sensitive categories of the prediction; a segment that reads it has them too."""
        ...

    def days(self, as_of: date) -> Sequence[date]:
        """The past days whose features must be there to train with what was known at the end of ``as_of``."""
        ...

    def train(self, con: duckdb.DuckDBPyConnection, as_of: date) -> Trained:
        """Learn from what had happened by the end of ``as_of`` and nothing later; the same data give the same files.

        ``con`` reads the warehouse. Raises ModelError where there is too little to learn from, or a package is
        missing.
        """
        ...

    def score(self, con: duckdb.DuckDBPyConnection, as_of: date, files: Mapping[str, bytes]) -> pa.Table:
        """Everybody the model has something to say of on a day, from a version's files alone, as ``SCORED``.

        Raises ModelError.
        """
        ...
