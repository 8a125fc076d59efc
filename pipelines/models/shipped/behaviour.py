"""What the shipped models look at: what people did lately, and nothing of who they are.

Left out on purpose: age, income and household, which are known of few, carry no date, and would treat people by what
they are; whatever counts since the records began, because it grows with the calendar and not with the person; page
views and e-mails, which the demo invents from the very orders that are to be predicted.
"""

from __future__ import annotations

BEHAVIOUR = (
    "days_since_last_order", "orders_30d", "orders_90d", "orders_prior_90d", "spend_90d", "spend_prior_90d",
    "average_order_90d", "stores_90d", "evening_share_90d", "silence_ended_14d", "spend_rank_90d", "organic_share_90d",
    "fresh_share_90d", "convenience_share_90d", "baby_orders_90d", "pet_orders_90d", "coffee_orders_90d",
    "fuel_share_90d", "private_label_share_90d", "discount_share_90d", "coupon_orders_90d", "days_since_coupon",
)  # fmt: skip
"""Columns of ``features``."""
ACTIVE = "orders_30d >= 1"
"""Of whom the shipped models speak: somebody who has been away for a month is no longer to be predicted."""
