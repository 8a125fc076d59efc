"""Who is about to stop ordering."""

from __future__ import annotations

from pipelines.models.propensity import Baseline, Propensity
from pipelines.models.shipped.behaviour import ACTIVE, BEHAVIOUR

CHURN = Propensity(
    name="churn_60d",
    title="Churn within 60 days",
    description="Of people who ordered in the last 30 days: the probability that they order nothing in the next 60.",
    population=ACTIVE,
    event="""
select distinct person_no
from orders
where ordered_at >= $opens
  and ordered_at < $closes
""",
    absent=True,
    baseline=Baseline("days_since_last_order"),
    features=BEHAVIOUR,
)
