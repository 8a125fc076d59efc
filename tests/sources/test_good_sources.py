"""Every kind of place gives the same rows, exactly as they were written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources.errors import SourceError
from pipelines.sources.load_all import load_all, load_or_report, open_warehouse
from pipelines.sources.loading import load_source
from tests.conftest import require
from tests.sources.shop import TODAY, customers, one, rows

ORDERS = [
    ("a", "007", datetime(2026, 3, 1, 9, 15), Decimal("10.50")),
    ("b", "8", datetime(2026, 3, 2, 23, 59, 59), Decimal("0.00")),
]
LOADED = "select order_id, customer_id, ordered_at, total from source.one order by order_id"


@pytest.mark.bad_input("B09")
def test_identifiers_stay_as_they_were_written(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Zeros, capitals, blanks around an address and accents are kept; only nothing becomes null."""
    content = 'customer_id,email,first_name\n007,"  Zoë@Example.com ",O\'Brien\n8,,  \n'
    load_source(con, customers(tmp_path, content), TODAY)
    assert rows(con, "select customer_id, email, first_name from source.customers order by 1") == [
        ("007", "  Zoë@Example.com ", "O'Brien"),
        ("8", None, None),
    ]


@pytest.mark.bad_input("B64")
@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b'\xef\xbb\xbfcustomer_id,email\r\n1,"a\nb"\r\n2,"c""d"\r\n', ""),
        (b'customer_id;email\n1;"a\nb"\n2;"c""d"\n', 'delimiter = ";"'),
        (b'email,customer_id,more\n"a\nb",1,x\n"c""d",2,y', ""),
        ('customer_id,email\n1,"a\nb"\n2,"c""d"\n'.encode("utf-16"), 'encoding = "utf-16"'),
    ],
    ids=["byte-order mark and CRLF", "semicolon", "other order and no last line end", "UTF-16"],
)
def test_dialects_of_csv(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, options: str
) -> None:
    """Marks, line ends, quoted breaks, delimiters and the order of columns make no difference."""
    load_source(con, customers(tmp_path, content, options), TODAY)
    assert rows(con, "select customer_id, email from source.customers order by 1") == [
        ("1", "a\nb"),
        ("2", 'c"d'),
    ]


@pytest.mark.bad_input("B63")
def test_declared_latin_1_is_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A declared encoding is honoured."""
    content = "customer_id,first_name\n1,Zoë\n".encode("latin-1")
    load_source(con, customers(tmp_path, content, 'encoding = "latin-1"'), TODAY)
    assert rows(con, "select first_name from source.customers") == [("Zoë",)]


@pytest.mark.bad_input("B61")
def test_columns_beyond_the_contract_are_told_not_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """An unknown column is a warning: it may be a misspelt one."""
    report = load_source(con, customers(tmp_path, "customer_id,shoe_size\n1,42\n"), TODAY)
    assert report.warnings == ("customers.csv: 1 columns beyond the contract were not read: shoe_size",)


@pytest.mark.bad_input("B72")
def test_times_with_a_zone_become_utc(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A zone is never dropped in silence."""
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,total\n"
        "a,1,2026-03-01T01:00:00+02:00,1\nb,1,2026-03-01 01:00:00,1\nc,1,2026-03-01T01:00:00Z,1\nd,1,2026-03-01,1\n"
    )
    load_source(con, one(tmp_path, 'contract = "orders"\ncsv = "orders.csv"'), TODAY)
    assert [when for (when,) in rows(con, "select ordered_at from source.one order by order_id")] == [
        datetime(2026, 2, 28, 23),
        datetime(2026, 3, 1, 1),
        datetime(2026, 3, 1, 1),
        datetime(2026, 3, 1),
    ]


def test_a_folder_of_parquet_parts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Parts are one table; other files beside them are left alone."""
    folder = tmp_path / "orders"
    folder.mkdir()
    for number, order in enumerate(ORDERS):
        columns = dict(zip(("order_id", "customer_id", "ordered_at", "total"), order, strict=True))
        pq.write_table(
            pa.table({name: [value] for name, value in columns.items()}), folder / f"{number}.parquet"
        )
    (folder / "_SUCCESS").touch()
    report = load_source(con, one(tmp_path, 'contract = "orders"\nparquet = "orders"'), TODAY)
    assert (report.rows, report.newest) == (2, ORDERS[1][2])
    assert rows(con, LOADED) == ORDERS


def test_a_duckdb_table_is_read_without_being_written(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A DuckDB file is attached read-only and let go again."""
    with duckdb.connect(tmp_path / "shop.duckdb") as shop:
        shop.execute(
            "create table orders (order_id text, customer_id text, ordered_at timestamp, total decimal(9,2))"
        )
        shop.executemany("insert into orders values (?, ?, ?, ?)", ORDERS)
    before = (tmp_path / "shop.duckdb").read_bytes()
    source = one(tmp_path, 'contract = "orders"\nduckdb = "shop.duckdb"\ntable = "orders"')
    load_source(con, source, TODAY)
    load_source(con, source, TODAY)
    assert rows(con, LOADED) == ORDERS
    assert (tmp_path / "shop.duckdb").read_bytes() == before
    wrong = one(tmp_path, 'contract = "orders"\nduckdb = "shop.duckdb"\ntable = "order"')
    with pytest.raises(SourceError, match=r"shop\.duckdb: there is no table order; did you mean 'orders'\?"):
        load_source(con, wrong, TODAY)


def test_a_sqlite_table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """SQLite's rows arrive as Arrow; its texts become the contract's types."""
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop, shop:
        shop.execute("create table orders (order_id text, customer_id text, ordered_at text, total real)")
        shop.executemany(
            "insert into orders values (?, ?, ?, ?)",
            [(*order[:2], str(order[2]), float(order[3])) for order in ORDERS],
        )
    load_source(con, one(tmp_path, 'contract = "orders"\nsqlite = "shop.db"\ntable = "orders"'), TODAY)
    assert rows(con, LOADED) == ORDERS
    wrong = one(tmp_path, 'contract = "orders"\nsqlite = "shop.db"\ntable = "order"')
    with pytest.raises(SourceError, match=r"shop\.db, table order: cannot be read: .*no such table: order"):
        load_source(con, wrong, TODAY)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own, on a socket in a folder of its own."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    require(initdb, "no PostgreSQL server is installed (Debian's package postgresql)")
    bin_folder = Path(str(initdb)).resolve().parent
    folder = tmp_path_factory.mktemp("postgres")
    # PostgreSQL refuses to run as root: then it runs as the user its package made.
    user = _postgres_user(folder)
    subprocess.run(
        [bin_folder / "initdb", "-D", folder / "data", "-U", "turnout", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
    )
    server = subprocess.Popen(
        [bin_folder / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
    )
    try:
        ready = [bin_folder / "pg_isready", "-h", folder, "-q"]
        for _ in range(100):
            if subprocess.run(ready, check=False).returncode == 0:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                server.wait(0.1)
        yield f"postgresql://turnout@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait(30)


def _postgres_user(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "postgres")
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent.name.startswith(("pytest", "popen")):
            parent.chmod(0o711)
    return "postgres"


def test_a_postgresql_table(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's rows arrive as Arrow, numerics and zones included; the address stays in the environment."""
    import adbc_driver_postgresql.dbapi as driver

    with closing(driver.connect(postgres)) as shop, closing(shop.cursor()) as cursor:
        cursor.execute('create schema "Shop"')
        cursor.execute(
            'create table "Shop".orders (order_id bigint, customer_id text, ordered_at timestamptz,'
            " total numeric(12, 2), note jsonb)"
        )
        cursor.execute(
            """insert into "Shop".orders values (1, '007', '2026-03-01 11:15+02', 10.50, '{}'),"""
            " (2, '8', '2026-03-02 23:59:59+00', 0, null)"
        )
        shop.commit()
    monkeypatch.setenv("SHOP_DATABASE", postgres)
    source = one(tmp_path, 'contract = "orders"\npostgres = "SHOP_DATABASE"\ntable = "Shop.orders"')
    report = load_source(con, source, TODAY)
    assert report.rows == 2
    assert rows(con, LOADED) == [("1", *ORDERS[0][1:]), ("2", *ORDERS[1][1:])]
    wrong = one(tmp_path, 'contract = "orders"\npostgres = "SHOP_DATABASE"\ntable = "shop.orders"')
    with pytest.raises(
        SourceError, match=r"\$SHOP_DATABASE, table shop\.orders: cannot be read: .*does not exist"
    ):
        load_source(con, wrong, TODAY)


@pytest.mark.privacy("P26", "P28")
@pytest.mark.fault(
    "F62",
    injected="the database server is away",
    outcome="the source fails without its address; the others load",
)
def test_an_unreachable_postgresql_never_tells_its_password(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an unset variable nor a server that is away puts the address into a message."""
    source = one(tmp_path, 'contract = "orders"\npostgres = "SHOP_DATABASE"\ntable = "orders"')
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    with pytest.raises(SourceError, match=r"^\$SHOP_DATABASE: the variable is not set; set SHOP_DATABASE to"):
        load_source(con, source, TODAY)
    monkeypatch.setenv("SHOP_DATABASE", f"postgresql://me:hunter2@/x?host={tmp_path}")
    report = load_or_report(con, source, TODAY)
    assert report.error == (
        "$SHOP_DATABASE: cannot be reached: OperationalError; check the address, the server and the password"
    )


def test_a_custom_source_is_a_table_with_person_no(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A table of one's own is read by its declared types; strangers' rows are not in its view."""
    (tmp_path / "scores.csv").write_text(
        "who,at,score\n007,2026-03-01,0.5\n8,2026-03-01,0.25\n99,2026-03-01,1\n"
    )
    scores = one(
        tmp_path,
        'contract = "custom"\ncsv = "scores.csv"\nkey = ["who", "at"]\ntime = "at"\nperson = "who"\n'
        'columns = { who = "text", at = "timestamp", score = "number" }',
    )
    load_all(con, [customers(tmp_path), scores], TODAY)
    query = "select person_id, one.* exclude (person_no) from one join people using (person_no) order by 1"
    assert rows(con, query) == [("007", datetime(2026, 3, 1), 0.5), ("8", datetime(2026, 3, 1), 0.25)]


def test_the_log_tells_every_load(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Each load is written down with its rows or its error."""
    load_all(con, [customers(tmp_path)], TODAY)
    (tmp_path / "customers.csv").write_bytes(b"")
    load_all(con, [customers(tmp_path, b"")], TODAY)
    assert rows(con, "select source, rows, error is null, stops_delivery from source.loads") == [
        ("customers", 3, True, False),
        ("customers", 0, False, False),
    ]


def test_progress_is_told_in_order(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A progress bar can be drawn from what is told before and after each step."""
    told: list[tuple[str, int, int, bool]] = []
    load_all(
        con,
        [customers(tmp_path)],
        date(2026, 3, 31),
        lambda p: told.append((p.step, p.number, p.of, p.report is not None)),
    )
    assert told == [
        ("customers", 1, 2, False),
        ("customers", 1, 2, True),
        ("people", 2, 2, False),
        ("people", 2, 2, True),
    ]


@pytest.mark.fault(
    "F50", injected="a table larger than the memory limit", outcome="streamed; keys are checked on disk"
)
@pytest.mark.bad_input("B71")
@pytest.mark.promise("bounded")
def test_loading_stays_within_the_memory_it_is_given(tmp_path: Path) -> None:
    """A table several times larger than the memory limit loads: it is streamed, and keys are checked on disk."""
    shop = tmp_path / "shop"
    shop.mkdir()
    with duckdb.connect() as writer:
        writer.execute(
            "copy (select md5(i::varchar) as customer_id, md5('e' || i) || '@example.com' as email,"
            f" md5('s' || i) as street from range(600000) as numbers(i)) to '{shop / 'customers.parquet'}'"
        )
    source = one(shop, 'contract = "customers"\nparquet = "customers.parquet"')
    with open_warehouse(tmp_path / "w.duckdb", memory_limit="60MB", threads=1) as warehouse:
        assert load_source(warehouse, source, TODAY).rows == 600_000
