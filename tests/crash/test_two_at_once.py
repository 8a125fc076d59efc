"""Two runs at once: a run that stopped in the middle holds its account, and what it does later harms nobody."""

from __future__ import annotations

import pytest

from tests.crash.cases import go_on, prepare
from tests.crash.connectors import KINDS
from tests.crash.proof import play_two_at_once
from tests.crash.scenarios import MOVES
from tests.crash.theatre import Theatre
from tests.crash.worker import Stop

SCENARIO = MOVES.scenarios["a_day_passes"]


@pytest.mark.fault(
    "F44",
    injected="a second worker process starts while the first one is in the middle of its requests",
    outcome="the second sends nothing and names the process that delivers",
)
@pytest.mark.fault(
    "F45",
    injected="SIGSTOP in the middle of a run, a run of the next version meanwhile, then SIGCONT",
    outcome="the one that was stopped ends its run; the next ends with exactly the desired people",
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", ["journal.plan.after", "platform.remove.before", "platform.add.answered"])
def test_a_paused_run_keeps_its_account(kind: str, point: str, theatre: Theatre) -> None:
    """While a run is stopped, another one is told who has the account; when it goes on, nothing is wrong."""
    stage = theatre.stage(kind)
    prepared = prepare(SCENARIO, stage, theatre.folder / "prepared")
    (refused,) = play_two_at_once(SCENARIO, prepared, stage, theatre, point)
    assert refused.status == "failed"
    assert "platform.duckdb is in use by process" in refused.sentence
    assert refused.requests == 0


@pytest.mark.fault(
    "F46",
    injected="the process that holds the account is killed with SIGKILL",
    outcome="the operating system frees the account at once; the next run does not wait",
)
def test_a_dead_run_holds_nothing(theatre: Theatre) -> None:
    """The account of a killed process is free the moment it is dead: runs here wait zero seconds for it."""
    stage = theatre.stage("direct")
    prepared = prepare(SCENARIO, stage, theatre.folder / "prepared")
    prepared.set_up(stage)
    assert stage.run(SCENARIO.ask, Stop("platform.add.before")).killed
    go_on(SCENARIO, prepared, stage, moved=False)
