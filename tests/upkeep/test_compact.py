"""A rewritten file holds its live rows and nothing else, and nobody's writing is lost by it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipelines import compact
from pipelines.compact import rewrite
from pipelines.duck import StoreBusy


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A DuckDB file of which most rows were deleted."""
    path = tmp_path / "table.duckdb"
    with closing(duckdb.connect(path)) as con:
        con.execute("pragma force_compression = 'uncompressed'")
        con.execute("create schema source")
        con.execute("create table source.rows as select 'canary' || i as name, i from range(5000) rows(i)")
        con.execute("comment on column source.rows.name is 'a name'")
        con.execute("create view names as select name from source.rows")
        con.execute("checkpoint")
        con.execute("delete from source.rows where i between 10 and 19")
    return path


def test_rewriting_drops_deleted_bytes(table: Path) -> None:
    """The deleted rows are in the file until it is rewritten, and in no byte of it afterwards; the rest stays."""
    assert b"canary12" in table.read_bytes(), "or this test proves nothing"
    rewrite(table, wait_seconds=0)
    content = table.read_bytes()
    with closing(duckdb.connect(table, read_only=True)) as con:
        assert con.execute("select count(*) from names").fetchall() == [(4990,)]
        told = "select comment from duckdb_columns() where table_name = 'rows' and column_name = 'name'"
        assert con.execute(told).fetchall() == [("a name",)]
        left = {row[0] for row in con.execute("select name from names").fetchall()}
    assert not left & {f"canary{i}" for i in range(10, 20)}
    for number in range(10, 20):
        assert content.count(f"canary{number}".encode()) == sum(
            name.startswith(f"canary{number}") for name in left
        )
    assert [path.name for path in table.parent.glob("table*")] == ["table.duckdb"]


def test_a_copy_does_not_wait_for_another_thread(table: Path, tmp_path: Path) -> None:
    """While a thread of this process writes, a copy holds what was written for good; a rewriting says who is there."""
    copied = tmp_path / "copied.duckdb"
    with closing(duckdb.connect(table)) as con, closing(con.cursor()) as other:
        other.execute("begin")
        other.execute("update source.rows set name = 'unfinished'")
        compact.copy_rows(con, copied)
        with pytest.raises(StoreBusy, match="is being written by another thread"):
            rewrite(table, wait_seconds=0)
        other.execute("commit")
    with closing(duckdb.connect(copied, read_only=True)) as con:
        assert con.execute("select count(*) from names where name <> 'unfinished'").fetchall() == [(4990,)]


def test_rewriting_never_loses_what_somebody_wrote_meanwhile(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes the file between copy and renaming keeps what they wrote; the rewriting says that it was in vain."""
    original = compact.copy_rows

    def slow(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
        original(connection, target)
        connection.execute("insert into source.rows values ('late', -1)")

    monkeypatch.setattr(compact, "copy_rows", slow)
    with pytest.raises(StoreBusy, match="was changed by another process"):
        rewrite(table, wait_seconds=0)
    with closing(duckdb.connect(table, read_only=True)) as con:
        assert con.execute("select count(*) from names where name = 'late'").fetchall() == [(1,)]
