"""Who of those that buy no wine is about to."""

from __future__ import annotations

from pipelines.models.propensity import Baseline, Propensity
from pipelines.models.shipped.behaviour import ACTIVE, BEHAVIOUR

WINE = Propensity(
    name="wine_60d",
    title="Takes up wine within 60 days",
    description="Of people who ordered in the last 30 days and bought no wine in the last 90: the probability that "
    "they buy some in the next 60.",
    population=f"{ACTIVE} and wine_orders_90d = 0",
    event="""
select distinct orders.person_no
from orders
join order_lines as lines
  using (order_id)
join product_groups as groups
  using (product_id)
where orders.ordered_at >= $opens
  and orders.ordered_at < $closes
  and groups.group_name = 'wine'
""",
    baseline=Baseline("spend_90d"),
    features=(*BEHAVIOUR, "wine_orders_prior_90d"),
    policy=("alcohol",),
)
