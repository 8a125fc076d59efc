"""Where an operator plans, applies and undoes in tests: a project over the small world of delivery's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from connectors.base import Connector
from pipelines.deliveries import Deliveries
from pipelines.delivery.boundaries import observe
from pipelines.delivery.guards import Bounds, Overrides
from pipelines.delivery.holds import Hold
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.project import Project
from pipelines.review.applying import AppliedAudience, apply_plan
from pipelines.review.holding import hold, resume
from pipelines.review.operator import Operator
from pipelines.review.plan_file import Plan, read_plan, write_plan
from pipelines.review.planning import make_plan
from pipelines.review.undoing import undo
from pipelines.segments.model import Sync
from pipelines.settings import Settings
from tests.delivery.world import BOUNDS, TODAY, Person, Platform, World, account

ANN = Operator("ann", "the campaign was wrong")
BOLD = Operator("ann", "the campaign was wrong", accept_removals=True, accept_growth=True)


class Crashed(BaseException):
    """The process ends here; nothing of ours catches it."""


@dataclass(frozen=True, slots=True)
class Named:
    """As much of a segment as deliveries look at."""

    name: str
    formerly: str | None = None
    policy: tuple[str, ...] = ()
    profile: None = None
    builds_on: tuple[()] = ()
    holdout: None = None


@dataclass
class Office:
    """A world with one account, and what an operator does there."""

    folder: Path
    world: World = field(default_factory=World)
    platform: Platform = field(default_factory=Platform)
    bounds: Bounds = BOUNDS
    key: SecretStr | None = None
    now: datetime = datetime(2018, 1, 1, 5, tzinfo=UTC)
    audience_names: dict[str, str] = field(default_factory=dict)
    formerly: dict[str, str] = field(default_factory=dict)
    """Old name by new, as a segment's header says it."""

    def __post_init__(self) -> None:
        self.project = WorldProject(self)

    def people(self, *numbers: int) -> None:
        """These people exist and may be sent."""
        for number in numbers:
            self.world.put(number, Person(f"p{number}@x.example"))

    def want(self, segment: str, *numbers: int) -> None:
        """The segment is exactly these people."""
        self.world.want(segment, set(numbers))

    def held(self, segment: str) -> set[int]:
        """Who is on the platform, by number."""
        by_handle = {
            person.handle: number for number, person in self.world.people.items() if any(person.handle)
        }
        return {by_handle[handle] for handle in self.platform.members(segment)}

    def copy(self, folder: Path) -> Office:
        """The same world, platform and state, in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        platform = Platform(self.platform.limits.max_rows)
        platform.audiences = deepcopy(self.platform.audiences)
        return Office(folder, deepcopy(self.world), platform, self.bounds, self.key, self.now)

    def later(self, **span: float) -> None:
        """Time passes."""
        self.now += timedelta(**span)

    def sync(self, *segments: str, overrides: Overrides | None = None) -> list[Delivery]:
        """A night."""
        self.later(minutes=1)
        deliveries = self.project.deliveries
        run = deliveries.new_run(overrides=overrides)
        return deliveries.sync("platform", segments or deliveries.select([])["platform"], run)

    def plan(self, *names: str) -> Plan:
        """Make a plan, write it, read it again."""
        self.later(minutes=1)
        draft = make_plan(self.project, names, "ann")
        assert draft.content is not None, [d.sentence for d in draft.deliveries]
        write_plan(self.plan_path, draft.content, self.key)
        return read_plan(self.plan_path, self.key)

    @property
    def plan_path(self) -> Path:
        """Where plans are written."""
        return self.folder / "plan.json"

    def apply(
        self, plan: Plan, operator: Operator = ANN, *, only_look: bool = False
    ) -> list[AppliedAudience]:
        """Apply a plan."""
        self.later(minutes=1)
        return apply_plan(self.project, plan, operator, only_look=only_look)

    def undo(self, segment: str, operator: Operator = BOLD) -> Delivery:
        """Take back the last push."""
        self.later(minutes=1)
        return undo(self.project, "platform", segment, operator)

    def hold(self, segment: str) -> Hold:
        """Put an audience on hold."""
        return hold(self.project, f"platform/{segment}", "ann", "wait for the launch")

    def resume(self, segment: str) -> Hold:
        """Let an audience go on."""
        return resume(self.project, f"platform/{segment}", "ann", "launched")

    def mutations(self) -> int:
        """Requests that changed an audience."""
        return len(self.platform.calls)


class WorldProject(Project):
    """A project whose sources, segments and destination are the world's."""

    def __init__(self, office: Office) -> None:
        super().__init__(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                home=office.folder,
                today=TODAY,
                seal_key=office.key,
                destinations={"platform": "platform"},
                # The world's segments are of a few people, and it measures nothing; the gate has tests of its own.
                quality_gate="warn",
            )
        )
        self.office = office
        self.deliveries = WorldDeliveries(self)  # type: ignore[misc]

    @property
    def sources(self) -> tuple[()]:  # type: ignore[override]
        """None: the world makes people by itself."""
        return ()

    @property
    def connector_types(self) -> dict[str, type[Connector]]:  # type: ignore[override]
        """One account."""
        return {"platform": Platform}

    def audiences(self, destination: str) -> list[tuple[Named, Sync]]:  # type: ignore[override]
        """Every segment of the world has an audience."""
        names, formerly = self.office.audience_names, self.office.formerly
        return [
            (Named(segment, formerly.get(segment)), Sync(destination, names.get(segment, segment.title())))
            for segment in sorted(self.office.world.segments)
        ]


class WorldDeliveries(Deliveries):
    """Deliveries to the world's one account, whose connector outlives a run, as a platform does."""

    project: WorldProject  # type: ignore[assignment]

    def left_behind(self, destination: str) -> dict[str, tuple[Sync, str]]:
        """Nothing is left behind in the world."""
        return {}

    def bounds(self, sync: Sync) -> Bounds:
        """The office's."""
        return self.project.office.bounds

    def on_account(
        self,
        destination: str,
        pushes: Sequence[Push],
        run: Run,
        act: Callable[[Account, Sequence[Push]], list[Delivery]],
    ) -> list[Delivery]:
        """With the world's platform."""
        office = self.project.office
        opened = account(office.world, office.platform, self.project.settings.state_dir)
        return act(replace(opened, clock=lambda: office.now), pushes) if pushes else []


@contextmanager
def dying_at(position: int, after: str) -> Iterator[list[str]]:
    """The process dies at the so-many-th boundary that delivery reaches from the one called ``after`` on.

    Yields the boundaries reached.
    """
    reached: list[str] = []

    def watch(boundary: str) -> None:
        if reached or boundary == after:
            reached.append(boundary)
        if reached and len(reached) == position:
            raise Crashed(boundary)

    with observe(watch):
        yield reached
