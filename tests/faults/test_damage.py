"""Stores that are damaged, lost or locked: a sentence or the truth, never a guess; the documented walk repairs."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.delivery.journal_file import JournalError
from pipelines.duck import StoreDamaged
from pipelines.project import Project
from tests.faults.ground import Ground

Damage = Callable[[Path], None]


def cut(share: float) -> Damage:
    """Keep only the first part of a file."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flipped(seed: int, flips: int = 40) -> Damage:
    """Turn some bits of a file over, the same ones every time."""

    def damage(path: Path) -> None:
        chance = random.Random(seed)
        content = bytearray(path.read_bytes())
        for _ in range(flips):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

    return damage


def zeroed(path: Path) -> None:
    """A file whose middle was never written, as after a crash of the machine."""
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)


def rubbish_log(path: Path) -> None:
    """A write-ahead log that belongs to nothing."""
    for ending in ("-wal", ".wal"):
        path.with_name(path.name + ending).write_bytes(random.Random(7).randbytes(20_000))


DAMAGES: dict[str, Damage] = {
    "cut in half": cut(0.5), "cut near its end": cut(0.97), "emptied": cut(0), "zeros in its middle": zeroed,
    "a log of rubbish": rubbish_log, **{f"bits turned over, {seed}": flipped(seed) for seed in range(6)},
}  # fmt: skip


@pytest.fixture
def here(pushed: Ground, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """The ground's settings in this process: damage is tried many times, so no process is started for each."""
    for name, value in pushed.environment().items():
        if name.startswith("TURNOUT_"):
            monkeypatch.setenv(name, value)
    return pushed


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a push."""

    ok: bool
    said: str
    removed: int = 0


def push(ground: Ground, resync: bool = False) -> Told:
    """One push, as every caller sees it: a delivery, or an error whose text is a sentence."""
    deliveries = Project(ground.shop.settings(lock_wait_seconds=1)).deliveries
    try:
        [one] = deliveries.sync("meta", ["buyers"], deliveries.new_run(resync=resync))
    except (JournalError, StoreDamaged) as error:
        return Told(False, str(error))
    return Told(one.ok, "; ".join((one.sentence, *one.errors)), one.removed)


@pytest.mark.fault(
    "F52",
    injected="journal and ledger cut short, emptied, zeroed, with bits turned over or a foreign log",
    outcome="either a sentence that says how to go on, or the truth; restored and resynced it converges",
)
@pytest.mark.promise("bounded", "converges")
@pytest.mark.parametrize("store", ["journal", "ledger"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_told_or_harmless(
    here: Ground, tmp_path: Path, damage: Damage, store: str
) -> None:
    """No damage is taken for knowledge: a push that ends well has left the platform as wanted."""
    kept = tmp_path / "kept"
    shutil.copytree(here.state, kept)
    damage(getattr(here, store))
    told = push(here)
    if told.ok:
        assert here.held() == here.desired()
    else:
        assert any(word in told.said for word in ("restore", "recovery.md", "run it again")), told.said
        shutil.rmtree(here.state)
        shutil.copytree(kept, here.state)
    again = push(here, resync=True)
    assert again.ok, again.said
    assert here.held() == here.desired()


@pytest.mark.fault(
    "F43",
    injected="another process of the machine holds the journal's write lock for three seconds, or for good",
    outcome="waits at most half a minute, then says so; nothing is sent meanwhile that is not on record",
)
@pytest.mark.promise("bounded")
@pytest.mark.parametrize("for_good", [False, True], ids=["for a while", "for good"])
def test_a_locked_journal(here: Ground, for_good: bool) -> None:
    """A backup program, say, that holds the journal: the push waits a bounded time."""
    here.shop.opt_out(3, 5, 7)
    Project(here.shop.settings()).load()
    locked = threading.Event()
    free = threading.Event()

    def hold() -> None:
        holder = sqlite3.connect(here.journal, isolation_level=None)
        holder.execute("begin immediate")
        locked.set()
        free.wait(120 if for_good else 3)
        holder.execute("rollback")
        holder.close()

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait()
    before, started = here.uploads(), time.monotonic()
    told = push(here)
    seconds = time.monotonic() - started
    free.set()
    thread.join()
    if for_good:
        assert not told.ok
        assert "journal" in told.said or "delivery state" in told.said
        assert seconds < 60
        assert here.uploads() == before, "nothing is sent that is not on record"
    else:
        assert told.ok, told.said
    again = push(here)
    assert again.ok
    assert here.held() == here.desired()


@pytest.mark.fault(
    "F55",
    injected="a journal that a newer Turnout has written",
    outcome="nothing is sent; the sentence says to upgrade",
)
def test_a_journal_of_a_newer_version_is_left_alone(here: Ground) -> None:
    """An older program does not guess what a newer one meant."""
    with sqlite3.connect(here.journal) as db:
        [version] = db.execute("pragma user_version").fetchone()
        db.execute("pragma user_version = 999")
    before = here.uploads()
    told = push(here)
    assert "written by a newer Turnout" in told.said
    assert here.uploads() == before
    with sqlite3.connect(here.journal) as db:
        db.execute(f"pragma user_version = {version}")
    assert push(here).ok


@pytest.mark.fault(
    "F54",
    injected="the ledger is deleted while the journal stays",
    outcome="nobody is removed by guess; everybody desired is sent again, and nobody twice in the count",
)
@pytest.mark.promise("converges")
def test_a_deleted_ledger(here: Ground) -> None:
    """All are sent again, which changes nothing at the platform; whoever is desired is held."""
    here.ledger.unlink()
    told = push(here, resync=True)
    assert told.ok, told.said
    assert here.held() == here.desired()
    assert told.removed == 0


@pytest.mark.fault(
    "F53",
    injected="the whole state folder is replaced by one of before the last push",
    outcome="what was sent since is doubted: a resync ends with the desired people",
)
@pytest.mark.promise("converges")
def test_an_old_copy_of_the_state(here: Ground, tmp_path: Path) -> None:
    """People left and came after the copy was made; after restoring it a resync finds the way back."""
    shutil.copytree(here.state, tmp_path / "old")
    here.shop.opt_out(3, 5, 7, 9)
    Project(here.shop.settings()).load()
    assert push(here).ok
    shutil.rmtree(here.state)
    shutil.copytree(tmp_path / "old", here.state)
    told = push(here, resync=True)
    assert told.ok, told.said
    assert here.held() == here.desired()
