"""A SELECT to begin with, by what the people share: it runs as it stands, and its bounds are to be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BEGINNINGS: Mapping[str, str] = {
    "demographic": "select person_no\nfrom features\nwhere household_size >= 3",
    "geographic": "select person_no\nfrom features\nwhere country = 'US'",
    "psychographic": "select person_no\nfrom features\nwhere sustainability_score >= 4",
    "behavioural": "select person_no\nfrom features\nwhere orders_90d >= 3",
    "firmographic": "select person_no\nfrom features\nwhere account_employees >= 50",
    "intent": "select person_no\nfrom features\nwhere product_views_14d >= 3\n  and orders_30d = 0",
    "needs": "select person_no\nfrom features\nwhere discount_share_90d >= 0.2",
    "value": "select person_no\nfrom features\nwhere spend_rank_90d >= 0.8\n  and orders_90d >= 1",
    "lifecycle": "select person_no\nfrom features\nwhere days_since_last_order between 61 and 180",
    "rfm": "select person_no\nfrom features\nwhere recency_fifth >= 4\n  and frequency_fifth >= 4",
}
"""By type; the others begin with everybody who ordered lately."""


def beginning(types: Sequence[str]) -> str:
    """The SELECT of the first type that has one."""
    return next((BEGINNINGS[one] for one in types if one in BEGINNINGS), BEGINNINGS["behavioural"])
