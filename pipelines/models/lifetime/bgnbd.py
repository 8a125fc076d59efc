"""BG/NBD: how often customers will buy, who may stay away for good after any purchase.

Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275-284, 2005. While a
customer is alive they buy at a rate of their own (gamma distributed: r, alpha); after each purchase they leave with a
probability of their own (beta distributed: a, b).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from pipelines.models.extra import needed
from pipelines.models.lifetime.histories import Histories, Numbers
from pipelines.models.lifetime.likelihood import NotIdentified, maximise

NAMES = ("r", "alpha", "a", "b")
START = (1.0, 4.0, 1.0, 2.0)

LEAST_SPREAD = 0.05
"""Between the 10th and the 90th percentile of P(alive); with less, the model calls nearly everybody as alive as
everybody else, and says nothing of who has left. CDNOW has 0.67; dense grocery baskets have 0.01."""


@dataclass(frozen=True, slots=True)
class BGNBD:
    """A fitted model. Times are in the unit of the histories."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    @classmethod
    def fit(cls, histories: Histories) -> Self:
        """The model that makes the histories most likely. Raises NotIdentified, ModelError."""
        found = maximise(lambda parameters: _log_likelihoods(parameters, histories), NAMES, START)
        r, alpha, a, b = found.parameters
        return cls(r, alpha, a, b, found.log_likelihood)

    def p_alive(self, histories: Histories) -> Numbers:
        """Each customer's probability of not having left for good; 1 for those without a repeat purchase."""
        return 1.0 / (1.0 + self._odds_of_having_left(histories))

    def expected_purchases(self, histories: Histories, horizon: float) -> Numbers:
        """How often each customer is expected to buy within ``horizon`` after the observed time: equation (10)."""
        hyp2f1 = needed("scipy.special").hyp2f1
        x, end = histories.frequency, self.alpha + histories.age
        series = hyp2f1(self.r + x, self.b + x, self.a + self.b + x - 1, horizon / (end + horizon))
        unlost = 1.0 - (end / (end + horizon)) ** (self.r + x) * series
        return np.asarray(
            (self.a + self.b + x - 1) / (self.a - 1) * unlost / (1.0 + self._odds_of_having_left(histories)),
            dtype=np.float64,
        )

    def check(self, histories: Histories) -> None:
        """Raises NotIdentified when the model cannot tell the living from the gone."""
        low, high = np.quantile(self.p_alive(histories), (0.1, 0.9))
        if high - low < LEAST_SPREAD:
            raise NotIdentified(
                f"P(alive) has no spread: it lies between {low:.3f} and {high:.3f} for eight of ten customers, "
                "so it does not tell who has left"
            )

    def _odds_of_having_left(self, histories: Histories) -> Numbers:
        x = histories.frequency
        silent = (self.alpha + histories.age) / (self.alpha + histories.recency)
        odds = self.a / (self.b + np.maximum(x, 1) - 1) * silent ** (self.r + x)
        return np.where(x > 0, odds, 0.0)


def same_rate(histories: Histories, horizon: float) -> Numbers:
    """What needs no model: everybody buys as often as so far. The baseline that the model has to beat."""
    known = histories.age > 0
    return np.where(known, histories.frequency / np.where(known, histories.age, 1.0) * horizon, 0.0)


def _log_likelihoods(parameters: Numbers, histories: Histories) -> Numbers:
    """Equation (6), one number a customer."""
    special = needed("scipy.special")
    r, alpha, a, b = parameters
    x = histories.frequency
    buying = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    staying = special.betaln(a, b + x) - special.betaln(a, b) - (r + x) * np.log(alpha + histories.age)
    leaving = np.where(
        x > 0,
        special.betaln(a + 1, b + np.maximum(x, 1) - 1)
        - special.betaln(a, b)
        - (r + x) * np.log(alpha + histories.recency),
        -np.inf,
    )
    return np.asarray(buying + np.logaddexp(staying, leaving), dtype=np.float64)
