"""A disk that fills up: nothing is sent that is not on record, a sentence says why, and room is all that it takes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.disks import no_file_over, small_disk
from tests.faults.ground import Ended, Ground

FREE = [0, 16 * 1024, 128 * 1024]


def sent_on_record(ground: Ground) -> int:
    """How many batches the journal says have left."""
    with closing(sqlite3.connect(ground.journal)) as db:
        return int(db.execute("select count(*) from batches where sent_at is not null").fetchone()[0])


def assert_told(ended: Ended) -> None:
    """All is well, or one sentence says what to do; never a traceback."""
    assert "Traceback" not in ended.said, ended.said[-3000:]
    if ended.code != 0:
        assert ended.code == 1
        assert any(word in ended.said for word in ("disk", "damaged", "cannot be", "could not be")), (
            ended.said
        )


@pytest.mark.fault(
    "F41",
    injected="the journal on a disk of its own with 0 to 128 KiB left",
    outcome="nothing is sent that is not on record; a sentence; with room again the next run converges",
)
@pytest.mark.promise("converges", "never_lost", "bounded")
@pytest.mark.parametrize("free", FREE)
def test_a_full_disk_under_the_journal(pushed: Ground, tmp_path: Path, free: int) -> None:
    """The journal can't grow: no request leaves without its line, and the next run repairs everything."""
    pushed.opt_out_some()
    with small_disk(tmp_path / "disk", [pushed.journal], free) as grow:
        before = pushed.uploads()
        assert_told(pushed.run("sync"))
        grow()
        assert pushed.uploads() - before <= sent_on_record(pushed) - 6, "six batches were sent before"
        pushed.assert_converges()


@pytest.mark.fault(
    "F42",
    injected="the ledger on a disk of its own with 0 to 128 KiB left",
    outcome="a sentence that says what to do; with room again the next run converges",
)
@pytest.mark.promise("converges", "never_lost", "bounded")
@pytest.mark.parametrize("free", FREE)
def test_a_full_disk_under_the_ledger(pushed: Ground, tmp_path: Path, free: int) -> None:
    """The ledger can't grow: whatever was sent by then is repaired by the next run."""
    pushed.opt_out_some()
    with small_disk(tmp_path / "disk", [pushed.ledger], free) as grow:
        assert_told(pushed.run("sync"))
        grow()
        pushed.assert_converges()


@pytest.mark.fault(
    "F41",
    "F42",
    injected="no file may grow beyond 16 KiB to 1 MiB (RLIMIT_FSIZE), from the first push on",
    outcome="it ends with a sentence; without the limit the next run converges",
)
@pytest.mark.promise("converges", "bounded")
@pytest.mark.parametrize("limit", [16_384, 262_144, 1_048_576])
def test_files_that_cannot_grow(fresh: Ground, limit: int) -> None:
    """Every store meets its limit somewhere: wherever that is, nothing is lost by it."""
    assert_told(fresh.run("sync", before=no_file_over(limit)))
    fresh.assert_converges()


@pytest.mark.fault(
    "F42",
    injected="standard output and error on a device without room",
    outcome="the push is made all the same: opt-outs leave",
)
@pytest.mark.privacy("P06")
def test_output_that_cannot_be_written(pushed: Ground) -> None:
    """Nobody can be told anything, and still whoever opted out is removed."""
    pushed.opt_out_some()
    pushed.run("sync", before=_nowhere_to_write)
    assert pushed.held() == pushed.desired()


def _nowhere_to_write() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)
