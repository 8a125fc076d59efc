"""The cases: a scenario's run ended at one moment, and one of three ways to go on; how they are made and played.

Visits of boundaries and the ways to go on take turns; the steps that a scenario calls its own are met with all of
them. Every boundary is met with every way by each kind of connector; a test counts that.
"""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from tests.crash import judgement
from tests.crash.judgement import Wrong
from tests.crash.scenario import Scenario
from tests.crash.stage import WIRE, Prepared, Stage, calmly
from tests.crash.worker import ANY, INTERRUPTED, Ask, End, Stop
from tests.delivery.world import DAY

Way = Literal["rerun", "crash again there", "crash again", "next version"]
"""Run again; be killed at the same boundary again, or anywhere in the recovery, and then run again; or the world
has moved on before the next run."""
WAYS: tuple[Way, ...] = get_args(Way)
NEEDED: tuple[Way, ...] = ("rerun", "crash again there", "next version")
"""The ways that every boundary is met with."""

OTHER_ENDS: dict[int, End] = {5: "terminate", 9: "interrupt"}
"""Of every twelve cases, the ones in which the process is not killed but asked to end, as two schedulers do."""
MODULUS = 12

CODES = {"kill": -signal.SIGKILL, "terminate": -signal.SIGTERM, "interrupt": INTERRUPTED}
MOST_SECONDS_TO_END = 10.0
EVERY = 7
"""Of so many visits one is a case: all would take three quarters of an hour."""
QUIET_EVERY = 4
"""Every so many cases, one more run shows that nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Case:
    """One death, or two, and what comes after."""

    number: int
    stop: Stop
    way: Way
    second: Stop | None = None

    def __str__(self) -> str:
        second = f", again {self.second}" if self.second else ""
        return f"{self.stop}{second}, then {self.way}"


def cases_of(scenario: Scenario, moments: list[str], salt: int) -> list[Case]:
    """Every seventh visit, and every boundary of the scenario's own steps with each of the needed ways.

    ``salt`` turns which visits and which ways from scenario to scenario.
    """
    visits: Counter[str] = Counter()
    cases: list[Case] = []
    for number, point in enumerate(moments):
        visits[point] += 1
        if point.startswith(scenario.own) and visits[point] == 1:
            cases += [_case(number, Stop(point), way, len(moments)) for way in NEEDED]
        elif (number + salt) % EVERY == 0:
            turn = len(cases) + salt
            how = "kill" if point.startswith(WIRE) else OTHER_ENDS.get(turn % MODULUS, "kill")
            stop = Stop(point, visits[point], how)
            cases.append(_case(number, stop, WAYS[turn % len(WAYS)], len(moments)))
    return cases


def _case(number: int, stop: Stop, way: Way, moments: int) -> Case:
    second = None
    if way == "crash again there":
        second = Stop(stop.point)
    if way == "crash again":
        second = Stop(ANY, 1 + (7 * number) % max(moments - 1, 1))
    return Case(number, stop, way, second)


def prepare(scenario: Scenario, stage: Stage, at: Path) -> Prepared:
    """Play a scenario up to the moment before the run under test, and remember it."""
    stage.clear()
    scenario.begin(stage)
    return Prepared.keep(stage, at, scenario.ask)


def record(scenario: Scenario, prepared: Prepared, stage: Stage) -> list[str]:
    """The run under test, undisturbed: what it passes; its end is judged like any other."""
    prepared.set_up(stage)
    stage.run(scenario.ask)
    moments = stage.moments
    stage.platform.work()
    stage.judge_files(scenario.ask)
    go_on(scenario, prepared, stage, moved=False)
    return moments


def play(case: Case, scenario: Scenario, prepared: Prepared, stage: Stage, *, must_die: bool = True) -> None:
    """Let the process die, judge what it left, go on, and judge the end. Raises Wrong.

    ``must_die``: the run passes the case's boundary, or something is wrong.
    """
    prepared.set_up(stage)
    ended = stage.run(scenario.ask, case.stop)
    if must_die and ended.code != CODES[case.stop.how]:
        raise Wrong(f"the process should have ended at {case.stop}, but its exit code is {ended.code}")
    if ended.seconds > MOST_SECONDS_TO_END:
        raise Wrong(f"the process took {ended.seconds:.0f} s to end")
    stage.judge_files(scenario.ask)
    if case.second is not None:
        stage.run(scenario.ask, case.second)
        stage.judge_files(scenario.ask)
    if case.way == "next version":
        scenario.next_version(stage.world)
    go_on(scenario, prepared, stage, moved=case.way == "next version", quiet=case.number % QUIET_EVERY == 0)


def go_on(scenario: Scenario, prepared: Prepared, stage: Stage, *, moved: bool, quiet: bool = True) -> None:
    """Undisturbed runs lead to exactly the desired people, whatever was before."""
    ask = calmly(scenario.ask) if moved else scenario.ask
    stage.quiet_runs(ask, 2)
    for delivery in stage.deliveries():
        desired = None if scenario.held_back else len(stage.world.segments[delivery.segment][DAY])
        judgement.well(delivery, desired)
    for segment in ask.segments:
        expected = scenario.expected(segment, stage, ask, prepared.standing[segment], moved)
        judgement.exactly(stage.members(ask, segment), expected, segment)
    if quiet:
        _nothing_left_to_do(replace(ask, resync=False), stage)


def _nothing_left_to_do(ask: Ask, stage: Stage) -> None:
    """A further run sends nothing, or asserts once more what a job that was still to come may have undone."""
    asked = len(stage.platform.state.asked)
    stage.quiet_runs(ask, 1)
    if sum(delivery.asserted for delivery in stage.deliveries()):
        asked = len(stage.platform.state.asked)
        stage.quiet_runs(ask, 1)
    if len(stage.platform.state.asked) != asked:
        raise Wrong("a run after the last one still had something to send")
