"""A backup is consistent while runs go on, and whatever is restored, the next push leads back to the truth."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines import compact
from pipelines.backup import MANIFEST, BackupError, Manifest, back_up, copy_sqlite, read_backup
from pipelines.compact import rewrite
from pipelines.delivery.boundaries import observe
from pipelines.delivery.journal import Journal
from pipelines.duck import StoreBusy
from pipelines.restore import Restored, restore
from tests.delivery.world import Person, Platform, World, push_all

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


class Stop(Exception):
    """The process dies here."""


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


@pytest.mark.fault(
    "F53",
    injected="ledger or journal replaced by an old copy, nothing said",
    outcome="noticed by the mark that both remember; everybody is doubted by itself",
)
@pytest.mark.parametrize("old", ["platform.duckdb", "journal.sqlite"])
def test_an_old_copy_is_noticed_by_itself(
    world: World, platform: Platform, state: Path, tmp_path: Path, old: str
) -> None:
    """One store copied back by hand: the removal that only the newer one knew is not taken for a membership."""
    push_all(world, platform, state, "vip")
    shutil.copytree(state, tmp_path / "copy")
    for first in (3, 4):  # a journal that is one push behind is no doubt: what it does not know is none
        world.want("vip", set(range(first, 30)))
        push_all(world, platform, state, "vip")
    for path in state.glob(f"{old}*"):
        path.unlink()
    for path in (tmp_path / "copy").glob(f"{old}*"):
        shutil.copy(path, state)
    world.want("vip", NOBODY_LEFT)
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip")
    assert "doubted" in decisions(state)
    assert push_all(world, platform, state, "vip")[0].requests == 0


def test_a_crash_between_the_two_marks_is_no_doubt(world: World, platform: Platform, state: Path) -> None:
    """The ledger has its new mark, the journal does not know it yet: still the same pair, nothing is sent again."""
    push_all(world, platform, state, "vip")

    def dies(boundary: str) -> None:
        if boundary == "journal.used_with.open":
            raise Stop

    with observe(dies), pytest.raises(Stop):
        push_all(world, platform, state, "vip")
    assert push_all(world, platform, state, "vip")[0].requests == 0
    assert "doubted" not in decisions(state)


@pytest.fixture
def boundaries(world: World, platform: Platform, tmp_path: Path) -> list[str]:
    """Every boundary that a push with adds and removes passes, in order, each named once."""
    seen: list[str] = []
    push_all(world, platform, tmp_path / "seen", "vip")
    world.want("vip", set(range(3, 29)))
    world.change(10, email="moved@example.com")
    with observe(seen.append):
        push_all(world, platform, tmp_path / "seen", "vip")
    return list(dict.fromkeys(seen))


@pytest.mark.fault(
    "F53",
    injected="journal and ledger copied with a push standing at each of its boundaries between the two copies",
    outcome="never a person believed to be there who is not, never one believed gone who is",
)
def test_a_pair_copied_at_any_moment_of_a_push_leads_back_to_the_truth(
    boundaries: list[str], tmp_path: Path
) -> None:
    """The journal is copied before a push, the ledger at any boundary of it: the pair leads to doubt, not error.

    This is the worst that a backup can catch, as it waits for the account's lease between the two copies. The
    marks are taken away here, so that nothing but the order protects.
    """
    assert len(boundaries) > 25
    for boundary in boundaries:
        folder = tmp_path / boundary
        world, platform = _before_the_second_push(folder)
        copy_sqlite(folder / "state/journal.sqlite", folder / "journal.copy")
        _die_at(boundary, world, platform, folder / "state")
        for path in (folder / "state").glob("journal.sqlite*"):
            path.unlink()
        shutil.copy(folder / "journal.copy", folder / "state/journal.sqlite")
        with closing(sqlite3.connect(folder / "state/journal.sqlite")) as journal:
            journal.execute("delete from lineages")
            journal.commit()
        push_all(world, platform, folder / "state", "vip")
        assert platform.members("vip") == world.desired("vip"), boundary


def _before_the_second_push(folder: Path) -> tuple[World, Platform]:
    world, platform = World(), Platform()
    for number in range(30):
        world.put(number, Person(f"p{number}@example.com", f"+1 555 01{number:04}"))
    world.want("vip", set(range(27)))
    push_all(world, platform, folder / "state", "vip")
    world.want("vip", set(range(3, 29)))
    world.change(10, email="moved@example.com")
    return world, platform


def _die_at(boundary: str, world: World, platform: Platform, state: Path) -> None:
    def dies(reached: str) -> None:
        if reached == boundary:
            raise Stop

    with observe(dies), pytest.raises(Stop):
        push_all(world, platform, state, "vip")


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
@pytest.mark.privacy("P31")
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


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A DuckDB file of which most rows were deleted."""
    path = tmp_path / "table.duckdb"
    with closing(duckdb.connect(path)) as con:
        con.execute("pragma force_compression = 'uncompressed'")
        con.execute("create schema source")
        con.execute("create table source.rows as select 'canary' || i as name, i from range(5000) rows(i)")
        con.execute("comment on column source.rows.name is 'a name'")
        con.execute("create view names as select name from source.rows")
        con.execute("checkpoint")
        con.execute("delete from source.rows where i between 10 and 19")
    return path


def test_rewriting_drops_deleted_bytes(table: Path) -> None:
    """The deleted rows are in the file until it is rewritten, and in no byte of it afterwards; the rest stays."""
    assert b"canary12" in table.read_bytes(), "or this test proves nothing"
    rewrite(table, wait_seconds=0)
    content = table.read_bytes()
    with closing(duckdb.connect(table, read_only=True)) as con:
        assert con.execute("select count(*) from names").fetchall() == [(4990,)]
        told = "select comment from duckdb_columns() where table_name = 'rows' and column_name = 'name'"
        assert con.execute(told).fetchall() == [("a name",)]
        left = {row[0] for row in con.execute("select name from names").fetchall()}
    assert not left & {f"canary{i}" for i in range(10, 20)}
    for number in range(10, 20):
        assert content.count(f"canary{number}".encode()) == sum(
            name.startswith(f"canary{number}") for name in left
        )
    assert [path.name for path in table.parent.glob("table*")] == ["table.duckdb"]


def test_rewriting_never_loses_what_somebody_wrote_meanwhile(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes the file between copy and renaming keeps what they wrote; the rewriting says that it was in vain."""
    original = compact.copy_rows

    def slow(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
        original(connection, target)
        connection.execute("insert into source.rows values ('late', -1)")

    monkeypatch.setattr(compact, "copy_rows", slow)
    with pytest.raises(StoreBusy, match="was changed by another process"):
        rewrite(table, wait_seconds=0)
    with closing(duckdb.connect(table, read_only=True)) as con:
        assert con.execute("select count(*) from names where name = 'late'").fetchall() == [(1,)]
