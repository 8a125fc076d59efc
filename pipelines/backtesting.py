"""A segment on every past day: its size, who came and left, and how many of those who left were back within a week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.explaining import definition_of
from pipelines.project import Project, Shown, unseen
from pipelines.segments.model import Segment

BACK_WITHIN = timedelta(days=7)
"""Whoever comes back so soon was hardly gone: an audience that flaps costs requests and confuses people."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day, compared with the day before it."""

    as_of: date
    size: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """A segment over a stretch of days, run now by today's definition; nothing of it is kept."""

    segment: str
    days: tuple[Day, ...]
    """In order; the first has nobody who entered or left."""
    flapped: int
    """Departures that were followed by a return within a week."""
    judged: int
    """Departures that a whole week followed: of the others nobody can say yet."""
    jaccard: float
    """People on the first and on the last day over people on either, 0 to 1; 1 where there is nobody."""

    @property
    def mean_size(self) -> float:
        """People, on average."""
        return sum(day.size for day in self.days) / len(self.days)

    @property
    def changes(self) -> int:
        """Everybody who entered or left, each time."""
        return sum(day.entered + day.left for day in self.days)

    @property
    def turnover(self) -> float:
        """Changes a day as a share of the mean size, 0 where there is nobody."""
        days = len(self.days) - 1
        return self.changes / days / self.mean_size if days and self.mean_size else 0.0

    @property
    def flap(self) -> float:
        """Share of the departures that were followed by a return within a week, 0 without any."""
        return self.flapped / self.judged if self.judged else 0.0


def backtest(project: Project, segment: str, first: date, last: date, show: Shown = unseen) -> Backtest:
    """Replay a segment for every day from ``first`` to ``last``. Features of days that lack them are built, and stay.

    Raises UnknownName, SegmentError, WarehouseMissing; ValueError for a stretch of less than two days.
    """
    if last <= first:
        raise ValueError("a backtest needs two days at the least")
    definition = definition_of(project, segment)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return replayed(segment, days, _members(project, definition, days, show))


def _members(
    project: Project, definition: Segment, wanted: Sequence[date], show: Shown
) -> Iterator[frozenset[int]]:
    for number, day in enumerate(wanted):
        show("building features", number, len(wanted))
        project.need_features(day)
    show("building features", len(wanted), len(wanted))
    _need_scores(project, definition, wanted)
    with project.engine(read_only=True) as engine, engine.snapshot():
        for number, day in enumerate(wanted):
            show("replaying", number, len(wanted))
            yield frozenset(engine.measure(definition, day).people.column("person_no").to_pylist())
        show("replaying", len(wanted), len(wanted))


def _need_scores(project: Project, definition: Segment, wanted: Sequence[date]) -> None:
    """Days before the model was trained are scored in hindsight; raises ModelError where no version is in force."""
    for day in wanted:
        for error in project.models.score(day, project.models.read([definition])).faults.values():
            raise error


def replayed(segment: str, days: Sequence[date], members: Iterable[frozenset[int]]) -> Backtest:
    """What days with these members add up to."""
    found: list[Day] = []
    gone: dict[int, date] = {}
    judged_until = days[-1] - BACK_WITHIN
    flapped = judged = 0
    first: frozenset[int] | None = None
    before: frozenset[int] = frozenset()
    for day, now in zip(days, members, strict=True):
        if first is None:
            first, before = now, now
        entered, left = now - before, before - now
        flapped += sum(
            person in gone and gone[person] <= judged_until and day - gone[person] <= BACK_WITHIN
            for person in entered
        )
        judged += len(left) if day <= judged_until else 0
        gone |= dict.fromkeys(left, day)
        found.append(Day(day, len(now), len(entered), len(left)))
        before = now
    either = len((first or frozenset()) | before)
    both = len((first or frozenset()) & before)
    return Backtest(segment, tuple(found), flapped, judged, both / either if either else 1.0)
