"""A segment on every past day: its size, who came and left, and how many of those who left were back within a week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pipelines.insight.explaining import definition_of
from pipelines.project import Project, Shown, unseen
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.model import Segment
from pipelines.warehouse.replaying import days_needed

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
    by_rule: float = 1.0
    """Share of its members, over all days, whom its SQL gave on that very day: the others are in by entry and exit
    rules. 0 to 1; 1 where there is nobody."""
    tried: tuple[Tried, ...] = ()
    """The same segment under other rules."""

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


@dataclass(frozen=True, slots=True)
class Tried:
    """What a segment would have been under other entry and exit rules."""

    rules: EntryExit | None
    """None: by its SQL alone."""
    backtest: Backtest


def backtest(
    project: Project,
    segment: str,
    first: date,
    last: date,
    show: Shown = unseen,
    *,
    trials: Sequence[EntryExit] = (),
) -> Backtest:
    """Replay a segment for every day from ``first`` to ``last``, and under each of ``trials`` in place of its rules.

    Features of days that lack them are built, and stay. With rules of its own it is tried without them as well.
    Raises UnknownName, SegmentError, WarehouseMissing; ValueError for a stretch of less than two days.
    """
    if last <= first:
        raise ValueError("a backtest needs two days at the least")
    definition = definition_of(project, segment)
    own = definition.entry_exit
    others: list[EntryExit | None] = [*([None] if own is not None else []), *trials]
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    wanted = days_needed(definition, first, last, [own, *others])
    project.need_days(wanted, show)
    _need_scores(project, definition, wanted)
    counts = [Count(segment, days) for _ in (own, *others)]
    with project.engine(read_only=True) as engine, engine.snapshot():
        for number, (day, people) in enumerate(
            zip(days, engine.replay(definition, days, [own, *others]), strict=True)
        ):
            show("replaying", number, len(days))
            for count, members in zip(counts, people.members, strict=True):
                count.add(day, members, people.by_rule)
    show("replaying", len(days), len(days))
    itself, *found = (count.result() for count in counts)
    return replace(itself, tried=tuple(map(Tried, others, found)))


class Count:
    """Adds up one day after another; holds the people of one day, and those who left."""

    def __init__(self, segment: str, days: Sequence[date]) -> None:
        self._segment = segment
        self._days: list[Day] = []
        self._judged_until = days[-1] - BACK_WITHIN
        self._first: frozenset[int] | None = None
        self._before: frozenset[int] = frozenset()
        self._gone: dict[int, date] = {}
        self._flapped = self._judged = self._by_rule = 0

    def add(self, day: date, now: frozenset[int], by_rule: frozenset[int]) -> None:
        """The next day: its members, and those of them and others whom the SQL gave."""
        if self._first is None:
            self._first, self._before = now, now
        entered, left = now - self._before, self._before - now
        self._flapped += sum(self._is_back(person, day) for person in entered)
        self._judged += len(left) if day <= self._judged_until else 0
        self._by_rule += len(now & by_rule)
        self._gone |= dict.fromkeys(left, day)
        self._days.append(Day(day, len(now), len(entered), len(left)))
        self._before = now

    def _is_back(self, person: int, day: date) -> bool:
        left = self._gone.get(person)
        return left is not None and left <= self._judged_until and day - left <= BACK_WITHIN

    def result(self) -> Backtest:
        """What the days add up to."""
        first = self._first or frozenset()
        either, both = len(first | self._before), len(first & self._before)
        people = sum(day.size for day in self._days)
        return Backtest(
            self._segment,
            tuple(self._days),
            self._flapped,
            self._judged,
            both / either if either else 1.0,
            self._by_rule / people if people else 1.0,
        )


def _need_scores(project: Project, definition: Segment, wanted: Sequence[date]) -> None:
    """Days before the model was trained are scored in hindsight; raises ModelError where no version is in force."""
    for day in wanted:
        for error in project.models.score(day, project.models.read([definition])).faults.values():
            raise error


def replayed(segment: str, days: Sequence[date], members: Iterable[frozenset[int]]) -> Backtest:
    """What days with these members add up to."""
    count = Count(segment, days)
    for day, now in zip(days, members, strict=True):
        count.add(day, now, now)
    return count.result()
