"""Features of the day under way, as if it had ended: everybody's once a day, then only of those who did something.

The same SQL as for whole days. For a few people it runs over their rows alone, through temporary views that stand
before the tables; what depends on other people too is null, so that nobody reads half a truth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.duck import quote
from pipelines.sources import features, views
from pipelines.sources.contracts import CUSTOMERS, ORDER_LINES, ORDERS
from pipelines.sources.load_all import LOG
from pipelines.sources.model import Source


def basis(con: duckdb.DuckDBPyConnection) -> str:
    """What everybody's features were computed from: another word after every load, and when features are redefined."""
    loads = con.execute(f"select count(*), max(loaded_at)::varchar from {LOG}").fetchall()[0]
    texts = "\0".join(features.statement(theme) for theme in features.THEMES)
    return hashlib.sha256(f"{loads}\0{texts}".encode()).hexdigest()[:16]


def build(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], today: date) -> bool:
    """Bring ``live.features`` to what is loaded; whether that took everybody. Runs in the caller's transaction.

    Everybody's are computed when the day is another one or a load came between; otherwise those of whoever stands in
    ``live.touched``.
    """
    now = basis(con)
    if con.execute("select as_of, basis from live.day").fetchall() != [(today, now)]:
        _everybody(con, sources, today)
        con.execute("delete from live.touched")
        con.execute("delete from live.computed")
        con.execute("delete from live.day")
        con.execute("insert into live.day values (?, ?)", [today, now])
        return True
    if con.execute("select 1 from live.touched limit 1").fetchall():
        _touched(con, sources, today)
    return False


def _everybody(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], today: date) -> None:
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in features.column_types().items())
    con.execute(f"create or replace table live.features ({columns})")
    con.execute(
        f"create or replace temp view arriving_customers as\n{views.delivered(con, sources, CUSTOMERS)}"
    )
    _insert(con, today)
    con.execute("drop view temp.arriving_customers")


def _touched(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], today: date) -> None:
    con.execute("delete from live.features where person_no in (select person_no from live.touched)")
    made = list(_views_before(con, sources))
    _insert(con, today)
    for name in made:
        con.execute(f"drop view temp.{quote(name)}")


def _views_before(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> list[str]:
    """Put a view of the touched people's rows before every table that tells of people; their names."""
    con.execute(
        f"""
        create or replace temp view arriving_{CUSTOMERS.name} as
        select rows.*
        from ({views.delivered(con, sources, CUSTOMERS)}) as rows
        semi join (
          select numbers.person_id
          from person_numbers as numbers
          semi join live.touched
            using (person_no)
        ) as touched
          on touched.person_id = rows.customer_id
        """
    )
    made = [f"arriving_{CUSTOMERS.name}"]
    (database,) = con.execute("select current_database()").fetchall()[0]
    for contract in views.contracts_of(sources).values():
        if contract.name in views.OWN_TABLES or contract.person is None:
            continue
        rows = f"select * from {quote(database)}.main.{quote(contract.name)} semi join live.touched using (person_no)"
        con.execute(f"create or replace temp view {quote(contract.name)} as {rows}")
        made.append(contract.name)
    lines = f"select * from {quote(database)}.main.{ORDER_LINES.name}"
    theirs = f"semi join (select order_id from temp.{ORDERS.name}) as theirs using (order_id)"
    con.execute(f"create or replace temp view {ORDER_LINES.name} as {lines} {theirs}")
    return [*reversed(made), ORDER_LINES.name]


def _insert(con: duckdb.DuckDBPyConnection, today: date) -> None:
    window_end = datetime.combine(today + timedelta(days=1), time())
    con.execute(features.PRESENT_PEOPLE, {"window_end": window_end})
    nulls = ", ".join(f"null as {quote(name)}" for name in sorted(features.AMONG_PEOPLE))
    con.execute(
        f"insert into live.features by name select * replace ({nulls}) from (\n{features.selected()}\n)",
        {"as_of": today, "window_end": window_end},
    )
    con.execute("drop table temp.present_people")
