"""The catalogue's tables without a row: where a segment's SQL is bound before any data is touched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from types import TracebackType
from typing import Self

import duckdb

from pipelines.duck import CONFINED, quote
from pipelines.segments.catalog import Catalog

PARAMETERS: dict[str, object] = {"as_of": date(2000, 1, 1), "window_end": datetime(2000, 1, 2)}
"""Any day does: only the types matter to binding."""

DESCRIBE = "describe\n"
"""Goes before the author's SQL on a line of its own, so that DuckDB's line numbers are off by exactly one."""


class EmptyWarehouse:
    """An in-memory DuckDB with the catalogue's tables, no access to anything and a locked configuration."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.connection = duckdb.connect(config={**CONFINED, "memory_limit": "256MB", "threads": "1"})
        for table in catalog.values():
            columns = ", ".join(f"{quote(column.name)} {column.type}" for column in table.columns.values())
            self.connection.execute(f"create table {quote(table.name)} ({columns})")
        self.connection.execute("set lock_configuration = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def statements(self, sql: str) -> list[duckdb.Statement]:
        """What DuckDB makes of the text; raises duckdb.ParserException."""
        return self.connection.extract_statements(sql)

    def bind(self, sql: str, parameters: Iterable[str]) -> list[tuple[str, str]]:
        """Name and type of each column that ``sql`` returns; raises duckdb.Error where a name is unknown."""
        values = {name: PARAMETERS[name] for name in parameters}
        rows = self.connection.execute(f"{DESCRIBE}{sql}", values).fetchall()
        return [(name, kind) for name, kind, *_ in rows]

    def close(self) -> None:
        """Forget the tables."""
        self.connection.close()
