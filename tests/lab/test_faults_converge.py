"""Every fault of the table, met by a push through every connector where it can happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipelines.delivery.model import Delivery
from tests.lab.bench import Bench
from tests.lab.cases import CASES, Case

OUTCOMES = {
    "survived": "the same run gets over it",
    "repaired": "the run is red and claims nothing; the next one repairs it",
    "told": "the run stops and says what to do; the next one repairs it",
}


def _table() -> Iterator[pytest.param]:
    for case in CASES:
        for kind in case.kinds:
            marks = [
                pytest.mark.fault(*case.catalogue, injected=case.injected, outcome=OUTCOMES[case.outcome])
            ]
            yield pytest.param(kind, case, id=f"{case.id}-{kind}", marks=marks if case.catalogue else [])


def sums_close(run: Delivery) -> bool:
    """Everybody desired and everybody held before is in exactly one number of the run."""
    withheld = sum(run.withheld.values())
    desired = run.kept + run.added + run.rejected + run.uncertain_desired + withheld
    held = run.kept + run.kept_back + run.removed + run.leaving + run.dropped + run.uncertain_held
    return (run.desired, run.held_before) == (desired, held)


@pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")
@pytest.mark.parametrize(("kind", "case"), list(_table()))
def test_a_push_under_a_fault(bench: Callable[[str], Bench], kind: str, case: Case) -> None:
    """A run under the fault claims and loses nobody, its sums close, and after a clean run platform = desired."""
    lab = bench(kind)
    lab.turn()
    lab.fault(case.effect, **case.settings)
    delivery = lab.push()
    assert lab.sandbox.faults.posted()[0].fired, "nothing met the fault"
    lab.judge()
    assert delivery.ok == (case.outcome == "survived"), delivery.errors
    assert delivery.needs_person == (case.outcome == "told"), delivery.errors
    assert sums_close(delivery)
    if delivery.ok:
        lab.settle()
    else:
        repaired = lab.clean_run()
        assert repaired.ok, repaired.errors
        assert sums_close(repaired)
    assert lab.members() == lab.desired()
    lab.judge()
