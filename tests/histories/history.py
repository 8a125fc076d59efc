"""One history: a small world, an unruly platform, and everything that may happen to them, judged after each step."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from pipelines.delivery.boundaries import observe
from pipelines.delivery.delivery import deliver, plan
from pipelines.delivery.guards import Bounds, Overrides
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.holding import left_behind
from pipelines.segments.model import Goal, Segment, Sync
from tests.delivery.world import Person, World, account, audience_push
from tests.histories.clock import Clock
from tests.histories.expectation import Expected, Members, Situation, expect, refused
from tests.histories.judge import Finished, as_desired, holds, judge, nobody_claimed, nobody_lost
from tests.histories.ledger_view import View, look
from tests.histories.platform import Handle, Killed, Style, UnrulyPlatform, Way

PEOPLE = 6
BOUNDS = Bounds(max_removed=0.5, max_growth=3.0, floor=3, max_age_days=2)
EVERYTHING_ALLOWED = Overrides(True, True, "ann", "a history moves fast")
ONE_THREAD = {"threads": "1"}
BETWEEN_RUNS = timedelta(minutes=1)
"""No two runs are of the same moment."""
CLEAN_RUNS = 6
"""Runs without a fault after which nothing may be left to send: verdict, renewal, refused rows each take one."""


@dataclass(slots=True)
class Definition:
    """A segment file, while there is one."""

    people: set[int]
    alive: bool = True
    formerly: str | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """How a run goes."""

    requests: tuple[str, ...] = ()
    openings: tuple[str, ...] = ()
    polls: tuple[str, ...] = ()
    dies_at: int | None = None
    """The process dies at this boundary, counted from the run's beginning."""
    resync: bool = False
    overrides: Overrides = EVERYTHING_ALLOWED


@dataclass(slots=True)
class _Snapshot:
    """What was recorded just before the members of an audience were pointed at their batches."""

    members: Members
    expected: Expected


class History:
    """The state of one history; a step changes it, `check` judges it."""

    def __init__(
        self,
        way: Way,
        style: Style,
        stays: timedelta | None = None,
        settles_after: timedelta = timedelta(0),
        *,
        exact_counts: bool = False,
        segments: int = 2,
    ) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="turnout-history-", dir=fast_folder())
        self.path = Path(self.folder.name)
        self.clock = Clock()
        self.platform = UnrulyPlatform(
            self.clock, way, style, stays, settles_after, exact_counts=exact_counts
        )
        self.world = World()
        self.world.newest = self._yesterday
        for number in range(PEOPLE):
            self.world.put(number, Person(f"p{number}@example.com", f"202555{number:04d}"))
        self.definitions: dict[str, Definition] = {}
        self.away: dict[int, Person] = {}
        """People who are gone from the sources, as they were."""
        self.erased: set[int] = set()
        self.ever: dict[int, set[Handle]] = defaultdict(set)
        """Every handle that a person has had."""
        self.view = View()
        self.runs = 0
        self.define("vip", {0, 1, 2, 3})
        if segments > 1:
            self.define("new", {3, 4})

    def close(self) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()

    # --- definitions and days ------------------------------------------------------------------------------

    @property
    def _yesterday(self) -> date:
        return self.clock.today - timedelta(days=1)

    def define(self, name: str, people: set[int], formerly: str | None = None) -> None:
        """A segment file appears; it is computed at once."""
        self.definitions[name] = Definition(set(people), True, formerly)
        self.compute(name)

    def compute(self, name: str) -> None:
        """The segment's newest day."""
        assert self.world.newest is not None
        self.world.want(name, self.definitions[name].people, self.world.newest)

    def alive(self) -> list[str]:
        """Names of segments that have a file."""
        return sorted(name for name, definition in self.definitions.items() if definition.alive)

    def time_passes(self, time: timedelta) -> None:
        """What was on its way lands in time; members expire."""
        self.platform.land(self.clock.now() + time)
        self.clock.pass_by(time)
        self.platform.expire()

    def days_pass(self, days: int, not_computed: Sequence[str] = ()) -> None:
        """Nights without a push; in the last one some segments fail."""
        self.time_passes(timedelta(days=days))
        self.world.newest = self._yesterday
        for name in self.alive():
            if name not in not_computed:
                self.compute(name)

    def renumber(self, new: dict[int, int]) -> None:
        """The warehouse is made anew and numbers people otherwise."""
        self.world.people = {new[n]: person for n, person in self.world.people.items()}
        self.away = {new[n]: person for n, person in self.away.items()}
        self.erased = {new[n] for n in self.erased}
        self.ever = defaultdict(set, {new[n]: handles for n, handles in self.ever.items()})
        for definition in self.definitions.values():
            definition.people = {new[n] for n in definition.people}
        for days in self.world.segments.values():
            for day, people in days.items():
                days[day] = {new[n] for n in people}
        self.world.identity += "+"

    # --- runs --------------------------------------------------------------------------------------------------

    def pushes(self) -> list[Push]:
        """What is asked for, and the audiences that nothing asks for any more."""
        asked = [
            audience_push(name, bounds=BOUNDS, formerly=self.definitions[name].formerly)
            for name in self.alive()
        ]
        behind = left_behind("platform", dict.fromkeys(self.view.opened, "An audience"), self._files())
        return [
            *asked,
            *(
                replace(audience_push(name, bounds=BOUNDS), only_opt_outs=why)
                for name, (_, why) in behind.items()
            ),
        ]

    def _files(self) -> list[Segment]:
        return [segment_file(name, self.definitions[name].formerly) for name in self.alive()]

    def run(self, night: Night) -> list[Delivery]:
        """Push everything under the night's faults and judge what came of it; empty when the process died."""
        self.runs += 1
        self.time_passes(BETWEEN_RUNS)
        faults = self.platform.faults
        faults.requests, faults.openings, faults.polls = map(
            deque, (night.requests, night.openings, night.polls)
        )
        faults.met.clear()
        pushes = self.pushes()
        watching = _Watching(self, pushes, night)
        first = len(self.platform.requests)
        run = Run(f"run-{self.runs}", self.clock.today, night.overrides, night.resync)
        try:
            with observe(watching.reached):
                deliveries = deliver(self.account(), pushes, run)
        except Killed:
            deliveries = []
        finally:
            for queue in (faults.requests, faults.openings, faults.polls):
                queue.clear()
        self.view = self.look()
        self._judge(deliveries, watching.snapshots, first)
        return deliveries

    def run_beside_another(self) -> None:
        """While another process delivers to the account, a run is refused before it sends or changes anything."""
        ledger = self.path / "platform.duckdb"
        if not ledger.exists():
            return
        before, requests = self.look(), len(self.platform.requests)
        with held_by_another_process(ledger):
            deliveries = deliver(self.account(), self.pushes(), Run("second", self.clock.today))
        refused = all(d.status == "failed" and "is in use by process" in d.sentence for d in deliveries)
        holds(refused, "a second run at once is refused", [d.sentence for d in deliveries])
        holds(len(self.platform.requests) == requests, "a refused run sends nothing")
        self.view = self.look()
        holds(self.view == before, "a refused run changes nothing")

    def plan(self) -> None:
        """A dry run sends nothing and moves nobody."""
        before, requests = self.look(), len(self.platform.requests)
        plan(self.account(), self.pushes(), Run("plan", self.clock.today))
        self.view = self.look()
        holds(len(self.platform.requests) == requests, "a plan sends nothing")
        states = [
            {a: {h: m.state for h, m in view.recorded_for(a).items() if m.held} for a in view.opened.values()}
            for view in (before, self.view)
        ]
        holds(states[0] == states[1], "a plan moves nobody", *states)

    def account(self) -> Account:
        """The platform's account over the world's warehouse."""
        base = account(self.world, self.platform, self.path)
        return replace(base, clock=self.clock.now, duckdb_config=ONE_THREAD)

    def look(self) -> View:
        """What the stores say now."""
        return look(self.path, self.clock.now(), self.platform)

    # --- judging -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """What must hold at any time."""
        self._remember()
        if self.clock.now() != self.view.at:
            self.view = self.look()
        holds(not self.view.moved_unnoticed, "nobody's identity or permission moves unnoticed")
        nobody_lost(self.platform, self.view)
        nobody_claimed(self.platform, self.view)

    def _remember(self) -> None:
        for number, person in self.world.people.items():
            self.ever[number].add(person.handle)

    def nobody_confused(self, members: Members) -> None:
        """A member is recorded for a person who has, or had, that handle."""
        self._remember()
        others = [
            h for h, known in members.items() if known.person is not None and h not in self.ever[known.person]
        ]
        holds(not others, "a member is recorded for the person who had that handle", others)

    def _judge(self, deliveries: list[Delivery], snapshots: dict[str, _Snapshot], first: int) -> None:
        requests = self.platform.requests[first:]
        for delivery in deliveries:
            holds("accounted for" not in delivery.sentence, "the sums close", delivery.sentence)
            holds("found in the warehouse" not in delivery.sentence, "the sums close", delivery.sentence)
            if not self.platform.faults.met:
                holds(delivery.status != "failed", "a run without a fault does not fail", delivery.errors)
            snapshot = snapshots.get(delivery.segment)
            if snapshot is None or delivery.verdict == "failed":
                continue
            audience = self.view.opened.get(delivery.segment)
            own = [r for r in requests if r.audience == audience]
            after = self.view.of(delivery.segment)
            exact = self.platform.limits.exact_counts
            judge(Finished(snapshot.expected, snapshot.members, after, own, delivery, exact))
            if delivery.status == "delivered" and self.platform.way == Way.DIRECT:
                desired = self.desired(delivery.segment)
                as_desired(self.platform, self.view, delivery.segment, desired, settled=False)

    def desired(self, segment: str) -> set[Handle]:
        """The handles that belong on the platform."""
        day = self.world.latest(segment)
        wanted = self.world.segments[segment][day] if day else set()
        people = [self.world.people[number] for number in wanted]
        return {person.handle for person in people if refused(person) is None and any(person.handle)}

    def converges(self) -> None:
        """Without further faults a few runs end with exactly the desired people, and nothing left to do."""
        for _ in range(CLEAN_RUNS):
            self.platform.process()
            self.time_passes(self.platform.limits.settles_after)
            self.world.newest = self._yesterday
            for name in self.alive():
                self.compute(name)
            deliveries = self.run(Night())
            if all(d.requests == 0 and (d.ok or d.verdict == "held_back") for d in deliveries):
                break
        else:
            holds(False, "clean runs come to an end", [(d.segment, d.status, d.errors) for d in deliveries])
        for segment in self.alive():
            as_desired(self.platform, self.view, segment, self.desired(segment), settled=True)


class _Watching:
    """Notes what each audience's push starts from, and ends the process where the night says so."""

    def __init__(self, history: History, pushes: list[Push], night: Night) -> None:
        self.history, self.night = history, night
        self.coming = deque(pushes)
        self.current: Push | None = None
        self.snapshots: dict[str, _Snapshot] = {}
        self.passed = 0

    def reached(self, boundary: str) -> None:
        """Called by delivery at each boundary."""
        self.passed += 1
        if self.passed == self.night.dies_at:
            raise Killed(boundary)
        if boundary == "journal.started.after":
            self.current = self.coming.popleft()
        elif boundary == "ledger.point.before" and self.current is not None:
            self._note(self.current)

    def _note(self, push: Push) -> None:
        history = self.history
        members = history.look().of(push.segment)
        history.nobody_confused(members)
        doubted = all(known.state in ("maybe", "coming", "leaving") for known in members.values())
        holds(doubted or not self.night.resync, "a resync takes nothing for known", push.segment, members)
        situation = Situation(
            history.world,
            push.segment,
            members,
            history.clock.today,
            push.bounds,
            self.night.overrides,
            push.only_opt_outs is not None,
        )
        self.snapshots[push.segment] = _Snapshot(members, expect(situation))


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    """Another process has the file locked, as one that delivers has."""
    lock = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'r+b') as file:\n"
        "    fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-S", "-E", "-c", lock, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()


def segment_file(name: str, formerly: str | None) -> Segment:
    """A segment's definition as the project would read it."""
    return Segment(
        name,
        Path(f"{name}.sql"),
        "select person_no from features",
        1,
        name.title(),
        "",
        (),
        "ann",
        Goal("sales", "up", "1", date(2018, 12, 31)),
        "",
        "features",
        frozenset({"features"}),
        (Sync("platform", name.title()),),
        formerly=formerly,
    )


def fast_folder() -> str | None:
    """Memory, where the machine offers it as a folder: a history writes its stores a hundred times."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
