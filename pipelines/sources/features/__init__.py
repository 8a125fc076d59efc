"""The dated feature table: one row a person and day, one column a feature, each defined in one place.

Each ``.sql`` file here defines the columns of one theme; the last SELECT's lines read
``expression as name, -- description``. Windows are whole days that end with ``as_of``; a day can be built again
at any time and gives the same rows, whatever happened later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import duckdb

from pipelines.duck import literal, quote
from pipelines.sources import views
from pipelines.sources.contracts import CUSTOMERS
from pipelines.sources.model import Source
from pipelines.warehouse import live as live_days

THEMES = ("purchases", "baskets", "household", "engagement")
DEFINITION = re.compile(r"\bas (?P<name>[a-z_0-9]+),?\s+-- (?P<description>.+)$", re.MULTILINE)
AMONG_PEOPLE = frozenset(
    {"recency_fifth", "frequency_fifth", "monetary_fifth", "spend_rank_90d", "account_active_contacts"}
)
"""Features of a person that also depend on what others do: they can't be computed for a few people alone."""
KEYS = {"as_of": "Last whole day that counts.", "person_no": "The person's number."}

PRESENT_PEOPLE = """
create or replace temp table present_people as
select
  numbers.person_no,
  customers.language,
  customers.region,
  customers.country,
  customers.state,
  -- Numbers by value and not by their digits, so that 9 stands before 10.
  row_number() over (order by try_cast(customers.customer_id as bigint) nulls last, customers.customer_id) as place
from arriving_customers as customers
join person_numbers as numbers
  on numbers.person_id = customers.customer_id
where customers.created_at is null
  or customers.created_at < $window_end
"""


@dataclass(frozen=True, slots=True)
class FeaturesReport:
    """What building one day did."""

    as_of: date
    people: int
    """Everybody who was known on that day."""
    columns: int
    pruned_days: int


def definitions() -> dict[str, str]:
    """Every feature's description by its name, in the table's order."""
    return {name: told for theme in THEMES for name, told in _definitions_of(theme).items()}


@cache
def _definitions_of(theme: str) -> dict[str, str]:
    return {match["name"]: match["description"] for match in DEFINITION.finditer(statement(theme))}


def build_features(
    con: duckdb.DuckDBPyConnection, sources: Sequence[Source], as_of: date, *, days_kept: int = 400
) -> FeaturesReport:
    """Compute everybody's features as of the end of ``as_of``, in place of that day's rows, in one transaction.

    ``build_people`` must have run. Days further back than ``days_kept`` from the newest are forgotten, but for
    the one just built.
    """
    window_end = datetime.combine(as_of + timedelta(days=1), time())
    con.execute("begin")
    try:
        rows = views.delivered(con, sources, CUSTOMERS)
        con.execute(f"create or replace temp view arriving_customers as\n{rows}")
        con.execute(PRESENT_PEOPLE, {"window_end": window_end})
        create_table(con)
        con.execute("delete from features where as_of = $as_of", {"as_of": as_of})
        people = con.execute(_insert(), {"as_of": as_of, "window_end": window_end}).fetchall()[0][0]
        live_days.end_day(con, as_of)
        pruned = _prune(con, as_of, days_kept)
        con.execute("drop table temp.present_people")
        con.execute("drop view temp.arriving_customers")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return FeaturesReport(as_of, int(people), len(definitions()), pruned)


def has_day(con: duckdb.DuckDBPyConnection, day: date) -> bool:
    """Whether the features of a day were built."""
    query = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'features'"
    if not con.execute(query).fetchall():
        return False
    return bool(con.execute("select 1 from features where as_of = $day limit 1", {"day": day}).fetchall())


def create_table(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table, or give it the columns of today's definitions: new ones are null on older days."""
    columns = column_types()
    query = (
        "select column_name, data_type from duckdb_columns() where schema_name = 'main' and table_name = ?"
    )
    present = dict(con.execute(query, ["features"]).fetchall())
    if present == columns:
        return
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
    con.execute(f"create table if not exists features ({declared})")
    for name in present:
        if present[name] != columns.get(name):
            con.execute(f"alter table features drop column {quote(name)}")
    for name, kind in columns.items():
        if present and present.get(name) != kind:
            con.execute(f"alter table features add column {quote(name)} {kind}")
    for name, description in (KEYS | definitions()).items():
        con.execute(f"comment on column features.{quote(name)} is {literal(description)}")


@cache
def column_types() -> dict[str, str]:
    """Every column of ``features`` with its DuckDB type, found on empty tables of the contracts."""
    con = duckdb.connect()
    try:
        con.execute("create table person_numbers (person_id varchar, person_no integer)")
        for contract in views.contracts_of(()).values():
            query = views.empty(contract)
            if contract.name in views.OWN_TABLES:
                con.execute(f"create view arriving_{contract.name} as {query}")
            else:
                con.execute(f"create view {contract.name} as {views.view_query(contract, query)}")
        end = datetime(2000, 1, 1)
        con.execute(PRESENT_PEOPLE, {"window_end": end})
        described = con.execute(
            f"describe {selected()}", {"as_of": date(1999, 12, 31), "window_end": end}
        ).fetchall()
        return {name: kind for name, kind, *_ in described}
    finally:
        con.close()


def _prune(con: duckdb.DuckDBPyConnection, as_of: date, days_kept: int) -> int:
    condition = "as_of <= (select max(as_of) from features) - $days::integer and as_of <> $as_of"
    bounds = {"days": days_kept, "as_of": as_of}
    days = con.execute(f"select count(distinct as_of) from features where {condition}", bounds).fetchall()[0][
        0
    ]
    if days:
        con.execute(f"delete from features where {condition}", bounds)
    return int(days)


def _insert() -> str:
    return f"insert into features by name\n{selected()}"


def selected() -> str:
    """One row a present person, the columns of every theme side by side."""
    themes = "\n".join(f"join (\n{statement(theme)}\n) as {theme}\n  using (person_no)" for theme in THEMES)
    columns = ",\n  ".join(f"{theme}.{quote(name)}" for theme in THEMES for name in _definitions_of(theme))
    return (
        f"select\n  $as_of::date as as_of,\n  people.person_no,\n  {columns}\n"
        f"from present_people as people\n{themes}"
    )


@cache
def statement(theme: str) -> str:
    """A theme's SQL as it stands in its file."""
    return (Path(__file__).parent / f"{theme}.sql").read_text(encoding="utf-8")
