"""Gamma-Gamma: how much customers spend each time.

Fader and Hardie, The Gamma-Gamma Model of Monetary Value, 2013 (note 025 at brucehardie.com). Each purchase varies
around a mean of the customer's own (gamma distributed: p), and the means vary between customers (gamma: q, gamma).
How much somebody spends is taken to be independent of how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.models.extra import needed
from pipelines.models.lifetime.histories import Histories, Numbers
from pipelines.models.lifetime.likelihood import NotIdentified, maximise

NAMES = ("p", "q", "gamma")
START = (2.0, 2.0, 10.0)

MOST_CORRELATION = 0.3
"""Correlation of frequency and spend above which the model's assumption does not hold. CDNOW has 0.11."""


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted model."""

    p: float
    q: float
    gamma: float
    log_likelihood: float

    @classmethod
    def fit(cls, histories: Histories) -> Self:
        """The model that makes the repeat customers' spend most likely. Raises NotIdentified, ModelError."""
        rows = histories.spenders
        found = maximise(lambda parameters: _log_likelihoods(parameters, histories, rows), NAMES, START)
        p, q, gamma = found.parameters
        return cls(p, q, gamma, found.log_likelihood)

    def expected_average(self, histories: Histories) -> Numbers:
        """What each customer is expected to spend a time: their own mean, drawn to everybody's the less is known.

        Those without a repeat purchase are expected to spend what everybody does.
        """
        x = np.where(histories.spenders, histories.frequency, 0.0)
        spent = x * histories.monetary
        return np.asarray(self.p * (self.gamma + spent) / (self.p * x + self.q - 1), dtype=np.float64)

    def check(self, histories: Histories) -> None:
        """Raises NotIdentified when there is no mean to expect, or when spend depends on frequency."""
        if self.q <= 1:
            raise NotIdentified(f"with q = {self.q:.2f} what customers spend on average has no mean")
        correlation = histories.spend_correlation
        if abs(correlation) > MOST_CORRELATION:
            raise NotIdentified(
                f"how much people spend goes with how often they buy (correlation {correlation:.2f}), "
                "which the model takes not to be so"
            )


def _log_likelihoods(parameters: Numbers, histories: Histories, rows: NDArray[np.bool_]) -> Numbers:
    """Equation (1a) of the note, one number a repeat customer."""
    gammaln = needed("scipy.special").gammaln
    p, q, gamma = parameters
    x, mean = histories.frequency[rows], histories.monetary[rows]
    return np.asarray(
        gammaln(p * x + q)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(gamma)
        + (p * x - 1) * np.log(mean)
        + p * x * np.log(x)
        - (p * x + q) * np.log(gamma + x * mean),
        dtype=np.float64,
    )
