"""What a run has just normalised and hashed, kept for its payloads, so that a first push does it once."""

from __future__ import annotations

import duckdb

from connectors.identity import Identity
from pipelines.duck import quote

MOST_VALUES = 4_000_000
"""Digests kept at most: about 300 MB, which DuckDB spills within its limit. Other people are normalised again."""


class FreshIdentities:
    """The temporary table ``fresh``: payload columns of people whose identity was made in this process.

    Empty for identities with a plain column: contact data is read again when it is sent, and not kept.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, identity: Identity) -> None:
        self.connection = connection
        self.hashed = all(column.encoding != "plain" for column in identity.columns)
        self._width = len(identity.columns)
        names = [quote(column.name) for column in identity.columns]
        self._names = ", ".join(["person_no", "member", *names])
        self._columns = ", ".join(f"{name} varchar" for name in names)
        self.clear()

    def clear(self) -> None:
        """All identities are about to be made anew."""
        self.connection.execute(
            f"create or replace temp table fresh (person_no integer, member uuid, {self._columns})"
        )
        self.room = MOST_VALUES // self._width if self.hashed else 0

    def keep(self, rows: str) -> None:
        """Take over the people in the table ``rows``, as far as there is room; what was known of them is void."""
        self.connection.execute(f"delete from fresh where person_no in (select person_no from {rows})")
        if self.room:
            kept = self.connection.execute(
                f"insert into fresh select {self._names} from {rows} limit {self.room}"
            ).fetchall()
            self.room -= int(kept[0][0])
