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
    """One column of ``features`` as a tool's field."""

    field: str
    """Its name in the tool."""
    column: str
    type: FieldType


def type_of(column: Column) -> FieldType | None:
    """What a field for this column holds, None where no tool has such fields."""
    if NUMBER.fullmatch(column.type):
        return FieldType.NUMBER
    return TYPES.get(column.type)
