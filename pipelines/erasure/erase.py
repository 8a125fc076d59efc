"""Erasing people: found, marked, removed from every platform that has them, then forgotten here.

Every step can be repeated, and running the same request again does: what is done stays done, what had no answer is
asked again. The order makes sure that nothing needed for a removal is deleted before it, and that a tombstone is
there before the last row goes.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from ulid import ULID

from connectors.base import Connector, DeliveryError
from pipelines.compact import rewrite
from pipelines.delivery import delivery as engine
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Push, Run
from pipelines.duck import StoreBusy, StoreDamaged, open_duckdb
from pipelines.engine import WarehouseMissing
from pipelines.erasure import ledgers, warehouse
from pipelines.erasure.certificate import Certificate, write_certificate
from pipelines.erasure.finding import Found, find
from pipelines.erasure.ledgers import Membership
from pipelines.erasure.register import FINAL, Asked, Outcome, Register
from pipelines.erasure.request import Wanted, read_request
from pipelines.project import Project, Shown, unseen
from pipelines.segments.model import Sync
from pipelines.sources.forgetting import forget_pulled
from pipelines.sources.pulled import read_pulled
from pipelines.sources.tombstones import REGISTER

ONLY_THE_ERASED = "an erasure was carried out: only those who must go were removed, nobody else was looked at"
NEEDS_ITS_FILE = "a ledger was in use when it was asked: repeat it with its request file"
PAUSE_SECONDS = 2.0
"""Between two questions for a verdict that is still to come."""


@dataclass(slots=True)
class _Case:
    """One request while it is worked on."""

    project: Project
    register: Register
    asked: Asked
    found: Found
    problems: list[str] = field(default_factory=list)
    untied: bool = False
    """A ledger could not be read now and can be later: what it would need must not be deleted yet."""
    memberships: dict[str, set[Membership]] = field(default_factory=dict)

    @property
    def state_dir(self) -> Path:
        return self.project.settings.state_dir

    @property
    def numbers(self) -> set[int]:
        return set(self.found.subjects)


def erase(
    project: Project, request: Path, *, who: str, why: str, wait_seconds: float, show: Shown = unseen
) -> Certificate:
    """Erase everybody whom a request file names, as far as platforms and stores let; returns the certificate.

    Verdicts that are still to come are waited for up to ``wait_seconds``. Raises RequestError and FileNotFoundError
    for a file that cannot be taken, WarehouseMissing before the first load, StoreBusy when the warehouse is held;
    everything else ends as an open point of the certificate.
    """
    people = read_request(request)
    with Register.open(project.settings.state_dir) as register:
        return _carry_out(project, register, register.ask(people, who, why), people, wait_seconds, show)


def finish(project: Project, *, wait_seconds: float, show: Shown = unseen) -> list[Certificate]:
    """Go on with every request that has something open, as ``erase`` would with its file.

    A request of which not everything could be looked up before (a ledger was in use) still needs its file; its
    certificate says so.
    """
    if not (project.settings.state_dir / REGISTER).exists():
        return []
    with Register.open(project.settings.state_dir) as register:
        return [
            _carry_out(project, register, asked, tuple(Wanted() for _ in asked.subjects), wait_seconds, show)
            if asked.is_buried
            else write_certificate(project.settings.state_dir, register, asked, (NEEDS_ITS_FILE,))
            for asked in register.unfinished()
        ]


def _carry_out(
    project: Project,
    register: Register,
    asked: Asked,
    people: tuple[Wanted, ...],
    wait_seconds: float,
    show: Shown,
) -> Certificate:
    case = _Case(project, register, asked, _find(project, register, people, asked))
    show("tying ledgers", 0, 1)
    _tie_ledgers(case)
    if not case.untied:
        _delete(case)
    show("removing from platforms", 0, 1)
    _remove(case, wait_seconds)
    _forget(case)
    return write_certificate(case.state_dir, register, asked, tuple(dict.fromkeys(case.problems)))


def _find(project: Project, register: Register, people: tuple[Wanted, ...], asked: Asked) -> Found:
    if not project.settings.warehouse_path.exists():
        raise WarehouseMissing("there is no warehouse yet; load the sources first: turnout sources")
    with project.warehouse() as con:
        found = find(con, people, asked.subjects, project.sources, register.buried_for(asked.id))
        warehouse.mark(con, found)
        return found


# --- ledgers -----------------------------------------------------------------------------------------------


def _tie_ledgers(case: _Case) -> None:
    """Before anything that identifies them is deleted, every ledger learns which of its members they are."""
    configured = set(case.project.settings.destinations)
    for path in sorted(case.state_dir.glob("*.duckdb")):
        destination = path.stem
        try:
            if destination in configured:
                deliveries = case.project.deliveries
                with (
                    deliveries.connected(destination) as account,
                    deliveries.books(account) as (journal, ledger),
                ):
                    with account.open_engine() as warehouse_now, warehouse_now.snapshot():
                        ledger.identities.follow(warehouse_now, account.connector.consent)
                    case.memberships[destination] = ledgers.tie(ledger, journal, _identifiers(case, ledger))
            elif _holds(path, case):
                case.problems.append(
                    f"{destination} is no destination of the settings any more, and its ledger holds subjects of this "
                    "request: add it to TURNOUT_DESTINATIONS again, then repeat"
                )
        except StoreBusy as error:
            case.untied = True
            case.problems.append(f"{error}; nothing was deleted yet")
        except (DeliveryError, StoreDamaged) as error:
            case.problems.append(f"{destination}: {error}")


def _identifiers(case: _Case, ledger: Ledger) -> pa.Table:
    table = case.found.known
    for name in ledger.identity.inputs:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table


def _holds(path: Path, case: _Case) -> bool:
    """Whether the ledger of a destination that nobody can reach knows one of the people."""
    with closing(open_duckdb(path, wait_seconds=case.project.settings.lock_wait_seconds)) as connection:
        held = "select 1 from members where list_contains($people, person_no) limit 1"
        return bool(connection.execute(held, {"people": sorted(case.numbers)}).fetchall())


# --- what is stored ----------------------------------------------------------------------------------------


def _delete(case: _Case) -> None:
    """Tombstones first, then the rows: whatever happens between the two, nobody comes back."""
    for subject in case.asked.subjects:
        for meaning in ("is", "had"):
            case.register.bury(
                subject,
                "is" if meaning == "is" else "had",
                [
                    (kind, value)
                    for of, is_, kind, value in case.found.names
                    if (of, is_) == (subject, meaning)
                ],
            )
    project = case.project
    tombstones = case.register.tombstones()
    forgotten = forget_pulled(case.state_dir, tombstones)
    case.register.deleted(case.asked.id, [("what email tools said", forgotten)])
    with project.warehouse() as con:
        deleted = warehouse.delete(
            con,
            case.found,
            project.sources,
            project.settings.current_day,
            tombstones,
            read_pulled(case.state_dir),
        )
    case.register.deleted(case.asked.id, deleted.items())
    case.register.buried(case.asked.id)


def _forget(case: _Case) -> None:
    """What the ledgers still say of those who left every audience; then every file without the deleted bytes."""
    for destination in case.memberships:
        try:
            deliveries = case.project.deliveries
            with deliveries.connected(destination) as account, deliveries.books(account) as (_, ledger):
                rows = ledgers.forget(ledger, case.numbers)
            case.register.deleted(case.asked.id, [(f"ledger {destination} history", rows)])
            _rewrite(case, case.state_dir / f"{destination}.duckdb")
        except (StoreBusy, StoreDamaged, DeliveryError) as error:
            case.problems.append(f"{destination}: what its ledger stores could not be deleted: {error}")
    if not case.untied:
        try:
            _rewrite(case, case.project.settings.warehouse_path)
        except StoreBusy as error:
            case.problems.append(f"the bytes of deleted rows are still in the warehouse's file: {error}")
    _shake(case.state_dir / "journal.sqlite")


def _rewrite(case: _Case, path: Path) -> None:
    settings = case.project.settings
    rewrite(path, wait_seconds=settings.lock_wait_seconds, config=case.project.duckdb_config)


def _shake(journal: Path) -> None:
    """Digests of deleted rejections leave the journal's free pages and its log."""
    if journal.exists():
        with closing(sqlite3.connect(journal, timeout=30, isolation_level=None)) as db:
            db.execute("pragma secure_delete = on")
            db.execute("vacuum")
            db.execute("pragma wal_checkpoint(truncate)")


# --- platforms ---------------------------------------------------------------------------------------------


def _remove(case: _Case, wait_seconds: float) -> None:
    """Push every audience that has them, past every guard, until each removal has its verdict or time is up."""
    deadline = time.monotonic() + wait_seconds
    left = {name: {segment for _, segment in found} for name, found in case.memberships.items()}
    while True:
        complaints: list[str] = []
        for destination, segments in left.items():
            complaints += _push(case, destination, sorted(segments))
        left = _note(case, complaints)
        if not any(left.values()) or time.monotonic() >= deadline:
            case.problems += complaints
            return
        time.sleep(min(PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


def _push(case: _Case, destination: str, segments: list[str]) -> list[str]:
    """Remove those who must go from some audiences of a destination; returns what went wrong."""
    if not segments:
        return []
    try:
        with case.project.deliveries.connected(destination) as account:
            pushes = [push for segment in segments if (push := _push_of(case, account.connector, segment))]
            run = Run(f"erasure-{ULID()}", case.project.settings.current_day)
            done = engine.deliver(account, pushes, run)
    except DeliveryError as error:
        return [f"{destination}: {error}"]
    return [f"{destination}/{one.segment}: {error}" for one in done for error in one.errors]


def _push_of(case: _Case, connector: Connector, segment: str) -> Push | None:
    """Only those who must go, from an audience that was opened, whether a segment still wants it or not."""
    destination = connector.destination
    opened = case.project.record.opened_audiences(destination)
    asked = {s.name: sync for s, sync in case.project.audiences(destination)}
    sync = asked.get(segment) or (Sync(destination, opened[segment]) if segment in opened else None)
    if sync is None:
        case.problems.append(
            f"{destination}/{segment}: the journal does not know which audience on the platform this is; "
            f"restore the journal, or look for it there"
        )
        return None
    options = connector.options_type(**sync.options)
    return Push(segment, sync, options, case.project.deliveries.bounds(sync), only_opt_outs=ONLY_THE_ERASED)


def _note(case: _Case, complaints: list[str]) -> dict[str, set[str]]:
    """Write down where everybody stands; returns the audiences in which somebody's removal has no verdict."""
    left: dict[str, set[str]] = {}
    for destination, memberships in case.memberships.items():
        try:
            deliveries = case.project.deliveries
            with deliveries.connected(destination) as account, deliveries.books(account) as (journal, ledger):
                settles: timedelta = account.connector.limits.settles_after
                standing = ledgers.standings(ledger, journal, memberships, settles)
                names = journal.opened_audiences(destination)
        except (StoreBusy, StoreDamaged, DeliveryError) as error:
            complaints.append(f"{destination}: {error}")
            left[destination] = {segment for _, segment in memberships}
            continue
        case.register.record(
            case.asked.id,
            [
                Outcome(case.found.subjects[person], destination, segment, names.get(segment, segment),
                        found.state, found.receipt, found.at, found.note)
                for (person, segment), found in sorted(standing.items())
            ],
        )  # fmt: skip
        left[destination] = {
            segment for (_, segment), found in standing.items() if found.state not in (*FINAL, "settling")
        }
    return left
