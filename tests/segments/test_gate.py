"""Which SQL may run: a corpus of hostile statements, all refused, and one of harmless, all accepted."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.segments import allowed
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.errors import SegmentError
from pipelines.segments.gate import check_sql

FILE = Path("segment_defs/mine.sql")
HERE = Path(__file__).parent


def corpus(name: str) -> list[str]:
    return (HERE / name).read_text(encoding="utf-8").split("\n;;\n")


HOSTILE = corpus("hostile.sql")
HARMLESS = corpus("harmless.sql")
NOT_EVEN_SQL = frozenset(
    {
        "select person_no from features where where",
        "select person_no from features where segment_name = 'open",
    }
)


@pytest.mark.bad_input("B76", "B77", "B78", "B82")
@pytest.mark.privacy("P38")
@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_sql_is_refused(sql: str, empty_warehouse: EmptyWarehouse) -> None:
    """Nothing that writes, reaches beyond the tables, depends on the clock or chance, or returns anything but
    ``person_no`` passes; the error names the file and a line, and is about the deed, not about the spelling."""
    with pytest.raises(SegmentError, match=r"^segment_defs/mine\.sql:11(:\d+)?: ") as raised:
        check_sql(FILE, sql, 11, empty_warehouse)
    assert ("syntax error" in str(raised.value) or "unterminated" in str(raised.value)) == (
        sql in NOT_EVEN_SQL
    )


@pytest.mark.privacy("P38")
@pytest.mark.parametrize("sql", HARMLESS)
def test_harmless_sql_is_accepted(sql: str, empty_warehouse: EmptyWarehouse) -> None:
    """Plain segmentation SQL of every common shape passes, and its tables are known."""
    reads = check_sql(FILE, sql, 11, empty_warehouse)
    assert reads == {name for name in ("features", "orders", "products") if _names(sql, name)}


def test_both_corpora_are_large() -> None:
    """The two lists hold at least sixty different statements each."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60
    assert len(set(HARMLESS)) == len(HARMLESS) >= 60


def test_allowed_functions_exist_and_are_repeatable() -> None:
    """Every allowed function is DuckDB's own and, by DuckDB's own word, gives one answer for one input."""
    with duckdb.connect() as connection:
        known = connection.execute("select function_name, stability from duckdb_functions()").fetchall()
    stability: dict[str, set[str | None]] = {}
    for name, stable in known:
        stability.setdefault(name, set()).add(stable)
    # The lambda and JSON arrow is grammar, so it is in no list of functions.
    for name in (allowed.FUNCTIONS | allowed.TABLE_FUNCTIONS) - {"->"}:
        assert name in stability, name
        assert stability[name] <= {"CONSISTENT", None}, name


@pytest.mark.bad_input("B82")
def test_unstable_functions_are_all_refused() -> None:
    """No function that DuckDB calls volatile, or the same only within one query, is allowed."""
    with duckdb.connect() as connection:
        unstable = connection.execute(
            "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
        ).fetchall()
    assert len(unstable) > 20
    assert not {name for (name,) in unstable} & allowed.FUNCTIONS


def test_positions_count_characters_of_the_file(empty_warehouse: EmptyWarehouse) -> None:
    """Line and column point at the slip also behind characters of several bytes and comments."""
    sql = "-- Käufer: größer 😀\nselect person_no\nfrom features\nwhere segment_name = '😀ä' and random() < 1"
    with pytest.raises(SegmentError) as raised:
        check_sql(FILE, sql, 11, empty_warehouse)
    line = sql.splitlines()[3]
    assert (raised.value.line, raised.value.column) == (14, line.index("random") + 1)


def test_a_column_far_to_the_right_still_has_its_line(empty_warehouse: EmptyWarehouse) -> None:
    """DuckDB shortens long lines when it draws them; the line number stays right."""
    sql = "select person_no from features where " + "spend > 1 and " * 40 + "spent > 1"
    with pytest.raises(
        SegmentError, match=r"^segment_defs/mine\.sql:11:\d+: unknown column 'spent'; did you mean"
    ):
        check_sql(FILE, sql, 11, empty_warehouse)


def test_the_sql_is_not_changed_by_being_read(empty_warehouse: EmptyWarehouse) -> None:
    """Reading is all: the empty tables stay empty and the same, whatever was tried."""
    before = empty_warehouse.connection.execute("select sql from duckdb_tables() order by 1").fetchall()
    for sql in HOSTILE:
        with pytest.raises(SegmentError):
            check_sql(FILE, sql, 11, empty_warehouse)
    assert (
        empty_warehouse.connection.execute("select sql from duckdb_tables() order by 1").fetchall() == before
    )


def test_overlong_sql_is_refused(empty_warehouse: EmptyWarehouse) -> None:
    """SQL beyond what a person writes is refused before anything parses it."""
    with pytest.raises(SegmentError, match="the SQL is longer than 64 KB"):
        check_sql(FILE, "select person_no from features --" + "x" * 70_000, 11, empty_warehouse)


def _names(sql: str, table: str) -> bool:
    """Whether a harmless statement of the corpus reads the table: it is named after from, join or a comma."""
    text = re.sub(r"'[^']*'", "", sql.lower().replace('"', ""))
    return re.search(rf"(from|join|,) +{table}\b(?! *\()", text) is not None
