"""The connectors that ship, over the sandbox, with the process killed at boundaries of their runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox import SandboxServer
from tests.crash.judgement import Wrong, rows
from tests.crash.nursery import Nursery
from tests.crash.people import person
from tests.crash.shipped import SHIPPED, Shipped, Warehouse
from tests.crash.tally import tell
from tests.crash.theatre import Played
from tests.crash.worker import Ask, Order, Stop, result, state, traced
from tests.delivery.world import DAY, Person

EVERY = 7
"""Of so many boundaries of a run one is met: the small platform's cases meet them all."""
PEOPLE = 14


@dataclass(slots=True)
class Street:
    """One connector before the sandbox; each case has an audience and a state folder of its own."""

    name: str
    shipped: Shipped
    sandbox: SandboxServer
    nursery: Nursery
    folder: Path
    world: Warehouse = field(default_factory=Warehouse)
    cases: int = 0
    runs: int = 0

    def begin(self) -> None:
        """Nine people are on the platform, three of whom leave and three others come."""
        self.cases += 1
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.world = Warehouse()
        for number in range(PEOPLE):
            self.world.put(number, Person(person(number).email, f"+1 202 555 01{number:02d}"))
        self.sandbox.state.put_contacts([str(p.email) for p in self.world.people.values()])
        self.world.want(self.segment, set(range(9)))
        self.quietly()
        self.world.want(self.segment, {3, 4, 5, 6, 7, 8, 9, 10, 11})

    @property
    def segment(self) -> str:
        """The case's own."""
        return f"{self.name.replace(' ', '_')}_{self.cases}"

    def run(self, stop: Stop | None = None) -> int:
        """A worker process; its exit code."""
        self.runs += 1
        order = Order(
            self.name,
            0,
            self.folder,
            self.world,
            Ask((self.segment,)),
            stop,
            address=self.shipped.address(self.sandbox),
            number=self.runs,
        )
        code = self.nursery.run(order).code
        self.judge_files()
        return code

    def quietly(self) -> None:
        """Undisturbed runs, a second one for verdicts that come later."""
        for _ in range(2 if self.name.endswith("job") else 1):
            if self.run() != 0 or any(d.errors for d in result(self.folder)):
                raise Wrong("an undisturbed run did not end well")

    def moves_on(self) -> None:
        """The next version: somebody leaves, somebody comes, somebody withdraws."""
        self.world.want(self.segment, {4, 5, 6, 7, 8, 9, 10, 11, 12})
        self.world.change(5, granted=False)

    def members(self) -> set[str]:
        """Who is on the platform."""
        return self.shipped.members(self.sandbox.state, self.segment.title())

    def judge_files(self) -> None:
        """Nobody lost, nobody claimed."""
        columns = (self.shipped.email_column, self.shipped.phone_column)
        known = rows(state(self.folder), [self.segment], *columns)
        if lost := self.members() - {str(row.handle[0]) for row in known}:
            raise Wrong(f"{len(lost)} people on the platform are missing from the ledger")
        if claimed := {str(row.handle[0]) for row in known if row.claims} - self.members():
            raise Wrong(f"{len(claimed)} people marked as on the platform are not there")

    def judge_end(self) -> None:
        """Exactly the desired people."""
        wanted = [self.world.people[n] for n in self.world.segments[self.segment][DAY]]
        expected = self.shipped.handles(str(p.email) for p in wanted if p.allowed)
        if self.members() != expected:
            missing, kept = len(expected - self.members()), len(self.members() - expected)
            raise Wrong(f"{missing} people are missing on the platform, {kept} are there who must not be")

    def play(self, stop: Stop, moved: bool) -> None:
        """One death, and what comes after."""
        self.begin()
        if self.run(stop) >= 0:
            raise Wrong(f"the process should have ended at {stop}")
        if moved:
            self.moves_on()
        self.quietly()
        self.judge_end()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One sandbox for all cases: each has an audience of its own."""
    with SandboxServer(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Workers with the connectors loaded."""
    nursery = Nursery("tests.crash.shipped")
    yield nursery
    nursery.close()


@pytest.mark.fault(
    "F37",
    injected="SIGKILL at boundaries of runs of the shipped connectors over the sandbox, in every way they deliver",
    outcome="nobody lost, nobody claimed who is not there; the next run ends with exactly the desired people",
)
@pytest.mark.promise("converges", "never_lost", "never_claimed")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_connectors_survive_their_process(
    name: str, sandbox: SandboxServer, nursery: Nursery, tmp_path: Path, record_property: Any
) -> None:
    """Wherever the process dies, a shipped connector's next run, of this version or the next, sets things right."""
    begun = time.monotonic()
    street = Street(name, SHIPPED[name], sandbox, nursery, tmp_path / "street")
    street.begin()
    street.quietly()
    street.judge_end()
    street.begin()
    assert street.run() == 0
    boundaries = traced(street.folder)
    chosen = list(enumerate(boundaries))[sum(map(ord, name)) % EVERY :: EVERY]
    failures = []
    for turn, (number, point) in enumerate(chosen):
        stop = Stop(point, boundaries[: number + 1].count(point))
        try:
            street.play(stop, moved=turn % 2 == 1)
        except Wrong as wrong:
            failures.append(f"{name}, {stop}: {wrong}")
    assert chosen
    points = frozenset(point for _, point in chosen)
    tell(Played(len(chosen), points, tuple(failures), time.monotonic() - begun), record_property)
