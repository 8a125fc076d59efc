"""What a segment's SELECT returns: one column that says who."""

from __future__ import annotations

KEY = "person_no"

KEY_TYPES = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
"""DuckDB widens whole numbers in some expressions, so every whole type will do; nothing else is a person."""
