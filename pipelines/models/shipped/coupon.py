"""Who is about to use a coupon."""

from __future__ import annotations

from pipelines.models.propensity import Baseline, Propensity
from pipelines.models.shipped.behaviour import ACTIVE, BEHAVIOUR

COUPON = Propensity(
    name="coupon_60d",
    title="Uses a coupon within 60 days",
    description="Of people who ordered in the last 30 days: the probability that a coupon lowers the price of "
    "something in an order of the next 60.",
    population=ACTIVE,
    event="""
select distinct orders.person_no
from orders
join order_lines as lines
  using (order_id)
where orders.ordered_at >= $opens
  and orders.ordered_at < $closes
  and lines.coupon_discount > 0
""",
    baseline=Baseline("coupon_orders_90d"),
    features=BEHAVIOUR,
)
