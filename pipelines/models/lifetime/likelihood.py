"""Maximum likelihood for models with few positive parameters, and when to refuse what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.models.extra import needed
from pipelines.models.lifetime.histories import Numbers

SMALLEST, LARGEST = 1e-4, 1e4
"""A parameter that leaves these bounds says that the data do not hold the answer, only that it lies far away."""


class NotIdentified(Exception):
    """The data do not say what the parameters are; the sentence says how that shows."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The parameters under which the data are most likely."""

    parameters: tuple[float, ...]
    log_likelihood: float


def maximise(
    log_likelihoods: Callable[[Numbers], Numbers], names: Sequence[str], start: Sequence[float]
) -> Fit:
    """The positive parameters with the greatest sum of ``log_likelihoods``, which gives one number a customer.

    The search runs over the parameters' logarithms, so none can become negative. Raises NotIdentified when it
    does not settle or when a parameter reaches a bound, ModelError where scipy is missing.
    """
    optimize = needed("scipy.optimize")

    def cost(logs: Numbers) -> float:
        return -float(np.mean(log_likelihoods(np.exp(logs))))

    bounds = [(np.log(SMALLEST), np.log(LARGEST))] * len(names)
    options = {"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9, "maxfun": 20_000}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = optimize.minimize(cost, np.log(start), method="L-BFGS-B", bounds=bounds, options=options)
        parameters = np.exp(found.x)
        total = float(np.sum(log_likelihoods(parameters)))
    if not found.success or not np.isfinite(total):
        raise NotIdentified("the search for its parameters does not settle")
    for name, value in zip(names, parameters, strict=True):
        if not SMALLEST * 1.01 < value < LARGEST * 0.99:
            far = "beyond" if value > 1 else "below"
            raise NotIdentified(
                f"its parameter {name} wants to lie {far} {value:g}, so the data do not hold it"
            )
    return Fit(tuple(float(value) for value in parameters), total)
