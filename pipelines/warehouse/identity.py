"""Which warehouse this is: a mark that is made with the file and lost with it.

People's numbers hold within one warehouse only. Whatever remembers them elsewhere remembers this mark too,
and starts over when a rebuilt warehouse shows another one.
"""

from __future__ import annotations

import uuid

import duckdb

TABLE = "warehouse_identity"


def mark(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the warehouse its mark unless it has one. Needs a writable connection."""
    if read(connection) is None:
        connection.execute(f"create table if not exists main.{TABLE} (identity varchar not null)")
        connection.execute(f"insert into main.{TABLE} values ($identity)", {"identity": str(uuid.uuid4())})


def read(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The warehouse's mark, None when nobody has written to it through Turnout."""
    query = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = $table"
    if not connection.execute(query, {"table": TABLE}).fetchall():
        return None
    found = connection.execute(f"select identity from main.{TABLE}").fetchall()
    return str(found[0][0]) if found else None
