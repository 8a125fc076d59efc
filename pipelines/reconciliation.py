"""Holding what an account's ledger believes against what the platform reports: member by member where it lists them
(`pipelines.member_drift`), else by size.

Platforms round, count late and count only whom they recognise; a verdict on a size is given with that in mind, and none
where none can be. No size touches an audience: drift is a warning with the way on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from connectors.base import Audience, DeliveryError, ReadBack, Reported
from pipelines.delivery.journal import Journal
from pipelines.delivery.journal_file import JournalFile, open_journal_file, utc_now
from pipelines.delivery.model import Account
from pipelines.member_drift import Compared, Order, compare_members
from pipelines.project import Project

Word = Literal["fine", "too_early", "too_many", "too_few", "unknown", "failed"]
DRIFTED: tuple[Word, ...] = ("too_many", "too_few")

FEWEST = 3
"""Earlier measurements below which a share of recognised people is not judged: what is usual is not known yet."""
REMEMBERED = 10
"""Earlier measurements that the usual share is taken from."""
FALLEN = 0.2
"""A share of recognised people that falls by more than this share of the usual one is drift."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison of an audience's size, as the journal keeps it."""

    at: datetime
    destination: str
    segment: str
    held: int
    """People whom the ledger knew to be on the platform after the last push."""
    lower: int | None
    upper: int | None
    verdict: Word
    status: str = ""
    """The platform's own words, or what went wrong."""

    @property
    def share(self) -> float | None:
        """People reported, in the middle of the range, by people held; None when either is not known."""
        if self.lower is None or self.upper is None or not self.held:
            return None
        return (self.lower + self.upper) / 2 / self.held

    @property
    def drifted(self) -> bool:
        """Whether the platform holds more, or fewer, than can be explained."""
        return self.verdict in DRIFTED

    @property
    def sentence(self) -> str:
        """What it means, and the way on."""
        name = f"{self.destination}/{self.segment}"
        if self.lower is None or self.upper is None:
            reported = "no number"
        else:
            same = self.lower == self.upper
            reported = f"{self.lower:,} people" if same else f"{self.lower:,} to {self.upper:,} people"
        told = {
            "fine": f"{reported} reported, {self.held:,} held",
            "too_early": f"{reported} reported, {self.held:,} held: too early, the last push is not counted yet",
            "too_many": f"{reported} reported where {self.held:,} are held: somebody is there whom no ledger knows; "
            f"delete the audience on the platform and push again, or: turnout sync {name} --resync",
            "too_few": f"{reported} reported where {self.held:,} are held: the platform lost or does not recognise "
            f"them; send everybody again: turnout sync {name} --resync",
            "unknown": f"the platform tells no size now; {self.held:,} held",
            "failed": "the size could not be read",
        }[self.verdict]
        return f"{told} ({self.status})" if self.status else told


def judge(
    held: int,
    reported: Reported,
    reading: ReadBack,
    *,
    sent_at: datetime | None,
    now: datetime,
    shares: Sequence[float] = (),
) -> Word:
    """What a reported size says.

    ``sent_at`` is when anything was last sent, ``shares`` are earlier ones of recognised people, newest first. Where
    only recognised people count, more than held is drift, and fewer is when the share falls below the usual.
    """
    if reported.lower is None or reported.upper is None:
        return "unknown"
    if sent_at is not None and now - sent_at < reading.lag:
        return "too_early"
    slack = held * reading.tolerance
    if reported.lower > held + slack:
        return "too_many"
    if not reading.matched_only:
        return "too_few" if reported.upper < held - slack else "fine"
    if len(shares) < FEWEST or not held:
        return "fine"
    usual = median(shares[:REMEMBERED])
    return "too_few" if reported.upper / held < usual * (1 - FALLEN) else "fine"


def reconcile(
    project: Project, names: Sequence[str] = (), order: Order | None = None
) -> list[Measured | Compared]:
    """Compare audiences that are open on platforms that tell of them, by default all, and write down what came out.

    ``order`` is for members alone. Never raises for a platform that does not answer: its verdict is ``failed``. Raises
    UnknownName.
    """
    if not (project.settings.state_dir / "journal.sqlite").exists():
        return []
    found: list[Measured | Compared] = []
    for destination, segments in project.deliveries.select(list(names)).items():
        kind = project.connector_types[destination]
        if kind.lists_members is not None:
            found += compare_members(project, destination, segments, order)
        elif kind.reads_back is not None:
            found += _of_account(project, destination, segments)
    return found


def _of_account(project: Project, destination: str, segments: Sequence[str]) -> list[Measured]:
    opened = set(project.record.opened_audiences(destination)) & set(segments)
    held = {
        push.delivery.segment: push.delivery.held
        for push in project.record.status()
        if push.delivery.destination == destination
    }
    wanted = sorted(opened & held.keys())
    if not wanted:
        return []
    with open_journal_file(project.settings.state_dir / "journal.sqlite", utc_now) as file:
        journal = Journal(file)
        try:
            with project.deliveries.connected(destination) as account:
                found = [_measure(account, journal, file, segment, held[segment]) for segment in wanted]
        except DeliveryError as error:
            now = file.clock()
            found = [
                Measured(now, destination, segment, held[segment], None, None, "failed", str(error))
                for segment in wanted
            ]
        _record(file, found)
    return found


def _measure(account: Account, journal: Journal, file: JournalFile, segment: str, held: int) -> Measured:
    reading = account.connector.reads_back
    audience = journal.audience(account.name, segment)
    assert reading is not None
    assert audience is not None
    now = file.clock()
    try:
        reported = account.connector.read_back(Audience(audience.id, audience.name, audience.url))
    except DeliveryError as error:
        return Measured(now, account.name, segment, held, None, None, "failed", str(error))
    sent = [batch.sent_at for batch in journal.batches(account.name, segment) if batch.sent_at]
    shares = [
        one.share for one in _history(file, account.name, segment) if one.verdict == "fine" and one.share
    ]
    word = judge(held, reported, reading, sent_at=max(sent, default=None), now=now, shares=shares)
    return Measured(now, account.name, segment, held, reported.lower, reported.upper, word, reported.status)


def history(project: Project, destination: str, segment: str) -> list[Measured]:
    """Earlier comparisons of an audience, newest first."""
    path = project.settings.state_dir / "journal.sqlite"
    if not path.exists():
        return []
    with open_journal_file(path) as file:
        return _history(file, destination, segment)


def _history(file: JournalFile, destination: str, segment: str) -> list[Measured]:
    rows = file.connection.execute(
        """
        select at, destination, segment, held, lower, upper, verdict, status
        from reconciliations
        where destination = ?
          and segment = ?
        order by at desc
        """,
        (destination, segment),
    )
    return [Measured(datetime.fromisoformat(row[0]), *row[1:]) for row in rows]


KEPT = timedelta(days=400)
"""How long comparisons are kept."""


def _record(file: JournalFile, measured: Iterable[Measured]) -> None:
    with file.commit("reconciled") as db:
        db.executemany(
            "insert into reconciliations values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (m.at.isoformat(), m.destination, m.segment, m.held, m.lower, m.upper, m.verdict, m.status)
                for m in measured
            ],
        )
        db.execute("delete from reconciliations where at < ?", ((file.clock() - KEPT).isoformat(),))
