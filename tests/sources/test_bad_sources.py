"""What is wrong with a source is said with file, column and row numbers, and yesterday's table stays."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources.errors import SourceError
from pipelines.sources.load_all import load_all, load_or_report
from pipelines.sources.loading import load_source
from tests.catalogue.cases import named
from tests.sources.shop import CUSTOMERS, TODAY, customers, one, rows

HEADER = "customer_id,email\n"
ORDERS = "order_id,customer_id,ordered_at,total\n"

CSV_CASES = {
    "B56 zero bytes": (b"", "customers.csv: the file is empty (0 bytes); deliver it again"),
    "B57 header only": (
        HEADER,
        "customers.csv: there are no rows; an empty delivery is never taken for 'nobody': deliver it again,"
        " yesterday's rows stay in force",
    ),
    "B59 ragged row": (
        HEADER + "1,a@example.com\n2\n3,c@example.com\n",
        "customers.csv: line 3: 1 columns where the header has 2; repair that line",
    ),
    "B59 row with too many columns": (
        HEADER + "1,a@example.com\n2,b@example.com,x\n",
        "customers.csv: line 3: 3 columns where the header has 2; repair that line",
    ),
    "B60 two columns of one name": (
        "customer_id,email,Email\n1,a,b\n",
        "customers.csv: two columns are called 'Email'; rename one: which is meant cannot be told",
    ),
    "B61 renamed column": (
        "customer_ids,email\n1,a@example.com\n",
        "customers.csv: column 'customer_id' is missing; did you mean 'customer_ids'?"
        ' map it: columns = { customer_id = "…" }',
    ),
    "B01 B02 no key": (
        HEADER + "1,a@example.com\n,b@example.com\n  ,c@example.com\n",
        "customers.csv: column 'customer_id' has no value in 2 rows, first in rows 2 and 3; fill it",
    ),
    "B03 a word for nothing": (
        HEADER + "1,a@example.com\nNULL,b@example.com\nn/a,c@example.com\n",
        "customers.csv: column 'customer_id' holds a word for 'nothing' in place of an id in 2 rows,"
        " first in rows 2 and 3; deliver the id, or leave the row out",
    ),
    "B04 B05 one key twice": (
        HEADER + "1,a@example.com\n2,b@example.com\n1,c@example.com\n",
        "customers.csv: 1 keys (customer_id) occur more than once, the first in rows 1 and 3;"
        " one row a key: remove the repeated ones where the source is made",
    ),
    "B13 an endless key": (
        HEADER + "x" * 501 + ",a@example.com\n",
        "customers.csv: column 'customer_id' holds something that is no id in 1 rows, first in row 1;"
        " ids are at most 500 characters without NUL",
    ),
    "B63 Latin-1 bytes": (
        (HEADER + "1,a@example.com\n2,zoë@example.com\n").encode("latin-1"),
        "customers.csv: line 3: bytes that are not utf-8;"
        ' save it as UTF-8, or declare its encoding ("latin-1", "utf-16")',
    ),
    "B12 B65 a NUL byte": (
        HEADER + "1,a@example.com\n2,b\0@example.com\n",
        "customers.csv: line 3: a NUL byte; remove it where the file is made",
    ),
    "B48 B62 a date that is none": (
        "customer_id,birth_date\n1,1990-02-28\n2,28.02.1990\n3,1990-02-30\n",
        "customers.csv: column 'birth_date': 2 values are no DATE, first in rows 2 and 3;"
        " write dates as 2026-01-31",
    ),
    "B59 a quote that never closes": (
        HEADER + '1,a@example.com\n2,"b@example.com\n3,c@example.com\n',
        "customers.csv: line 4: unexpected end of data; repair the quotes of that line",
    ),
}


@pytest.mark.parametrize(("content", "message"), named(CSV_CASES))
def test_a_spoiled_csv_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str | bytes, message: str
) -> None:
    """Each way to spoil a CSV is told in one sentence, and yesterday's rows stay."""
    load_source(con, customers(tmp_path), TODAY)
    with pytest.raises(SourceError) as told:
        load_source(con, customers(tmp_path, content), TODAY)
    assert str(told.value) == message
    assert rows(con, "select count(*) from source.customers") == [(3,)]
    assert rows(con, "select count(*) from duckdb_tables() where contains(table_name, '__new')") == [(0,)]


ORDER_CASES = {
    "B73 local decimals": (
        ORDERS + 'a,1,2026-03-01,10.50\nb,1,2026-03-02,"1.234,56"\n',
        "orders.csv: column 'total': 1 values are no DECIMAL(18,2), first in row 2; write numbers with a point"
        " and without thousands separators, within the type's range",
    ),
    "B62 not a number, late in the file": (
        ORDERS + "".join(f"{n},1,2026-03-01,1\n" for n in range(30_000)) + "x,1,2026-03-01,n.a.\n",
        "orders.csv: column 'total': 1 values are no DECIMAL(18,2), first in row 30001; write numbers with a"
        " point and without thousands separators, within the type's range",
    ),
    "B72 seconds since 1970": (
        ORDERS + "a,1,1772323200,10\n",
        "orders.csv: column 'ordered_at': 1 values are no TIMESTAMP, first in row 1;"
        " write times as 2026-01-31 09:15:00, with a zone if they have one",
    ),
    "B72 year 1": (
        ORDERS + "a,1,2026-03-01,10\nb,1,0001-01-01,10\n",
        "orders.csv: column 'ordered_at' has a year outside 1970 to 2100 in 1 rows, first in row 2;"
        " check the unit and the format of the times",
    ),
    "B58 too old": (
        ORDERS + "a,1,2026-03-01,10\n",
        "orders.csv: its newest row is of 2026-03-01, 30 days old, over the limit of 2;"
        " deliver a new one, or raise max_age_days",
    ),
}


@pytest.mark.parametrize(("content", "message"), named(ORDER_CASES))
def test_spoiled_orders_are_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str, message: str
) -> None:
    """Amounts and times are read by the contract's types, never guessed."""
    (tmp_path / "orders.csv").write_text(content)
    source = one(tmp_path, 'contract = "orders"\ncsv = "orders.csv"\nmax_age_days = 2')
    with pytest.raises(SourceError) as told:
        load_source(con, source, TODAY)
    assert str(told.value) == message


def parquet(folder: Path, **columns: object) -> None:
    (folder / "parts").mkdir(exist_ok=True)
    number = len(list((folder / "parts").iterdir()))
    pq.write_table(pa.table(columns), folder / "parts" / f"part-{number}.parquet")


@pytest.mark.bad_input("B67")
@pytest.mark.fault(
    "F60",
    injected="a Parquet part cut in half",
    outcome="the source stops, naming the part; yesterday's rows stay",
)
def test_a_truncated_parquet_part_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Of a folder of parts, the broken one is named."""
    parquet(tmp_path, customer_id=["1"])
    parquet(tmp_path, customer_id=["2"] * 1000)
    whole = (tmp_path / "parts/part-1.parquet").read_bytes()
    (tmp_path / "parts/part-1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"^part-1.parquet: is not a readable Parquet file"):
        load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "parts"'), TODAY)


@pytest.mark.bad_input("B67")
def test_a_part_with_another_schema_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A part whose column has become a list cannot be read, and is named with the column."""
    parquet(tmp_path, customer_id=["1"], email=["a@example.com"])
    parquet(tmp_path, customer_id=["2"], email=[["b@example.com"]])
    with pytest.raises(SourceError) as told:
        load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "parts"'), TODAY)
    assert str(told.value) == (
        "part-1.parquet: column 'email' is VARCHAR[], but email must be VARCHAR;"
        " convert it where the source is made, or read a view that does"
    )


def test_a_key_doubled_across_parts_names_both(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A repeated key is found wherever the second row lies."""
    parquet(tmp_path, customer_id=["1", "2"])
    parquet(tmp_path, customer_id=["3", "2"])
    with pytest.raises(SourceError) as told:
        load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "parts"'), TODAY)
    assert "part-0.parquet: 1 keys (customer_id)" in str(told.value)
    assert "rows 2 and 2 of part-1.parquet" in str(told.value)


@pytest.mark.bad_input("B07", "B08")
def test_ids_as_floating_point_numbers(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """123.0 is read as 123; an id beyond 2^53 may already be another one and is refused."""
    parquet(tmp_path, customer_id=[123.0, 7.0])
    source = one(tmp_path, 'contract = "customers"\nparquet = "parts"')
    load_source(con, source, TODAY)
    assert rows(con, "select customer_id from source.one order by 1") == [("123",), ("7",)]
    parquet(tmp_path, customer_id=[2.0**53 + 2])
    with pytest.raises(SourceError, match="column 'customer_id': 1 values are no VARCHAR, first in row 1"):
        load_source(con, source, TODAY)


@pytest.mark.bad_input("B70")
def test_an_empty_folder_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A folder without parts is no empty source."""
    (tmp_path / "parts").mkdir()
    with pytest.raises(SourceError, match=r"^parts: the folder holds no \.parquet file"):
        load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "parts"'), TODAY)


def test_a_missing_file_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A file that is not there is said so."""
    with pytest.raises(SourceError, match=r"^gone\.csv: there is no such file"):
        load_source(con, one(tmp_path, 'contract = "customers"\ncsv = "gone.csv"'), TODAY)


@pytest.mark.bad_input("B69")
@pytest.mark.privacy("P40")
def test_a_link_that_leads_outside_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Links are resolved when the file is read, not when it was declared."""
    (tmp_path / "outside.csv").write_text(CUSTOMERS)
    inside = tmp_path / "inside"
    inside.mkdir()
    source = customers(inside)
    (inside / "customers.csv").unlink()
    (inside / "customers.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(SourceError, match=r"customers\.csv: is a link that leads outside"):
        load_source(con, source, TODAY)


@pytest.mark.bad_input("B66")
def test_a_pipe_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A named pipe would hang and cannot be read twice."""
    source = customers(tmp_path)
    (tmp_path / "customers.csv").unlink()
    os.mkfifo(tmp_path / "customers.csv")
    with pytest.raises(SourceError, match="is not a plain file"):
        load_source(con, source, TODAY)


@pytest.mark.bad_input("B68")
def test_a_damaged_archive_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A gzip that breaks off was not transferred whole."""
    packed = gzip.compress(CUSTOMERS.encode() * 50)
    (tmp_path / "customers.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(SourceError, match=r"^customers\.csv\.gz: cannot be read: EOFError"):
        load_source(con, one(tmp_path, 'contract = "customers"\ncsv = "customers.csv.gz"'), TODAY)


@pytest.mark.bad_input("B58")
@pytest.mark.fault(
    "F60", injected="a file older than max_age_days", outcome="the source stops; yesterday's rows stay"
)
def test_an_old_file_is_refused_by_its_own_age(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A table without times is as old as its file."""
    source = customers(tmp_path, options="max_age_days = 1")
    os.utime(tmp_path / "customers.csv", (0, 0))
    with pytest.raises(SourceError, match="the file is of 1970-01-01, 20543 days old, over the limit of 1"):
        load_source(con, source, TODAY)


def test_a_suppression_that_names_nobody_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """An opt-out without any identifier would be an opt-out lost."""
    (tmp_path / "out.csv").write_text(
        "customer_id,email,reason,since\n1,,unsubscribed,2026-03-01\n,,x,2026-03-01\n"
    )
    with pytest.raises(SourceError) as told:
        load_source(con, one(tmp_path, 'contract = "suppressions"\ncsv = "out.csv"'), TODAY)
    assert str(told.value) == (
        "out.csv: a suppression names nobody in 1 rows, first in row 2; give customer_id, email or phone"
    )


@pytest.mark.bad_input("B54")
@pytest.mark.privacy("P11")
@pytest.mark.parametrize("later", [b"", b"customer_id,reason,since\n", b"customer_id,reason\n1,x\n"])
def test_lost_opt_outs_stop_deliveries_and_stay_in_force(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, later: bytes
) -> None:
    """An opt-out source that is empty or unreadable is never 'nobody opted out'."""
    (tmp_path / "out.csv").write_text("customer_id,reason,since\n8,unsubscribed,2026-03-01\n")
    source = one(tmp_path, 'contract = "suppressions"\ncsv = "out.csv"')
    everybody = customers(tmp_path)
    loaded = load_all(con, [everybody, source], TODAY)
    assert (loaded.people.suppressed, loaded.stops_delivery) == (1, False)
    (tmp_path / "out.csv").write_bytes(later)
    loaded = load_all(con, [everybody, source], TODAY)
    assert (loaded.people.suppressed, loaded.stops_delivery) == (1, True)


def test_one_broken_source_never_stops_the_others(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The report of the broken one carries its message; its neighbours are loaded."""
    good = customers(tmp_path)
    broken = one(tmp_path, 'contract = "orders"\ncsv = "orders.csv"')
    loaded = load_all(con, [broken, good], TODAY)
    assert [(report.source, report.error is None, report.rows) for report in loaded.reports] == [
        ("one", False, 0),
        ("customers", True, 3),
    ]
    assert not loaded.stops_delivery
    assert loaded.people.people == 3


@pytest.mark.privacy("P27", "P28")
@pytest.mark.promise("quiet")
def test_no_message_holds_a_value_of_the_source(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Addresses of people are in no message, whatever is wrong with their row."""
    secret = "anna.secret@example.com"
    spoiled = [
        f"customer_id,email,birth_date\n1,{secret},{secret}\n",
        f"customer_id,email\n1,{secret}\n2,{secret},{secret}\n",
        f"customer_id,email\n{secret},a\n{secret},b\n",
        f'customer_id,email\n1,"{secret}\n',
        f"customer_id,email\n1,{secret}\n2,\0{secret}\n",
    ]
    for content in spoiled:
        report = load_or_report(con, customers(tmp_path, content), TODAY)
        assert report.error is not None
        assert "secret" not in report.error
