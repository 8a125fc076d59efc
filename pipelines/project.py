"""A Turnout project: everything the settings point at, and what one does with it.

The command line and the Dagster assets call these same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import duckdb

from connectors.base import Connector
from connectors.registry import load
from pipelines import dynamic
from pipelines.deliveries import Deliveries
from pipelines.duck import open_duckdb
from pipelines.engine import WarehouseMissing
from pipelines.modelling import Modelling
from pipelines.models.reading import with_models
from pipelines.models.scores import forget_day
from pipelines.names import unknown_name
from pipelines.policies.policing import Policing
from pipelines.reactions import Reactions
from pipelines.record import Record
from pipelines.segments.catalog import Catalog
from pipelines.segments.drift import refuse_unseen
from pipelines.segments.errors import SegmentError
from pipelines.segments.excluding import excluded_of, refuse_unknown_exclusions
from pipelines.segments.load import BrokenSegment, load_segments
from pipelines.segments.looking_back import days_behind
from pipelines.segments.model import Segment, Sync
from pipelines.segments.own_rows import refuse_others
from pipelines.segments.run import Computed, Failed, Outcome, compute
from pipelines.settings import Settings
from pipelines.sources import features, load_all
from pipelines.sources.catalog import catalog
from pipelines.sources.checks import DataCheck, run_checks
from pipelines.sources.declaration import read_sources
from pipelines.sources.model import LoadReport, Source
from pipelines.sources.origins import failed_sources, missing_for
from pipelines.sources.people import PeopleReport, build_people
from pipelines.sources.pulled import read_pulled
from pipelines.sources.tombstones import Tombstones, read_tombstones
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.history import newest_day

Shown = Callable[[str, int, int], None]
"""Progress: what is being done, how many of it are done, how many there are."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought in. ``people`` is None when they could not be brought up to date; ``error`` says why."""

    reports: tuple[LoadReport, ...]
    as_of: date
    people: int | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every source, the people and the features are up to date."""
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        """A sentence for everything that is not up to date."""
        found = [report.error for report in self.reports if report.error is not None]
        return [*found, *([self.error] if self.error else [])]


def unseen(what: str, done: int, total: int) -> None:
    """No progress shown."""


class Project:
    """Sources, segments and destinations as configured; opening nothing until it is asked to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    # --- definitions -----------------------------------------------------------------------------------

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The declared sources; raises SourceError with file and line."""
        return read_sources(self.settings.sources_file)

    @cached_property
    def catalog(self) -> Catalog:
        """What segments may read."""
        return catalog(self.sources)

    @cached_property
    def connector_types(self) -> Mapping[str, type[Connector]]:
        """Destination to connector class; needs no credentials."""
        return {name: load(connector) for name, connector in sorted(self.settings.destinations.items())}

    @cached_property
    def definitions(self) -> tuple[Segment | BrokenSegment, ...]:
        """Every segment file, the broken ones with their error."""
        options = {name: kind.options_type for name, kind in self.connector_types.items()}
        loaded = load_segments(self.settings.segment_folder, self.catalog, options)
        whole = [with_models(refuse_unseen(one, self.connector_types)) for one in loaded]
        known = {one.name: one for one in whole}
        policed = {one.name: self.policing.policed(one, excluded_of(one, known)) for one in whole}
        sure = (refuse_unknown_exclusions(one, policed) for one in policed.values())
        return tuple(refuse_others(one, self.catalog) for one in sure)

    @cached_property
    def policing(self) -> Policing:
        """The policy profiles, and what they make of segments."""
        return Policing(self.settings.policy_profile, self.catalog)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Segments that can be computed."""
        return tuple(d for d in self.definitions if isinstance(d, Segment))

    @property
    def broken(self) -> tuple[BrokenSegment, ...]:
        """Segment files with a mistake."""
        return tuple(d for d in self.definitions if isinstance(d, BrokenSegment))

    def audiences(self, destination: str) -> list[tuple[Segment, Sync]]:
        """The segments that sync to a destination, by name."""
        return [(s, sync) for s in self.segments for sync in s.syncs if sync.destination == destination]

    @cached_property
    def record(self) -> Record:
        """What became of earlier pushes."""
        return Record(self.settings.state_dir)

    @cached_property
    def reactions(self) -> Reactions:
        """What became of earlier micro-batches."""
        return Reactions(self.settings.home)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Planning and pushing what the segments want."""
        return Deliveries(self)

    @cached_property
    def models(self) -> Modelling:
        """Training, choosing and scoring."""
        return Modelling(self)

    # --- loading and computing ---------------------------------------------------------------------------

    @property
    def newest_as_of(self) -> date:
        """The last whole day: yesterday."""
        return self.settings.current_day - timedelta(days=1)

    @property
    def tombstones(self) -> Tombstones | None:
        """Of erased people, whom no load may bring back."""
        return read_tombstones(self.settings.state_dir)

    @contextmanager
    def warehouse(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse for loading, or to look something up.

        Raises StoreBusy naming the process that has it, WarehouseMissing when there is nothing to look up.
        """
        if read_only and not self.settings.warehouse_path.exists():
            raise WarehouseMissing("there is no warehouse yet; load the sources first: turnout sources")
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = open_duckdb(
            self.settings.warehouse_path,
            read_only=read_only,
            wait_seconds=self.settings.lock_wait_seconds,
            config=self.duckdb_config,
        )
        self.settings.warehouse_path.chmod(0o600)
        try:
            connection.execute("set TimeZone = ?", [self.settings.timezone])
            yield connection
        finally:
            connection.close()

    @property
    def duckdb_config(self) -> dict[str, str]:
        """Bounds for every DuckDB of ours."""
        threads = {"threads": str(self.settings.threads)} if self.settings.threads else {}
        return {"memory_limit": self.settings.memory_limit, **threads}

    def load(self, as_of: date | None = None, show: Shown = unseen) -> Loaded:
        """Load every source and the people in them, then build the features of a day, by default the newest."""
        day = as_of or self.newest_as_of

        def shown(step: load_all.Progress) -> None:
            show("loading sources", step.number - (step.report is None), step.of)

        with self.warehouse() as con:
            loaded = load_all.load_all(
                con,
                self.sources,
                self.settings.current_day,
                shown,
                tombstones=self.tombstones,
                pulled=read_pulled(self.settings.state_dir),
            )
        people, _ = self.build_features(day)
        return Loaded(loaded.reports, day, people)

    def load_sources(self, names: Sequence[str] | None = None) -> tuple[load_all.Loaded, list[DataCheck]]:
        """Load sources, by default all, then people from what is in force, and answer the data checks.

        Builds no features. A source that failed says so in its report. Raises StoreBusy, StoreDamaged.
        """
        with self.warehouse() as con:
            loaded = load_all.load_all(
                con,
                self.sources,
                self.settings.current_day,
                only=names,
                tombstones=self.tombstones,
                pulled=read_pulled(self.settings.state_dir),
            )
            return loaded, run_checks(con)

    def build_people(self) -> PeopleReport:
        """Bring people up to date from what is loaded and pulled, reading no source. Raises StoreBusy, PulledError."""
        with self.warehouse() as con:
            return build_people(
                con,
                self.sources,
                self.settings.current_day,
                self.tombstones,
                read_pulled(self.settings.state_dir),
            )

    def build_features(self, as_of: date) -> tuple[int, list[DataCheck]]:
        """Build the features of a day anew; returns how many people they describe, and the checks of the table."""
        with self.warehouse() as con:
            report = features.build_features(con, self.sources, as_of, days_kept=self.settings.days_kept)
            forget_day(con, as_of)
            return report.people, run_checks(con, ["features"])

    @contextmanager
    def engine(self, *, read_only: bool) -> Iterator[DuckDBEngine]:
        """The warehouse for segments and delivery."""
        opened = DuckDBEngine.from_settings(self.settings, self.catalog, read_only=read_only)
        try:
            yield opened
        finally:
            opened.close()

    def compute(
        self, as_of: date | None = None, names: Sequence[str] | None = None, show: Shown = unseen
    ) -> list[Computed | Failed]:
        """Compute segments for a day, by default the newest loaded one; features and scores are made where missing.

        One that fails never stops its neighbours; broken files fail with their error.
        """
        chosen = self.definitions if names is None else tuple(self.definition(name) for name in names)
        day = as_of or self.newest_loaded() or self.newest_as_of
        chosen = self._without_sources(chosen, day)
        self.need_features(day)
        self.need_past([one for one in chosen if isinstance(one, Segment)], day, show)
        chosen = self.models.with_scores(chosen, day)
        done = 0

        def counted(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            show("computing segments", done, len(chosen))

        with self.engine(read_only=False) as warehouse:
            outcomes = compute(warehouse, chosen, day, counted)
            moved_on = day >= self.newest_as_of and any(
                one.mode == "dynamic" and (warehouse.latest(one.name) or day) > day for one in self.segments
            )
        if moved_on:
            dynamic.catch_up_after_load(self)
        return outcomes

    def newest_loaded(self) -> date | None:
        """The newest day that has features, None when there are none. Raises WarehouseMissing."""
        with self.engine(read_only=True) as warehouse:
            return warehouse.newest_day()

    def need_features(self, day: date) -> None:
        """Build the features of a day that has none."""
        with self.warehouse(read_only=True) as con:
            present = features.has_day(con, day)
        if not present:
            self.build_features(day)

    def need_past(self, segments: Iterable[Segment], day: date, show: Shown = unseen) -> None:
        """Build the features of the other days that decide about any of the segments on a day."""
        for segment in segments:
            for base, earlier in days_behind(segment, day):
                if base != day:
                    self.need_features(base)
                self.need_days(earlier, show)

    def need_days(self, wanted: Sequence[date], show: Shown = unseen) -> None:
        """Build the features of those of these days, in order, that have none.

        The last is built first: where a day has nobody, the days before it have nobody either. None of them is
        forgotten while they are needed together, however many days are kept.
        """
        if not wanted:
            return
        with self.warehouse(read_only=True) as con:
            missing = [day for day in reversed(wanted) if not features.has_day(con, day)]
        if not missing:
            return
        with self.warehouse() as con:
            newest = max(newest_day(con) or wanted[-1], wanted[-1])
            kept = max(self.settings.days_kept, (newest - wanted[0]).days + 1)
            for number, day in enumerate(missing):
                show("building features", number, len(missing))
                if not features.build_features(con, self.sources, day, days_kept=kept).people:
                    break
        show("building features", len(missing), len(missing))

    def _without_sources(
        self, chosen: Sequence[Segment | BrokenSegment], day: date
    ) -> tuple[Segment | BrokenSegment, ...]:
        """The newest day is not computed from a source that did not come; earlier days were whole before."""
        failed = self.failed_sources() if day >= self.newest_as_of else {}
        return tuple(_unless_missing(one, self.sources, failed) for one in chosen)

    def failed_sources(self) -> dict[str, str]:
        """Sources whose newest load failed, with what was wrong; empty before the first load."""
        if not self.settings.warehouse_path.exists():
            return {}
        with self.warehouse(read_only=True) as con:
            return failed_sources(con)

    def definition(self, name: str) -> Segment | BrokenSegment:
        """A segment, or its broken file, by name; raises UnknownName."""
        for definition in self.definitions:
            if definition.name == name:
                return definition
        raise unknown_name("segment", name, [d.name for d in self.definitions])


def _unless_missing(
    definition: Segment | BrokenSegment, sources: Sequence[Source], failed: Mapping[str, str]
) -> Segment | BrokenSegment:
    """The segment, or its failure when a source that it rests on did not come."""
    if isinstance(definition, BrokenSegment) or not failed:
        return definition
    missing = missing_for(definition, sources, failed)
    if not missing:
        return definition
    error = SegmentError(
        definition.path,
        f"its source {' and '.join(missing)} could not be loaded ({failed[missing[0]]})",
        fix="repair the source, load it again, then compute the segment",
    )
    return BrokenSegment(definition.name, definition.path, error)
