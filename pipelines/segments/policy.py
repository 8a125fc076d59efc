"""Sensitive categories: what a segment says of itself in ``policy``, and what platforms take no audiences of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pipelines.segments.catalog import Column

CATEGORIES: Mapping[str, str] = {
    "health": "illness, medication, treatment, or what hints at them",
    "alcohol": "alcoholic drinks",
    "gambling": "betting and games for money",
    "housing": "homes for sale or rent",
    "employment": "jobs",
    "finance": "credit, insurance and other consumer finance",
    "politics": "parties, elections, political opinions",
}
"""Every category, in plain words."""


def refusal(title: str, forbids: Mapping[str, str], policy: Iterable[str]) -> str | None:
    """Why a platform may not have an audience of these categories, the rule named; None when it may."""
    refused = [f"{category} ({forbids[category]})" for category in sorted(policy) if category in forbids]
    if not refused:
        return None
    return f"{title} takes no audiences about {'; '.join(refused)}; take its sync out of the segment's file"


ProfileName = Literal["default", "healthcare", "finance", "housing", "employment"]
"""Kinds of business whose rules come as a profile (`pipelines.policies`)."""

SENSITIVE = re.compile(r"\bSensitive: ([a-z]+)\.")
"""How a column's description says which category it belongs to."""


def category_of(column: Column) -> str | None:
    """The sensitive category that a column says it belongs to, None for every other."""
    found = SENSITIVE.search(column.description)
    return found[1] if found else None
