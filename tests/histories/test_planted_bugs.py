"""The histories have teeth: each of many bugs planted in delivery is found by a bounded number of them."""

from __future__ import annotations

import pytest

from tests.histories.driver import live
from tests.histories.planted import BUGS, OFTEN, Plant

ENOUGH = 60
"""Histories within which every planted bug must be found; most are found by the first few."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some history fails with the bug in a promise that does not hold, and passes without it."""
    often = OFTEN.get(plant, ())
    plant(monkeypatch)
    found = next((told for seed in range(ENOUGH) if (told := live(seed, often)).failure is not None), None)
    assert found is not None, "no history fails"
    assert found.broken, f"the history does not judge, it crashes: {found}"
    monkeypatch.undo()
    healthy = live(found.seed, often)
    assert healthy.failure is None, f"it fails without the bug as well: {healthy}"
