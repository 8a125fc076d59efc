"""Normalising and hashing e-mail addresses: ``python -m bench.bench_normalise [--rows N] [--rounds N]``.

The rule (with its whole validity check) and the digest, as delivery runs them, against a C loop that trims,
lower-cases and hashes in one stream, and against DuckDB's plain ``sha256(lower(trim(email)))``, which checks
nothing. CPU seconds, so that the number of cores does not matter.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import duckdb

from bench.measure import cpu_seconds, goal
from connectors.identity import Column, Identity, encode_sql
from connectors.rules.email import EMAIL
from pipelines.delivery.identities import write_identities

SOURCE = Path(__file__).with_name("hash_loop.c")
IDENTITY = Identity("bench", 1, (Column("EMAIL", EMAIL, "sha256_hex", identifies=True),))


def main() -> None:
    """Measure all ways over the same addresses; medians of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        make(con, arguments.rows)
        loop = c_loop(con, Path(folder), arguments.rounds)
        plain = sql(con, "sha256(lower(trim(email)))", arguments.rounds)
        rule = sql(con, _ruled(), arguments.rounds)
        whole = statistics.median(identities(con) for _ in range(arguments.rounds))
    print(f"     {arguments.rows:,} addresses, CPU seconds:")
    print(
        f"     DuckDB, no rule {plain:.2f}; rule and digest {rule:.2f}; with member keys, stored {whole:.2f}"
    )
    if loop is None:
        print("skip rule and digest, CPU / C loop: no C compiler or no libcrypto headers here")
    else:
        print(f"     C loop, one stream: {loop:.2f}")
        goal("rule and digest, CPU / C loop", rule / loop, 2.5, "x")
    print(f"     rule and digest, CPU / DuckDB without a rule: {rule / plain:.2f}x")


def make(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Addresses of ordinary lengths, one in ten in capitals, one in twenty with blanks around it."""
    con.execute(
        f"""
        create table people as
        select
          cast(n as integer) as person_no,
          case
            when n % 10 = 0 then 'Person.' || n || '@Example.COM'
            when n % 20 = 1 then '  person.' || n || '@mail.example.org '
            else 'first.last' || n || '@example.com'
          end as email,
          cast(null as varchar) as email_sha256
        from range({rows}) as numbers(n)
        """
    )


def _ruled() -> str:
    fast = EMAIL.fast
    assert fast is not None
    return encode_sql(f"case when {fast.when} then nullif({fast.value}, '') end", "sha256_hex")


def sql(con: duckdb.DuckDBPyConnection, expression: str, rounds: int) -> float:
    """Median CPU seconds of evaluating an expression for everybody."""
    query = f"select max({expression}) from people"
    return statistics.median(cpu_seconds(lambda: con.execute(query).fetchall()) for _ in range(rounds))


def identities(con: duckdb.DuckDBPyConnection) -> float:
    """CPU seconds of delivery's own call: rule, digest, member key, and a table of them."""
    return cpu_seconds(lambda: write_identities(con, IDENTITY, "people", "made"))


def c_loop(con: duckdb.DuckDBPyConnection, folder: Path, rounds: int) -> float | None:
    """Median CPU seconds of the C loop; None where it can't be compiled."""
    compiler = shutil.which("cc")
    program, lines = folder / "hash_loop", folder / "emails.txt"
    if compiler is None:
        return None
    built = subprocess.run(
        [compiler, "-O2", "-o", program, SOURCE, "-lcrypto"], capture_output=True, check=False
    )
    if built.returncode:
        return None
    emails = con.execute("select email from people").fetchall()
    lines.write_text("".join(f"{email}\n" for (email,) in emails))
    runs = [
        subprocess.run([program, lines], check=True, capture_output=True, text=True) for _ in range(rounds)
    ]
    return statistics.median(float(run.stdout.split()[0]) for run in runs)


if __name__ == "__main__":
    main()
