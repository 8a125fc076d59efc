"""Histories by seed: the same seed is the same history, step by step."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from tests.histories.draw import Draw, Seeded
from tests.histories.history import History
from tests.histories.judge import Broken
from tests.histories.steps import RULES
from tests.histories.steps import begin as on_some_platform

FEWEST_STEPS, MOST_STEPS = 6, 18
EMPHASIS = 6
"""How many times as often a step happens that a search asks for."""


@dataclass(slots=True)
class Told:
    """What happened in one history."""

    seed: int
    steps: list[str] = field(default_factory=list)
    failure: str | None = None
    broken: bool = False
    """Whether the failure is a promise that does not hold; otherwise something crashed."""

    def __str__(self) -> str:
        lines = [f"seed {self.seed}", *(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))]
        if self.failure is not None:
            lines.append(f"  FAILED: {self.failure}")
        return "\n".join(lines)


def live(seed: int, often: Container[str] = (), begin: Callable[[Draw], History] = on_some_platform) -> Told:
    """One history from its beginning to its end; a failure is kept, with the steps that led to it.

    ``often`` names steps that are to happen more often, for a search among histories of one sort. ``begin`` makes
    its world and platform.
    """
    told = Told(seed)
    draw = Seeded(seed)
    rules = [rule for rule in RULES for _ in range(rule.weight * (EMPHASIS if rule.name in often else 1))]
    history = begin(draw)
    told.steps.append(described(history))
    try:
        for _ in range(draw.number(FEWEST_STEPS, MOST_STEPS)):
            rule = draw.among(rules)
            told.steps.append(rule.name)
            told.steps[-1] = f"{rule.name}: {rule.act(history, draw)}"
            history.check()
        told.steps.append("the end")
        history.converges()
        history.check()
    except Broken as broken:
        told.failure, told.broken = str(broken), True
    except Exception:  # noqa: BLE001 - whatever it is, the seed must be told
        told.failure = traceback.format_exc()
    finally:
        history.close()
    return told


def described(history: History) -> str:
    """What kind of platform this history has."""
    platform, limits = history.platform, history.platform.limits
    words = [f"a platform: {platform.way}", f"bad rows told {platform.style}"]
    words += ["counts are exact"] if limits.exact_counts else []
    words += [f"members live {platform.stays.days} days"] if platform.stays else []
    words += [f"requests settle within {limits.settles_after}"] if limits.settles_after else []
    return ", ".join(words)
