"""Five ways to shop."""

from __future__ import annotations

from pipelines.models.clusters import Clusters, Group
from pipelines.models.shipped.behaviour import ACTIVE

CLUSTERS = Clusters(
    name="clusters",
    title="Ways to shop",
    description="People who ordered in the last 30 days, in five groups by how often they come, how much they take "
    "and what lies in their baskets.",
    population=ACTIVE,
    features=(
        "orders_90d",
        "spend_90d",
        "average_order_90d",
        "stores_90d",
        "organic_share_90d",
        "fresh_share_90d",
        "convenience_share_90d",
        "baby_orders_90d",
        "private_label_share_90d",
    ),
    groups=(
        Group("family_baby", "baby_orders_90d"),
        Group("fresh_organic", "organic_share_90d"),
        Group("light", "spend_90d", most=False),
        Group("frequent", "orders_90d"),
        Group("full_range", "convenience_share_90d"),
    ),
)
