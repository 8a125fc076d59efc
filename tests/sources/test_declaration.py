"""sources.toml is read strictly: a slip is an error with its line and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.declaration import read_sources
from pipelines.sources.errors import SourceError
from pipelines.sources.model import DatabaseFile, Demo, Files, Postgres
from tests.catalogue.cases import named

GOOD = """\
[source.customers]
contract = "customers"
csv = "customers.csv"
"""


def declared(folder: Path, text: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_demo_is_declared() -> None:
    """No sources.toml means the demo data, one source a contract; its households were never merged."""
    sources = read_sources(None)
    assert {source.name for source in sources} == set(CONTRACTS) - {"customer_merges"}
    assert all(isinstance(source.location, Demo) for source in sources)


def test_every_kind_of_place(tmp_path: Path) -> None:
    """CSV, Parquet, a folder, DuckDB, SQLite and PostgreSQL are each one line."""
    text = (
        GOOD
        + """
[source.shop]
contract = "orders"
parquet = "orders"
max_age_days = 2
columns = { order_id = "OrderNo" }

[source.web]
contract = "web_events"
duckdb = "web.duckdb"
table = "events"

[source.mail]
contract = "email_events"
sqlite = "mail.db"
table = "events"

[source.opt_outs]
contract = "suppressions"
postgres = "SHOP_CRM"
table = "crm.opt_outs"

[source.scores]
contract = "custom"
csv = "scores.csv"
delimiter = ";"
columns = { customer = "text", scored_at = "timestamp", score = "number" }
key = ["customer", "scored_at"]
time = "scored_at"
person = "customer"
"""
    )
    sources = {source.name: source for source in read_sources(declared(tmp_path, text))}
    assert isinstance(sources["customers"].location, Files)
    assert sources["shop"].column_of("order_id") == "OrderNo"
    assert sources["shop"].max_age_days == 2
    assert isinstance(sources["web"].location, DatabaseFile)
    assert isinstance(sources["mail"].location, DatabaseFile)
    assert sources["opt_outs"].location == Postgres("SHOP_CRM", ("crm", "opt_outs"))
    assert sources["scores"].contract.person == "customer"
    assert [field.type for field in sources["scores"].contract.fields] == ["VARCHAR", "TIMESTAMP", "DOUBLE"]


ORDERS = '\n[source.orders]\ncontract = "orders"\n'

SLIPS = {
    "B87 not TOML": ("[source.customers\n", "sources.toml: is not valid TOML: "),
    "B87 unknown top-level key": (
        "rot = 1\n" + GOOD,
        "sources.toml:1: unknown key 'rot'; did you mean 'root'?",
    ),
    "nothing declared": ("root = '.'\n", "sources.toml: declares no source; add a table [source.customers]"),
    "nobody to be found": (
        '[source.orders]\ncontract = "orders"\ncsv = "o.csv"\n',
        "sources.toml: no source has the contract 'customers'; declare one: it says who the people are",
    ),
    "B87 unknown key": (
        GOOD + ORDERS + 'csv = "o.csv"\nmax_age_day = 3\n',
        "sources.toml:8: source orders: unknown key 'max_age_day'; did you mean 'max_age_days'?",
    ),
    "B87 wrong type": (
        GOOD + ORDERS + 'csv = "o.csv"\nmax_age_days = "3"\n',
        "sources.toml:8: source orders: max_age_days: input should be a valid integer",
    ),
    "B87 unknown contract": (
        '[source.x]\ncontract = "custmers"\ncsv = "c.csv"\n',
        "sources.toml:2: source x: unknown contract 'custmers'; did you mean 'customers'?",
    ),
    "no place": (
        GOOD + ORDERS,
        "sources.toml:5: source orders: names no place;"
        " say where it is by exactly one of csv, parquet, duckdb, sqlite, postgres",
    ),
    "two places": (
        GOOD + ORDERS + 'csv = "o.csv"\nparquet = "o.parquet"\n',
        "sources.toml:5: source orders: names csv and parquet;",
    ),
    "database without a table": (
        GOOD + ORDERS + 'sqlite = "shop.db"\n',
        "sources.toml:5: source orders: a sqlite source names its table",
    ),
    "B69 outside the root": (
        GOOD + ORDERS + 'csv = "../o.csv"\n',
        "sources.toml:7: source orders: csv leads outside the folder of the sources; set root =",
    ),
    "B69 an absolute path": (
        GOOD + ORDERS + 'csv = "/etc/passwd"\n',
        "sources.toml:7: source orders: csv leads outside the folder of the sources; set root =",
    ),
    "B69 an address": (
        GOOD + ORDERS + 'csv = "https://example.com/o.csv"\n',
        "sources.toml:7: source orders: csv is an address, not a file; fetch the file first",
    ),
    "B61 B87 mapping of an unknown column": (
        GOOD + ORDERS + 'csv = "o.csv"\n\n[source.orders.columns]\norderid = "No"\n',
        "sources.toml:10: source orders: the contract 'orders' has no column 'orderid'; did you mean 'order_id'?",
    ),
    "a key where the contract has one": (
        GOOD + ORDERS + 'csv = "o.csv"\nkey = ["order_id"]\n',
        "sources.toml:8: source orders: key is set by the contract 'orders'; remove it",
    ),
    "B85 two owners of one table": (
        GOOD + '\n[source.more]\ncontract = "customers"\ncsv = "m.csv"\n',
        "sources.toml:6: source more: 'customers' has the contract 'customers' already;",
    ),
    "an age nobody could tell": (
        GOOD + '\n[source.p]\ncontract = "products"\nsqlite = "p.db"\ntable = "p"\nmax_age_days = 1\n',
        "sources.toml:9: source p: products has no time by which its age could be told; remove it",
    ),
    "custom without a key": (
        GOOD + '\n[source.scores]\ncontract = "custom"\ncsv = "s.csv"\ncolumns = { a = "text" }\n',
        "sources.toml:5: source scores: a custom source names its key",
    ),
    "custom with an unknown type": (
        GOOD
        + '\n[source.scores]\ncontract = "custom"\ncsv = "s.csv"\ncolumns = { a = "txt" }\nkey = ["a"]\n',
        "sources.toml:8: source scores: unknown type 'txt' of column 'a'; did you mean 'text'?",
    ),
    "B88 the name of a table of Turnout's own": (
        GOOD + '\n[source.loads]\ncontract = "orders"\ncsv = "o.csv"\n',
        "sources.toml:5: source loads: the name 'loads' is not usable",
    ),
    "B88 custom with a column that Turnout gives": (
        GOOD
        + '\n[source.s]\ncontract = "custom"\ncsv = "s.csv"\n'
        + 'columns = { person_no = "integer" }\nkey = ["person_no"]\n',
        "sources.toml:8: source s: person_no is given by Turnout; rename the column",
    ),
    "custom under a taken name": (
        GOOD
        + '\n[source.features]\ncontract = "custom"\ncsv = "s.csv"\ncolumns = { a = "text" }\nkey = ["a"]\n',
        "sources.toml:5: source features: a custom source cannot be called 'features'; choose another name",
    ),
}


@pytest.mark.parametrize(("text", "message"), named(SLIPS))
def test_a_slip_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """File, line, what was found, and what was meant or expected."""
    with pytest.raises(SourceError) as told:
        read_sources(declared(tmp_path, text))
    assert str(told.value).startswith(message)


def test_a_missing_declaration_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere says how to go on."""
    with pytest.raises(SourceError, match=r"sources\.toml: there is no such file; create it, or unset"):
        read_sources(tmp_path / "sources.toml")


def test_the_root_may_lie_elsewhere(tmp_path: Path) -> None:
    """Files outside the folder of the declaration are allowed once it says so."""
    (tmp_path / "data").mkdir()
    (tmp_path / "conf").mkdir()
    path = declared(tmp_path / "conf", f'root = "{tmp_path / "data"}"\n' + GOOD)
    (source,) = read_sources(path)
    assert isinstance(source.location, Files)
    assert source.location.path == tmp_path / "data" / "customers.csv"
