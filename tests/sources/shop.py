"""A small shop's sources, to load and to spoil."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.sources.declaration import read_sources
from pipelines.sources.model import Source

TODAY = date(2026, 3, 31)

CUSTOMERS = """\
customer_id,email,phone,first_name,created_at
007,Anna@Example.com,+1 212 555 0101,Anna,2025-01-01
8,bob@example.com,(212) 555-0102,Bob,2025-01-02
9,,,Cleo,2025-01-03
"""


def one(folder: Path, declaration: str) -> Source:
    """The source called ``one`` of a declaration that also names the customers it must."""
    text = f"[source.one]\n{declaration}\n"
    if 'contract = "customers"' not in declaration:
        text += '\n[source.customers]\ncontract = "customers"\ncsv = "customers.csv"\n'
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return next(source for source in read_sources(path) if source.name == "one")


def customers(folder: Path, content: str | bytes = CUSTOMERS, options: str = "") -> Source:
    """Customers in a CSV file with this content."""
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "customers.csv").write_bytes(raw)
    path = folder / "customers.toml"
    path.write_text(f'[source.customers]\ncontract = "customers"\ncsv = "customers.csv"\n{options}\n')
    return read_sources(path)[0]


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    """The rows of a query, as plain tuples."""
    return con.execute(query).fetchall()
