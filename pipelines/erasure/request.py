"""An erasure request as somebody wrote it down: who is to be forgotten.

CSV with a header, or JSON or TOML with a list ``people``; each person by ``customer_id``, ``external_id``, ``email``
or ``phone``, one or several. What is written is never repeated in a message.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

MOST_PEOPLE = 10_000
LARGEST_FILE = 10_000_000
"""Bytes; a request is a list of people, not an export."""
PLACEHOLDERS = frozenset({"null", "none", "nan", "n/a", "na", "-", "undefined", "unknown", "test@test.com"})
SUFFIXES = (".csv", ".json", ".toml")


class RequestError(Exception):
    """The file cannot be taken as a request: names the file, the place in it and the fix, never a value."""

    def __init__(self, place: str, found: str, fix: str) -> None:
        super().__init__(f"{place}: {found}; {fix}. Nothing was erased")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One person to forget, as asked."""

    customer_id: str | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def named(self) -> bool:
        """Whether an id says who it is; else everybody is meant who has the address or number."""
        return bool(self.customer_id or self.external_id)

    def __repr__(self) -> str:
        return "Wanted(…)"


NAMES = tuple(field.name for field in fields(Wanted))


def read_request(path: Path) -> tuple[Wanted, ...]:
    """Everybody whom a file asks to forget, in its order.

    Raises RequestError naming file, line or person, and what to do; FileNotFoundError when there is no file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such request file")
    if path.suffix not in SUFFIXES:
        raise RequestError(str(path), "its kind is not known by its name", f"call it {', '.join(SUFFIXES)}")
    if path.stat().st_size > LARGEST_FILE:
        raise RequestError(str(path), "it is too large for a list of people", "hand in a request in parts")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise RequestError(f"{path}:{line}", "is not UTF-8", "save the file as UTF-8") from None
    reader = {".csv": _of_csv, ".json": _of_json, ".toml": _of_toml}[path.suffix]
    people: dict[Wanted, str] = {}
    for place, row in reader(path, text):
        wanted = _person(place, row)
        if wanted in people:
            raise RequestError(place, f"the same person as {people[wanted]}", "leave one of them out")
        people[wanted] = place
    if not people:
        raise RequestError(str(path), "it names nobody", "list at least one person")
    if len(people) > MOST_PEOPLE:
        raise RequestError(str(path), f"it names more than {MOST_PEOPLE:,} people", "hand it in in parts")
    return tuple(people)


Placed = tuple[str, Mapping[str, object]]


def _of_csv(path: Path, text: str) -> Iterator[Placed]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        _known(f"{path}:1", header)
        if len(set(header)) != len(header):
            raise RequestError(f"{path}:1", "a column is there twice", "leave one of them out")
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if not row:
                continue
            if len(row) != len(header):
                raise RequestError(
                    place, f"{len(row)} columns where the header has {len(header)}", "repair that line"
                )
            yield place, {name: value or None for name, value in zip(header, row, strict=True)}
    except csv.Error as error:
        raise RequestError(f"{path}:{reader.line_num}", f"is no CSV ({error})", "repair that line") from None


def _of_json(path: Path, text: str) -> Iterator[Placed]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(
            f"{path}:{error.lineno}", f"is no JSON ({error.msg})", "repair that line"
        ) from None
    yield from _listed(path, found)


def _of_toml(path: Path, text: str) -> Iterator[Placed]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        place = f"{path}:{at[1]}" if at else str(path)
        raise RequestError(place, "is no TOML", "repair that line") from None
    yield from _listed(path, found)


def _listed(path: Path, found: object) -> Iterator[Placed]:
    if not isinstance(found, dict) or set(found) != {"people"} or not isinstance(found["people"], list):
        raise RequestError(
            str(path), "it is not a list of people", "write one list named people and nothing else"
        )
    for number, person in enumerate(found["people"], 1):
        if not isinstance(person, dict):
            raise RequestError(f"{path}, person {number}", "is no table", f"give {', '.join(NAMES)}")
        yield f"{path}, person {number}", person


def _person(place: str, row: Mapping[str, object]) -> Wanted:
    _known(place, list(row))
    values: dict[str, str] = {}
    for name, value in row.items():
        if value is None:
            continue
        if not isinstance(value, str):
            raise RequestError(place, f"{name} is no text", "put it in quotes")
        values[name] = _usable(place, name, value.strip())
    if not values:
        raise RequestError(place, "it identifies nobody", f"give at least one of {', '.join(NAMES)}")
    return Wanted(**values)


def _known(place: str, names: list[str]) -> None:
    if not names:
        raise RequestError(place, "it has no header", f"begin with a line of {', '.join(NAMES)}")
    for name in names:
        if name not in NAMES:
            close = get_close_matches(name, NAMES, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}? " if close else ""
            raise RequestError(place, "a column or key is not known", f"{hint}known: {', '.join(NAMES)}")


def _usable(place: str, name: str, value: str) -> str:
    if not value or value.lower() in PLACEHOLDERS:
        raise RequestError(
            place, f"{name} is empty or a placeholder", "give the person's own, or leave it out"
        )
    if name == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise RequestError(place, "email is no address", "write it as name@example.com")
    if name == "phone" and len(re.sub(r"\D", "", value)) < 7:
        raise RequestError(place, "phone has fewer than seven digits", "write the whole number")
    return value
