"""The table of scores: one row a person, day and model, and the record of which version scored which day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.models.store import Card

COLUMNS: Sequence[tuple[str, str, str]] = (
    ("as_of", "DATE", "Last whole day that counts."),
    ("person_no", "INTEGER", "The person's number."),
    ("model", "VARCHAR", "Which model; name it in every condition on scores."),
    ("version", "INTEGER", "The version of the model that was in force."),
    ("score", "DOUBLE", "What the model says: a probability, a value, or the distance to a group's centre."),
    ("score_rank", "DOUBLE", "Share of everybody scored by this model that day who scored less, 0 to 1."),
    ("label", "VARCHAR", "The group of a model that groups people; null otherwise."),
    ("reasons", "VARCHAR", "What moved the score most, in words."),
    (
        "hindsight",
        "BOOLEAN",
        "The version was trained with data of this day or later: a replay, no forecast.",
    ),
)
"""Name, type and meaning of every column that segments may read."""

SCHEMA = f"""
create table if not exists scores (
  {", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)}
);

create table if not exists score_runs (
  as_of date not null,
  model varchar not null,
  version integer not null,
  people bigint not null,
  hindsight boolean not null,
  mean_score double,
  scored_at timestamptz not null
);
"""

OUT_OF_DATE = "as_of <= (select max(as_of) from score_runs) - $days::integer and as_of <> $as_of"


@dataclass(frozen=True, slots=True)
class ScoredDay:
    """One model on one day."""

    model: str
    version: int
    as_of: date
    people: int
    hindsight: bool
    """The version had seen the day, or what came after it, when it was trained."""
    mean_score: float
    """Of everybody scored, 0 where nobody is: it drifts when people or the world change."""


def keep(
    con: duckdb.DuckDBPyConnection, card: Card, as_of: date, scored: pa.Table, *, days_kept: int
) -> ScoredDay:
    """Put a day's scores in place of those that the model had, in one transaction.

    Days further back than ``days_kept`` from the newest are forgotten, but for the one just scored.
    """
    done = ScoredDay(card.model, card.version, as_of, scored.num_rows, card.as_of > as_of, _mean(scored))
    day = {"as_of": as_of, "model": card.model}
    told = {**day, "version": done.version, "hindsight": done.hindsight}
    con.execute(SCHEMA)
    con.register("scored_rows", scored)
    con.execute("begin")
    try:
        for table in ("scores", "score_runs"):
            con.execute(f"delete from {table} where as_of = $as_of and model = $model", day)
            con.execute(f"delete from {table} where {OUT_OF_DATE}", {"as_of": as_of, "days": days_kept})
        con.execute(
            """
            insert into scores by name
            select
              $as_of::date as as_of,
              person_no,
              $model as model,
              $version::integer as version,
              score,
              (rank() over (order by score) - 1) / count(*) over () as score_rank,
              label,
              reasons,
              $hindsight::boolean as hindsight
            from scored_rows
            """,
            told,
        )
        con.execute(
            "insert into score_runs values ($as_of, $model, $version, $people, $hindsight, $mean, now())",
            {**told, "people": done.people, "mean": done.mean_score},
        )
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    finally:
        con.unregister("scored_rows")
    return done


def _mean(scored: pa.Table) -> float:
    found: float | None = pc.mean(scored.column("score")).as_py()
    return found or 0.0


def scored_on(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, ScoredDay]:
    """What was scored for a day, by model."""
    if not _exists(con):
        return {}
    query = "select model, version, as_of, people, hindsight, mean_score from score_runs where as_of = $as_of"
    return {row[0]: ScoredDay(*row) for row in con.execute(query, {"as_of": as_of}).fetchall()}


def forget_day(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Forget a day's scores, because the features that they rest on were built anew."""
    if not _exists(con):
        return
    for table in ("scores", "score_runs"):
        con.execute(f"delete from {table} where as_of = $as_of", {"as_of": as_of})


def _exists(con: duckdb.DuckDBPyConnection) -> bool:
    query = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'score_runs'"
    return bool(con.execute(query).fetchall())
