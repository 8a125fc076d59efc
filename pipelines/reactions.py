"""What became of each micro-batch, and how long people waited for it: a small file beside the warehouse.

It is no part of the delivery state: without it the next micro-batch looks at everything once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

FILE = "reactions.sqlite"
KEPT = 10_000
"""Micro-batches remembered: a month of one every four minutes."""
WAIT_SECONDS = 30.0

SCHEMA = """
create table if not exists reactions (
  number integer primary key,
  run_id text not null,
  seen text not null,
  day text not null,
  everybody integer not null,
  rows integer not null,
  people integer not null,
  happened_at text,
  written_at text,
  began_at text not null,
  loaded_at text not null,
  computed_at text not null,
  settled_at text,
  ended_at text not null,
  ok integer not null
);

-- One row while a micro-batch is under way, and after one that did not do all it had to.
create table if not exists owed (
  since text not null
);

create table if not exists changes (
  number integer not null,
  segment text not null,
  entered integer not null,
  left_it integer not null,
  size integer not null
)
"""


@dataclass(frozen=True, slots=True)
class Change:
    """How a micro-batch changed a segment."""

    segment: str
    entered: int
    left: int
    size: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """One micro-batch, from what arrived to the last receipt. Times have a zone."""

    run_id: str
    seen: str
    """Where the sources stood when it began (`pipelines.sources.arriving.fingerprint`)."""
    day: date
    everybody: bool
    """Whether everybody was computed: the day is new, or a load came between."""
    rows: int
    people: int
    """About whom something arrived."""
    happened_at: datetime | None
    """The middle one of the new rows' own times; None when nothing arrived or the day is pretended."""
    written_at: datetime | None
    """When a source was last written."""
    began_at: datetime
    loaded_at: datetime
    computed_at: datetime
    settled_at: datetime | None
    """When the last audience had its receipts; None when nothing was to be sent."""
    ended_at: datetime
    ok: bool
    """Everything that was to be done is done and receipted."""
    changes: tuple[Change, ...] = ()

    @property
    def seconds(self) -> float:
        """From its beginning to its end."""
        return (self.ended_at - self.began_at).total_seconds()

    @property
    def since_event(self) -> float | None:
        """Seconds from the middle event to the last receipt; None without one of them."""
        return self._since(self.happened_at)

    @property
    def since_written(self) -> float | None:
        """Seconds from the source's last write to the last receipt; None without one of them."""
        return self._since(self.written_at)

    def _since(self, moment: datetime | None) -> float | None:
        if moment is None or self.settled_at is None:
            return None
        return (self.settled_at - moment).total_seconds()


class Reactions:
    """The micro-batches of a project; opens its file only while it is asked."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def owe(self) -> bool:
        """A micro-batch begins; whether an earlier one did not do all it had to, or is still under way."""
        with self._opened() as connection:
            owed = bool(connection.execute("select 1 from owed").fetchall())
            if not owed:
                connection.execute("insert into owed values (?)", [_text(datetime.now(UTC))])
            return owed

    def settle(self) -> None:
        """Everything that was to be done is done and receipted."""
        with self._opened() as connection:
            connection.execute("delete from owed")

    @property
    def owed(self) -> bool:
        """Whether a micro-batch did not do all it had to, or is under way."""
        if not self._path.exists():
            return False
        with self._opened() as connection:
            return bool(connection.execute("select 1 from owed").fetchall())

    def write(self, one: Reaction) -> None:
        """Keep one; the oldest are forgotten."""
        with self._opened() as connection:
            values = (
                one.run_id,
                one.seen,
                one.day.isoformat(),
                one.everybody,
                one.rows,
                one.people,
                _text(one.happened_at),
                _text(one.written_at),
                _text(one.began_at),
                _text(one.loaded_at),
                _text(one.computed_at),
                _text(one.settled_at),
                _text(one.ended_at),
                one.ok,
            )
            number = connection.execute(
                f"insert into reactions values (null, {', '.join('?' * len(values))})", values
            ).lastrowid
            connection.executemany(
                "insert into changes values (?, ?, ?, ?, ?)",
                [(number, c.segment, c.entered, c.left, c.size) for c in one.changes],
            )
            for table in ("reactions", "changes"):
                connection.execute(f"delete from {table} where number <= ?", [int(number or 0) - KEPT])

    def newest(self, most: int = 1) -> list[Reaction]:
        """The newest, newest first; none before the first."""
        if not self._path.exists():
            return []
        with self._opened() as connection:
            rows = connection.execute(
                "select * from reactions order by number desc limit ?", [most]
            ).fetchall()
            return [_reaction(row, self._changes(connection, row[0])) for row in rows]

    def _changes(self, connection: sqlite3.Connection, number: int) -> Sequence[Change]:
        query = "select segment, entered, left_it, size from changes where number = ? order by segment"
        return [Change(*row) for row in connection.execute(query, [number])]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as connection:
            connection.executescript(SCHEMA)
            with connection:
                yield connection


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _reaction(row: Sequence[str], changes: Sequence[Change]) -> Reaction:
    return Reaction(
        run_id=row[1],
        seen=row[2],
        day=date.fromisoformat(row[3]),
        everybody=bool(row[4]),
        rows=int(row[5]),
        people=int(row[6]),
        happened_at=_moment(row[7]),
        written_at=_moment(row[8]),
        began_at=datetime.fromisoformat(row[9]),
        loaded_at=datetime.fromisoformat(row[10]),
        computed_at=datetime.fromisoformat(row[11]),
        settled_at=_moment(row[12]),
        ended_at=datetime.fromisoformat(row[13]),
        ok=bool(row[14]),
        changes=tuple(changes),
    )
