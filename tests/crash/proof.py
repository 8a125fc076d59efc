"""The bounded set of cases with which the judge proves that it sees bugs: the same for each bug, and for none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipelines.delivery.model import Delivery
from tests.crash.cases import Case, Way, go_on, play, prepare
from tests.crash.judgement import Wrong
from tests.crash.scenario import Scenario
from tests.crash.scenarios import FAMILIES, MOVES
from tests.crash.stage import Prepared, Stage
from tests.crash.theatre import Theatre
from tests.crash.worker import Stop

KIND = "direct"

DEATHS: tuple[tuple[str, Way], ...] = (
    ("platform.add.before", "rerun"),
    ("wire.add.applied", "next version"),
    ("platform.add.answered", "next version"),
    ("journal.settle.after", "rerun"),
    ("platform.remove.answered", "next version"),
)
"""Where the process dies in the proof's cases, beside the undisturbed run of every scenario."""

TWO_AT_ONCE = "two_at_once"
PAUSES = ("platform.remove.before", "ledger.point.after")


@dataclass(slots=True)
class Proof:
    """Plays the set, with a bug or without, and remembers the scenarios' beginnings, which are never broken."""

    theatre: Theatre
    beginnings: dict[str, Prepared] = field(default_factory=dict)

    def first_wrong(self, bug: str | None, shows_in: tuple[str, ...] = ()) -> str | None:
        """What the first case that fails says; None when all pass. ``shows_in`` come first."""
        names = [*shows_in, *(name for name in self.names() if name not in shows_in)]
        for name in names:
            for what, wrong in self._play(name, bug):
                if wrong is not None:
                    return f"{name}, {what}: {wrong}"
        return None

    @staticmethod
    def names() -> list[str]:
        """Everything in the set."""
        scenarios = (s for family in FAMILIES.values() for s in family.scenarios.values())
        return [*(s.name for s in scenarios if KIND in s.kinds), TWO_AT_ONCE]

    def _play(self, name: str, bug: str | None) -> Iterator[tuple[str, Wrong | None]]:
        if name == TWO_AT_ONCE:
            for point in PAUSES:
                yield f"paused at {point}", self._caught(self._two_at_once, point, bug)
            return
        scenario = next(f.scenarios[name] for f in FAMILIES.values() if name in f.scenarios)
        yield "undisturbed", self._caught(self._undisturbed, scenario, bug)
        for number, (point, way) in enumerate(DEATHS):
            case = Case(number, Stop(point), way)
            yield str(case), self._caught(self._dying, scenario, bug, case)

    @staticmethod
    def _caught(act: Callable[..., object], *arguments: object) -> Wrong | None:
        try:
            act(*arguments)
        except Wrong as wrong:
            return wrong
        return None

    def _stage(self, scenario: Scenario, bug: str | None) -> tuple[Stage, Prepared]:
        stage = self.theatre.stage(KIND)
        if scenario.name not in self.beginnings:
            at = self.theatre.folder / "beginnings" / scenario.name
            self.beginnings[scenario.name] = prepare(scenario, stage, at)
        stage.bug = bug
        self.beginnings[scenario.name].set_up(stage)
        return stage, self.beginnings[scenario.name]

    def _undisturbed(self, scenario: Scenario, bug: str | None) -> None:
        stage, prepared = self._stage(scenario, bug)
        go_on(scenario, prepared, stage, moved=False)

    def _dying(self, scenario: Scenario, bug: str | None, case: Case) -> None:
        stage, prepared = self._stage(scenario, bug)
        play(case, scenario, prepared, stage, must_die=False)

    def _two_at_once(self, point: str, bug: str | None) -> None:
        scenario = MOVES.scenarios["a_day_passes"]
        stage, prepared = self._stage(scenario, bug)
        play_two_at_once(scenario, prepared, stage, self.theatre, point)


def play_two_at_once(
    scenario: Scenario, prepared: Prepared, stage: Stage, theatre: Theatre, point: str
) -> list[Delivery]:
    """One worker is paused at a boundary, a second one comes with the next version, the first one goes on.

    Returns what the second answered. What a third one finds must be right, or Wrong is raised.
    """
    prepared.set_up(stage)
    paused = stage.run(scenario.ask, Stop(point, how="pause"))
    if not paused.paused:
        raise Wrong(f"the first run should have paused at {point}")
    scenario.next_version(stage.world)
    answered = stage.run_beside(scenario.ask, theatre.second)
    if theatre.nursery.go_on().code != 0:
        raise Wrong("the first run did not end well after its pause")
    stage.judge_files(scenario.ask)
    go_on(scenario, prepared, stage, moved=True)
    return answered
