"""A machine that fails: power cuts, clocks that jump, memory and open files that run out, code edited in between."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import require
from tests.faults.ground import Ground
from tests.faults.test_signals import SLOW, wait_for_sent

DAY = 86_400


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library that lets a process believe in another clock, and keeps what a power cut would leave."""
    compiler = shutil.which("cc")
    require(compiler, "there is no C compiler")
    library = tmp_path_factory.mktemp("machine") / "machine.so"
    source = Path(__file__).with_name("machine.c")
    subprocess.run(
        [
            str(compiler),
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Werror",
            "-o",
            str(library),
            str(source),
            "-ldl",
        ],
        check=True,
    )
    return str(library)


@pytest.mark.fault(
    "F40",
    injected="power cut after 1, 3 or 5 uploads: of each store only what was synced is left",
    outcome="every request that left is on record; the next run converges",
)
@pytest.mark.promise("never_lost", "converges")
@pytest.mark.parametrize("uploads", [1, 3, 5])
def test_a_power_cut(fresh: Ground, machine: str, tmp_path: Path, uploads: int) -> None:
    """Whatever had not reached the disk is gone; the platform has what it has, and the next run finds it."""
    fresh.faults({**SLOW, "seconds": 0.3})
    disk = tmp_path / "disk"
    disk.mkdir()
    running = fresh.start(
        "sync", LD_PRELOAD=machine, MACHINE_DISK=str(disk), MACHINE_WATCHED=str(fresh.state)
    )
    fresh.until_sent(uploads)
    running.signal(signal.SIGKILL)
    running.end()
    assert (disk / "journal.sqlite-wal").exists() or (disk / "journal.sqlite").exists(), "syncs were seen"
    shutil.rmtree(fresh.state)
    disk.rename(fresh.state)
    fresh.shop.opt_out(*range(1, 40, 2))  # of whom some are there already, and must leave
    assert fresh.run("sources").code == 0
    fresh.assert_converges()


@pytest.mark.fault(
    "F49",
    injected="the wall clock jumps by 400 days, a day or an hour, forwards or backwards, during a push",
    outcome="the push ends as if nothing had happened; so does the next one, by the right time",
)
@pytest.mark.promise("bounded", "converges")
@pytest.mark.parametrize("seconds", [400 * DAY, -400 * DAY, DAY, -3600])
def test_a_clock_that_jumps(fresh: Ground, machine: str, tmp_path: Path, seconds: int) -> None:
    """Pauses and deadlines are measured by another clock; what is dated wrongly misleads no later run."""
    fresh.faults({**SLOW, "seconds": 0.3})
    jump = tmp_path / "jump"
    running = fresh.start("sync", LD_PRELOAD=machine, MACHINE_CLOCK=str(jump))
    wait_for_sent(fresh)
    jump.write_text(str(seconds))
    ended = running.end(40)
    assert ended.code == 0, ended.said
    assert fresh.held() == fresh.desired()
    fresh.assert_converges()
    fresh.opt_out_some()
    fresh.assert_converges()


def at_most(kind: int, amount: int) -> Callable[[], None]:
    """For a new process: no more than this of a resource."""
    return lambda: resource.setrlimit(kind, (amount, amount))


@pytest.mark.fault(
    "F51",
    injected="12 to 48 files may be open (RLIMIT_NOFILE)",
    outcome="it ends by itself; with more files allowed the next run converges",
)
@pytest.mark.promise("bounded", "converges")
@pytest.mark.parametrize("files", [12, 18, 24, 48])
def test_few_open_files(fresh: Ground, files: int) -> None:
    """Wherever the next file can't be opened, the process ends and leaves nothing behind that stops the next."""
    fresh.run("sync", before=at_most(resource.RLIMIT_NOFILE, files))
    fresh.assert_converges()


@pytest.mark.fault(
    "F50",
    injected="0.6 to 2 GiB of address space (RLIMIT_AS)",
    outcome="it ends by itself; with more memory the next run converges",
)
@pytest.mark.promise("bounded", "converges")
@pytest.mark.parametrize("mebibytes", [600, 900, 1300, 2000])
def test_little_memory(fresh: Ground, mebibytes: int) -> None:
    """Wherever memory ends, so does the process; stores and platform stay repairable."""
    fresh.run("sync", before=at_most(resource.RLIMIT_AS, mebibytes * 1024 * 1024))
    fresh.assert_converges()


@pytest.mark.fault(
    "F56",
    injected="the segment's file is edited and its sources change while a push of it runs",
    outcome="the push goes on with what it began with; the next one follows the edit",
)
@pytest.mark.promise("converges")
def test_an_edit_during_a_push(fresh: Ground) -> None:
    """A run keeps the segment as it was computed; half of one version and half of another never meet."""
    before = fresh.desired()
    fresh.faults(SLOW)
    running = fresh.start("sync")
    wait_for_sent(fresh)
    path = fresh.shop.segment_defs / "buyers.sql"
    good = path.read_text()
    path.write_text(good.replace("select", "selct"))
    fresh.shop.opt_out(3, 5, 7)
    ended = running.end()
    assert ended.code == 0, ended.said
    assert fresh.held() == before
    path.write_text(good)
    assert fresh.run("sources").code == 0
    fresh.assert_converges()


@pytest.mark.fault(
    "F57",
    injected="kill -9 of a load that spills to disk",
    outcome="the next load is whole; nothing of the dead one is left beside the warehouse",
)
@pytest.mark.privacy("P31")
def test_a_killed_load_leaves_nothing(fresh: Ground) -> None:
    """Temporary files of a dead process are gone after the next load, and were the owner's alone."""
    rows = ((f"x{n}", f"c{n % 120:04}", "2017-12-15 10:00:00", 10) for n in range(400_000))
    fresh.shop.write("orders", ["order_id", "customer_id", "ordered_at", "total"], rows)
    running = fresh.start("sources", TURNOUT_MEMORY_LIMIT="64MB")
    home = fresh.shop.folder / "home"
    spilling = wait_for_files(home)
    running.signal(signal.SIGKILL)
    running.end()
    assert fresh.run("sources").code == 0
    assert [path for path in home.rglob("*") if "tmp" in path.name and path.is_file()] == [], spilling
    assert all(path.stat().st_mode & 0o077 == 0 for path in home.rglob("*") if path.is_file())


def wait_for_files(home: Path) -> list[str]:
    """The names of what is there one second into the load."""
    time.sleep(1.5)
    return [path.name for path in home.rglob("*")]
