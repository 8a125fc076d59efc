"""Running a statement that somebody else wrote: stopped in time, and its errors told without the data's values."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipelines.segments.duckdb_errors import place_of, sentence
from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment

SAYINGS: tuple[tuple[type[duckdb.Error], str, str], ...] = (
    (
        duckdb.OutOfMemoryException,
        "the query needs more memory or disk than it is given",
        "join or group on fewer rows, or raise TURNOUT_MEMORY_LIMIT",
    ),
    (
        duckdb.ConversionException,
        "a value could not be converted to the type asked for",
        "use try_cast, which gives null instead",
    ),
    (
        duckdb.OutOfRangeException,
        "a number went out of its type's range",
        "cast to a wider type first",
    ),
    (
        duckdb.InvalidInputException,
        "a function got a value it cannot work with",
        "filter such rows out first, or use a try_ variant",
    ),
)
"""What may go wrong on real data. DuckDB's own texts quote the value, which may be somebody's; ours never do."""

BOUND_TO_NAMES = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
"""Errors found before any row is read: their texts hold only what the author wrote."""


@contextmanager
def time_limit(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt whatever ``cursor`` runs inside the block once ``seconds`` have passed."""
    ended = threading.Event()
    turn = threading.Lock()

    def stop() -> None:
        with turn:
            if not ended.is_set():
                cursor.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        # Under the lock, so that a late interrupt can never hit the statement after the block.
        with turn:
            ended.set()
        timer.cancel()


@contextmanager
def explained(segment: Segment, *, lines_before: int, seconds: float) -> Iterator[None]:
    """Turn DuckDB's errors about the segment's SQL into a SegmentError at the file's own line.

    ``lines_before`` is how many lines stood above the author's SQL in the statement that ran.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise SegmentError(
            segment.path,
            f"the query was stopped after {seconds:g} seconds",
            fix="make it cheaper, or raise TURNOUT_SEGMENT_TIMEOUT_SECONDS",
        ) from None
    except duckdb.Error as error:
        place = place_of(error)
        line = None if place is None else segment.sql_line + place[0] - lines_before - 1
        raise _told(segment, error, line) from None


def _told(segment: Segment, error: duckdb.Error, line: int | None) -> SegmentError:
    if isinstance(error, BOUND_TO_NAMES):
        return SegmentError(segment.path, sentence(error), line=line)
    for kind, saying, fix in SAYINGS:
        if isinstance(error, kind):
            return SegmentError(segment.path, saying, line=line, fix=fix)
    return SegmentError(segment.path, f"the query failed ({type(error).__name__})", line=line)
