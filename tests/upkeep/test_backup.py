"""A backup is consistent while runs go on, and whatever is restored, the next push leads back to the truth."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.backup import MANIFEST, BackupError, Manifest, back_up, read_backup
from pipelines.delivery.journal import Journal
from pipelines.duck import StoreBusy
from pipelines.erasure.register import Register
from pipelines.restore import Restored, restore
from tests.delivery.world import Platform, World, push_all

NOBODY_LEFT = frozenset(range(30))


def backed_up(state: Path, folder: Path) -> Manifest:
    """A backup that waits for nobody."""
    return back_up(state, folder, wait_seconds=0)


def restored(folder: Path, state: Path, *, replace: bool = True) -> Restored:
    """A restore that waits for nobody."""
    return restore(folder, state, replace=replace, wait_seconds=0, who="tester", why="a test")


def decisions(state: Path) -> list[str]:
    """What the journal says was decided."""
    with Journal.open(state / "journal.sqlite") as journal:
        return [decision.decision for decision in journal.logbook.decisions()]


@pytest.mark.fault(
    "F53",
    injected="the state of a backup is restored over a newer one",
    outcome="everybody is doubted by itself, the next push ends with the desired people",
)
@pytest.mark.promise("converges")
def test_a_restored_backup_is_doubted_without_being_told(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """After a restore an ordinary push, no resync asked for, ends with exactly the desired people."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    world.want("vip", set(range(3, 30)))
    push_all(world, platform, state, "vip")
    answer = restored(tmp_path / "backup", state)
    assert answer.doubted == (("platform", "vip"),)
    world.want("vip", set(range(5, 30)))
    platform.audiences["turnout:vip"].discard(world.people[7].handle)
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip"), "also whoever the platform lost meanwhile"
    assert push_all(world, platform, state, "vip")[0].requests == 0
    assert "restored" in decisions(state)


def test_what_a_restore_replaces_is_kept(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """The state that was there is a state still: moved back, it knows what it knew."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    world.want("vip", set(range(2, 30)))
    push_all(world, platform, state, "vip")
    aside = restored(tmp_path / "backup", state).aside
    assert aside is not None
    shutil.rmtree(state)
    aside.rename(state)
    assert push_all(world, platform, state, "vip")[0].requests == 0
    assert platform.members("vip") == world.desired("vip")


def test_a_restore_needs_leave_to_replace(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """A state that is there is never overwritten unless that is said; nothing is touched."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    with pytest.raises(BackupError, match="holds a state already; restore with --replace"):
        restored(tmp_path / "backup", state, replace=False)
    assert push_all(world, platform, state, "vip")[0].requests == 0


def test_into_an_empty_place_a_restore_needs_no_leave(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """On a new machine there is nothing to replace."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    shutil.rmtree(state)
    assert restored(tmp_path / "backup", state, replace=False).aside is None
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip")


def test_a_backup_is_taken_while_pushes_go_on(world: World, platform: Platform, tmp_path: Path) -> None:
    """Backups taken while another thread pushes without end are whole, and each leads back to the truth."""
    state = tmp_path / "state"
    push_all(world, platform, state, "vip")
    stop = threading.Event()
    failures: list[str] = []

    def pushes() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            world.want("vip", set(range(turn % 5, 30)))
            failures.extend(e for d in push_all(world, platform, state, "vip") for e in d.errors)

    pusher = threading.Thread(target=pushes)
    pusher.start()
    try:
        for number in range(3):
            back_up(state, tmp_path / f"backup-{number}", wait_seconds=30)
    finally:
        stop.set()
        pusher.join()
    assert failures == []
    for number in range(3):
        restored(tmp_path / f"backup-{number}", state)
        push_all(world, platform, state, "vip")
        assert platform.members("vip") == world.desired("vip")


def test_a_backup_waits_for_a_lease_a_bounded_time(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """An account that delivers longer than the backup waits is named, and no half backup is left behind."""
    push_all(world, platform, state, "vip")
    with (
        held_elsewhere(state / "platform.duckdb"),
        pytest.raises(StoreBusy, match=r"platform\.duckdb is in use by"),
    ):
        backed_up(state, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    backed_up(state, tmp_path / "backup")


@contextmanager
def held_elsewhere(path: Path) -> Iterator[None]:
    """Another process holds a ledger while the block runs."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def test_a_restore_waits_for_a_running_push(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """Nothing is replaced under a push that is under way."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    with held_elsewhere(state / "platform.duckdb"), pytest.raises(StoreBusy, match="is in use by"):
        restored(tmp_path / "backup", state)
    assert push_all(world, platform, state, "vip")[0].requests == 0


@pytest.mark.fault(
    "F52",
    injected="bytes of ledger and journal overwritten",
    outcome="refused by name; a restore replaces both",
)
@pytest.mark.parametrize("broken", ["journal.sqlite", "platform.duckdb"])
def test_a_damaged_store_is_replaced(
    world: World, platform: Platform, state: Path, tmp_path: Path, broken: str
) -> None:
    """A store that cannot even be opened is put aside as it is, and the backup takes its place."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    (state / broken).write_bytes(b"rubbish" * 1000)
    assert push_all(world, platform, state, "vip")[0].errors
    aside = restored(tmp_path / "backup", state).aside
    assert aside is not None
    assert (aside / broken).read_bytes().startswith(b"rubbish")
    assert push_all(world, platform, state, "vip")[0].ok
    assert platform.members("vip") == world.desired("vip")


def tombstones(state: Path) -> set[str]:
    """The tombstones in force."""
    with Register.open(state) as register:
        return {digest for digest, _ in register.tombstones().digests}


def bury(state: Path, name: str) -> None:
    """Somebody is erased."""
    with Register.open(state) as register:
        register.bury("subject", "is", [("id", name)])


@pytest.mark.privacy("P09")
def test_a_restore_takes_no_tombstone_away(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """Those of the backup and those that came after it are in force; under another key nothing is restored."""
    push_all(world, platform, state, "vip")
    bury(state, "before")
    backed_up(state, tmp_path / "backup")
    bury(state, "after")
    both = tombstones(state)
    restored(tmp_path / "backup", state)
    assert tombstones(state) == both
    shutil.rmtree(state)
    restored(tmp_path / "backup", state)
    assert len(tombstones(state)) == 1
    shutil.rmtree(state)
    bury(state, "elsewhere")
    with pytest.raises(BackupError, match="under another key"):
        restored(tmp_path / "backup", state)


def test_a_restore_that_died_half_way_is_repeated(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """The journal is in place and the ledger is not: that state leads to the truth too, and so does a second try."""
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    world.want("vip", set(range(3, 30)))
    push_all(world, platform, state, "vip")
    shutil.copy(state / "platform.duckdb", tmp_path / "newer.duckdb")
    restored(tmp_path / "backup", state)
    shutil.copy(tmp_path / "newer.duckdb", state / "platform.duckdb")
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip")
    (state.with_name("state.restoring")).mkdir()
    restored(tmp_path / "backup", state)
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip")


def changed(folder: Path) -> None:
    """One byte differs."""
    path = folder / "platform.duckdb"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def cut_short(folder: Path) -> None:
    """The backup never ended."""
    (folder / MANIFEST).unlink()


def lost_a_file(folder: Path) -> None:
    """A file was not copied along."""
    (folder / "platform.duckdb").unlink()


def no_json(folder: Path) -> None:
    """The list of files is cut off."""
    (folder / MANIFEST).write_text("{")


def newer(folder: Path) -> None:
    """Made by a later version."""
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))


def leaves_the_folder(folder: Path) -> None:
    """A file is to be put somewhere else."""
    path = folder / MANIFEST
    path.write_text(path.read_text().replace('"platform.duckdb"', '"../platform.duckdb"'))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (changed, "is not what was backed up"),
        (cut_short, "it is no backup, or one that was cut short"),
        (lost_a_file, "is missing; use another backup"),
        (no_json, "cannot be read"),
        (newer, "which is newer; upgrade Turnout"),
        (leaves_the_folder, "cannot be read: 1 mistakes"),
    ],
)
def test_an_unusable_backup_is_refused(
    world: World, platform: Platform, state: Path, tmp_path: Path, damage: object, sentence: str
) -> None:
    """It is checked before anything is replaced; the sentence says what is wrong."""
    assert callable(damage)
    push_all(world, platform, state, "vip")
    backed_up(state, tmp_path / "backup")
    damage(tmp_path / "backup")
    with pytest.raises(BackupError, match=sentence):
        restored(tmp_path / "backup", state)
    assert push_all(world, platform, state, "vip")[0].requests == 0


def test_a_backup_has_a_folder_of_its_own(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """A folder that holds something is left alone; before the first push there is nothing to back up."""
    with pytest.raises(BackupError, match="nothing was ever pushed"):
        backed_up(state, tmp_path / "backup")
    push_all(world, platform, state, "vip")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(BackupError, match="is not empty"):
        backed_up(state, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.privacy("P50")
@pytest.mark.privacy("P31", "P50")
def test_only_its_owner_can_read_a_backup(
    world: World, platform: Platform, state: Path, tmp_path: Path
) -> None:
    """Files 0600, folders 0700, also after a restore; what passes (logs, half files) is not copied."""
    push_all(world, platform, state, "vip")
    (state / "certificates").mkdir()
    (state / "certificates/one.json").write_text("{}")
    (state / "platform.duckdb.rewritten").write_text("half")
    manifest = backed_up(state, tmp_path / "backup")
    assert [part.name for part in manifest.parts] == [
        "certificates/one.json",
        "journal.sqlite",
        "platform.duckdb",
    ]
    assert read_backup(tmp_path / "backup") == manifest
    shutil.rmtree(state)
    restored(tmp_path / "backup", state)
    for folder in (tmp_path / "backup", state):
        for path in (folder, *folder.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
