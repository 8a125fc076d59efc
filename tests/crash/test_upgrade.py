"""An upgrade in the middle of a run: what an older version left behind, this one finishes; a newer one it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.delivery.journal_file import SCHEMA_VERSION
from tests.crash import states
from tests.crash.judgement import JOURNAL, exactly
from tests.crash.people import wanted, world_of
from tests.crash.scenario import moves_on
from tests.crash.stage import Stage
from tests.crash.theatre import Theatre
from tests.crash.worker import PLAIN, state

ARCHIVES = sorted(states.FOLDER.glob("schema-*.zip"))


@pytest.fixture
def stage(theatre: Theatre) -> Stage:
    """The people as they were when the archives were made, on their way to the next version."""
    stage = theatre.stage(states.KIND)
    stage.world = world_of(14, vip={2, 3, 4, 5, 6, 7, 8, 9, 12})
    return stage


@pytest.mark.fault(
    "F55",
    injected="the state folder of a run that was killed, as every schema so far has written it",
    outcome="opened and finished: nobody lost, exactly the desired people on the platform",
)
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.stem)
@pytest.mark.parametrize("moved", [False, True], ids=["run again", "next version"])
def test_an_interrupted_run_of_any_schema_is_finished(archive: Path, moved: bool, stage: Stage) -> None:
    """A run that was killed before an upgrade is finished after it, whether or not the world has moved on."""
    states.unpack(archive, stage)
    stage.judge_files(PLAIN)
    if moved:
        moves_on(stage.world)
    stage.quiet_runs(PLAIN, 1)
    exactly(stage.members(PLAIN, "vip"), wanted(stage.world, "vip"), "vip")
    with closing(sqlite3.connect(state(stage.folder) / JOURNAL)) as journal:
        assert journal.execute("pragma user_version").fetchone() == (SCHEMA_VERSION,)


def test_every_schema_has_its_state() -> None:
    """The present schema's state is kept too, so that the next version is tested with it."""
    assert states.path(SCHEMA_VERSION) in ARCHIVES, "the schema is new: run python -m tests.crash.states"


@pytest.mark.fault(
    "F55",
    injected="the journal's schema number is raised, as a newer version would have written it",
    outcome="refused with a sentence that says so; nothing is sent and nothing written",
)
def test_a_newer_schema_is_refused(stage: Stage) -> None:
    """After a downgrade nothing is sent: the sentence names the file and says to upgrade."""
    states.unpack(ARCHIVES[-1], stage)
    path = state(stage.folder) / JOURNAL
    with closing(sqlite3.connect(path)) as journal:
        journal.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
    before = stage.members(PLAIN, "vip")
    stage.run(PLAIN)
    (delivery,) = stage.deliveries()
    assert delivery.status == "failed"
    assert f"schema {SCHEMA_VERSION + 1}, not {SCHEMA_VERSION}); upgrade Turnout" in delivery.sentence
    assert str(path) in delivery.sentence
    assert not stage.platform.visits
    assert stage.members(PLAIN, "vip") == before
    with closing(sqlite3.connect(path)) as journal:
        assert journal.execute("pragma user_version").fetchone() == (SCHEMA_VERSION + 1,)
