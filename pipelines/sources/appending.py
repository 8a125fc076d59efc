"""Rows that have arrived since the last look, put into their source's table; and whom they are about.

A row is checked as in a whole load and known by its contract's key, so one that was there before changes nothing. The
rows, the people they touch and how far the source was read are kept in one transaction: whatever is cut off is done
again from where it was.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.duck import quote
from pipelines.sources import arriving, inspection, merging, views
from pipelines.sources.arriving import Mark, News
from pipelines.sources.errors import SourceError
from pipelines.sources.growing import Position
from pipelines.sources.loading import stage, table_of
from pipelines.sources.model import Source
from pipelines.sources.tombstones import Tombstones


@dataclass(frozen=True, slots=True)
class Appended:
    """What arrived in one source. ``error`` set: nothing more of it was taken, and the next look begins there."""

    source: str
    rows: int = 0
    """New ones, also about people who are no customers."""
    people: int = 0
    """Customers whom they are about."""
    happened_at: datetime | None = None
    """The middle one of the times at which they happened, as the source writes them."""
    written_at: datetime | None = None
    """When the source was last written."""
    error: str | None = None


def append(
    con: duckdb.DuckDBPyConnection, source: Source, today: date, tombstones: Tombstones | None = None
) -> Appended:
    """Take what is new in a source; a mistake in it becomes part of the answer.

    ``con`` is a writable warehouse with the schema ``live``, its configuration open and tombstones prepared.
    """
    done = Appended(source.name)
    try:
        if not views.is_in_force(con, source):
            raise SourceError(source.name, "was never loaded as it is declared", "load it: turnout sources")
        with tempfile.TemporaryDirectory() as folder:
            for news in arriving.news(source, _marks(con, source), Path(folder)):
                done = _joined(done, _take(con, source, news, today, erased=tombstones is not None))
    except SourceError as error:
        return replace(done, error=str(error))
    return done


def _joined(so_far: Appended, more: Appended) -> Appended:
    """Several parts of a source as one."""
    happened = [one.happened_at for one in (so_far, more) if one.happened_at is not None]
    written = [one.written_at for one in (so_far, more) if one.written_at is not None]
    return replace(
        so_far,
        rows=so_far.rows + more.rows,
        people=so_far.people + more.people,
        happened_at=max(happened, default=None),
        written_at=max(written, default=None),
    )


def _take(
    con: duckdb.DuckDBPyConnection, source: Source, news: News, today: date, *, erased: bool
) -> Appended:
    staged = table_of(f"{source.name}__new")
    con.execute(f"create or replace temp table fresh_rows as select * from {table_of(source.name)} limit 0")
    if news.source is not None:
        con.execute("set preserve_insertion_order = true")  # rows keep their numbers
        con.execute(f"drop table if exists {staged}")
        try:
            parts, _, modified = stage(con, news.source, staged, today)
            inspection.inspect(con, replace(news.source, max_age_days=None), staged, parts, modified, today)
            _find_fresh(con, source, staged, erased=erased)
        finally:
            con.execute(f"drop table if exists {staged}")
    con.execute("begin")
    try:
        con.execute(f"insert into {table_of(source.name)} by name select * from fresh_rows")
        found = _touch(con, source)
        _set_mark(con, source, news.mark)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return replace(found, written_at=news.mark.written_at if found.rows else None)


def _find_fresh(con: duckdb.DuckDBPyConnection, source: Source, staged: str, *, erased: bool) -> None:
    """Those of the staged rows that are not there yet and are about nobody who was erased."""
    key = ", ".join(quote(name) for name in source.contract.key)
    person = quote(str(source.contract.person))
    named = "select digest from tombstones where meaning = 'is'"
    kept = f"where coalesce(tombstone('id', {person}::varchar) not in ({named}), true)" if erased else ""
    con.execute(
        f"""
        insert into fresh_rows by name
        select *
        from {staged}
        anti join {table_of(source.name)} as known
          using ({key})
        {kept}
        """
    )


def _touch(con: duckdb.DuckDBPyConnection, source: Source) -> Appended:
    """Write down whom the fresh rows are about."""
    contract = source.contract
    rows = "select * from fresh_rows"
    about = f"""
        select numbers.person_no
        from person_numbers as numbers
        semi join ({merging.merged(contract, rows) if merging.is_any(con) else rows}) as fresh_rows
          on fresh_rows.{quote(str(contract.person))} = numbers.person_id
    """
    people = con.execute(f"select count(*) from ({about})").fetchall()[0][0]
    con.execute(f"insert into live.touched {about} except select person_no from live.touched")
    rows, middle = con.execute(
        f"select count(*), quantile_disc({quote(str(contract.time))}, 0.5) from fresh_rows"
    ).fetchall()[0]
    con.execute("drop table fresh_rows")
    return Appended(source.name, rows, people, middle)


def _marks(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, Mark]:
    found = con.execute(
        "select part, version, written_at, position, before from live.marks where source = ?", [source.name]
    ).fetchall()
    return {
        part: Mark(part, version, at, Position(read, before)) for part, version, at, read, before in found
    }


def _set_mark(con: duckdb.DuckDBPyConnection, source: Source, mark: Mark) -> None:
    con.execute("delete from live.marks where source = ? and part = ?", [source.name, mark.part])
    con.execute(
        "insert into live.marks values (?, ?, ?, ?, ?, ?)",
        [source.name, mark.part, mark.version, mark.written_at, mark.position.bytes, mark.position.before],
    )
