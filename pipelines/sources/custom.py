"""A table of one's own: its contract is what the declaration says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.sources.contract import Contract, Field
from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.errors import did_you_mean

CUSTOM = "custom"
"""The word that a declaration writes in place of a contract's name."""

RESERVED = frozenset({"people", "features", "person_numbers", "merged_ids", "provenance"})
"""Turnout's own tables, whose names a view of a custom source would take."""

TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "DECIMAL(18,2)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
"""The words a custom source may use for its columns' types."""


class Slip(Exception):
    """What is wrong with a declaration, and at which of its keys."""

    def __init__(self, key: str | None, found: str, fix: str | None = None) -> None:
        super().__init__(found)
        self.key = key
        self.found = found
        self.fix = fix


def custom_contract(
    name: str, columns: Mapping[str, str], key: Sequence[str], time: str | None, person: str | None
) -> Contract:
    """The contract of a custom source, by its columns' types; raises Slip."""
    if name in RESERVED or name in CONTRACTS:
        raise Slip(None, f"a custom source cannot be called {name!r}", "choose another name")
    _check_columns(columns)
    if not key:
        raise Slip("key", "a custom source names its key", 'key = ["column", …]')
    roles: list[tuple[str, str | None]] = [("key", part) for part in key]
    for role, named in [*roles, ("time", time), ("person", person)]:
        if named is not None and named not in columns:
            raise Slip(
                role, f"{role} names {named!r}, which is not among the columns", did_you_mean(named, columns)
            )
    if time is not None and columns[time] != "timestamp":
        raise Slip("time", f"time column {time!r} is not a timestamp")
    if person is not None and columns[person] != "text":
        raise Slip("person", f"person column {person!r} is not text")
    needed = {*key, time, person}
    fields = tuple(
        Field(column, TYPES[kind], "Declared in sources.toml.", required=column in needed)
        for column, kind in columns.items()
    )
    return Contract(
        name, "A table of your own.", fields, key=tuple(key), time=time, person=person, readable=True
    )


def _check_columns(columns: Mapping[str, str]) -> None:
    if not columns:
        raise Slip("columns", "a custom source declares its columns", "columns = {…}")
    for column, kind in columns.items():
        if column.lower() == "person_no":
            raise Slip(column, "person_no is given by Turnout", "rename the column")
        if kind not in TYPES:
            raise Slip(
                column,
                f"unknown type {kind!r} of column {column!r}",
                did_you_mean(kind, TYPES) or f"expected one of {', '.join(TYPES)}",
            )
