"""Gradient-boosted trees by LightGBM: small, learnt slowly, and the same whenever the data are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.models.examples import Floats
from pipelines.models.extra import needed

SLOWLY: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 80,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 20,
}
REPEATABLY: Mapping[str, Any] = {
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""One thread and a seed, so that the same data give the same trees to the byte."""


def trained(objective: str, values: Floats, outcome: Floats, rounds: int) -> str:
    """Trees for an outcome as LightGBM's text, from one row of ``values`` a person. Raises ModelError without it."""
    lightgbm = needed("lightgbm")
    parameters = {"objective": objective, **SLOWLY, **REPEATABLY}
    booster = lightgbm.train(parameters, lightgbm.Dataset(values, outcome), rounds)
    return str(booster.model_to_string())
