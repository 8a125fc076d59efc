"""What a segment may read: the names, columns and types of the warehouse, known without any data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Column:
    """One column a segment may name."""

    name: str
    type: str
    """DuckDB's type, in its own spelling (``INTEGER``, ``DECIMAL(18,2)``, ``VARCHAR[]`` …)."""
    description: str = ""
    among_people: bool = False
    """A person's value also depends on other people: a rank, or a count of colleagues."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table a segment may read.

    ``time_column`` is what a reading as of a day is cut by: only rows before the window's end exist for the
    segment. None means a table without time (products, say). For ``features`` it is ``as_of`` itself.
    """

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    time_column: str | None = None
    description: str = ""
    is_segment: bool = False
    """Another segment, which one may be built on."""


Catalog = Mapping[str, Table]
"""Table name to table."""
