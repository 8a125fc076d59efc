"""The calls that benchmarks measure, each in a process of its own: ``python -m bench.calls NAME ARGUMENTS``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import orjson
import pandas  # noqa: F401 - pyarrow imports it at its first use of numpy: start-up, which is not measured

from bench import journals, platform
from bench.measure import report
from bench.warehouse import DAY_1, DAY_2, SEGMENT
from connectors.identity import encode_sql
from connectors.rules.email import EMAIL

MEMORY = "200MB"


def push(warehouse: str, state: str) -> float:
    """One push; returns requests sent."""
    return float(platform.push(Path(warehouse), Path(state), memory=MEMORY).requests)


def small_batches(warehouse: str, state: str, journal: str) -> float:
    """One push in small batches, the journal kept as asked; returns the seconds that went into its commits."""
    with journals.kept(journal) as spent:
        platform.push(Path(warehouse), Path(state), max_rows=journals.BATCH_ROWS)
        return spent.seconds


def join(warehouse: str, _: str) -> float:
    """The bare full outer join of both days' people; returns changes found."""
    with duckdb.connect(warehouse, read_only=True) as con:
        rows = con.execute(
            f"""
            with
            desired as (
              select person_no from segment.{SEGMENT} where as_of = date '{DAY_2}'
            ),
            held as (
              select person_no from segment.{SEGMENT} where as_of = date '{DAY_1}'
            )
            select count(*)
            from desired
            full outer join held
              on held.person_no = desired.person_no
            where held.person_no is null
              or desired.person_no is null
            """
        ).fetchall()
    return float(rows[0][0])


def join_members(_: str, state: str) -> float:
    """The bare full outer join of what delivery compares: member keys of both sides; returns changes found."""
    with duckdb.connect(Path(state) / "sink.duckdb", read_only=True) as con:
        rows = con.execute(
            """
            select count(*)
            from (select member from identities where refused is null) as desired
            full outer join members as held
              on held.member = desired.member
            where held.member is null
              or desired.member is null
            """
        ).fetchall()
    return float(rows[0][0])


def bodies(warehouse: str, _: str) -> float:
    """Building the bodies of a first push by the same rule, sending and storing nothing; returns their number."""
    fast = EMAIL.fast
    assert fast is not None
    digest = encode_sql(f"case when {fast.when} then nullif({fast.value}, '') end", "sha256_hex")
    query = (
        f"select {digest} as h from people join segment.{SEGMENT} using (person_no) where as_of = '{DAY_1}'"
    )
    pending: list[str] = []
    made = 0
    with duckdb.connect(warehouse, read_only=True) as con:
        for batch in con.sql(query).to_arrow_reader(100_000):
            pending += batch.column("h").to_pylist()
            while len(pending) >= 10_000:
                orjson.dumps({"data": pending[:10_000]})
                del pending[:10_000]
                made += 1
    return float(made + bool(pending))


if __name__ == "__main__":
    calls: dict[str, Callable[..., float]] = {
        "push": push,
        "small_batches": small_batches,
        "join": join,
        "join_members": join_members,
        "bodies": bodies,
    }
    name, *arguments = sys.argv[1:]
    report(lambda: calls[name](*arguments))
