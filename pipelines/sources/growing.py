"""CSV files to which lines are added while they are read: only whole lines count, each is read once.

Whoever writes may be in the middle of a line, so what follows the last whole one is left for the next time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.sources.model import Files

CHUNK = 1 << 20
REMEMBERED = 256
"""Bytes before a position by which the file is known again: another file in its place is read from its beginning."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read."""

    bytes: int = 0
    """All of them whole lines; 0: nothing."""
    before: str = ""
    """Digest of what stands before it."""


START = Position()


def grows_by_lines(files: Files, path: Path) -> bool:
    """Whether a file can be read on from where it was read to."""
    return files.format == "csv" and path.suffix != ".gz" and files.encoding != "utf-16"


def copy_new_lines(path: Path, piece: Path, since: Position = START, until: int | None = None) -> Position:
    """Copy a file's header and the whole lines after ``since`` into ``piece``, as far as ``until`` bytes.

    Answers where they end; the same position when there are none, and then nothing is copied. A line whose quotes are
    open is not whole.
    """
    with path.open("rb") as file:
        header = file.readline()
        start = since.bytes if since.bytes and _before(file, since.bytes) == since.before else 0
        end = _last_whole_line(path, start, until)
        if end == start or (start == 0 and end <= len(header)):
            return since if start else START
        with piece.open("wb") as copy:
            copy.write(header if start else b"")
            file.seek(start)
            left = end - start
            while left:
                chunk = file.read(min(CHUNK, left))
                copy.write(chunk)
                left -= len(chunk)
        return Position(end, _before(file, end))


def _last_whole_line(path: Path, start: int, until: int | None) -> int:
    """Where the last line ends that is whole and holds anything."""
    position, last, quotes = start, start, 0
    with path.open("rb") as file:
        file.seek(start)
        while (line := file.readline(CHUNK)) and (until is None or position + len(line) <= until):
            position += len(line)
            quotes += line.count(b'"')
            if line.endswith(b"\n") and line.strip() and quotes % 2 == 0:
                last = position
    return last


def _before(file: BinaryIO, position: int) -> str:
    file.seek(max(0, position - REMEMBERED))
    return hashlib.sha256(file.read(min(REMEMBERED, position))).hexdigest()[:16]
