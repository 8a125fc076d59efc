"""Goal metrics that can be computed from what people did, in a window of days after a day.

A metric's name ends with its window: ``spend_30d``, ``retention_90d``. Besides those listed here every feature
whose own window ends with its day is one: ``pet_orders_90d`` is that feature 90 days later.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

NAME = re.compile(r"(?P<stem>[a-z][a-z0-9_]*)_(?P<days>[1-9][0-9]{0,2})d")
HOLDOUT = 0.1
"""Share of a segment's people that a test holds back, when its header declares none."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A goal metric over the days after a day, one value a person."""

    name: str
    kind: Literal["rate", "amount"]
    """A rate's values are 0 and 1."""
    days: int
    """Length of the window."""
    sql: str | None
    """An expression over ``bought``, ``redeemed`` and ``mailed`` (one row a person, null where nothing happened) and
    ``orders_ever`` before the window; null where the metric is not known. None: the feature of that name, on the
    window's last day."""


_ORDERED = "bought.orders is not null"

RATES: Mapping[str, str] = {
    "retention": f"({_ORDERED})::double",
    "conversion_rate": f"({_ORDERED})::double",
    "reactivation_rate": f"case when orders_ever > 0 then ({_ORDERED})::double end",
    "repeat_purchase_rate": f"case when orders_ever > 0 then ({_ORDERED})::double end",
    "second_order_rate": f"case when orders_ever = 1 then ({_ORDERED})::double end",
    "churn_rate": f"case when orders_ever > 0 then (not ({_ORDERED}))::double end",
    "coupon_redemption_rate": "(redeemed.coupons is not null)::double",
    "email_click_rate": "case when mailed.sent > 0 then (mailed.clicked > 0)::double end",
}
"""Share of people who do something within the window; of those who could."""

AMOUNTS: Mapping[str, str] = {
    "orders": "coalesce(bought.orders, 0)::double",
    "store_visits": "coalesce(bought.days, 0)::double",
    "weekday_orders": "coalesce(bought.weekday_orders, 0)::double",
    "spend": "coalesce(bought.spend, 0)::double",
    "average_order_value": "(bought.spend / bought.orders)::double",
}
"""What people do, summed over the window; the average is of those who order."""


def metric_of(name: str, features: Collection[str]) -> Metric | None:
    """The metric of a name, None for one that cannot be computed."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    stem, days = found["stem"], int(found["days"])
    if stem in RATES:
        return Metric(name, "rate", days, RATES[stem])
    if stem in AMOUNTS:
        return Metric(name, "amount", days, AMOUNTS[stem])
    return Metric(name, "amount", days, None) if name in features else None


def known_metrics(features: Collection[str]) -> tuple[str, ...]:
    """Every name that can be computed, ``_<n>d`` for a window of any length, for a sentence."""
    stems = [f"{stem}_<n>d" for stem in (*RATES, *AMOUNTS)]
    own = [name for name in features if (found := NAME.fullmatch(name)) and found["stem"] not in AMOUNTS]
    return (*sorted(stems), *sorted(own))
