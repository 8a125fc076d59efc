"""What a scenario is: what happened before, the run that is ended at every moment, and what should come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.connectors import KINDS
from tests.crash.people import email, handle, wanted
from tests.crash.platform import Handle, State, Trouble
from tests.crash.stage import Stage
from tests.crash.worker import PLAIN, Ask
from tests.delivery.world import DAY, World

NOT_TAKEN: tuple[Trouble, ...] = ("rejected", "counted", "named", "unnamed")
"""Rows that the platform will not have, ever."""


def moves_on(world: World) -> None:
    """The next version of everything: people come and go, withdraw, are erased, change their e-mail."""
    members = world.segments["vip"][DAY]
    stay = sorted(members)
    world.want("vip", (members - set(stay[:2])) | {12, 13})
    if len(stay) > 5:
        world.change(stay[3], granted=False)
        world.erase(stay[4])
        world.change(stay[5], email="moved@example.com")


@dataclass(frozen=True, slots=True)
class Scenario:
    """``begin`` plays up to the moment before the run under test; ``ask`` is that run."""

    name: str
    about: str
    begin: Callable[[Stage], None]
    ask: Ask = PLAIN
    next_version: Callable[[World], None] = moves_on
    held_back: bool = False
    """A guard stops all but opt-outs, until the next version."""
    kinds: tuple[str, ...] = tuple(KINDS)
    """Connectors it makes sense with."""
    own: tuple[str, ...] = ()
    """How the boundaries begin that are met with every way here: those of steps that few scenarios pass."""

    def __str__(self) -> str:
        return self.name

    def expected(
        self, segment: str, stage: Stage, ask: Ask, standing: set[Handle], moved: bool
    ) -> set[Handle]:
        """Who should be on the platform in the end, by the plain model."""
        if self.held_back and not moved:
            return standing & {handle(who, ask.rules) for who in stage.world.people.values() if who.allowed}
        refused = {
            row for row in wanted(stage.world, segment, ask.rules) if never_taken(row, stage.platform.state)
        }
        return wanted(stage.world, segment, ask.rules) - refused


def never_taken(row: Handle, platform: State) -> bool:
    """Whether the platform will not have this row."""
    return bool(row[0]) and platform.troubles.get(str(row[0])) in NOT_TAKEN


@dataclass(frozen=True, slots=True)
class Family:
    """Scenarios that belong together, by name."""

    scenarios: dict[str, Scenario] = field(default_factory=dict)

    def scenario(
        self,
        about: str,
        *,
        ask: Ask = PLAIN,
        next_version: Callable[[World], None] = moves_on,
        held_back: bool = False,
        kinds: tuple[str, ...] = tuple(KINDS),
        own: tuple[str, ...] = (),
    ) -> Callable[[Callable[[Stage], None]], Scenario]:
        """Make a scenario of the function that begins it, under the function's name."""

        def made(begin: Callable[[Stage], None]) -> Scenario:
            name = begin.__name__
            self.scenarios[name] = Scenario(name, about, begin, ask, next_version, held_back, kinds, own)
            return self.scenarios[name]

        return made


def trouble(stage: Stage, kind: Trouble, *people: int) -> None:
    """These people's rows make trouble from now on."""
    for number in people:
        stage.platform.state.troubles[email(number)] = kind
