"""Customers as the lifetime models see them: how often, how long ago, since when, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
"""One number a customer."""

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """Purchase histories up to the end of a day, as arrays of one length; times are in weeks.

    Fader, Hardie and Lee, Marketing Science 24(2), 2005, need no more of a customer than the first three numbers.
    """

    person_no: NDArray[np.int64]
    frequency: Numbers
    """Repeat purchases: days with a purchase, but for the first."""
    recency: Numbers
    """From the first purchase to the last."""
    age: Numbers
    """From the first purchase to the end of the observed time; the papers' T."""
    monetary: Numbers
    """Mean spend on a day of a repeat purchase; 0 without one."""

    @property
    def spenders(self) -> NDArray[np.bool_]:
        """Those of whom it can be told how much they spend: a repeat purchase that cost something."""
        return (self.frequency > 0) & (self.monetary > 0)

    @property
    def spend_correlation(self) -> float:
        """Correlation of frequency and mean spend, which the Gamma-Gamma model takes to be none."""
        rows = self.spenders
        return float(np.corrcoef(self.frequency[rows], self.monetary[rows])[0, 1])


def customer_histories(con: duckdb.DuckDBPyConnection, orders: str, last_day: date) -> Histories:
    """The histories in a relation of ``person_no``, ``ordered_at`` and ``total``, up to the end of ``last_day``.

    ``orders`` is a table's name, or a query in brackets. Nobody who bought nothing by then is in it.
    """
    query = statement().replace("{orders}", orders)
    found = con.execute(query, {"last_day": last_day, "days_per_unit": DAYS_PER_WEEK}).fetchnumpy()
    return Histories(
        np.asarray(found["person_no"], dtype=np.int64),
        *(np.asarray(found[name], dtype=np.float64) for name in ("frequency", "recency", "age", "monetary")),
    )


@cache
def statement() -> str:
    """The query as it stands in its file, with ``{orders}`` for the relation."""
    return (Path(__file__).parent / "histories.sql").read_text(encoding="utf-8")
