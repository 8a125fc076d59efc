"""One look at everything that arrives all day: what is new goes into the warehouse, and into features of today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.engine import WarehouseMissing
from pipelines.sources.appending import Appended, append
from pipelines.sources.features import live as features
from pipelines.sources.model import Source
from pipelines.sources.people import define_matching
from pipelines.sources.tombstones import Tombstones, prepare
from pipelines.warehouse import live


@dataclass(frozen=True, slots=True)
class Followed:
    """What a look brought in."""

    sources: tuple[Appended, ...]
    everybody: bool
    """Whether everybody's features of today were computed."""
    waiting: bool
    """Whether somebody was touched whose segments have not been computed since."""


def follow(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    today: date,
    tombstones: Tombstones | None = None,
) -> Followed:
    """Take what is new in every continuous source, and bring the features of today up to it.

    ``con`` is a warehouse open for loading. Raises WarehouseMissing when nothing was loaded yet.
    """
    if not con.execute("select 1 from duckdb_tables() where table_name = 'person_numbers'").fetchall():
        raise WarehouseMissing("nothing was ever loaded; load the sources first: turnout sources")
    con.execute(live.SCHEMA)
    define_matching(con)
    prepare(con, tombstones)
    found = tuple(append(con, source, today, tombstones) for source in sources if source.continuous)
    con.execute("begin")
    try:
        everybody = features.build(con, sources, today)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    waiting = bool(con.execute("select 1 from live.touched limit 1").fetchall())
    return Followed(found, everybody, waiting)
