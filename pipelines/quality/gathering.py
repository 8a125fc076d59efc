"""Finding out what is known of segments as of a day: each question asked once, whatever the number of segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from pipelines.engine import Members
from pipelines.insight.backtesting import replayed
from pipelines.insight.looking import Preview
from pipelines.insight.reaching import Reach, reaches
from pipelines.project import Project
from pipelines.quality import focused, measurable, sets, substantial
from pipelines.quality.evidence import (
    DataState,
    Evidence,
    Granularity,
    Life,
    Outcome,
    Splitting,
    Unknown,
    Widening,
)
from pipelines.quality.membership import Membership
from pipelines.quality.metrics import Metric, known_metrics, metric_of
from pipelines.quality.splitting import best_split
from pipelines.segments.attributes import type_of
from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment
from pipelines.sources import features
from pipelines.sources.checks import DataCheck, answer_general
from pipelines.sources.origins import contracts_behind, features_named, missing_for
from pipelines.warehouse import DuckDBEngine, evidence
from pipelines.warehouse.sizing import Overlap, Sized

COMPLETE = 0.5
"""Share of the people of whom a feature should be known that a segment goes by."""
ALWAYS_READ = frozenset({"people", "features"})
"""Tables behind every segment."""


@contextmanager
def inspection(project: Project, as_of: date | None = None, *, replay: bool = False) -> Iterator[Inspection]:
    """An inspection of a project's segments as of a day, by default the newest. Raises WarehouseMissing, StoreBusy."""
    failed = project.failed_sources()
    with project.engine(read_only=True) as engine, engine.snapshot():
        day = as_of or engine.newest_day() or project.newest_as_of
        yield Inspection(project, engine, day, failed, replay=replay)


class Inspection:
    """A project's segments as of a day, on an open engine."""

    def __init__(
        self, project: Project, engine: DuckDBEngine, day: date, failed: Mapping[str, str], *, replay: bool
    ) -> None:
        self.project = project
        self.day = day
        self.membership = Membership(engine, replay=replay)
        self.engine = engine
        self.names = frozenset(engine.ask(lambda cursor: evidence.computed(cursor, day)))
        """The segments that were computed for the day."""
        self._failed = failed
        self._values: dict[tuple[str, date], pa.Table] = {}
        self._opened: dict[str, Mapping[str, str]] = {}
        self._checks: list[DataCheck] | None = None
        self._granularity: Granularity | None = None
        self.numeric = tuple(
            name
            for name, column in project.catalog["features"].columns.items()
            if name not in ("as_of", "person_no") and type_of(column) == "number"
        )

    # --- of one segment ------------------------------------------------------------------------------------

    def measured(self, segments: Sequence[Segment]) -> list[Evidence]:
        """Everything about segments, run now by their definitions. Raises SegmentError."""
        sized = {one.name: self.engine.measure(one, self.day) for one in segments}
        reach = self._reach(segments, {name: one.people for name, one in sized.items()})
        return [self._evidence(one, sized[one.name], reach[one.name]) for one in segments]

    def computed(self, segments: Sequence[Segment]) -> list[Evidence]:
        """What is cheap to know of segments that were computed for the day: the night's checks.

        Without conditions and the goal's metric, sets, granularity, widening and splits.
        """
        people = {one.name: self.engine.export(Members(one.name, self.day)).read_all() for one in segments}
        reach = self._reach(segments, people)
        sized = self._sized(segments, people)
        return [
            Evidence(
                one,
                Preview(one.name, self.day, sized[one.name], reach[one.name]),
                self.project.settings.current_day,
                life=self.life(one),
                data=self.data(one),
                sizes=self.sizes(one),
            )
            for one in segments
        ]

    def _evidence(self, segment: Segment, sized: Sized, reach: tuple[Reach, ...]) -> Evidence:
        found = Evidence(
            segment,
            Preview(segment.name, self.day, sized, reach),
            self.project.settings.current_day,
            life=self.life(segment),
            outcome=self.outcome(segment),
            together=sets.together(self, segment),
            granularity=self.granularity(),
            widening=self.widening(segment, sized.size),
            data=self.data(segment),
            sizes=self.sizes(segment),
            activated={sync.destination: self.is_opened(sync.destination, segment) for sync in segment.syncs},
            known_metrics=known_metrics(self.numeric),
        )
        if any(focused.breadth_doubts(found)) and not isinstance(found.outcome, Unknown):
            return replace(found, splitting=self._splitting(found.outcome))
        return found

    def _reach(
        self, segments: Sequence[Segment], people: Mapping[str, pa.Table]
    ) -> dict[str, tuple[Reach, ...]]:
        wanted = [(sync, one.name, people[one.name]) for one in segments for sync in one.syncs]
        reached = reaches(self.project, self.engine, wanted, self.day)
        found = {(name, one.destination): one for name, one in reached}
        return {one.name: tuple(found[one.name, sync.destination] for sync in one.syncs) for one in segments}

    def _sized(self, segments: Sequence[Segment], people: Mapping[str, pa.Table]) -> dict[str, Sized]:
        names = sorted(self.names)
        shared = self.engine.ask(lambda cursor: evidence.shared(cursor, self.day, names))
        universe = {one.name: self.engine.profile(one.name, self.day) for one in segments}
        found = {}
        for one in segments:
            profile, size = universe[one.name], people[one.name].num_rows
            overlaps = [
                Overlap(
                    other, shared[other, other], both, round(both / (size + shared[other, other] - both), 4)
                )
                for other in names
                if other != one.name and (both := shared.get((one.name, other), 0))
            ]
            found[one.name] = Sized(
                people[one.name],
                profile.universe if profile else 0,
                (),
                None,
                tuple(sorted(overlaps, key=lambda each: (-each.jaccard, each.segment))),
            )
        return found

    def sizes(self, segment: Segment) -> tuple[tuple[date, int], ...]:
        """Sizes of the computed days up to this one."""
        return tuple(self.engine.ask(lambda cursor: evidence.sizes(cursor, segment.name, self.day)))

    def life(self, segment: Segment) -> Life | Unknown:
        """How its people changed up to the day."""
        run, earlier = self.membership.life(segment, self.day)
        if not run:
            return Unknown(f"it was not computed for {self.day}")
        today = run[-1][1]
        jaccard = {days: _jaccard(today, people) for days, people in earlier.items()}
        if len(run) < 2:
            if not jaccard:
                return Unknown(f"no second day is known yet: turnout card {segment.name} --replay 30")
            return Life(jaccard, None, None, 0)
        told = replayed(segment.name, [day for day, _ in run], [people for _, people in run])
        return Life(jaccard, told.turnover, told.flap if told.judged else None, len(run) - 1)

    # --- of its goal ---------------------------------------------------------------------------------------

    def metric(self, segment: Segment) -> Metric | None:
        """The goal's metric, None for one that cannot be computed."""
        return metric_of(segment.goal.metric, self.numeric)

    def outcome(self, segment: Segment) -> Outcome | Unknown:
        """The goal metric in the window that ends with the day, for the people of the day before it began."""
        metric = self.metric(segment)
        if metric is None:
            return Unknown(f"its goal metric {segment.goal.metric} cannot be computed from what is loaded")
        day = self.day - timedelta(days=metric.days)
        people = self.membership.on(segment, day, replay=True)
        if people is None:
            return Unknown(
                f"no second window yet: the features of {day}, {metric.days} days before, are not there "
                f"(turnout sources --as-of {day})"
            )
        table = self.outcomes(metric, day)
        numbers = table.column("person_no").to_numpy()
        member = np.isin(numbers, np.fromiter(people, dtype=np.int64, count=len(people)))
        return Outcome(metric, day, evidence.as_numbers(table, "value"), member)

    def outcomes(self, metric: Metric, day: date) -> pa.Table:
        """``person_no`` and ``value`` of everybody known on a day: a metric in the window after it."""
        if (metric.name, day) not in self._values:
            sql = metric.sql
            self._values[metric.name, day] = self.engine.ask(
                lambda cursor: (
                    evidence.later_feature(cursor, day, day + timedelta(days=metric.days), metric.name)
                    if sql is None
                    else evidence.outcomes(cursor, day, metric.days, sql)
                )
            )
        return self._values[metric.name, day]

    def _splitting(self, outcome: Outcome) -> Splitting | Unknown:
        columns = self.engine.ask(lambda cursor: evidence.numbers(cursor, outcome.day, self.numeric))
        chosen = outcome.member & ~np.isnan(outcome.values)
        split = best_split(outcome.values[chosen], {name: columns[name][chosen] for name in self.numeric})
        return split or Unknown("no feature splits it")

    # --- of the whole --------------------------------------------------------------------------------------

    def granularity(self) -> Granularity:
        """All active segments beside what can be treated and tested."""
        if self._granularity is None:
            active = [one for one in self.project.segments if one.syncs]
            outcomes = [found for one in active if not isinstance(found := self.outcome(one), Unknown)]
            needed = [people for one in outcomes if (people := measurable.people_needed(one)) is not None]
            universe = self.engine.ask(lambda cursor: evidence.in_no_segment(cursor, self.day, ()))[1]
            self._granularity = Granularity(
                len(active), len({one.treatment for one in active}), sum(needed), len(needed), universe
            )
        return self._granularity

    def is_opened(self, destination: str, segment: Segment) -> bool:
        """Whether the segment, under its name or its old one, ever had an audience at a destination."""
        if destination not in self._opened:
            self._opened[destination] = self.project.record.opened_audiences(destination)
        return bool({segment.name, segment.formerly} & self._opened[destination].keys())

    def widening(self, segment: Segment, size: int) -> Widening | Unknown:
        """The nearest other bound with which a segment that is too small would be large enough."""
        least = substantial.least_of(segment)
        if size >= least:
            return Unknown("it is large enough")
        try:
            tuned = self.engine.tune(segment, self.day)
        except SegmentError:
            tuned = ()
        wide = [
            Widening(f"{one.column} {one.sign} {option.bound:g}", option.size)
            for one in tuned
            for option in one.options
            if option.size >= least
        ]
        return min(wide, key=lambda one: (one.size, one.says), default=Unknown("no single bound makes it so"))

    def data(self, segment: Segment) -> DataState:
        """The state of the sources, tables and columns that a segment goes by."""
        tables = contracts_behind(segment) | ALWAYS_READ
        failed = missing_for(segment, self.project.sources, self._failed)
        wrong = [one for one in self._data_checks() if not one.passed and one.table in tables]
        return DataState(
            tuple(f"its source {name} could not be loaded ({self._failed[name]})" for name in failed),
            tuple(_said(one) for one in wrong if one.severity == "error"),
            (*(_said(one) for one in wrong if one.severity == "warning"), *self._incomplete(segment)),
        )

    def _incomplete(self, segment: Segment) -> Iterable[str]:
        told = features.definitions()
        names = [name for name in sorted(features_named(segment)) if "unknown" in told.get(name, "")]
        names = [name for name in names if "open" not in told[name]]
        shares = self.engine.ask(lambda cursor: evidence.known_shares(cursor, self.day, names))
        return [
            f"{name} is known for {share:.0%} of everybody"
            for name, share in shares.items()
            if share < COMPLETE
        ]

    def _data_checks(self) -> list[DataCheck]:
        if self._checks is None:
            midnight = datetime.combine(self.project.settings.current_day + timedelta(days=1), time())
            self._checks = self.engine.ask(lambda cursor: answer_general(cursor, midnight))
        return self._checks


def _said(check: DataCheck) -> str:
    return f"{check.table}: {check.name} does not hold ({check.figure:g})"


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return _ratio(len(one & other), len(one | other)) if one or other else 1.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
