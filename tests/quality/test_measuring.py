"""What is measured for a goal: the smallest effect that a test sees, and what membership says about the metric."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality import measurable, predictive, worthwhile
from pipelines.quality.evidence import Lift, Unknown
from pipelines.quality.metrics import known_metrics, metric_of
from tests.quality.found import found, outcome


@pytest.mark.requirement("QUA-2")
def test_the_smallest_effect_is_blooms() -> None:
    """By hand: 2.8016 standard errors of a difference of 100 held out and 900 treated, with deviation 1 and mean 2."""
    values = [1.0, 3.0] * 500
    spread = math.sqrt(1000 / 999)
    expected = 2.801585 * spread * math.sqrt(1 / 100 + 1 / 900) / 2
    assert measurable.detectable(outcome(values, [])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.requirement("QUA-2")
def test_the_people_needed_see_that_effect() -> None:
    """As many people as are needed for an effect have just that effect as their smallest."""
    base = [0.0, 0.0, 10.0]
    needed = measurable.people_needed(outcome(base * 1000, []))
    assert needed is not None
    told = measurable.detectable(outcome((base * needed)[:needed], []))
    assert told == pytest.approx(measurable.COARSE, rel=0.01)


@pytest.mark.requirement("QUA-2")
@pytest.mark.parametrize(("unknown", "verdict"), [(10, "pass"), (11, "warn")])
def test_the_metric_is_known_of_95_per_cent(unknown: int, verdict: str) -> None:
    """Of 200 people ten may be unknown, not eleven."""
    values = [math.nan] * unknown + [100.0, 101.0] * ((200 - unknown) // 2) + [100.0] * (unknown % 2)
    answer = measurable.judge(found(outcome=outcome(values, [])))
    assert (answer.id, answer.verdict) == ("QUA-2", verdict)


@pytest.mark.requirement("QUA-2")
def test_only_wonders_would_be_seen() -> None:
    """A metric that differs a lot among few people is a warning, with the effect as its figure."""
    answer = measurable.judge(found(outcome=outcome([0.0, 0.0, 0.0, 90.0] * 25, [])))
    assert answer.verdict == "warn"
    assert answer.measured is not None
    assert answer.measured > 1


@pytest.mark.requirement("QUA-2", "QUA-8")
def test_nothing_is_told_without_a_window() -> None:
    """The reason is told, and so it is where nobody moved."""
    waiting = found(outcome=Unknown("no second window yet"))
    assert (measurable.judge(waiting).verdict, measurable.judge(waiting).sentence) == (
        "unknown",
        "no second window yet",
    )
    assert predictive.judge(waiting).verdict == "unknown"
    still = found(outcome=outcome([0.0] * 50, [0.0] * 50))
    assert (measurable.judge(still).verdict, predictive.judge(still).verdict) == ("unknown", "unknown")


@pytest.mark.requirement("QUA-7")
def test_the_lift_waits_for_measurement_and_takes_it() -> None:
    """Unknown with its reason until somebody measured; then the interval decides, in the goal's direction."""
    assert worthwhile.judge(found()).verdict == "unknown"
    assert "holdout" in worthwhile.judge(found()).sentence
    assert worthwhile.judge(found(lift=Lift(0.1, 0.02, 0.18))).verdict == "pass"
    assert worthwhile.judge(found(lift=Lift(0.1, -0.02, 0.22))).verdict == "warn"


@pytest.mark.requirement("QUA-8", "MIS-5")
@pytest.mark.parametrize(
    ("inside", "outside", "verdict"), [(60, 50, "pass"), (59, 50, "warn"), (40, 50, "pass"), (50, 50, "warn")]
)
def test_a_rate_is_judged_by_its_auc(inside: int, outside: int, verdict: str) -> None:
    """0.55 in either direction: of a hundred members and a hundred others so many did."""
    answer = predictive.judge(
        found(
            outcome=outcome(
                [1.0] * inside + [0.0] * (100 - inside), [1.0] * outside + [0.0] * (100 - outside), rate=True
            )
        )
    )
    assert answer.verdict == verdict


@pytest.mark.requirement("QUA-8")
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=60))
def test_auc_is_that_of_every_pair(people: list[tuple[bool, bool]]) -> None:
    """Held against the definition: pairs of one who did and one who did not, ordered rightly, ties half."""
    inside = [float(did) for member, did in people if member]
    outside = [float(did) for member, did in people if not member]
    pairs = [
        0.5 + 0.5 * (did_member - other_member)
        for did_member, did in people
        if did
        for other_member, other in people
        if not other
    ]
    told = predictive.auc(outcome(inside, outside, rate=True))
    if not pairs:
        assert told is None
    else:
        area = sum(pairs) / len(pairs)
        assert told == pytest.approx(max(area, 1 - area))


@pytest.mark.requirement("QUA-8")
def test_eta_squared_is_the_share_of_variance() -> None:
    """Held against sums of squares, adjusted for chance; two equal groups say less than nothing."""
    rng = np.random.default_rng(7)
    inside, outside = rng.normal(12, 3, 80), rng.normal(10, 3, 120)
    everybody = np.concatenate([inside, outside])
    between = sum(len(g) * (g.mean() - everybody.mean()) ** 2 for g in (inside, outside))
    eta = between / ((everybody - everybody.mean()) ** 2).sum()
    told = predictive.adjusted_eta_squared(outcome(list(inside), list(outside)))
    assert told == pytest.approx(1 - (1 - eta) * 199 / 198)
    same = predictive.judge(found(outcome=outcome([1.0, 2.0] * 40, [1.0, 2.0] * 60)))
    assert (same.verdict, same.measured is not None and same.measured < 0.01) == ("warn", True)


@pytest.mark.requirement("DEF-2")
def test_goal_metrics_are_names_with_a_window() -> None:
    """Rates and amounts over any number of days, and features whose own window ends with the day; nothing else."""
    features = ("pet_orders_90d", "orders_ever", "stores_90d")
    spend, pets = metric_of("spend_30d", features), metric_of("pet_orders_90d", features)
    assert spend is not None
    assert (spend.days, spend.kind, spend.sql is None) == (30, "amount", False)
    assert pets is not None
    assert (pets.days, pets.sql) == (90, None)
    assert metric_of("retention_7d", ()) is not None
    for name in ("referrals_90d", "spend", "orders_ever", "retention_0d", "retention_d"):
        assert metric_of(name, features) is None, name
    assert {"spend_<n>d", "pet_orders_90d"} <= set(known_metrics(features))
