"""The two ways to predict: exact about their reasons, the same again, and whole in their files."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models import learners
from pipelines.models.examples import Floats
from pipelines.models.learners import Learnt
from pipelines.models.reasons import of_groups, of_people

pytest.importorskip("lightgbm")


def people(seed: int = 1) -> tuple[Floats, Floats]:
    """Eight hundred people: a count, a share, one that is often unknown, and noise that is always the same."""
    drawing = np.random.default_rng(seed)
    count = drawing.poisson(5, 800).astype(float)
    share = drawing.random(800)
    days = np.where(drawing.random(800) < 0.4, np.nan, drawing.integers(0, 200, 800))
    values = np.column_stack([count, share, days, np.ones(800)])
    odds = 0.5 * count - 4 + 2 * share + np.isnan(days)
    return values, (drawing.random(800) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("fit", [learners.fit_linear, learners.fit_boosted])
@pytest.mark.requirement("AI-4")
def test_reasons_add_up(fit: object) -> None:
    """What features add to somebody's log odds differs from the log odds by the same constant for everybody."""
    values, outcome = people()
    learnt: Learnt = fit(values, outcome)  # type: ignore[operator]
    rest = learnt.log_odds(values) - learnt.contributions(values).sum(axis=1)
    assert np.ptp(rest) < 1e-9
    assert not learnt.contributions(values)[:, 3].any(), "what everybody has is no reason"


@pytest.mark.parametrize("fit", [learners.fit_linear, learners.fit_boosted])
def test_the_same_data_give_the_same_files_and_files_the_same_predictor(fit: object) -> None:
    """Trained twice: byte for byte; read back: the same odds and the same reasons."""
    values, outcome = people()
    first: Learnt = fit(values, outcome)  # type: ignore[operator]
    second: Learnt = fit(values, outcome)  # type: ignore[operator]
    assert first.files() == second.files()
    again = learners.from_files(first.files())
    asked, _ = people(seed=2)
    assert np.array_equal(again.log_odds(asked), first.log_odds(asked))
    assert np.array_equal(again.contributions(asked), first.contributions(asked))


@pytest.mark.requirement("AI-4")
def test_reasons_in_words() -> None:
    """The strongest three, each with its value, what is usual, and which way it moves the score; nothing for nought."""
    features = ("days_since_last_order", "orders_30d", "fuel_share_90d", "spend_90d", "stores_90d")
    values = np.array([[41.0, 1.0, np.nan, 1234.5, 2.0]])
    told = of_people(features, values, (6.0, 9.0, 0.125, 300.0, 2.0), np.array([[1.5, 0.5, -0.7, 0.1, 0.0]]))
    assert told == [
        "days since last order 41 (usually 6) raises it; fuel share in 90 days none (usually 0.12) lowers it; "
        "orders in 30 days 1 (usually 9) raises it"
    ]
    assert of_people(("orders_30d",), np.array([[1.0]]), (1.0,), np.zeros((1, 1))) == [""]
    assert of_groups(features[:2], values[:, :2], (6.0, 9.0), np.array([[2.0, -1.0]])) == [
        "days since last order 41 (usually 6)"
    ]
