"""RFM of a project's orders on a day, and the SQL of its segments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pipelines.names import unknown_name
from pipelines.project import Project
from pipelines.rfm import scoring
from pipelines.rfm.edges import BadEdges, Edges, Mode
from pipelines.rfm.names import NAMES
from pipelines.rfm.scoring import Counted


@dataclass(frozen=True, slots=True)
class Report:
    """Everybody who ordered in the window, by name."""

    as_of: date
    mode: Mode
    days: int | None
    """How far back orders count; None: all."""
    edges: Edges
    counted: tuple[Counted, ...]

    @property
    def people(self) -> int:
        """Everybody who ordered in the window."""
        return sum(one.people for one in self.counted)

    def sql(self, name: str) -> str:
        """The SELECT of a segment with the people of a name, at these edges for good. Raises UnknownName."""
        for known in NAMES:
            if known.lower() == name.lower():
                return scoring.segment_sql(scoring.measures(self.days, self.mode), self.edges, known)
        raise unknown_name("RFM segment", name, NAMES)


def rfm(
    project: Project,
    mode: Mode,
    *,
    as_of: date | None = None,
    days: int | None = 365,
    edges: Edges | None = None,
) -> Report:
    """Score everybody who ordered in the ``days`` that end with ``as_of``, by default the newest day.

    Mode ``fixed`` takes ``edges``; the others find theirs. Raises BadEdges for a mode without what it needs, or
    when nobody ordered, WarehouseMissing.
    """
    if (edges is not None) != (mode == "fixed"):
        raise BadEdges("mode fixed, and no other, needs the edges of recency, orders and revenue")
    day = as_of or project.newest_as_of
    end = datetime.combine(day + timedelta(days=1), time())
    measured = scoring.measures(days, mode)
    with project.warehouse(read_only=True) as con:
        found = edges or scoring.quantile_edges(con, measured, end, mode)
        if found is None:
            raise BadEdges(
                f"nobody ordered in the {days or ''} days up to {day}; name another day with --as-of"
            )
        return Report(day, mode, days, found, tuple(scoring.count(con, measured, found, end)))
