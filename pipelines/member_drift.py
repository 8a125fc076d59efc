"""Holding an audience's ledger against the tool's own list of members, and repairing what differs by policy.

The account's lease is held meanwhile, so that no push moves anybody between the list and the comparison. A list that
breaks off changes nothing. What came out is kept in the journal, in numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal

import duckdb
from ulid import ULID

from connectors.base import Audience
from pipelines.delivery.connector_bugs import told_by_kind
from pipelines.delivery.delivery import store_failed
from pipelines.delivery.desk import TOLD
from pipelines.delivery.journal import Journal
from pipelines.delivery.journal_file import JournalError, JournalFile, open_journal_file
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.lineage import strangers
from pipelines.delivery.listing import Drift, compare_listing, drift, gone, stage_listing
from pipelines.delivery.model import Account
from pipelines.delivery.repair import Repaired, repair
from pipelines.delivery.states import Times, read_states
from pipelines.engine import Engine
from pipelines.erasure.listed import mark_erased
from pipelines.project import Project
from pipelines.segments.model import DriftPolicy, Sync

Word = Literal["fine", "drifted", "failed"]
KEPT = timedelta(days=400)
"""How long comparisons are kept."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison of an audience's members, as the journal keeps it; the numbers are those of `Drift`."""

    at: datetime
    destination: str
    segment: str
    policy: DriftPolicy
    verdict: Word
    listed: int = 0
    agreed: int = 0
    missing: int = 0
    added_by_hand: int = 0
    not_permitted: int = 0
    unnamed: int = 0
    unsettled: int = 0
    gone: int | None = None
    doubted: int = 0
    """Missing members whom the next push adds again, if they are desired."""
    taken_up: int = 0
    """People whom the next push removes, unless they are desired."""
    status: str = ""
    """What went wrong."""

    @property
    def kinds(self) -> dict[str, int]:
        """The drift, by kind."""
        if self.gone is None:
            missing = {"missing": self.missing}
        else:
            missing = {"removed by hand": self.missing - self.gone, "gone": self.gone}
        return {
            **missing,
            "added by hand": self.added_by_hand,
            "not permitted": self.not_permitted,
            "not named": self.unnamed,
        }

    @property
    def drifted(self) -> bool:
        """Whether the platform holds somebody else than the ledger says."""
        return self.verdict == "drifted"

    @property
    def sentence(self) -> str:
        """What it means, and the way on."""
        if self.verdict == "failed":
            return f"the members could not be compared ({self.status})"
        later = f", {self.unsettled:,} not settled yet" if self.unsettled else ""
        if self.verdict == "fine":
            return f"{self.listed:,} listed, {self.agreed:,} as they were sent{later}"
        found = ", ".join(f"{number:,} {kind}" for kind, number in self.kinds.items() if number)
        return f"{self.listed:,} listed: {found}{later}; {self._way_on}"

    @property
    def _way_on(self) -> str:
        nexts = f"the next push looks at {self.doubted + self.taken_up:,} of them"
        if self.policy == "ours_wins":
            return nexts
        name = f"{self.destination}/{self.segment}"
        repairs = f"set it right: turnout reconcile {name} --drift ours_wins"
        return f"{nexts}; {repairs}" if self.taken_up else repairs


@dataclass(frozen=True, slots=True)
class Order:
    """How to compare: by the segments' own policies, unless an operator says otherwise for once."""

    policy: DriftPolicy | None = None
    who: str = ""
    why: str = ""
    run_id: str | None = None


def compare_members(
    project: Project, destination: str, segments: Sequence[str], order: Order | None = None
) -> list[Compared]:
    """Compare audiences that are open at a destination that lists members, and write down what came out.

    Never raises for a platform that does not answer, or a ledger that is in use: the verdict is ``failed``.
    """
    order = order or Order()
    wanted = sorted(set(project.record.opened_audiences(destination)) & set(segments))
    if not wanted:
        return []
    syncs = {segment.name: sync for segment, sync in project.audiences(destination)}
    asked = [(segment, syncs.get(segment, Sync(destination, segment))) for segment in wanted]
    asked = [(segment, replace(sync, drift=order.policy or sync.drift)) for segment, sync in asked]
    path = project.settings.state_dir / "journal.sqlite"
    try:
        with project.deliveries.connected(destination) as account:
            found = compare_account(project, account, asked, order)
    except TOLD as error:
        with open_journal_file(path) as file:
            found = [_failed(file.clock(), destination, one, sync, str(error)) for one, sync in asked]
    with open_journal_file(path) as file:
        _record(file, found)
    return found


def compare_account(
    project: Project, account: Account, asked: Sequence[tuple[str, Sync]], order: Order
) -> list[Compared]:
    """Compare audiences of an account that is open."""
    try:
        with project.deliveries.books(account) as (journal, ledger):
            with account.open_engine() as engine, engine.snapshot():
                if why := strangers(journal, ledger) or _renamed(ledger, engine, account):
                    return _all_failed(account, asked, f"{why}; compare after the next push")
                ledger.identities.follow(engine, account.connector.consent)
            return [
                _guarded(project, account, journal, ledger, segment, sync, order) for segment, sync in asked
            ]
    except (*TOLD, JournalError) as error:
        return _all_failed(account, asked, str(error))
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        return _all_failed(account, asked, store_failed(error))


def _renamed(ledger: Ledger, engine: Engine, account: Account) -> str | None:
    """Members are in the ledger as they were sent; a list names them by the rules of today."""
    if ledger.identities.known_revision(engine.check().identity, account.connector.consent):
        return None
    return "people are named or numbered in another way than in the last push"


def _guarded(
    project: Project,
    account: Account,
    journal: Journal,
    ledger: Ledger,
    segment: str,
    sync: Sync,
    order: Order,
) -> Compared:
    """One audience's failure is its own."""
    try:
        return _compare(project, account, journal, ledger, segment, sync, order)
    except TOLD as error:
        return _failed(account.clock(), account.name, segment, sync, str(error))
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        return _failed(account.clock(), account.name, segment, sync, store_failed(error))


def _compare(
    project: Project,
    account: Account,
    journal: Journal,
    ledger: Ledger,
    segment: str,
    sync: Sync,
    order: Order,
) -> Compared:
    connector = account.connector
    audience = journal.audience(account.name, segment)
    assert audience is not None
    assert connector.lists_members is not None
    number = ledger.audience(segment)
    began = account.clock()
    with told_by_kind(connector):
        stage_listing(ledger, connector.members(Audience(audience.id, audience.name, audience.url)))
    read_states(ledger, journal, number, segment, _times(account, sync))
    compare_listing(ledger, number, connector.lists_members, connector.limits.settles_after, began)
    mark_erased(ledger, project.tombstones)
    with told_by_kind(connector):
        found = drift(ledger, gone(connector, ledger, number))
    run_id = order.run_id or str(ULID())
    if order.policy == "ours_wins" and found.missing + found.added_by_hand:
        journal.logbook.decided(run_id, account.name, segment, "ours_wins", order.who, order.why)
    repaired = repair(journal, ledger, number, segment, run_id, sync.drift)
    return _compared(began, account.name, segment, sync, found, repaired)


def _times(account: Account, sync: Sync) -> Times:
    connector = account.connector
    return Times(
        now=account.clock(),
        expires_after=connector.lifetime(connector.options_type(**sync.options)),
        retry_after=account.retry_rejected_after,
        keep_history=account.keep_history,
        settles_after=connector.limits.settles_after,
    )


def _compared(
    at: datetime, destination: str, segment: str, sync: Sync, found: Drift, repaired: Repaired
) -> Compared:
    drifted = found.missing + found.added_by_hand + found.not_permitted + found.unnamed
    return Compared(
        at,
        destination,
        segment,
        sync.drift,
        "drifted" if drifted else "fine",
        *astuple(found),
        *astuple(repaired),
    )


def _failed(at: datetime, destination: str, segment: str, sync: Sync, why: str) -> Compared:
    return Compared(at, destination, segment, sync.drift, "failed", status=why)


def _all_failed(account: Account, asked: Iterable[tuple[str, Sync]], why: str) -> list[Compared]:
    return [_failed(account.clock(), account.name, segment, sync, why) for segment, sync in asked]


# --- history -----------------------------------------------------------------------------------------------

_COLUMNS = ", ".join(field.name for field in fields(Compared))


def drift_history(project: Project, destination: str, segment: str) -> list[Compared]:
    """Earlier comparisons of an audience's members, newest first."""
    path = project.settings.state_dir / "journal.sqlite"
    if not path.exists():
        return []
    with open_journal_file(path) as file:
        rows = file.connection.execute(
            f"""
            select {_COLUMNS}
            from member_drift
            where destination = ?
              and segment = ?
            order by at desc
            """,
            (destination, segment),
        ).fetchall()
    return [Compared(datetime.fromisoformat(row[0]), *row[1:]) for row in rows]


def _record(file: JournalFile, found: Iterable[Compared]) -> None:
    with file.commit("compared") as db:
        db.executemany(
            f"insert into member_drift ({_COLUMNS}) values ({', '.join('?' * len(fields(Compared)))})",
            [(one.at.isoformat(), *astuple(one)[1:]) for one in found],
        )
        db.execute("delete from member_drift where at < ?", ((file.clock() - KEPT).isoformat(),))
