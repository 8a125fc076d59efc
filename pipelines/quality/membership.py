"""Who was in a segment on which day: as it was computed, else as today's definition would have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from pipelines.engine import Members
from pipelines.quality.durable import BACK
from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment
from pipelines.warehouse import DuckDBEngine, evidence

LONGEST = 31
"""Consecutive days over which turnover is measured."""

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


class Membership:
    """People of segments by day, on an open engine; every answer is found once."""

    def __init__(self, engine: DuckDBEngine, *, replay: bool) -> None:
        """``replay``: days that were not computed are run now where their features are there."""
        self._engine = engine
        self._replay = replay
        self._found: dict[tuple[str, date], frozenset[int] | None] = {}
        self._with_features = engine.ask(evidence.feature_days)

    def on(self, segment: Segment, day: date, *, replay: bool | None = None) -> frozenset[int] | None:
        """The people of one day, None where it is not known."""
        return self.of(segment, [day], replay=replay)[day]

    def of(
        self, segment: Segment, days: Iterable[date], *, replay: bool | None = None
    ) -> Mapping[date, frozenset[int] | None]:
        """The people of days. A replay that fails is a day that is not known."""
        wanted = list(days)
        new = [day for day in wanted if (segment.name, day) not in self._found]
        computed = self._engine.ask(lambda cursor: evidence.members(cursor, segment.name, new))
        allowed = self._replay if replay is None else replay
        for day in new:
            people = computed.get(day)
            if people is None and allowed and day in self._with_features:
                people = self._run(segment, day)
            if people is not None or allowed:
                self._found[segment.name, day] = people
        return {day: self._found.get((segment.name, day)) for day in wanted}

    def table(self, segment: Segment, day: date) -> pa.Table:
        """The people of a computed day, with ``person_no``; raises EngineError when it was not computed."""
        return self._engine.export(Members(segment.name, day)).read_all()

    def life(
        self, segment: Segment, day: date
    ) -> tuple[list[tuple[date, frozenset[int]]], dict[int, frozenset[int]]]:
        """The consecutive known days up to one, oldest first, and the people so many days back, where known."""
        back = {days: day - timedelta(days=days) for days in BACK}
        known = self.of(segment, {day - timedelta(days=n) for n in range(LONGEST)} | set(back.values()))
        run: list[tuple[date, frozenset[int]]] = []
        while len(run) < LONGEST and (people := known.get(day - timedelta(days=len(run)))) is not None:
            run.append((day - timedelta(days=len(run)), people))
        earlier = {days: people for days, at in back.items() if (people := known[at]) is not None}
        return run[::-1], earlier

    def _run(self, segment: Segment, day: date) -> frozenset[int] | None:
        try:
            return frozenset(self._engine.measure(segment, day).people.column("person_no").to_pylist())
        except SegmentError:
            return None
