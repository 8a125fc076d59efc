"""A pack's sample people: drawn by its SQL, the same on every machine, with times that end before a given day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.duck import literal, quote
from pipelines.playbooks.pack import SHELF, Playbook

MACROS = SHELF / "macros.sql"


def write_sample(pack: Playbook, folder: Path, today: date) -> tuple[str, ...]:
    """Write each table of the sample as ``folder/<table>.csv``; gives their names.

    Only what is a lasting table in the pack's SQL is written; what it needs on the way is temporary.
    """
    with duckdb.connect(config={"threads": "1"}) as con:
        con.execute("set variable pack = ?", [pack.sample.parent.name])
        con.execute("set variable today = ?", [today])
        con.execute("set variable times = ?", [pack.times])
        con.execute(MACROS.read_text(encoding="utf-8"))
        con.execute(pack.sample.read_text(encoding="utf-8"))
        tables = con.execute(
            "select table_name from duckdb_tables() where not temporary order by all"
        ).fetchall()
        for (name,) in tables:
            target = literal(str(folder / f"{name}.csv"))
            con.execute(f"copy {quote(name)} to {target} (header, timestampformat '%Y-%m-%d %H:%M:%S')")
    return tuple(name for (name,) in tables)
