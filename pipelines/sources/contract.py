"""What a contract is: the columns of one kind of table, its key and its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a contract."""

    name: str
    type: str
    description: str
    required: bool = False
    """The source must have the column, and every row a value in it."""
    personal: bool = False
    """Identifies a person: never readable by a segment, never in a message."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of one kind of table, its key and its time."""

    name: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    """Columns that together name a row; empty when equal rows are possible and harmless."""
    time: str | None = None
    """When a row happened: readings as of a day and freshness go by it."""
    person: str | None = "customer_id"
    """The column that names the person, None for tables that are about something else."""
    readable: bool = False
    """Segments may read it, with ``person_no`` in place of the person's column."""
    opt_out: bool = False
    """Rows take rights away: an empty or unreadable delivery must never be taken for 'nobody opted out'."""

    @property
    def columns(self) -> Mapping[str, Field]:
        """The fields by name."""
        return {field.name: field for field in self.fields}
