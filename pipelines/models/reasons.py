"""The reasons of a prediction in words: the features that moved it most, with their values and what is usual."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pipelines.models.examples import Floats

MOST = 3
"""Reasons told of a person: more are not read."""


def in_words(feature: str) -> str:
    """A feature's name as one would say it: ``orders_30d`` is "orders in 30 days"."""
    text = re.sub(r"_(\d+)d$", r" in \1 days", feature)
    return text.replace("_", " ")


def of_people(
    features: Sequence[str], values: Floats, usual: Sequence[float], contributions: Floats
) -> list[str]:
    """A sentence a row, the strongest reason first.

    ``contributions`` say what each feature adds to the prediction (above 0 raises it); ``usual`` is what a feature
    mostly is. A feature that moves nothing is no reason.
    """
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :MOST]
    words = [in_words(feature) for feature in features]
    return [
        "; ".join(
            _reason(words[place], values[row, place], usual[place], contributions[row, place])
            for place in places
            if contributions[row, place]
        )
        for row, places in enumerate(order)
    ]


def of_groups(features: Sequence[str], values: Floats, usual: Sequence[float], speaks: Floats) -> list[str]:
    """A sentence a row: what speaks most for a person's group, and not for the next best one."""
    words = [in_words(feature) for feature in features]
    order = np.argsort(-speaks, axis=1, kind="stable")[:, :MOST]
    return [
        "; ".join(
            _fact(words[place], values[row, place], usual[place])
            for place in places
            if speaks[row, place] > 0
        )
        for row, places in enumerate(order)
    ]


def _reason(feature: str, value: float, usual: float, contribution: float) -> str:
    return f"{_fact(feature, value, usual)} {'raises' if contribution > 0 else 'lowers'} it"


def _fact(feature: str, value: float, usual: float) -> str:
    return f"{feature} {number(value)} (usually {number(usual)})"


def number(value: float) -> str:
    """A number as short as it can be read."""
    if np.isnan(value):
        return "none"
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.2g}"
