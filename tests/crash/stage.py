"""Where a scenario is played: a folder with state, a world, the remote platform, and runs in worker processes."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipelines.delivery.model import Delivery
from tests.crash import judgement
from tests.crash.judgement import Wrong
from tests.crash.nursery import Ended, Nursery
from tests.crash.people import wanted
from tests.crash.platform import Handle, Killing, RemotePlatform, State
from tests.crash.worker import INTERRUPTED, Ask, Order, Stop, result, state, traced
from tests.delivery.world import World

WIRE = "wire."
"""Moments that the platform sees and the worker does not: a request has arrived, a request was applied."""

RETURNING = "pending_removal"
"""Whoever is wanted again while their removal is not finished waits for its verdict, and is added by the run after."""
MOST_REQUESTS = 150
"""Moments on the wire in one run: three times what the largest of these small runs passes."""


class WorkerFailed(Exception):
    """A worker ended with an error that delivery should have turned into a sentence."""


@dataclass(slots=True)
class Stage:
    """One kind of connector, one folder; scenarios come and go."""

    kind: str
    folder: Path
    nursery: Nursery
    platform: RemotePlatform
    world: World = field(default_factory=World)
    bug: str | None = None
    """A bug planted in every run."""
    runs: int = 0
    moments: list[str] = field(default_factory=list)
    """What the last run passed: boundaries of delivery, and moments of the wire."""

    def clear(self) -> None:
        """Nothing has happened yet."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.platform.restore(State())
        self.runs = 0

    def run(self, ask: Ask, stop: Stop | None = None) -> Ended:
        """One run in a process of its own, ended where told."""
        self.runs += 1
        on_the_wire = stop is not None and stop.point.startswith(WIRE)
        self.platform.watch_out_for(Killing(stop.point, stop.nth) if stop and on_the_wire else None)
        asked = len(self.platform.state.asked)
        order = self._order(ask, None if on_the_wire else stop)
        ended = self.nursery.run(order)
        if ended.endless:
            raise Wrong(f"the run had not ended after {ended.seconds:.0f} seconds")
        if ended.code not in (0, INTERRUPTED) and not ended.killed:
            raise WorkerFailed(f"the run ended with exit code {ended.code}; standard error says why")
        self.moments = traced(self.folder) + [
            moment for moment, times in self.platform.visits.items() for _ in range(times)
        ]
        self._nobody_barred(ask, asked)
        if self.platform.batches:
            judgement.sent_as_journalled(state(self.folder), self.platform.batches)
        if (requests := self.platform.visits.total()) > MOST_REQUESTS:
            raise Wrong(f"{requests} moments on the wire in one small run: a storm")
        return ended

    def run_beside(self, ask: Ask, nursery: Nursery) -> list[Delivery]:
        """A second worker, while the first is paused; returns what it answered."""
        self.runs += 1
        ended = nursery.run(replace(self._order(ask, None), beside=True))
        if ended.code != 0:
            raise WorkerFailed(f"the second run ended with exit code {ended.code}; standard error says why")
        return result(self.folder, beside=True)

    def _order(self, ask: Ask, stop: Stop | None) -> Order:
        return Order(
            kind=self.kind,
            port=self.platform.port,
            folder=self.folder,
            world=self.world,
            ask=ask,
            stop=stop,
            bug=self.bug,
            number=self.runs,
        )

    def _nobody_barred(self, ask: Ask, asked: int) -> None:
        allowed = set().union(
            *(wanted(self.world, s, ask.rules) for s in ask.segments if s in self.world.segments)
        )
        judgement.nobody_barred_was_asked_for(self.platform.state.asked[asked:], allowed)

    def deliveries(self) -> list[Delivery]:
        """What the last run answered."""
        return result(self.folder)

    def members(self, ask: Ask, segment: str) -> set[Handle]:
        """Who is on the platform in a segment's audience, whatever the segment was called when it was opened."""
        return self.platform.members(segment, *([ask.formerly] if ask.formerly else []))

    def judge_files(self, ask: Ask) -> None:
        """What must hold at every moment, of a dead run's files too."""
        there = set().union(*(self.members(ask, segment) for segment in ask.segments))
        names = [*ask.segments, *([ask.formerly] if ask.formerly else [])]
        judgement.never_lost_never_claimed(state(self.folder), names, self.platform.state, there)

    def quiet_runs(self, ask: Ask, most: int) -> None:
        """Undisturbed runs with the platform's jobs worked off between them, until one has nothing more to do."""
        for _ in range(most):
            ended = self.run(ask)
            if ended.code != 0:
                raise Wrong("an undisturbed run was ended")
            self.platform.work()
            self.judge_files(ask)
            if not any(d.errors or d.withheld.get(RETURNING) for d in self.deliveries()):
                return
        sentences = [e for d in self.deliveries() for e in d.errors]
        raise Wrong(f"still not well after {most} undisturbed runs: {sentences}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario up to the moment before the run under test, to be played again and again."""

    files: Path
    platform: State
    world: bytes
    standing: dict[str, set[Handle]]
    """Who was on the platform at that moment, by segment."""
    runs: int
    """How many runs there were before: time goes on from there."""

    @classmethod
    def keep(cls, stage: Stage, at: Path, ask: Ask) -> Prepared:
        """Remember the stage as it is."""
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(stage.folder, at)
        standing = {segment: stage.members(ask, segment) for segment in ask.segments}
        return cls(at, stage.platform.snapshot(), pickle.dumps(stage.world), standing, stage.runs)

    def set_up(self, stage: Stage) -> None:
        """Make the stage what it was."""
        shutil.rmtree(stage.folder, ignore_errors=True)
        shutil.copytree(self.files, stage.folder)
        stage.platform.restore(self.platform)
        stage.world = pickle.loads(self.world)
        stage.runs = self.runs


def calmly(ask: Ask) -> Ask:
    """The same run without a resync."""
    return replace(ask, resync=False)
