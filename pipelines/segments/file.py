"""A segment file as text: a block comment that is TOML, then SQL, each with the line it begins on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.segments.errors import SegmentError

NAME = re.compile(r"[a-z0-9_]{1,64}")
LARGEST_FILE = 128 * 1024
"""Bytes: no segment that people write and read comes near."""

RESERVED_NAMES = (
    frozenset({"segment_runs", "con", "prn", "aux", "nul"})
    | {f"com{number}" for number in range(10)}
    | {f"lpt{number}" for number in range(10)}
)
"""The warehouse's own table beside the segments, and names that Windows keeps for devices."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """The parts of one file; line numbers count from 1."""

    path: Path
    name: str
    header: str
    header_line: int
    """Line of the file on which ``header`` begins."""
    sql: str
    sql_line: int


def read_file(path: Path) -> SegmentFile:
    """Split a segment file; raises SegmentError when its name, its encoding or its shape is wrong."""
    name = _name(path)
    text = _text(path)
    start = re.match(r"\s*/\*", text)
    if start is None:
        raise SegmentError(
            path,
            "the file does not begin with a header",
            line=1,
            expected="a block comment /* … */ with title, owner, goal and so on",
        )
    end = text.find("*/", start.end())
    if end < 0:
        raise SegmentError(
            path,
            "the header's /* is never closed",
            line=_line(text, start.end()),
            expected="*/ before the SQL",
        )
    header = text[start.end() : end]
    if "/*" in header:
        # DuckDB nests comments: there the header would end later than it does here.
        place = start.end() + header.index("/*")
        raise SegmentError(
            path, "the header holds another /*", line=_line(text, place), fix="comment with # instead"
        )
    sql = text[end + len("*/") :]
    before = len(sql) - len(sql.lstrip())
    sql_start = end + len("*/") + before
    return SegmentFile(
        path, name, header, _line(text, start.end()), sql.strip(), _line(text, min(sql_start, len(text) - 1))
    )


def check_name(path: Path, name: str, *, what: str = "segment name", line: int | None = None) -> None:
    """Raise SegmentError unless ``name`` can be an asset, a table and a file everywhere."""
    if not NAME.fullmatch(name):
        raise SegmentError(
            path,
            f"{what} {_shown(name)} is not usable",
            line=line,
            expected="1 to 64 of a-z, 0-9 and _",
        )
    if name in RESERVED_NAMES:
        raise SegmentError(path, f"{what} {name!r} is reserved", line=line, fix="take another name")


def _name(path: Path) -> str:
    name = path.name.removesuffix(".sql")
    check_name(path, name)
    if path.resolve().parent != path.parent.resolve():
        raise SegmentError(path, "the file is a link out of its folder", fix="put the file itself here")
    return name


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SegmentError(path, f"the file cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise SegmentError(path, f"the file is larger than {LARGEST_FILE // 1024} KB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SegmentError(path, "the file is not UTF-8 text", line=line, fix="save it as UTF-8") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise SegmentError(path, "the file holds a NUL character", line=_line(text, text.index("\0")))
    return text


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, max(offset, 0)) + 1


def _shown(name: str) -> str:
    shown = name.encode("unicode_escape").decode()
    return repr(name) if shown == name and len(name) <= 80 else f"'{shown[:80]}'"
