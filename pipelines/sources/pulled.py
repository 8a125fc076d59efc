"""Who cannot be reached, as email tools said: kept for ever, and one with the sources' suppressions.

A file of its own in the state folder, not a table of the warehouse. The warehouse is rebuilt from the sources, and no
source has these rows; a tool may have forgotten them by the time it is asked again. A pull is also independent of who
holds the warehouse, and what it wrote is there for the next load whatever happens to the pull.

Nobody is ever taken out again, but by an erasure: a tool that does not list somebody any more says nothing about what
they want.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from connectors.people import Unreachable

FILE = "pulled.sqlite"
SCHEMA_VERSION = 1
REASONS: Mapping[str, str] = {
    "unsubscribed": "unsubscribed",
    "bounced": "hard_bounce",
    "complained": "complaint",
    "suppressed": "suppressed",
}
"""A tool's reasons in the words of suppressions."""
IDENTIFIERS = ("email", "phone", "external_id")
COLUMNS = pa.schema([(name, pa.string()) for name in (*IDENTIFIERS, "reason", "since", "source")])
"""As `build_people` takes them; ``since`` in ISO form, UTC."""


class PulledError(Exception):
    """What was pulled cannot be read or written; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """How far a destination was asked."""

    people: int
    """Rows that are kept of it."""
    newest: datetime | None
    """The newest time that it told of."""
    finished_at: datetime | None
    """When the last pull began that came to its end; None: none did."""
    whole_at: datetime | None
    """The same of the last that asked for everything."""


class Row(NamedTuple):
    """Somebody whom a tool told of; identifiers that it does not have are empty."""

    destination: str
    email: str
    phone: str
    external_id: str
    reason: str
    since: str
    pulled_at: str

    def __repr__(self) -> str:
        return f"Row({self.destination}, {self.reason})"


class PulledFile:
    """An open file of what was pulled; made by `PulledFile.open`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, state: Path) -> Iterator[PulledFile]:
        """Open the file of a state folder, making it when missing; readable by its owner alone. Raises PulledError."""
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = state / FILE
        with _readable(path):
            db = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            with _readable(path):
                _prepare(db, path)
                path.chmod(0o600)
            yield cls(db, path)
        finally:
            db.close()

    def known(self, destination: str) -> Known:
        """How far a destination was asked, and how many are kept of it."""
        with _readable(self._path):
            [people] = self._db.execute(
                "select count(*) from pulled where destination = ?", (destination,)
            ).fetchone()
            row = self._db.execute(
                "select newest, finished_at, whole_at from cursors where destination = ?", (destination,)
            ).fetchone()
        return Known(people, *map(_moment, row or (None, None, None)))

    def destinations(self) -> set[str]:
        """All that were ever asked to the end."""
        with _readable(self._path):
            return {name for (name,) in self._db.execute("select destination from cursors")}

    def keep(self, destination: str, told: Iterable[Unreachable], at: datetime) -> Counter[str]:
        """Write down whom a destination told of, all or none; how many were not known before, by reason.

        Of a row that is known the earlier time counts. Rows that name nobody are left out.
        """
        new: Counter[str] = Counter()
        with self._commit():
            for one in told:
                names = tuple((getattr(one, name) or "").strip() for name in IDENTIFIERS)
                if not any(names):
                    continue
                reason, since = REASONS[one.reason], _text(one.at or at)
                made = self._db.execute(
                    "insert or ignore into pulled values (?, ?, ?, ?, ?, ?, ?)",
                    (destination, *names, reason, since, _text(at)),
                )
                new[reason] += made.rowcount
                if not made.rowcount and one.at is not None:
                    self._db.execute(
                        """
                        update pulled set since = ?
                        where (destination, email, phone, external_id, reason) = (?, ?, ?, ?, ?) and since > ?
                        """,
                        (since, destination, *names, reason, since),
                    )
        return +new

    def finish(self, destination: str, newest: datetime | None, began: datetime, *, whole: bool) -> None:
        """A pull came to its end: the next one goes on from there. ``whole``: it asked for everything."""
        told = None if newest is None else _text(newest)
        with self._commit():
            self._db.execute(
                """
                insert into cursors values (:name, :newest, :at, :at)
                on conflict (destination) do update
                set newest = max(coalesce(newest, :newest), coalesce(:newest, newest)),
                  finished_at = :at,
                  whole_at = iif(:whole, :at, whole_at)
                """,
                {"name": destination, "newest": told, "at": _text(began), "whole": whole},
            )

    def rows(self) -> list[Row]:
        """All that are kept."""
        query = "select destination, email, phone, external_id, reason, since, pulled_at from pulled"
        with _readable(self._path):
            return [Row(*values) for values in self._db.execute(query)]

    def replace(self, old: Iterable[Row], new: Iterable[Row]) -> None:
        """Take rows away and put others in their place, all or none."""
        gone = [(row.destination, row.email, row.phone, row.external_id, row.reason) for row in old]
        with self._commit():
            self._db.executemany(
                "delete from pulled where (destination, email, phone, external_id, reason) = (?, ?, ?, ?, ?)",
                gone,
            )
            self._db.executemany("insert or ignore into pulled values (?, ?, ?, ?, ?, ?, ?)", new)

    def shake(self) -> None:
        """Leave no byte of what was deleted in the file or its log."""
        with _readable(self._path):
            self._db.execute("vacuum")
            self._db.execute("pragma wal_checkpoint(truncate)")

    @contextmanager
    def _commit(self) -> Iterator[None]:
        with _readable(self._path):
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            self._db.execute("commit")


def read_pulled(state: Path) -> pa.Table | None:
    """What was pulled, as `build_people` takes it; None while nothing was. Raises PulledError."""
    if not (state / FILE).exists():
        return None
    with PulledFile.open(state) as file:
        return table_of(file.rows())


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Rows as `build_people` takes them, the destination as their source."""
    listed = list(rows)
    columns = {
        name: [getattr(row, name) or None for row in listed] for name in COLUMNS.names if name != "source"
    }
    return pa.table({**columns, "source": [row.destination for row in listed]}, schema=COLUMNS)


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("pragma secure_delete = on")
    version = db.execute("pragma user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise PulledError(f"{path}: written by a newer Turnout (schema {version}); upgrade Turnout")
    if version < SCHEMA_VERSION:
        db.executescript(files("pipelines.sources").joinpath("pulled.sql").read_text())
        db.execute(f"pragma user_version = {SCHEMA_VERSION}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Errors of SQLite as a sentence."""
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        raise PulledError(
            f"{path}: what email tools said of unsubscribes cannot be read or written ({type(error).__name__}); "
            "restore it from a backup, or move it away and ask them again: turnout pull --all"
        ) from None


def _text(at: datetime) -> str:
    """Times whose order is that of their texts."""
    known = at if at.tzinfo else at.replace(tzinfo=UTC)
    return known.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
