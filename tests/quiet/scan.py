"""Searching everything under a folder for canaries: file names, bytes, database cells, packed contents."""

from __future__ import annotations

import gzip
import re
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.quiet.canaries import STEM, Canary, digests

_HEX = re.compile(rb"[0-9A-Fa-f]{32,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{43,}")
_NUMBER = re.compile(rb"\+?\d(?:[ ().\-]{0,3}\d){9,}")
_STEM = re.compile(STEM.encode(), re.IGNORECASE)
_STEM_UTF16 = re.compile(b"\0".join(bytes([c]) for c in STEM.encode()), re.IGNORECASE)
_SQLITE = b"SQLite format 3\0"
HEX_LENGTHS = (32, 40, 64)
BASE64_LENGTH = 43
"""SHA-256 in base64, the padding aside."""


@dataclass(slots=True)
class Scan:
    """What was looked at, and what was found."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    """Lines of text, and rows of databases."""
    leaks: list[str] = field(default_factory=list)
    """``place: kind of leak``; never the leaked text itself."""

    def __str__(self) -> str:
        return f"{len(self.leaks)} leaks in {self.lines:,} lines, {self.bytes:,} bytes, {self.files} files"


class Scanner:
    """Finds canaries in bytes, whatever surrounds them."""

    def __init__(self, people: Iterable[Canary], secrets: Iterable[str] = ()) -> None:
        """``secrets`` are texts in which the canaries' mark cannot be seen, such as a packed credential."""
        self._secrets = [secret.encode() for secret in secrets]
        self._digests: set[bytes] = set()
        self._numbers: set[bytes] = set()
        for person in people:
            self._numbers.add(person.digits[1:].encode())
            for text in person.texts():
                for digest in digests(text):
                    self._digests.add(digest.rstrip("=").encode())

    def find(self, content: bytes) -> set[str]:
        """The kinds of leak in some bytes."""
        found = set()
        if _STEM.search(content) or _STEM_UTF16.search(content):
            found.add("a text of a canary")
        if any(secret in content for secret in self._secrets):
            found.add("a packed secret")
        if any(self._digests & set(_windows(run, HEX_LENGTHS)) for run in _runs(_HEX, content.lower())):
            found.add("a hex digest")
        if any(self._digests & set(_windows(run, (BASE64_LENGTH,))) for run in _runs(_BASE64, content)):
            found.add("a base64 digest")
        if any(self._numbers & set(_windows(_digits(run), (10,))) for run in _runs(_NUMBER, content)):
            found.add("a phone number")
        return found

    def scan(self, root: Path, allowed: Collection[Path] = ()) -> Scan:
        """Look at every file below ``root``, but for the ``allowed`` files and folders."""
        scan = Scan()
        for path in sorted(root.rglob("*")):
            if path.is_dir() or any(path == one or path.is_relative_to(one) for one in allowed):
                continue
            place = str(path.relative_to(root))
            self._look(scan, "the name of a file", place.encode())
            scan.files += 1
            content = path.read_bytes()
            scan.bytes += len(content)
            scan.lines += content.count(b"\n")
            for kind, part in _parts(path, content):
                scan.lines += kind == "a row"
                self._look(scan, place, part)
        return scan

    def _look(self, scan: Scan, place: str, content: bytes) -> None:
        scan.leaks += [leak for kind in self.find(content) if (leak := f"{place}: {kind}") not in scan.leaks]


def _runs(pattern: re.Pattern[bytes], content: bytes) -> Iterator[bytes]:
    return (match[0] for match in pattern.finditer(content))


def _windows(run: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    for length in lengths:
        for start in range(len(run) - length + 1):
            yield run[start : start + length]


def _digits(run: bytes) -> bytes:
    return bytes(c for c in run if 48 <= c <= 57)


def _parts(path: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, unpacked where it is packed, and a database's rows: pages cut long texts in pieces."""
    yield "the bytes", content
    if content.startswith(b"\x1f\x8b"):
        yield "unpacked", gzip.decompress(content)
    if content.startswith(_SQLITE):
        yield from (("a row", row) for row in _rows(path))


def _rows(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            quoted = table.decode().replace('"', '""')
            for row in connection.execute(f'select * from "{quoted}"'):
                yield b"\n".join(_unpacked(cell) for cell in row)


def _unpacked(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return cell + b"\n" + zlib.decompress(cell)
    except zlib.error:
        return cell
