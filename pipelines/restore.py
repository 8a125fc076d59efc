"""Putting a backup in force: checked first, what it replaces kept aside, and doubted as a whole.

A backup tells what was true when it was made; the platforms have gone on since. So every batch of the restored
journal is doubted before it is put in place: the next push sends all desired people again and removes all others
that the ledgers know. The doubted journal comes first: whatever ledger stands beside it, nothing is believed that
may not be so, also when the machine stops half-way.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.backup import JOURNAL, PASSING, BackupError, Manifest, copy_sqlite, read_backup
from pipelines.compact import sync_file
from pipelines.delivery.journal import Journal
from pipelines.duck import StoreDamaged, open_duckdb
from pipelines.sources.forgetting import forget_pulled
from pipelines.sources.pulled import FILE, PulledError, PulledFile
from pipelines.sources.tombstones import KEY, REGISTER, read_tombstones


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in force."""

    manifest: Manifest
    doubted: tuple[tuple[str, str], ...]
    """Audiences (destination, segment) that the next push brings back to the truth."""
    aside: Path | None
    """Where the files that were replaced are kept; None when there were none."""


def restore(folder: Path, state: Path, *, replace: bool, wait_seconds: float, who: str, why: str) -> Restored:
    """Put a backup in the place of the state folder's stores; stores that it does not hold stay.

    Safe to repeat. Raises BackupError when the backup is unusable, or when there is a state and ``replace`` is not
    said; StoreBusy naming the process that delivers meanwhile.
    """
    manifest = read_backup(folder)
    present = [path for path in (state / JOURNAL, *sorted(state.glob("*.duckdb"))) if path.exists()]
    if present and not replace:
        raise BackupError(
            f"{state} holds a state already; restore with --replace to put the backup in its place "
            "(what is there now is kept beside it)"
        )
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    staged = _stage(folder, manifest, state)
    _refuse_other_key(staged, state)
    doubted = _doubt(staged / JOURNAL, manifest, who, why)
    with _leases(present, wait_seconds):
        aside = _put_aside(state, present)
        _put_in_place(staged, state)
        aside = _join_pulled(staged, state, aside)
    shutil.rmtree(staged)
    return Restored(manifest, doubted, aside)


def _stage(folder: Path, manifest: Manifest, state: Path) -> Path:
    """Copies of the backup's files beside the state folder, each opened once, so that nothing unusable gets in."""
    staged = state.with_name(f"{state.name}.restoring")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    for part in manifest.parts:
        copied = staged / part.name
        copied.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(folder / part.name, copied)
        copied.chmod(0o600)
        if copied.suffix == ".duckdb":
            _read_ledger(copied)
        sync_file(copied)
    return staged


def _read_ledger(path: Path) -> None:
    try:
        with closing(open_duckdb(path)) as connection:
            connection.execute("select count(*) from members").fetchall()
    except (duckdb.Error, StoreDamaged) as error:
        raise BackupError(f"{path.name} in the backup is no ledger ({type(error).__name__})") from None


def _doubt(journal: Path, manifest: Manifest, who: str, why: str) -> tuple[tuple[str, str], ...]:
    """From now on nobody is known to be anywhere; written down as the operator's decision."""
    if not journal.exists():
        return ()
    with Journal.open(journal) as opened:
        audiences = tuple(opened.every_audience())
        for destination, segment in audiences:
            opened.distrust(destination, segment)
            opened.logbook.decided(
                "restore",
                destination,
                segment,
                "restored",
                who,
                f"backup of {manifest.taken_at:%F %R} UTC: {why}",
            )
    return audiences


@contextmanager
def _leases(present: list[Path], wait_seconds: float) -> Iterator[None]:
    """Keep every account's deliveries out; a ledger too damaged to be opened needs no keeping."""
    with ExitStack() as stack:
        for path in present:
            if path.suffix != ".duckdb":
                continue
            try:
                lease = stack.enter_context(closing(open_duckdb(path, wait_seconds=wait_seconds)))
            except StoreDamaged:
                continue
            lease.execute("checkpoint")  # so that the file alone is the whole ledger
        yield


def _put_aside(state: Path, present: list[Path]) -> Path | None:
    if not present:
        return None
    aside = _new_aside(state)
    for path in present:
        if path.name == JOURNAL:
            _copy_or_move(path, aside)
        else:
            os.link(path, aside / path.name)
            for log in path.parent.glob(f"{path.name}.wal"):
                os.replace(log, aside / log.name)
    sync_file(aside)
    return aside


def _new_aside(state: Path) -> Path:
    aside = state.with_name(f"{state.name}-replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    aside.mkdir(mode=0o700)
    return aside


def _copy_or_move(journal: Path, aside: Path) -> None:
    """A journal that can be read is copied; a damaged one goes as it is, so that a new one can take its name."""
    try:
        copy_sqlite(journal, aside / journal.name)
    except BackupError:
        for path in journal.parent.glob(f"{journal.name}*"):
            os.replace(path, aside / path.name)
    (aside / journal.name).chmod(0o600)


def _refuse_other_key(staged: Path, state: Path) -> None:
    keys = [folder / KEY for folder in (staged, state)]
    if all(key.exists() for key in keys) and keys[0].read_bytes() != keys[1].read_bytes():
        raise BackupError(
            f"the backup keeps the tombstones of erased people under another key than {state} does: is it another "
            "installation's? If it is the right one, restore it into an empty folder and repeat the later erasures"
        )


def _join_tombstones(staged: Path, state: Path) -> None:
    """Whoever was erased stays so, before the backup or after it."""
    if (staged / REGISTER).exists() and (state / REGISTER).exists():
        with closing(sqlite3.connect(state / REGISTER, timeout=30)) as db:
            db.execute("attach ? as backup", (str(staged / REGISTER),))
            db.execute("insert or ignore into main.tombstones select * from backup.tombstones")
            db.commit()


def _join_pulled(staged: Path, state: Path, aside: Path | None) -> Path | None:
    """Whoever was ever told of stays suppressed, before the backup or after it, but for the erased.

    A damaged file goes aside; returns the folder aside, which may be new.
    """
    if (staged / FILE).exists():  # else it is in place, or there is none
        with PulledFile.open(staged) as backup:
            rows = backup.rows()
        try:
            with PulledFile.open(state) as present:
                present.replace([], rows)
        except PulledError:
            aside = aside or _new_aside(state)
            for path in state.glob(f"{FILE}*"):
                os.replace(path, aside / path.name)
            copy_sqlite(staged / FILE, state / FILE)
            (state / FILE).chmod(0o600)
    if (state / FILE).exists():
        forget_pulled(state, read_tombstones(state))
    return aside


def _put_in_place(staged: Path, state: Path) -> None:
    _join_tombstones(staged, state)
    if (staged / JOURNAL).exists():
        copy_sqlite(staged / JOURNAL, state / JOURNAL)
        (state / JOURNAL).chmod(0o600)
    for path in sorted(staged.rglob("*")):
        if path.is_dir() or path.name == JOURNAL or path.name.endswith(PASSING):
            continue
        target = state / path.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.suffix == ".duckdb" or not target.exists():
            os.replace(path, target)
    sync_file(state)
