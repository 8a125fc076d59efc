"""TOML with the line of every key, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

Path = tuple[str, ...]
MOST_LINES = 400
"""Finding lines parses once a line; a header is some twenty lines."""


class TomlError(Exception):
    """The text is not TOML; ``line`` counts from 1 within the text."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Toml:
    """The values of a text; the lines of its keys are found only when something is asked about one."""

    def __init__(self, text: str) -> None:
        """Parse ``text``; raises TomlError."""
        self._rows = text.splitlines()
        if len(self._rows) > MOST_LINES:
            raise TomlError(f"longer than {MOST_LINES} lines", MOST_LINES)
        self.values: Mapping[str, Any] = _parse(text, len(self._rows))

    def line(self, path: Path) -> int:
        """The line (from 1) on which ``path`` first stands, or the nearest table above it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        """A key's line is where the shortest beginning of the text that parses and holds the key adds it: exact
        for every spelling TOML knows, without a second grammar here."""
        lines: dict[Path, int] = {}
        first = 1
        for count in range(1, len(self._rows) + 1):
            try:
                so_far = tomllib.loads("\n".join(self._rows[:count]))
            except tomllib.TOMLDecodeError:
                continue
            first = _first_with_text(self._rows, first)
            for path in _paths(so_far):
                lines.setdefault(path, first)
            first = count + 1
        return lines


def _parse(text: str, rows: int) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(r" \((?:at line (\d+), column \d+|at end of document)\)$", message)
        line = int(place[1]) if place and place[1] else max(rows, 1)
        raise TomlError(message[: place.start()] if place else message, line) from None
    except RecursionError:
        raise TomlError("nested too deeply", 1) from None


def _first_with_text(rows: list[str], start: int) -> int:
    for number in range(start, len(rows) + 1):
        row = rows[number - 1].strip()
        if row and not row.startswith("#"):
            return number
    return start


def _paths(values: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
