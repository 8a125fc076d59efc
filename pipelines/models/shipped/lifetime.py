"""What people will be worth in the next half year."""

from __future__ import annotations

from pipelines.models.lifetime.value import LifetimeValue
from pipelines.models.shipped.behaviour import BEHAVIOUR

LIFETIME = LifetimeValue(
    name="lifetime_26w",
    title="Value of the next 26 weeks",
    description="Of everybody who ever ordered: what they will spend in the next 26 weeks, learnt over 13 weeks.",
    population="orders_ever >= 1",
    features=(*BEHAVIOUR, "usual_gap_days", "days_since_first_order"),
)
