"""The lifetime models against CDNOW: the numbers that were published for it, to their digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipelines.models import extra
from pipelines.models.errors import ModelError
from pipelines.models.lifetime.bgnbd import BGNBD, same_rate
from pipelines.models.lifetime.gamma_gamma import GammaGamma
from pipelines.models.lifetime.histories import Histories, Numbers, customer_histories
from pipelines.models.lifetime.likelihood import NotIdentified

pytest.importorskip("scipy", reason="the extra turnout[models] is not installed")
pytestmark = pytest.mark.requirement("TYP-11", "DAT-4")

FILE = Path(__file__).parent / "data" / "cdnow.csv.gz"
CALIBRATED = date(1997, 9, 30)
HOLDOUT_WEEKS = 39


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with every purchase of the sample."""
    connection = duckdb.connect()
    connection.execute(
        "create table purchases as select customer as person_no, day::timestamp as ordered_at, "
        "(cents / 100)::decimal(9, 2) as total from read_csv(?)",
        [str(FILE)],
    )
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def histories(con: duckdb.DuckDBPyConnection) -> Histories:
    """The 39 weeks of calibration, rebuilt from the purchases."""
    return customer_histories(con, "purchases", CALIBRATED)


@pytest.fixture(scope="module")
def published(histories: Histories) -> Histories:
    """The same, with the two decimals of the published summary, from which the published numbers come."""
    cents = np.floor(histories.monetary * 100 + 0.5 + 1e-6) / 100
    return replace(histories, recency=histories.recency.round(2), age=histories.age.round(2), monetary=cents)


def test_the_summary_is_rebuilt_from_the_purchases(histories: Histories) -> None:
    """The first customer of the published summary: 2 repeat purchases, the last at 30.43 weeks of 38.86, 22.35 each."""
    assert len(histories.person_no) == 2_357
    assert int(np.sum(histories.spenders)) == 946
    first = [values[0] for values in (histories.frequency, histories.recency, histories.age)]
    assert [round(value, 2) for value in first] == [2, 30.43, 38.86]
    assert histories.monetary[0] == pytest.approx(22.345)


def test_purchases_of_one_day_are_one() -> None:
    """Three receipts on two days are one repeat purchase; nothing after the last day counts."""
    with duckdb.connect() as con:
        con.execute(
            "create table purchases as select * from (values "
            "(7, timestamp '2026-01-01 09:00', 5.0), (7, timestamp '2026-01-08 09:00', 10.0), "
            "(7, timestamp '2026-01-08 18:00', 20.0), (7, timestamp '2026-01-15 00:00', 99.0)) "
            "as t (person_no, ordered_at, total)"
        )
        found = customer_histories(con, "purchases", date(2026, 1, 14))
    assert found.frequency.tolist() == [1]
    assert found.recency.tolist() == [1]
    assert found.age.tolist() == [pytest.approx(13 / 7)]
    assert found.monetary.tolist() == [30]


def test_bgnbd_has_the_published_parameters(published: Histories) -> None:
    """r, alpha, a and b to four digits, and the log-likelihood of the paper."""
    model = BGNBD.fit(published)
    parameters = [round(value, 4) for value in (model.r, model.alpha, model.a, model.b)]
    assert parameters == [0.2426, 4.4135, 0.7929, 2.4258]
    assert round(model.log_likelihood, 1) == -9582.4
    model.check(published)


def test_bgnbd_expects_the_published_purchases(published: Histories) -> None:
    """A customer with 2 repeat purchases, the last at 30.43 of 38.86 weeks, buys 1.2259 times in the next 39."""
    numbers = (np.array([value]) for value in (2.0, 30.43, 38.86, 22.35))
    customer = Histories(np.array([1]), *numbers)
    (expected,) = BGNBD.fit(published).expected_purchases(customer, HOLDOUT_WEEKS)
    assert round(float(expected), 4) == 1.2259


def bought_later(con: duckdb.DuckDBPyConnection, histories: Histories) -> Numbers:
    """How often each customer did buy in the 39 weeks after the calibration."""
    query = (
        "select person_no, count(distinct ordered_at) from purchases where ordered_at > ? and ordered_at <= ? "
        "group by person_no"
    )
    end = CALIBRATED + timedelta(weeks=HOLDOUT_WEEKS)
    found = dict(con.execute(query, [CALIBRATED, end]).fetchall())
    return np.array([found.get(int(number), 0) for number in histories.person_no], dtype=np.float64)


@pytest.mark.requirement("TYP-17")
def test_bgnbd_beats_the_same_rate_on_the_later_weeks(
    con: duckdb.DuckDBPyConnection, histories: Histories
) -> None:
    """39 weeks later: 1,882 purchases, 1,653 predicted; a mean error of 0.785 against 1.024 for the same rate."""
    actual = bought_later(con, histories)
    predicted = BGNBD.fit(histories).expected_purchases(histories, HOLDOUT_WEEKS)
    assert (int(actual.sum()), round(float(predicted.sum()))) == (1_882, 1_653)
    assert round(float(np.corrcoef(actual, predicted)[0, 1]), 3) == 0.626
    assert round(float(np.mean(np.abs(actual - predicted))), 3) == 0.785
    naive = same_rate(histories, HOLDOUT_WEEKS)
    assert round(float(np.mean(np.abs(actual - naive))), 3) == 1.024


def test_gamma_gamma_has_the_published_parameters(published: Histories) -> None:
    """p, q and gamma of the 946 repeat customers, whose spend hardly goes with how often they buy."""
    model = GammaGamma.fit(published)
    assert [model.p, model.q, model.gamma] == pytest.approx([6.249, 3.745, 15.448], abs=0.0015)
    assert round(published.spend_correlation, 3) == 0.114
    model.check(published)


def test_gamma_gamma_expects_less_extreme_spend_the_less_is_known(published: Histories) -> None:
    """Everybody's expected spend lies between their own mean and everybody's; nobody's own is everybody's."""
    model = GammaGamma.fit(published)
    everybody = model.p * model.gamma / (model.q - 1)
    expected = model.expected_average(published)
    assert expected[~published.spenders] == pytest.approx(everybody)
    own = published.monetary[published.spenders]
    between = np.abs(expected[published.spenders] - everybody) <= np.abs(own - everybody) + 1e-9
    assert between.all()


@pytest.mark.requirement("TYP-17")
def test_a_parameter_at_an_extreme_is_refused() -> None:
    """Everybody spends exactly the same each time: p has no end, and no model is made."""
    count = 200
    same = np.full(count, 3.0)
    numbers = np.arange(count)
    histories = Histories(numbers, same, same * 2, same * 3, np.full(count, 25.0))
    with pytest.raises(NotIdentified, match="parameter"):
        GammaGamma.fit(histories)


def test_spend_that_goes_with_frequency_is_refused() -> None:
    """The more often people buy the more they spend each time: the model's assumption does not hold."""
    frequency = np.arange(1.0, 101.0)
    histories = Histories(np.arange(100), frequency, frequency, frequency * 2, frequency * 3)
    with pytest.raises(NotIdentified, match=r"correlation 1\.00"):
        GammaGamma(6.0, 4.0, 15.0, 0.0).check(histories)
    with pytest.raises(NotIdentified, match="has no mean"):
        GammaGamma(6.0, 0.9, 15.0, 0.0).check(histories)


def test_without_scipy_a_sentence_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, published: Histories
) -> None:
    """The models' packages are an extra; who lacks them is told which."""

    def missing(name: str) -> None:
        raise ImportError(name=name)

    monkeypatch.setattr(extra, "import_module", missing)
    with pytest.raises(ModelError, match=r"turnout\[models\]"):
        BGNBD.fit(published)
