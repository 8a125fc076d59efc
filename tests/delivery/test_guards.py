"""Guards are pure functions: what trips them, what does not, and what the sentence says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.delivery.guards import Bounds, Change, Guard, Overrides, verdict

DAY = date(2017, 12, 31)
BOUNDS = Bounds(max_removed=0.3, max_growth=3.0, floor=50, max_age_days=2)
FINE = Change(DAY, DAY + timedelta(days=1), DAY, desired=1000, held=1000, adds=10, removes=10)
NOBODY = Overrides()


def test_a_small_change_is_fine() -> None:
    """One per cent of churn passes."""
    assert verdict(FINE, BOUNDS, NOBODY).word == "fine"


@pytest.mark.fault(
    "F58",
    "F59",
    "F60",
    injected="nobody, too few, too many, or a day too old",
    outcome="each guard trips just past its bound",
)
@pytest.mark.parametrize(
    ("change", "guard"),
    [
        (replace(FINE, as_of=None), Guard.NEVER_COMPUTED),
        (replace(FINE, today=DAY + timedelta(days=3)), Guard.STALE),
        (replace(FINE, expected=DAY + timedelta(days=1)), Guard.STALE),
        (replace(FINE, desired=0), Guard.EMPTY),
        (replace(FINE, removes=301), Guard.REMOVALS),
        (replace(FINE, desired=3001), Guard.GROWTH),
    ],
)
def test_what_stops_a_push(change: Change, guard: Guard) -> None:
    """Each guard trips just past its bound."""
    assert verdict(change, BOUNDS, NOBODY).guard == guard
    assert verdict(change, BOUNDS, NOBODY).stops


@pytest.mark.parametrize(
    "change",
    [
        replace(FINE, today=DAY + timedelta(days=2)),
        replace(FINE, removes=300),
        replace(FINE, desired=3000),
        replace(FINE, desired=60, held=60, removes=49),
        replace(FINE, held=0, desired=5000, removes=0),
    ],
)
def test_what_passes(change: Change) -> None:
    """At the bound, under the floor, and on the first push nothing is stopped."""
    assert verdict(change, BOUNDS, NOBODY).word == "fine"


def test_a_first_push_passes_without_a_floor() -> None:
    """With the floor at zero a new audience is still no size jump."""
    assert verdict(replace(FINE, held=0), replace(BOUNDS, floor=0), NOBODY).word == "fine"


def test_the_sentence_names_numbers_and_the_word() -> None:
    """A person reads what would happen and how to let it pass."""
    sentence = verdict(replace(FINE, removes=301), BOUNDS, NOBODY).sentence
    assert sentence == (
        "301 of 1,000 people (30%) would be removed, more than the 30% allowed; "
        "if that is right, run this audience with accept_removals"
    )


@pytest.mark.privacy("P47")
def test_an_override_names_who_and_why() -> None:
    """The word lets its own guards pass and no others."""
    allowed = Overrides(accept_removals=True, who="ann", why="campaign ended")
    passed = verdict(replace(FINE, removes=301), BOUNDS, allowed)
    assert not passed.stops
    assert passed.sentence.endswith("accepted by ann: campaign ended")
    assert verdict(replace(FINE, desired=3001), BOUNDS, allowed).stops
    assert verdict(replace(FINE, today=DAY + timedelta(days=30)), BOUNDS, allowed).stops


@given(
    held=st.integers(0, 10_000),
    desired=st.integers(0, 10_000),
    removes=st.integers(0, 10_000),
    adds=st.integers(0, 99),
)
def test_overriding_everything_lets_every_fresh_change_pass(
    held: int, desired: int, removes: int, adds: int
) -> None:
    """No number can lock an operator out."""
    change = replace(FINE, held=held, desired=desired, removes=removes, adds=adds)
    assert not verdict(change, BOUNDS, Overrides(True, True, "ann", "known")).stops


@pytest.mark.requirement("PRI-2")
def test_too_few_people_for_the_policy_profile() -> None:
    """One person below the smallest cell stops; at it, and with nobody at all, other guards decide."""
    strict = replace(BOUNDS, min_cell=11)
    small = replace(FINE, desired=10, held=0, removes=0)
    stopped = verdict(small, strict, Overrides(True, True, "ann", "known"))
    assert (stopped.guard, stopped.stops) == (Guard.CELL, True)
    assert "fewer than the 11 people that the policy profile asks for" in stopped.sentence
    assert verdict(replace(small, desired=11), strict, NOBODY).word == "fine"
    assert verdict(replace(small, desired=0), strict, NOBODY).word == "fine"
    assert verdict(small, BOUNDS, NOBODY).word == "fine"
