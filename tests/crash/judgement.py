"""What must be true of a dead run's files and of a finished one's: judged from the files and the platform alone.

Nothing here calls delivery: the files are read as what they are, two databases.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.delivery.model import Delivery
from tests.crash.platform import Handle, State, people_found

LEDGER = "platform.duckdb"
JOURNAL = "journal.sqlite"


class Wrong(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Row:
    """A ledger's row with what the journal says of the batch that it points at."""

    handle: Handle
    batch: tuple[str, str] | None
    """Operation and state; None when the journal does not know the batch."""
    rejected: bool

    @property
    def claims(self) -> bool:
        """Whether it says that the person is on the platform for certain."""
        return self.batch == ("add", "applied") and not self.rejected


def rows(
    state: Path, segments: Sequence[str], email: str = "EMAIL", phone: str | None = "PHONE"
) -> list[Row]:
    """The ledger's rows of these segments' audiences; none while there is no ledger.

    ``email`` and ``phone`` are what the connector calls the columns; without a phone that is always None.
    """
    ledger = state / LEDGER
    if not ledger.exists():
        return []
    batches, rejections = _journal(state / JOURNAL)
    with duckdb.connect(ledger, read_only=True, config={"threads": "1"}) as connection:
        if not _has_column(connection, email):
            return []
        found = connection.execute(
            f"""
            select
              members."{email}",
              {f'members."{phone}"' if phone else "null"},
              batches.id,
              cast(members.member as varchar)
            from members
            join audiences
              on audiences.audience = members.audience
            left join batches
              on batches.batch = members.batch
            where list_contains($segments, audiences.segment)
            """,
            {"segments": list(segments)},
        ).fetchall()
    return [Row((e, p), batches.get(batch), (batch, member) in rejections) for e, p, batch, member in found]


def _has_column(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.columns where table_name = 'members' and column_name = $column",
        {"column": column},
    ).fetchall()
    return bool(found)


def _journal(path: Path) -> tuple[dict[str, tuple[str, str]], set[tuple[str, str]]]:
    if not path.exists():
        return {}, set()
    with closing(sqlite3.connect(path)) as journal:
        if not journal.execute("select 1 from sqlite_master where name = 'rejections'").fetchall():
            return {}, set()
        batches = {
            id_: (op, state) for id_, op, state in journal.execute("select id, op, state from batches")
        }
        return batches, set(journal.execute("select batch, member from rejections"))


def never_lost_never_claimed(state: Path, names: Sequence[str], platform: State, there: set[Handle]) -> None:
    """Nobody sent to the platform is missing from the ledger; nobody the ledger is certain of is absent.

    ``names`` are all names that the audiences may have in the ledger. Jobs that are not worked off yet count as on
    the platform for the first, and not for the second.
    """
    known = rows(state, names)
    coming = {
        row
        for job in platform.jobs.values()
        if job.verdict is None and job.op == "add" and job.audience in platform.audiences
        for row in job.rows
    }
    if lost := (there | coming) - {row.handle for row in known} - platform.by_hand:
        raise Wrong(f"{len(lost)} people on the platform, or on the way there, are missing from the ledger")
    claimed = {row.handle for row in known if row.claims} - platform.dropped
    if claimed := claimed & people_found(claimed | there) - there:
        raise Wrong(f"{len(claimed)} people marked as on the platform are not there")


def sent_as_journalled(state: Path, seen: set[str]) -> None:
    """No request has reached the platform that the journal does not know to have left."""
    with closing(sqlite3.connect(state / JOURNAL)) as journal:
        sent = {id_ for (id_,) in journal.execute("select id from batches where sent_at is not null")}
    if seen - sent:
        raise Wrong(f"{len(seen - sent)} requests were sent that the journal does not know to have left")


def exactly(there: set[Handle], expected: set[Handle], what: str) -> None:
    """The platform holds exactly these people."""
    expected = people_found(expected)
    if there != expected:
        missing, kept = len(expected - there), len(there - expected)
        raise Wrong(f"{what}: {missing} people are missing on the platform, {kept} are there who must not be")


def nobody_barred_was_asked_for(asked: Sequence[tuple[str, Handle]], allowed: set[Handle]) -> None:
    """No request asked to add anybody but people who are wanted and agreed."""
    if wrong := {handle for op, handle in asked if op == "add"} - allowed:
        raise Wrong(f"{len(wrong)} people were sent who are not wanted or did not agree")


def well(delivery: Delivery, desired: int | None) -> None:
    """A run that was not disturbed is sure of everybody, and accounts for everybody desired and held, once."""
    if delivery.uncertain:
        raise Wrong(f"{delivery.uncertain} people are uncertain, and no error says so")
    if desired is not None and delivery.desired != desired:
        raise Wrong(f"{delivery.desired} people are said to be desired, but they are {desired}")
    told = delivery.kept + delivery.added + delivery.rejected + sum(delivery.withheld.values())
    if delivery.desired != told:
        raise Wrong(f"{delivery.desired} desired, {told} told: the sum does not close")
    stood = delivery.kept + delivery.kept_back + delivery.removed + delivery.leaving + delivery.dropped
    if delivery.held_before != stood:
        raise Wrong(f"{delivery.held_before} held before, {stood} told: the sum does not close")
