"""People whom a source knows under several ids: which id stands for which person, from the log of merges.

The log is applied before a row is given to anybody: what is delivered under an id that was given up is the surviving
person's, on every day, and nobody is made of that id any more. Numbers of people stay as they were given.
"""

from __future__ import annotations

import duckdb

from pipelines.duck import quote
from pipelines.sources.contract import Contract
from pipelines.sources.contracts import CUSTOMERS

TABLE = "merged_ids"
TOLD_OF = quote("told of")
"""The id that a row came with, while it is mapped."""
EXISTS = f"""
create table if not exists {TABLE} (
  person_id varchar not null,
  survivor_id varchar not null,
  merged_at timestamp not null
)
"""
"""Every id that was given up, and the one that stands for it at the end of all merges."""

READ_LOG = f"""
delete from {TABLE};

insert into {TABLE}
with recursive
told as (
  select
    customer_id as person_id,
    arg_max(merged_into, {{merged_at: merged_at, merged_into: merged_into}}) as into_id,
    max(merged_at) as merged_at
  from arriving_customer_merges
  where merged_at < getvariable('day_after')
  group by customer_id
),
steps as (
  select person_id, into_id
  from told
  union
  select steps.person_id, told.into_id
  from steps
  join told
    on told.person_id = steps.into_id
)
select
  steps.person_id,
  steps.into_id as survivor_id,
  told.merged_at
from steps
join told
  using (person_id)
anti join told as given_up
  on given_up.person_id = steps.into_id
"""
"""Ids that are merged in a circle have no survivor and stay as they are."""


def read_log(con: duckdb.DuckDBPyConnection) -> None:
    """Bring `TABLE` up to the log (temporary view arriving_customer_merges; the variable day_after is set)."""
    con.execute(READ_LOG)


def is_any(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether anybody was ever merged; a warehouse of before has no table."""
    there = (
        "select 1 from duckdb_tables() where schema_name = 'main' and table_name = $name and not temporary"
    )
    return bool(
        con.execute(there, {"name": TABLE}).fetchall()
        and con.execute(f"select 1 from {TABLE} limit 1").fetchall()
    )


def merged(contract: Contract, rows: str) -> str:
    """A contract's rows under the ids of the survivors.

    Of customers, ids that were given up are left out. Where two rows now have one key, the survivor's own stays; rows
    that take rights away all stay.
    """
    if contract.person is None:
        return rows
    person = quote(contract.person)
    if contract.name == CUSTOMERS.name:
        return f"select * from (\n{rows}\n) as rows anti join {TABLE} on {TABLE}.person_id = rows.{person}"
    mapped = f"""
select rows.* replace (coalesce({TABLE}.survivor_id, rows.{person}) as {person}), rows.{person} as {TOLD_OF}
from (
{rows}
) as rows
left join {TABLE}
  on {TABLE}.person_id = rows.{person}
"""
    if contract.opt_out or contract.person not in contract.key:
        return f"select * exclude ({TOLD_OF}) from ({mapped})"
    key = ", ".join(quote(name) for name in contract.key)
    return f"""
select * exclude ({TOLD_OF})
from ({mapped})
qualify {person} is null
  or row_number() over (partition by {key} order by {TOLD_OF} <> {person}, {TOLD_OF}) = 1
"""


def under_survivors(customers: str) -> str:
    """Every row of the customers, those of ids that were given up too, under the id that stands for the person."""
    return f"""
select rows.* replace (coalesce({TABLE}.survivor_id, rows.customer_id) as customer_id)
from (
{customers}
) as rows
left join {TABLE}
  on {TABLE}.person_id = rows.customer_id
"""


def resolved(con: duckdb.DuckDBPyConnection, person_id: str) -> str:
    """The id that stands for the person today."""
    if not is_any(con):
        return person_id
    found = con.execute(
        f"select survivor_id from {TABLE} where person_id = $id", {"id": person_id}
    ).fetchall()
    return str(found[0][0]) if found else person_id
