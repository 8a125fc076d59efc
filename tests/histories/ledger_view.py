"""What the stores of an account say about each member, read without the engine: one query each, the rest in Python."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from tests.histories.platform import Handle, UnrulyPlatform

RENEWED_AT = 0.8
"""Share of its lifetime after which a member must be sent again."""
RETRIED_AFTER = timedelta(days=7)
"""After this long a refused row is tried again."""
OF_BATCH = {
    ("add", "applied"): "on",
    ("add", "accepted"): "coming",
    ("remove", "applied"): "gone",
    ("remove", "accepted"): "leaving",
}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as recorded: what is known of it, whose it is, and whether its last request is to be repeated."""

    state: str
    """``on``, ``coming`` (accepted, no verdict yet), ``expiring``, ``leaving``, ``gone``, ``rejected``,
    ``retry`` (rejected long ago) or ``maybe``."""
    person: int | None
    due: bool = False
    """An opposite request was sent shortly before the last one, and can't be applied any more."""

    @property
    def held(self) -> bool:
        """Whether the member is on the platform, or may be."""
        return self.state not in ("gone", "rejected", "retry")


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch as journalled."""

    op: str
    state: str
    sent_at: datetime | None
    settled_at: datetime | None

    def closes_at(self, settles_after: timedelta) -> datetime:
        """When the last copy of its request can have been applied."""
        if self.sent_at is None or self.state == "refused":
            return LONG_AGO
        if self.state == "accepted":
            return NEVER
        return max(self.sent_at, self.settled_at or self.sent_at) + settles_after


@dataclass(slots=True)
class View:
    """Everything recorded about one account at a moment."""

    at: datetime | None = None
    members: dict[str, dict[Handle, Standing]] = field(default_factory=dict)
    """By segment."""
    opened: dict[str, str] = field(default_factory=dict)
    """Segment to the platform's audience."""
    moved_unnoticed: int = 0
    """People whose member is not theirs any more, or not permitted, though they are not in the table ``moved``."""

    def of(self, segment: str) -> dict[Handle, Standing]:
        """The members of a segment's audience, those whose removal was receipted included while they are recorded."""
        return self.members.get(segment, {})

    def recorded_for(self, audience: str) -> dict[Handle, Standing]:
        """The members recorded for an audience of the platform.

        Until a renaming that was cut off is finished, the ledger has the audience under its old name.
        """
        under = [segment for segment, opened in self.opened.items() if opened == audience]
        renaming = [segment for segment in self.members if segment not in self.opened]
        return {
            handle: known for segment in (*under, *renaming) for handle, known in self.of(segment).items()
        }


def look(folder: Path, now: datetime, platform: UnrulyPlatform) -> View:
    """Read both stores; empty before the first run."""
    view = View(at=now)
    if not (folder / "journal.sqlite").exists() or not (folder / "platform.duckdb").exists():
        return view
    with _journal(folder) as journal:
        view.opened = dict(journal.execute("select segment, external_id from audiences").fetchall())
        query = "select id, op, state, sent_at, settled_at from batches"
        batches = {
            row[0]: _Batch(row[1], row[2], _moment(row[3]), _moment(row[4])) for row in journal.execute(query)
        }
        refused = {(row[0], row[1]) for row in journal.execute("select batch, member from rejections")}
    with duckdb.connect(folder / "platform.duckdb", config={"threads": "1"}) as ledger:
        view.members = {row[0]: {} for row in ledger.execute("select segment from audiences").fetchall()}
        rows = ledger.execute(
            """
            select segment, "EMAIL", "PHONE", person_no, id, cast(member as varchar)
            from members
            join audiences using (audience)
            left join batches using (batch)
            """
        ).fetchall()
        [(view.moved_unnoticed,)] = ledger.execute(
            """
            select count(*)
            from members
            left join identities using (person_no)
            where members.person_no is not null
              and members.person_no not in (select person_no from moved)
              and (identities.member is distinct from members.member or identities.refused is not null)
            """
        ).fetchall()
        settling = ledger.execute(
            """
            select segment, cast(member as varchar), id
            from settling
            join audiences using (audience)
            left join batches using (batch)
            """
        ).fetchall()
    closing: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for segment, member, batch in settling:
        if batch in batches:
            closing[segment, member].append(batches[batch].closes_at(platform.limits.settles_after))
    for segment, email, phone, person, batch, member in rows:
        assert (email, phone) not in view.members[segment], "a member is recorded once"
        closes = closing.get((segment, member))
        due = closes is not None and max(closes) <= now
        state = _state(batches.get(batch), (batch, member) in refused, now, platform.stays)
        view.members[segment][email, phone] = Standing(state, person, due)
    return view


def _state(batch: _Batch | None, was_refused: bool, now: datetime, stays: timedelta | None) -> str:
    """What was known is not known for ever: refused rows are tried again, members renewed."""
    state = OF_BATCH.get((batch.op, batch.state), "maybe") if batch else "maybe"
    age = now - (batch.settled_at or now) if batch else timedelta(0)
    if was_refused:
        return "rejected" if age <= RETRIED_AFTER else "retry"
    if state == "on" and stays is not None and age > stays * RENEWED_AT:
        return "expiring"
    return state


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@contextmanager
def _journal(folder: Path) -> Iterator[sqlite3.Connection]:
    journal = sqlite3.connect(folder / "journal.sqlite")
    try:
        yield journal
    finally:
        journal.close()
