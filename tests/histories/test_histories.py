"""Whatever happens to people, segments, platform and process: nobody lost, nobody claimed, everybody accounted for.

The same rules are lived twice: by hypothesis, which shrinks what it finds, and by seeds, as ``make soak`` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.histories.draw import Shrinking
from tests.histories.driver import described, live
from tests.histories.history import History
from tests.histories.steps import RULES, Rule, begin

SEEDS = range(60)
CHUNKS = 4
MOST_COPIES = 3
"""How much more often than once hypothesis picks a common kind of step."""


class Histories(RuleBasedStateMachine):
    """Every rule of `steps.py` is a rule of this machine; see below."""

    history: History | None = None

    @initialize(data=st.data())
    def begins(self, data: st.DataObject) -> None:
        """On some kind of platform."""
        self.history = begin(Shrinking(data))
        note(described(self.history))

    @invariant()
    def nobody_is_lost_or_claimed(self) -> None:
        """After every step."""
        if self.history is not None:
            self.history.check()

    def teardown(self) -> None:
        """Nothing stays behind."""
        if self.history is not None:
            self.history.close()


def _as_rule(one: Rule) -> Callable[..., None]:
    def happens(self: Histories, data: Any) -> None:
        assert self.history is not None
        note(one.act(self.history, Shrinking(data)))

    happens.__name__ = one.name
    return rule(data=st.data())(happens)


for kind in RULES:
    for copy in range(min(kind.weight, MOST_COPIES)):
        setattr(Histories, f"{kind.name}_{copy + 1}", _as_rule(kind))

TestHistories = pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")(Histories.TestCase)
TestHistories.settings = settings(
    max_examples=25,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")
@pytest.mark.fault(
    "F19",
    "F20",
    "F21",
    "F29",
    "F33",
    "F39",
    injected="at random, in histories of people, segments, platforms and processes",
    outcome="after each step nobody is lost or claimed; clean runs end with exactly the desired people",
)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeded_histories(chunk: int) -> None:
    """A bounded number of the histories that ``make soak`` lives without bound; the seed repeats a failing one."""
    for seed in SEEDS[chunk::CHUNKS]:
        told = live(seed)
        assert told.failure is None, f"{told}\n  again: make soak SEED={seed}"


def test_a_seed_is_one_history() -> None:
    """The same seed lives the same history to the letter, so that a failure can be repeated."""
    assert str(live(5)) == str(live(5))
    assert str(live(5)) != str(live(6))
