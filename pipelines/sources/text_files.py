"""Looking at a CSV file before it is read: its header, its encoding, and how many rows it must give.

DuckDB's own guessing is never used: on a ragged file it has been seen to skip the header and drop rows without a
word. The count made here is compared with the rows that arrived.
"""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.sources.errors import SourceError

CHUNK = 1 << 20
SMALL = 64 * CHUNK
MOST_UNPACKED = 200
"""Tables pack to a tenth or a twentieth of their size; a file that unpacks to far more was made to fill disks."""
BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a CSV file says about itself."""

    header: tuple[str, ...]
    rows: int


def outline(path: Path, label: str, *, delimiter: str, encoding: str) -> Outline:
    """Header and number of rows of a CSV file, in bounded memory.

    Raises SourceError for an empty file, bytes that are not in the encoding, or a damaged archive.
    """
    try:
        lines, quoted = _scan(path, label, encoding)
        with _opened(path) as raw:
            reader = csv.reader(_decoded(raw, encoding), delimiter=delimiter, strict=True)
            header = next((row for row in reader if row), None)
            if header is None:
                raise SourceError(label, "the file is empty", "deliver it again; it must have a header line")
            # Only a quoted field can hold a line break, so without quotes lines are rows.
            rows = sum(1 for row in reader if row) if quoted else lines - 1
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise SourceError(
            label, f"cannot be read: {type(error).__name__}", "check that it was transferred whole"
        ) from error
    except csv.Error as error:
        raise SourceError(
            label, f"line {reader.line_num}: {error}", "repair the quotes of that line"
        ) from None
    return Outline(tuple(header), rows)


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _decoded(raw: BinaryIO | gzip.GzipFile, encoding: str) -> Iterator[str]:
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    return codecs.getreader(name)(raw)


def _scan(path: Path, label: str, encoding: str) -> tuple[int, bool]:
    """Number of lines that hold anything, and whether a quote occurs; checks every byte's encoding."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    lines, breaks, filled, quoted = 0, 0, False, False
    most = max(SMALL, path.stat().st_size * MOST_UNPACKED)
    with _opened(path) as raw:
        while True:
            chunk = raw.read(CHUNK)
            if raw.tell() > most:
                raise SourceError(
                    label,
                    f"unpacks to over {MOST_UNPACKED} times its size",
                    "deliver it unpacked if that is right",
                )
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line = breaks + 1 + chunk[: error.start].count(b"\n")
                raise SourceError(
                    label,
                    f"line {line}: bytes that are not {encoding}",
                    'save it as UTF-8, or declare its encoding ("latin-1", "utf-16")',
                ) from None
            if "\0" in text:
                line = breaks + 1 + text[: text.index("\0")].count("\n")
                raise SourceError(label, f"line {line}: a NUL byte", "remove it where the file is made")
            breaks += text.count("\n")
            quoted = quoted or '"' in text
            found, filled = _filled_lines(text.replace("\r\n", "\n").replace("\r", "\n"), filled)
            lines += found
            if not chunk:
                return lines + filled, quoted


def _filled_lines(text: str, filled: bool) -> tuple[int, bool]:
    """Lines that end in ``text`` and hold anything; ``filled`` says so of a line begun before, and after, it."""
    if not text:
        return 0, filled
    if "\n\n" not in text and (filled or not text.startswith("\n")):
        return text.count("\n"), not text.endswith("\n")
    first, *rest = text.split("\n")
    pieces = [first or ("x" if filled else ""), *rest]
    return sum(1 for piece in pieces[:-1] if piece), bool(pieces[-1])
