"""Measures of predictions, held against scikit-learn and against what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.models import measures

sklearn_metrics = pytest.importorskip("sklearn.metrics")

PREDICTED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=10, max_size=60
)


@given(PREDICTED)
def test_auc_and_brier_are_scikit_learns(people: list[tuple[bool, float]]) -> None:
    """With ties, and to the last digit that matters; one outcome alone ranks nobody."""
    outcome = np.array([float(happened) for happened, _ in people])
    score = np.array([score for _, score in people])
    found = measures.auc(outcome, score)
    if 0 < outcome.sum() < len(outcome):
        assert found == pytest.approx(sklearn_metrics.roc_auc_score(outcome, score))
    else:
        assert found == 0.5
    assert measures.brier(outcome, score) == pytest.approx(float(np.mean((outcome - score) ** 2)))


@given(PREDICTED)
def test_tenths_account_for_everybody(people: list[tuple[bool, float]]) -> None:
    """The tenths of calibration hold everybody once, and the last line of the gain is everything."""
    outcome = np.array([float(happened) for happened, _ in people])
    score = np.array([score for _, score in people])
    told = measures.calibration(outcome, score)
    assert sum(row[1] for row in told.rows) == len(people)
    assert sum(row[1] * row[3] for row in told.rows) == pytest.approx(outcome.sum(), abs=0.01)
    assert measures.gain(outcome, score).rows[-1] == (
        1.0,
        1.0 if outcome.sum() else 0.0,
        1.0 if outcome.sum() else 0.0,
    )


def test_lift_is_of_the_highest_tenth() -> None:
    """Ten people, the one it happens to ranked first: ten times the base rate; ranked last: none."""
    outcome = np.array([1.0] + [0.0] * 9)
    rising = np.arange(10.0)
    assert measures.lift(outcome, -rising) == 10
    assert measures.lift(outcome, rising) == 0
