"""Erased people in what was pulled: recognised by their tombstones, not kept, and taken out where they are.

A tool goes on listing somebody who was erased here. They need no row to stay out: the tombstone of every identifier
they had keeps out whoever bears it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from connectors.people import Unreachable
from pipelines.sources.people import define_matching
from pipelines.sources.pulled import FILE, IDENTIFIERS, PulledFile
from pipelines.sources.tombstones import Tombstones, prepare

THEIRS = """
select
  row_no,
  bool_or(tombstones.meaning = 'is')
from (
  select
    row_no,
    unnest([
      tombstone('id', external_id), tombstone('email', match_email(email)), tombstone('phone', match_phone(phone)),
      tombstone('email_sha256', digests_of_email(email)[1]), tombstone('email_sha256', digests_of_email(email)[2])
    ]) as digest
  from told_rows
)
join tombstones
  using (digest)
group by row_no
"""


def forget_pulled(state: Path, tombstones: Tombstones | None) -> int:
    """Take erased people out of what a state folder keeps; rows that were changed or deleted. Raises PulledError."""
    if tombstones is None or not (state / FILE).exists():
        return 0
    with PulledFile.open(state) as file, Recogniser.open(tombstones) as erased:
        return erased.forget(file)


class Recogniser:
    """Knows the erased by their tombstones; made by `Recogniser.open`."""

    def __init__(self, con: duckdb.DuckDBPyConnection | None) -> None:
        self._con = con

    @classmethod
    @contextmanager
    def open(cls, tombstones: Tombstones | None) -> Iterator[Recogniser]:
        """Over tombstones, none while nobody was erased."""
        if tombstones is None:
            yield cls(None)
            return
        with closing(duckdb.connect()) as con:
            define_matching(con)
            prepare(con, tombstones)
            yield cls(con)

    def without_erased(self, told: Sequence[Unreachable]) -> list[Unreachable]:
        """All who were not erased; a row that names somebody else keeps that name and nothing of the erased."""
        theirs = self.theirs([(one.email, one.phone, one.external_id) for one in told])
        kept = []
        for number, one in enumerate(told):
            if number not in theirs:
                kept.append(one)
            elif not theirs[number] and one.external_id:
                kept.append(replace(one, email=None, phone=None))
        return kept

    def forget(self, file: PulledFile) -> int:
        """The same with what is kept; rows that were changed or deleted."""
        rows = file.rows()
        theirs = self.theirs([(row.email, row.phone, row.external_id) for row in rows])
        if not theirs:
            return 0
        named = [number for number, certainly in theirs.items() if not certainly and rows[number].external_id]
        file.replace(
            [rows[number] for number in theirs],
            [rows[number]._replace(email="", phone="") for number in named],
        )
        file.shake()
        return len(theirs)

    def theirs(self, identifiers: Sequence[tuple[str | None, str | None, str | None]]) -> Mapping[int, bool]:
        """Positions of rows that hold an erased person's identifier, and whether it is nobody else's."""
        if self._con is None or not identifiers:
            return {}
        columns = dict(zip(IDENTIFIERS, zip(*identifiers, strict=True), strict=True))
        rows = pa.table(
            {
                "row_no": range(len(identifiers)),
                **{name: [one or None for one in found] for name, found in columns.items()},
            },
            schema=pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in IDENTIFIERS)]),
        )
        self._con.register("told_rows", rows)
        return dict(self._con.execute(THEIRS).fetchall())
