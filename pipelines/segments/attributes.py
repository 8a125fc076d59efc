"""Columns that a sync carries as fields of the tool: declared in the header, typed by the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.people import FieldType
from pipelines.segments.catalog import Column

TYPES = {
    "VARCHAR": FieldType.TEXT,
    "BOOLEAN": FieldType.BOOLEAN,
    "DATE": FieldType.DATE,
    "TIMESTAMP": FieldType.DATE,
}
"""What a field must hold for DuckDB's type; times of day stay behind."""
NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column of ``features``, or what a model says, as a tool's field."""

    field: str
    """Its name in the tool."""
    column: str
    type: FieldType
    model: str | None = None
    """Of this model's scores ``column`` is one; None: of ``features``."""


SAID = ("score", "score_rank", "label")
"""Columns of ``scores`` that can be fields, written ``<model>.<column>``."""


def of_scores(declared: str) -> tuple[str, str] | None:
    """Model and column of what a header writes as ``lifetime_26w.score``; None for a column of ``features``."""
    model, _, column = declared.partition(".")
    return (model, column) if model and column in SAID else None


def type_of(column: Column) -> FieldType | None:
    """What a field for this column holds, None where no tool has such fields."""
    if NUMBER.fullmatch(column.type):
        return FieldType.NUMBER
    return TYPES.get(column.type)
