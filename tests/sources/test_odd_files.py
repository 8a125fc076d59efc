"""Files and tables as they really arrive: what is read, and what stops its source with file, place and fix.

Each case begins with the entries of the catalogue that it proves.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources import text_files
from pipelines.sources.errors import SourceError
from pipelines.sources.load_all import load_or_report
from pipelines.sources.loading import load_source
from pipelines.sources.text_files import MOST_UNPACKED
from tests.catalogue.cases import named
from tests.sources.shop import TODAY, customers, one, rows

HEADER = "customer_id,email\n"
ORDERS = "order_id,customer_id,ordered_at,total\n"
NOTHING = (
    "customers.csv: column 'customer_id' holds a word for 'nothing' in place of an id in 1 rows, first in row 1;"
    " deliver the id, or leave the row out"
)
NOT_UTF8 = 'bytes that are not utf-8; save it as UTF-8, or declare its encoding ("latin-1", "utf-16")'
NO_KEY = "customers.csv: column 'customer_id' has no value in 1 rows, first in row 1; fill it"
NUL = "customers.csv: line 2: a NUL byte; remove it where the file is made"
NO_EXACT_ID = (
    "column 'customer_id': 1 values are no VARCHAR, first in row 1;"
    " deliver ids as text, not as floating-point numbers"
)
NO_MONEY = (
    "orders.csv: column 'total': 1 values are no DECIMAL(18,2), first in row 1; write numbers with a point"
    " and without thousands separators, within the type's range"
)
NO_TIME = (
    "orders.csv: column 'ordered_at': 1 values are no TIMESTAMP, first in row 1;"
    " write times as 2026-01-31 09:15:00, with a zone if they have one"
)
NO_YEAR = (
    "orders.csv: column 'ordered_at' has a year outside 1970 to 2100 in 1 rows, first in row 1;"
    " check the unit and the format of the times"
)

REFUSED = {
    "B02 blanks for a key": (HEADER + " ,a\n", NO_KEY),
    **{f"B03 {word} for a key": (f"{HEADER}{word},a\n", NOTHING) for word in ("nan", "undefined", "-", "None", "NA")},
    "B04 a row twice": (
        HEADER + "1,a\n1,a\n",
        "customers.csv: 1 keys (customer_id) occur more than once, the first in rows 1 and 2;"
        " one row a key: remove the repeated ones where the source is made",
    ),
    "B07 B38 a spreadsheet's number for a key": (
        HEADER + "4.915E+11,a\n",
        "customers.csv: column 'customer_id' holds a spreadsheet's short form of a number in place of an id in 1 rows,"
        " first in row 1; deliver the id's own digits: some are lost",
    ),
    "B07 the same with a comma": (
        HEADER + '"1,5e+08",a\n',
        "customers.csv: column 'customer_id' holds a spreadsheet's short form of a number in place of an id in 1 rows,"
        " first in row 1; deliver the id's own digits: some are lost",
    ),
    "B12 a NUL byte for a key": (HEADER + "\0,a\n", NUL),
    "B60 a column without a name": (
        "customer_id,,email\n1,2,3\n", "customers.csv: column 2 has no name in the header; name it",
    ),
    "B61 B64 another delimiter than declared": (
        "customer_id;email\n1;a\n",
        "customers.csv: column 'customer_id' is missing; did you mean 'customer_id;email'?"
        ' map it: columns = { customer_id = "…" }',
    ),
    "B56 empty lines alone": ("\n\n", "customers.csv: the file is empty; deliver it again; it must have a header line"),
    "B63 CP1252": ((HEADER + "1,zo\xeb@x\n").encode("cp1252"), f"customers.csv: line 2: {NOT_UTF8}"),
    "B63 mixed encodings": ((HEADER + "1,ä\n").encode() + b"2,\xe4\n", f"customers.csv: line 3: {NOT_UTF8}"),
    "B63 UTF-16, not declared": ((HEADER + "1,a\n").encode("utf-16"), f"customers.csv: line 1: {NOT_UTF8}"),
    "B64 two kinds of line ends": (
        HEADER + "1,a\r\n2,b\n",
        "customers.csv: its lines end in two ways, or a quote is out of place; end all lines alike",
    ),
    "B71 a cell of 12 MB": (
        HEADER + "1," + "x" * 12_000_000 + "\n",
        "customers.csv: line 2: a line is longer than 10 MB; look for a quote that is never closed",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), named(REFUSED))
def test_odd_customers_are_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str | bytes, message: str
) -> None:
    """One sentence with file, place and fix."""
    with pytest.raises(SourceError) as told:
        load_source(con, customers(tmp_path, content), TODAY)
    assert str(told.value) == message


READ: dict[str, tuple[str | bytes, list[tuple[object, ...]]]] = {
    "B08 an id beyond 2^64": (HEADER + "18446744073709551617,a\n", [("18446744073709551617", "a")]),
    "B09 zeros in front": (HEADER + "007,a\n", [("007", "a")]),
    "B11 a UUID in capitals": (HEADER + "6D92078A-8246,a\n", [("6D92078A-8246", "a")]),
    "B12 a tab in an id": (HEADER + "a\tb,a\n", [("a\tb", "a")]),
    "B12 a line break in an id": (HEADER + '"a\nb",a\n', [("a\nb", "a")]),
    "B12 SQL in an id": (HEADER + "x'; drop table people;--,a\n", [("x'; drop table people;--", "a")]),
    "B12 B90 a template in an id": (HEADER + "{{7*7}}${x},a\n", [("{{7*7}}${x}", "a")]),
    "B12 B90 a formula in an id": (HEADER + "=cmd|' /C calc'!A0,a\n", [("=cmd|' /C calc'!A0", "a")]),
    "B61 columns in another order": ("email,customer_id\na,1\n", [("1", "a")]),
    "B61 capitals and blanks in the header": (" Customer_ID , EMAIL \n1,a\n", [("1", "a")]),
    "B64 a byte-order mark": (b"\xef\xbb\xbf" + (HEADER + "1,a\n").encode(), [("1", "a")]),
    "B64 CRLF": (HEADER.replace("\n", "\r\n") + "1,a\r\n", [("1", "a")]),
    "B64 CR alone": ((HEADER + "1,a\n").replace("\n", "\r"), [("1", "a")]),
    "B64 empty lines between": (HEADER + "\n1,a\n\n\n2,b\n", [("1", "a"), ("2", "b")]),
    "B64 a quote within a cell": (HEADER + '1,a"b\n', [("1", 'a"b')]),
    "B71 a cell of a megabyte": (HEADER + "1," + "x" * 1_000_000 + "\n", [("1", "x" * 1_000_000)]),
    "B71 five thousand columns": (
        "customer_id,email," + ",".join(f"c{n}" for n in range(5000)) + "\n1,a" + ",x" * 5000 + "\n",
        [("1", "a")],
    ),
}


@pytest.mark.parametrize(("content", "expected"), named(READ))
def test_odd_customers_are_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str | bytes, expected: list[tuple[object, ...]]
) -> None:
    """Every id and address is there exactly as it was written."""
    load_source(con, customers(tmp_path, content), TODAY)
    assert rows(con, "select customer_id, email from source.customers order by 1") == expected


ORDERS_REFUSED = {
    "B55 no number": ("a,1,2026-03-01,NaN\n", NO_MONEY),
    "B55 infinite": ("a,1,2026-03-01,inf\n", NO_MONEY),
    "B55 huge": ("a,1,2026-03-01,1e30\n", NO_MONEY),
    "B55 with its currency": ("a,1,2026-03-01,€5\n", NO_MONEY),
    "B73 decimal comma": ('a,1,2026-03-01,"1,5"\n', NO_MONEY),
    "B73 thousands separator": ('a,1,2026-03-01,"1,000.00"\n', NO_MONEY),
    "B72 milliseconds since 1970": ("a,1,1772323200000,1\n", NO_TIME),
    "B72 month first": ("a,1,03/01/2026,1\n", NO_TIME),
    "B72 30 February": ("a,1,2026-02-30,1\n", NO_TIME),
    "B72 year 9999": ("a,1,9999-12-31,1\n", NO_YEAR),
    "B72 year 1900": ("a,1,1900-01-01,1\n", NO_YEAR),
    "B62 a word for a time, late in the file": (
        "".join(f"{n},1,2026-03-01,1\n" for n in range(30_000)) + "x,1,yesterday,1\n",
        NO_TIME.replace("row 1;", "row 30001;"),
    ),
    "B01 no amount": (
        "a,1,2026-03-01,\n", "orders.csv: column 'total' has no value in 1 rows, first in row 1; fill it",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), named(ORDERS_REFUSED))
def test_odd_orders_are_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str, message: str
) -> None:
    """Numbers and times are read in one way; nothing is guessed, and no value is repeated."""
    (tmp_path / "orders.csv").write_text(ORDERS + content)
    with pytest.raises(SourceError) as told:
        load_source(con, one(tmp_path, 'contract = "orders"\ncsv = "orders.csv"'), TODAY)
    assert str(told.value) == message


ORDERS_READ = {
    "B55 negative": ("a,1,2026-03-01,-5\n", datetime(2026, 3, 1), Decimal("-5.00")),
    "B72 with a zone": ("a,1,2026-03-01T01:00:00+02:00,1\n", datetime(2026, 2, 28, 23), Decimal("1.00")),
    "B72 in the hour that summer time skips": (
        "a,1,2026-03-29 02:30:00,1\n", datetime(2026, 3, 29, 2, 30), Decimal("1.00"),
    ),
    "B64 blanks round a number": ("a,1,2026-03-01, 5 \n", datetime(2026, 3, 1), Decimal("5.00")),
}  # fmt: skip


@pytest.mark.parametrize(("content", "when", "total"), named(ORDERS_READ))
def test_odd_orders_are_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: str, when: datetime, total: Decimal
) -> None:
    """Times without a zone are taken as they are; those with one become UTC."""
    (tmp_path / "orders.csv").write_text(ORDERS + content)
    load_source(con, one(tmp_path, 'contract = "orders"\ncsv = "orders.csv"'), TODAY)
    assert rows(con, "select ordered_at, total from source.one") == [(when, total)]


def _parquet(**columns: Any) -> Callable[[Path], object]:
    return lambda folder: pq.write_table(pa.table(columns), folder / "f.parquet")


PARQUET_REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "B67 of another format": (
        lambda folder: (folder / "f.parquet").write_text(HEADER + "1,a\n"),
        "is not a readable Parquet file (InvalidInputException); deliver it again, whole",
    ),
    "B67 of a wrong beginning": (
        lambda folder: (folder / "f.parquet").write_bytes(b"PAR0" + b"x" * 100),
        "is not a readable Parquet file (InvalidInputException); deliver it again, whole",
    ),
    "B67 nested": (
        _parquet(customer_id=["1"], email=[{"a": 1}]),
        "column 'email' is STRUCT(a BIGINT), but email must be VARCHAR; convert it where the source is made,"
        " or read a view that does",
    ),
    "B07 B10 a fraction for an id": (
        _parquet(customer_id=[1.5]),
        NO_EXACT_ID,
    ),
    "B07 no number for an id": (
        _parquet(customer_id=[float("nan")]),
        NO_EXACT_ID,
    ),
    "B01 null for an id": (
        _parquet(customer_id=pa.array([None], pa.string())),
        "column 'customer_id' has no value in 1 rows, first in row 1; fill it",
    ),
    "B57 without rows": (
        _parquet(customer_id=pa.array([], pa.string())),
        "there are no rows; an empty delivery is never taken for 'nobody': deliver it again,"
        " yesterday's rows stay in force",
    ),
}


@pytest.mark.parametrize(("write", "message"), named(PARQUET_REFUSED))
def test_odd_parquet_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, write: Callable[[Path], object], message: str
) -> None:
    """The part and the column are named."""
    write(tmp_path)
    with pytest.raises(SourceError) as told:
        load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "f.parquet"'), TODAY)
    assert str(told.value) == f"f.parquet: {message}"


PARQUET_READ: dict[str, tuple[Callable[[Path], object], str]] = {
    "B10 a number for an id": (_parquet(customer_id=[2**62]), "4611686018427387904"),
    "B08 an unsigned number for an id": (
        _parquet(customer_id=pa.array([2**64 - 1], pa.uint64())), "18446744073709551615",
    ),
    "B08 B67 38 digits for an id": (_parquet(customer_id=[Decimal("1" * 38)]), "1" * 38),
    "B67 INT96 for times": (
        lambda folder: pq.write_table(
            pa.table({"customer_id": ["1"], "created_at": pa.array([1_700_000_000 * 10**9], pa.timestamp("ns"))}),
            folder / "f.parquet", use_deprecated_int96_timestamps=True,
        ),
        "1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "expected"), named(PARQUET_READ))
def test_odd_parquet_is_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, write: Callable[[Path], object], expected: str
) -> None:
    """Ids of any exact type become text, digit by digit, so that those of two tables meet."""
    write(tmp_path)
    load_source(con, one(tmp_path, 'contract = "customers"\nparquet = "f.parquet"'), TODAY)
    assert rows(con, "select customer_id from source.one") == [(expected,)]


def _packed(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "f.csv.gz").write_bytes(content)


PLACES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "B68 rubbish behind an archive": (
        _packed(gzip.compress((HEADER + "1,a\n").encode()) + b"rubbish"), "f.csv.gz",
        "f.csv.gz: cannot be read: BadGzipFile; check that it was transferred whole",
    ),
    "B68 no archive": (
        _packed((HEADER + "1,a\n").encode()), "f.csv.gz",
        "f.csv.gz: cannot be read: BadGzipFile; check that it was transferred whole",
    ),
    "B68 an archive made to fill disks": (
        _packed(gzip.compress(HEADER.encode() + b"1," + b" " * 100_000_000)), "f.csv.gz",
        f"f.csv.gz: unpacks to over {MOST_UNPACKED} times its size; deliver it unpacked if that is right",
    ),
    "B70 a wildcard": (
        lambda folder: (folder / "f.csv").write_text(HEADER + "1,a\n"), "*.csv",
        "*.csv: there is no such file; check the path in sources.toml",
    ),
    "B66 B70 a folder without parts": (
        lambda folder: (folder / "f.csv").mkdir(), "f.csv",
        "f.csv: the folder holds no .csv or .csv.gz file; check the path in sources.toml",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "path", "message"), named(PLACES))
def test_odd_places_are_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, write: Callable[[Path], object], path: str, message: str
) -> None:
    """What is at the path is looked at before it is read, and unpacked within bounds."""
    write(tmp_path)
    report = load_or_report(con, one(tmp_path, f'contract = "customers"\ncsv = "{path}"'), TODAY)
    assert report.error == message


PATHS = {
    "B69 a file's address": ("file:///etc/passwd", "csv is an address, not a file; fetch the file first"),
    "B69 a bucket's address": (
        "s3://bucket/people.csv",
        "csv is an address, not a file; fetch the file first",
    ),
    "B69 two dots within": ("x/../../f.csv", "csv leads outside the folder of the sources; set root ="),
    "B69 a NUL in a path": (
        "a\\u0000b.csv",
        "csv is no path of a file; write the path of the file or folder",
    ),
    "B69 B88 a name too long": (
        "x" * 300 + ".csv",
        "csv is no path of a file; write the path of the file or folder",
    ),
}


@pytest.mark.privacy("P40")
@pytest.mark.parametrize(("path", "message"), named(PATHS))
def test_odd_paths_are_refused(tmp_path: Path, path: str, message: str) -> None:
    """A path that leads elsewhere, or nowhere, is refused at its line of the declaration."""
    with pytest.raises(SourceError) as told:
        one(tmp_path, f'contract = "customers"\ncsv = "{path}"')
    assert str(told.value).startswith(f"sources.toml:3: source one: {message}")


@pytest.mark.bad_input("B66")
def test_a_file_that_grows_meanwhile_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody still writes the file: half a delivery is never taken for a whole one."""
    source = customers(tmp_path)
    path = tmp_path / "customers.csv"
    whole = text_files.outline

    def outlined(*arguments: Any, **named: Any) -> text_files.Outline:
        found = whole(*arguments, **named)
        with path.open("a") as file:
            file.write("99,late@example.com\n")
        return found

    monkeypatch.setattr(text_files, "outline", outlined)
    with pytest.raises(
        SourceError, match=r"customers\.csv: changed while it was being read; write it elsewhere"
    ):
        load_source(con, source, TODAY)


@pytest.mark.bad_input("B54")
@pytest.mark.privacy("P11")
def test_a_missing_opt_out_file_stops_deliveries(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A file that is not there any more says nothing about who opted out."""
    source = one(tmp_path, 'contract = "suppressions"\ncsv = "out.csv"')
    report = load_or_report(con, source, TODAY)
    assert report.error == "out.csv: there is no such file; check the path in sources.toml"
    assert report.stops_delivery
