"""The catalogue's entries: what stands in the data files beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent


class Kind(StrEnum):
    """The lists; each is named as the marker that tests use for it."""

    PROMISE = "promise"
    FAULT = "fault"
    BAD_INPUT = "bad_input"
    PRIVACY = "privacy"
    REQUIREMENT = "requirement"


NUMBERED = {Kind.FAULT: ("F", 64), Kind.BAD_INPUT: ("B", 108), Kind.PRIVACY: ("P", 50)}
"""Letter and number of the last entry: none may be missing between the first and the last."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One promise, fault, bad input or requirement."""

    id: str
    name: str
    """The fault, the input or the requirement, in a few words."""
    happens: str | None = None
    """What Turnout does with the input; what the promise says."""
    group: str | None = None
    """Under which heading a requirement stands."""
    reason: str | None = None
    """Why no test proves it: what it is about does not exist here. None: tests must."""


class WrongEntry(ValueError):
    """A data file that cannot be read as a list of entries."""


Catalogue = Mapping[Kind, Mapping[str, Entry]]
"""Entries by kind and id, in the order of the files."""


def read_catalogue(folder: Path = FOLDER) -> Catalogue:
    """All entries. Raises WrongEntry naming file and id."""
    return {kind: _read(kind, folder / f"{kind}.toml") for kind in Kind}


def _read(kind: Kind, path: Path) -> Mapping[str, Entry]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = {id_: _entry(path, id_, written) for id_, written in document.items()}
    if kind in NUMBERED:
        letter, last = NUMBERED[kind]
        expected = [f"{letter}{number:02}" for number in range(1, last + 1)]
        if list(entries) != expected:
            wrong = sorted(set(entries) ^ set(expected)) or ["the order"]
            raise WrongEntry(
                f"{path.name}: {', '.join(wrong)}: expected {expected[0]} to {expected[-1]} in order"
            )
    return entries


def _entry(path: Path, id_: str, written: Mapping[str, str]) -> Entry:
    unknown = set(written) - {"name", "happens", "group", "reason"}
    if unknown or not written.get("name"):
        raise WrongEntry(
            f"{path.name}: {id_}: an entry has name, happens, group and reason; found {sorted(written)}"
        )
    return Entry(id_, written["name"], written.get("happens"), written.get("group"), written.get("reason"))
