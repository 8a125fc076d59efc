"""Erased people in the warehouse: marked so that every ledger learns of it, then deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.delivery.boundaries import reached, step
from pipelines.duck import quote
from pipelines.erasure.finding import PSEUDONYM, Found
from pipelines.sources.model import Source
from pipelines.sources.people import build_people, define_matching
from pipelines.sources.tombstones import Tombstones, prepare, purge_sources


def mark(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    """Let ``people`` say that they are erased, so that every ledger removes them; their numbers stay theirs."""
    with _commit(con, "mark"):
        _stage_subjects(con, found)
        con.execute(_EMPTY_PEOPLE)


def delete(
    con: duckdb.DuckDBPyConnection,
    found: Found,
    sources: Sequence[Source],
    today: date,
    tombstones: Tombstones,
    pulled: pa.Table | None,
) -> dict[str, int]:
    """Delete all that is stored about them, then bring people up to date: rows by place.

    From then on the tombstones alone keep them out: their ids are replaced by random ones.
    """
    define_matching(con)
    prepare(con, tombstones)
    with _commit(con, "delete"):
        _stage_subjects(con, found)
        deleted = purge_sources(con, sources)
        for schema, table in _tables_of_people(con):
            name = f"{quote(schema)}.{quote(table)}"
            gone = con.execute(f"delete from {name} where person_no in (select person_no from subjects)")
            deleted[f"warehouse {schema}.{table}"] = int(gone.fetchall()[0][0])
        con.execute(_EMPTY_PEOPLE)
        con.execute(_PSEUDONYMS)
    con.execute("drop table temp.subjects")
    build_people(con, sources, today, tombstones, pulled)
    return deleted


@contextmanager
def _commit(con: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """One transaction, with the boundaries at which a test ends it."""
    with step("warehouse", name):
        con.execute("begin")
        try:
            yield
            reached(f"warehouse.{name}.open")
        except BaseException:
            con.execute("rollback")
            raise
        con.execute("commit")


def _stage_subjects(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    rows = {"person_no": list(found.subjects), "subject": list(found.subjects.values())}
    schema = pa.schema([("person_no", pa.int32()), ("subject", pa.string())])
    con.register("subject_rows", pa.table(rows, schema=schema))
    con.execute("create or replace temp table subjects as select * from subject_rows")
    con.unregister("subject_rows")


_EMPTY_PEOPLE = """
create or replace temp table emptied as
select numbers.person_no, numbers.person_id
from person_numbers as numbers
join subjects
  on subjects.person_no = numbers.person_no
left join people
  on people.person_no = numbers.person_no
where people.suppressed is distinct from 'erased';

create or replace temp table emptied_in as
select coalesce(max(revision), 0) + 1 as revision
from people;

delete from people
where person_no in (select person_no from emptied);

insert into people (person_no, person_id, granted, suppressed, revision)
select person_no, person_id, [], 'erased', revision
from emptied
cross join emptied_in;

drop table emptied;

drop table emptied_in
"""

_PSEUDONYMS = f"""
create or replace temp table pseudonyms as
select
  person_no,
  '{PSEUDONYM}' || subject || ':' || (row_number() over (partition by subject order by person_no)) as pseudonym
from subjects;

update person_numbers
set person_id = pseudonyms.pseudonym
from pseudonyms
where pseudonyms.person_no = person_numbers.person_no;

update people
set person_id = pseudonyms.pseudonym
from pseudonyms
where pseudonyms.person_no = people.person_no;

drop table pseudonyms
"""


def _tables_of_people(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Every table that holds rows by person: consents, suppressions, features, segments and their histories."""
    return con.execute(
        """
        select distinct columns.schema_name, columns.table_name
        from duckdb_columns() as columns
        join duckdb_tables() as tables
          on tables.table_oid = columns.table_oid
          and tables.database_name = columns.database_name
        where columns.database_name = current_database()
          and columns.column_name = 'person_no'
          and columns.table_name not in ('people', 'person_numbers')
        order by all
        """
    ).fetchall()
