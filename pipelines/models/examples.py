"""What was known of people on a day, and what became of them after it, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from pipelines.duck import quote
from pipelines.models.errors import ModelError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Examples:
    """People of one day or several, a row each, by day and number."""

    people: Integers
    values: Floats
    """A column a feature; NaN where it is not known."""
    outcome: Floats
    """1 where it happened, 0 where it did not; empty where nobody asked."""

    @property
    def positives(self) -> int:
        """To how many it happened."""
        return int(self.outcome.sum())


def read(con: duckdb.DuckDBPyConnection, day: date, features: Sequence[str], population: str) -> Examples:
    """Everybody of a day who meets ``population``, a condition over ``features``. Raises ModelError when not loaded."""
    columns = ", ".join(f"cast({quote(name)} as double) as {quote(name)}" for name in features)
    query = f"""
select
  person_no,
  {columns}
from features
where as_of = $as_of
  and ({population})
order by person_no
"""
    found = _rows(con, query, {"as_of": day})
    people = np.asarray(found.pop("person_no"), dtype=np.int32)
    values = np.column_stack([_known(column) for column in found.values()])
    return Examples(people, values, np.empty(0))


def with_outcome(
    con: duckdb.DuckDBPyConnection, examples: Examples, day: date, event: str, *, horizon: int, absent: bool
) -> Examples:
    """The same people with what became of them in the ``horizon`` days after the day.

    ``event`` is a SELECT of the ``person_no`` to whom it happened from ``$opens`` (midnight after the day) until before
    ``$closes``; with ``absent`` the outcome is that it did not.
    """
    opens = datetime.combine(day + timedelta(days=1), time())
    bounds = {"opens": opens, "closes": opens + timedelta(days=horizon)}
    happened = np.asarray(_rows(con, event, bounds)["person_no"], dtype=np.int32)
    outcome = np.isin(examples.people, happened, invert=absent).astype(np.float64)
    return Examples(examples.people, examples.values, outcome)


def joined(parts: Sequence[Examples]) -> Examples:
    """Several days as one."""
    return Examples(
        np.concatenate([one.people for one in parts]),
        np.vstack([one.values for one in parts]),
        np.concatenate([one.outcome for one in parts]),
    )


def _rows(con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = con.cursor().execute(query, parameters).fetchnumpy()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        missing = str(error).splitlines()[0]
        raise ModelError(
            f"the warehouse lacks what the model reads ({missing}); load the sources first: turnout sources"
        ) from None
    return found


def _known(column: Any) -> Floats:
    """NaN for null."""
    filled: Floats = np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)
    return filled
