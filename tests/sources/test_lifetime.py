"""The lifetime models on the demo's groceries: what they say, and what is refused."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pytest

from pipelines.models.lifetime.bgnbd import BGNBD, same_rate
from pipelines.models.lifetime.gamma_gamma import GammaGamma
from pipelines.models.lifetime.histories import customer_histories
from pipelines.models.lifetime.likelihood import NotIdentified

pytest.importorskip("scipy", reason="the extra turnout[models] is not installed")
pytestmark = pytest.mark.requirement("TYP-11", "TYP-17")

QUARTER_WEEKS = 13


@pytest.mark.parametrize("day", [date(2017, 9, 30), date(2017, 12, 1), date(2017, 12, 31)])
def test_who_has_left_cannot_be_told_from_dense_baskets(demo: duckdb.DuckDBPyConnection, day: date) -> None:
    """Mean P(alive) is 0.97 to 0.98 and nearly the same for everybody: BG/NBD is refused on groceries."""
    histories = customer_histories(demo, "orders", day)
    model = BGNBD.fit(histories)
    assert 0.96 < float(np.mean(model.p_alive(histories))) < 0.99
    with pytest.raises(NotIdentified, match="no spread"):
        model.check(histories)


def test_bgnbd_does_not_beat_the_same_rate_on_groceries(demo: duckdb.DuckDBPyConnection) -> None:
    """Shopping days of the last quarter: right in sum, no better a person than to say that nothing changes."""
    start = date(2017, 10, 1)
    histories = customer_histories(demo, "orders", date(2017, 9, 30))
    query = (
        "select person_no, count(distinct ordered_at::date) from orders "
        "where ordered_at >= ? and ordered_at < '2017-12-31' group by person_no"
    )
    found = dict(demo.execute(query, [start]).fetchall())
    actual = np.array([found.get(int(number), 0) for number in histories.person_no])
    predicted = BGNBD.fit(histories).expected_purchases(histories, QUARTER_WEEKS)
    naive = same_rate(histories, QUARTER_WEEKS)
    errors = [float(np.mean(np.abs(actual - guess))) for guess in (predicted, naive)]
    assert predicted.sum() == pytest.approx(actual.sum(), rel=0.02)
    assert errors[0] > 0.97 * errors[1], "the refusal would cost something"


def test_how_much_is_spent_is_identified_and_steady(demo: duckdb.DuckDBPyConnection) -> None:
    """The parameters of two days a month apart are near each other: the fit rests on the data, not on the search."""
    fits = [
        GammaGamma.fit(customer_histories(demo, "orders", day))
        for day in (date(2017, 12, 1), date(2017, 12, 31))
    ]
    for name in ("p", "q", "gamma"):
        earlier, later = (getattr(fit, name) for fit in fits)
        assert later == pytest.approx(earlier, rel=0.12)
