"""What DuckDB says is wrong, taken apart: its sentence and its place."""

from __future__ import annotations

import re

import duckdb


def sentence(error: duckdb.Error) -> str:
    """DuckDB's own words without their prefix and without the drawing of the place."""
    return re.sub(r"^\w+( \w+)* Error: ", "", str(error).splitlines()[0])


def place_of(error: duckdb.Error) -> tuple[int, int] | None:
    """Line and column (from 1) that DuckDB points at, None when it does not.

    DuckDB shortens long lines in its drawing, so the column counts from what is drawn only when the line
    is drawn from its beginning.
    """
    drawing = re.search(r"^(LINE (\d+): )(.*)\n( *)\^", str(error), re.MULTILINE)
    if drawing is None:
        return None
    column = len(drawing[4]) - len(drawing[1]) + 1
    return int(drawing[2]), 1 if drawing[3].startswith("...") else max(column, 1)
