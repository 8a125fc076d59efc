"""All cases of a scenario, one after the other, with every failure told at once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.cases import cases_of, play, prepare, record
from tests.crash.connectors import KINDS
from tests.crash.judgement import Wrong
from tests.crash.nursery import Nursery
from tests.crash.platform import RemotePlatform
from tests.crash.scenario import Family, Scenario
from tests.crash.scenarios import FAMILIES
from tests.crash.stage import WIRE, Stage


@dataclass(frozen=True, slots=True)
class Played:
    """What the cases of one scenario came to."""

    cases: int
    points: frozenset[str]
    failures: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Theatre:
    """One nursery and one platform for as many scenarios as wanted."""

    folder: Path
    nursery: Nursery = field(default_factory=Nursery)
    second: Nursery = field(default_factory=Nursery)
    """For a worker that runs beside one of the first."""
    platform: RemotePlatform = field(default_factory=RemotePlatform)

    def close(self) -> None:
        """Send everybody home."""
        self.nursery.close()
        self.second.close()
        self.platform.close()

    def stage(self, kind: str) -> Stage:
        """An empty stage for one kind of connector."""
        stage = Stage(kind, self.folder / kind, self.nursery, self.platform)
        stage.clear()
        return stage

    def moments(self, kind: str, scenario: Scenario) -> list[str]:
        """What a scenario's run passes when nothing disturbs it."""
        stage = self.stage(kind)
        return record(scenario, prepare(scenario, stage, self.folder / "prepared"), stage)

    def play(self, kind: str, scenario: Scenario) -> Played:
        """Every case of a scenario."""
        begun = time.monotonic()
        stage = self.stage(kind)
        prepared = prepare(scenario, stage, self.folder / "prepared")
        cases = cases_of(scenario, record(scenario, prepared, stage), salt(kind, scenario))
        failures = []
        for case in cases:
            try:
                play(case, scenario, prepared, stage)
            except Wrong as wrong:
                failures.append(f"{kind}, {scenario}, {case}: {wrong}")
        points = frozenset(case.stop.point for case in cases if not case.stop.point.startswith(WIRE))
        return Played(len(cases), points, tuple(failures), time.monotonic() - begun)


def salt(kind: str, scenario: Scenario) -> int:
    """Turns the choice of cases from scenario to scenario and kind to kind; the same in every process."""
    names = [name for family in FAMILIES.values() for name in family.scenarios]
    return names.index(scenario.name) + 2 * list(KINDS).index(kind)


def plays(family: Family) -> list[tuple[str, str]]:
    """Kind of connector and scenario, for each that makes sense."""
    return [(kind, name) for name, scenario in family.scenarios.items() for kind in scenario.kinds]
