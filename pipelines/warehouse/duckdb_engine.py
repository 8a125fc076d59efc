"""The warehouse in one DuckDB file: who may open it, what leaves it, and where segments are computed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import duckdb
import pyarrow as pa

from pipelines.duck import CONFINED, StoreBusy, StoreDamaged, open_duckdb
from pipelines.engine import (
    AttributeValues,
    EngineError,
    EngineInfo,
    Export,
    HeldOut,
    Members,
    PeopleByNumber,
    PeopleChanged,
    Profile,
    WarehouseBusy,
    WarehouseMissing,
)
from pipelines.segments.catalog import Catalog
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.looking_back import without_damping
from pipelines.segments.model import Segment
from pipelines.settings import Settings
from pipelines.warehouse import exports, freezing, history, identity, live
from pipelines.warehouse.compute import compute_segment, prepare
from pipelines.warehouse.crowding import Crowding, crowding
from pipelines.warehouse.judging import Judged, judge
from pipelines.warehouse.memberships import member_since
from pipelines.warehouse.profiling import FEWEST, Traits, traits
from pipelines.warehouse.recompute import Moved, recompute
from pipelines.warehouse.replaying import People, replay
from pipelines.warehouse.scored import Score, scores_of
from pipelines.warehouse.sizing import Sized, measure
from pipelines.warehouse.together import compute_together
from pipelines.warehouse.tuning import Tuned, tuned

Answer = TypeVar("Answer")

LOAD_FIRST = "load the sources first: turnout sources"


class DuckDBEngine:
    """The embedded engine. Opens its file on first use and may be opened again after ``close``.

    A writing engine shuts every other process out while it is open; reading ones share. The whole instance
    runs without access to files, network or extensions and with its configuration locked, because authors'
    SQL runs in it.
    """

    def __init__(
        self,
        path: Path,
        *,
        catalog: Catalog | None = None,
        read_only: bool = False,
        wait_seconds: float = 60,
        memory_limit: str = "2GB",
        spill_limit: str = "20GB",
        threads: int | None = None,
        timezone: str = "UTC",
        timeout_seconds: float = 300,
        days_kept: int = 400,
        cell_floor: int = FEWEST,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._catalog: Catalog = catalog or {}
        self._wait_seconds = wait_seconds
        self._timezone = timezone
        self._timeout_seconds = timeout_seconds
        self._days_kept = days_kept
        self._cell_floor = cell_floor
        self._config = _confined(memory_limit, spill_limit, threads)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._streams: set[exports.Stream] = set()
        self._writing = threading.RLock()
        self._snapshots = 0

    @classmethod
    def from_settings(cls, settings: Settings, catalog: Catalog, *, read_only: bool = False) -> Self:
        """The engine as the operator has set it up."""
        return cls(
            settings.warehouse_path,
            catalog=catalog,
            read_only=read_only,
            wait_seconds=settings.lock_wait_seconds,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            timezone=settings.timezone,
            timeout_seconds=settings.segment_timeout_seconds,
            days_kept=settings.days_kept,
            cell_floor=settings.cell_floor,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> EngineInfo:
        """Open the warehouse; raises WarehouseBusy or WarehouseMissing with a sentence."""
        with self._cursor() as cursor:
            mark = identity.read(cursor)
        if mark is None:
            raise WarehouseMissing(f"nothing was ever loaded into {self.path}; {LOAD_FIRST}")
        return EngineInfo(name="duckdb", version=duckdb.__version__, location=str(self.path), identity=mark)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One consistent view for everything exported inside the block.

        Nobody can write meanwhile: other processes are kept out by the file's lock, this engine's own
        ``run_segment`` by refusing.
        """
        self._open()
        with self._writing:
            self._snapshots += 1
        try:
            yield
        finally:
            with self._writing:
                self._snapshots -= 1

    def latest(self, segment: str) -> date | None:
        """The newest day on which a segment was computed, None when it never was."""
        with self._cursor() as cursor:
            return history.latest(cursor, segment)

    def newest_day(self) -> date | None:
        """The newest day for which features exist, None when there are none."""
        with self._cursor() as cursor:
            return history.newest_day(cursor)

    def profile(self, segment: str, as_of: date) -> Profile | None:
        """Size and share of a computed segment, None when that day was not computed."""
        with self._cursor() as cursor:
            return history.profile(cursor, segment, as_of)

    def days_of(self, segment: str) -> list[history.ComputedDay]:
        """Every computed day of a segment, the oldest first, with the definition that made it."""
        with self._cursor() as cursor:
            return history.days_of(cursor, segment)

    def export(self, export: Export) -> pa.RecordBatchReader:
        """Stream rows as Arrow in bounded memory; several exports may be read side by side.

        Raises EngineError for an unknown column or a segment that was not computed on that day.
        """
        cursor = self._open().cursor()
        try:
            stream = exports.Stream(cursor, self._query(cursor, export), self._streams.discard)
        except BaseException:
            cursor.close()
            raise
        self._streams.add(stream)
        return pa.RecordBatchReader.from_batches(stream.schema, stream)

    def run_segment(self, segment: Segment, as_of: date) -> Profile:
        """Compute a segment for a day, replacing that day's rows; raises SegmentError.

        Running it again for the same day gives the same rows. Raises EngineError on an engine that was
        opened for reading, or inside a snapshot.
        """
        with self._computing() as cursor:
            profile = compute_segment(
                cursor, segment, as_of, catalog=self._catalog, timeout_seconds=self._timeout_seconds
            )
            history.prune(cursor, [segment.name], keep=as_of, days_kept=self._days_kept)
            return profile

    def run_together(self, segments: Sequence[Segment], as_of: date) -> list[Profile]:
        """Compute in one pass those of the segments that are plain conditions on features, replacing the day's rows.

        The others, and those of a pass that failed, are left for ``run_segment``, which says why. Raises EngineError
        as that does.
        """
        with self._computing() as cursor:
            profiles = list(compute_together(cursor, segments, as_of, timeout_seconds=self._timeout_seconds))
            history.prune(cursor, [one.segment for one in profiles], keep=as_of, days_kept=self._days_kept)
            return profiles

    @contextmanager
    def _computing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that may write segments, and nobody beside it."""
        if self.read_only:
            raise EngineError("this warehouse is open for reading only: no segment can be computed")
        with self._writing, self._cursor() as cursor:
            if self._snapshots:
                raise EngineError("a snapshot of this warehouse is being read: compute segments after it")
            yield cursor

    def recompute(self, segment: Segment, day: date) -> Moved:
        """Bring a dynamic segment up to what is known of the day under way; raises SegmentError."""
        with self._computing() as cursor:
            return recompute(
                cursor, segment, day, catalog=self._catalog, timeout_seconds=self._timeout_seconds
            )

    def settle_touched(self, failed: Sequence[Segment]) -> None:
        """Every dynamic segment but the ``failed`` ones is up to date; those are computed for everybody next."""
        with self._writing, self._cursor() as cursor:
            for segment in failed:
                live.mark_failed(cursor, segment)
            live.settle(cursor)

    def judge(self, segment: Segment, as_of: date, people: Sequence[int]) -> list[Judged]:
        """What the segment says of people on a day, condition by condition; nothing is kept. Raises SegmentError."""
        with self._cursor() as cursor:
            as_of = freezing.day_of(cursor, segment, as_of)
            prepare(cursor, segment, as_of, catalog=self._catalog, timeout_seconds=self._timeout_seconds)
            return judge(cursor, segment, as_of, people, timeout_seconds=self._timeout_seconds)

    def measure(self, segment: Segment, as_of: date) -> Sized:
        """What the segment would hold on a day, and what makes it that size; nothing is kept. Raises SegmentError."""
        with self._cursor() as cursor:
            as_of = freezing.day_of(cursor, segment, as_of)
            others = [name for name in history.computed_on(cursor, as_of) if name != segment.name]
            prepare(cursor, segment, as_of, catalog=self._catalog, timeout_seconds=self._timeout_seconds)
            return measure(cursor, segment, as_of, others, timeout_seconds=self._timeout_seconds)

    def replay(
        self, segment: Segment, days: Sequence[date], rules: Sequence[EntryExit | None]
    ) -> Iterator[People]:
        """Who was in the segment on days that follow one another, under each of the rules. Raises SegmentError."""
        with self._cursor() as cursor:
            yield from replay(
                cursor, segment, days, rules, catalog=self._catalog, timeout_seconds=self._timeout_seconds
            )

    def traits(self, segment: Segment, as_of: date) -> Traits:
        """How its people differ from its universe on a day; nothing is kept. Raises SegmentError."""
        with self._cursor() as cursor:
            as_of = freezing.day_of(cursor, segment, as_of)
            prepare(cursor, segment, as_of, catalog=self._catalog, timeout_seconds=self._timeout_seconds)
            columns = self._catalog["features"].columns
            return traits(
                cursor,
                segment,
                as_of,
                columns,
                timeout_seconds=self._timeout_seconds,
                floor=self._cell_floor,
            )

    def tune(self, segment: Segment, as_of: date) -> tuple[Tuned, ...]:
        """What size the segment would have with other bounds on a day; nothing is kept. Raises SegmentError.

        Sizes are those of its SQL alone: with entry and exit rules each bound would need days of its own.
        """
        segment = without_damping(segment)
        with self._cursor() as cursor:
            as_of = freezing.day_of(cursor, segment, as_of)
            prepare(cursor, segment, as_of, catalog=self._catalog, timeout_seconds=self._timeout_seconds)
            return tuned(cursor, segment, as_of, timeout_seconds=self._timeout_seconds)

    def crowding(self, segments: Sequence[str], as_of: date) -> Crowding:
        """How many of these segments people are in on a day, and which share the most, as they were computed."""
        with self._cursor() as cursor:
            return crowding(cursor, segments, as_of)

    def ask(self, question: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """What a question of ours (``warehouse.evidence``) finds out on a cursor of its own."""
        with self._cursor() as cursor:
            return question(cursor)

    def member_since(self, segment: str, person_no: int, as_of: date) -> date | None:
        """The first of the computed days up to ``as_of`` on all of which the person was in the segment."""
        with self._cursor() as cursor:
            return member_since(cursor, segment, person_no, as_of)

    def scores_of(self, models: Sequence[str], person_no: int, as_of: date) -> tuple[Score, ...]:
        """What models say of a person on a day; nothing of those that say nothing of them."""
        with self._cursor() as cursor:
            return scores_of(cursor, models, person_no, as_of)

    def close(self) -> None:
        """Let go of the file, so that others can write. An export still being read raises on its next batch."""
        for stream in list(self._streams):
            stream.cut()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _query(self, cursor: duckdb.DuckDBPyConnection, export: Export) -> str:
        match export:
            case PeopleChanged():
                return exports.changed_people(export, self._people_columns(cursor))
            case PeopleByNumber(numbers=numbers):
                _register(cursor, numbers)
                return exports.people_by_number(export, self._people_columns(cursor))
            case AttributeValues(numbers=numbers):
                _register(cursor, numbers)
                return exports.attribute_values(export)
            case HeldOut(numbers=numbers):
                _register(cursor, numbers)
                return exports.held_out(export)
            case Members(segment=name, as_of=day):
                if history.profile(cursor, name, day) is None:
                    raise EngineError(f"segment {name} was not computed for {day.isoformat()}")
                return exports.members(export)

    def _people_columns(self, cursor: duckdb.DuckDBPyConnection) -> list[str]:
        found = cursor.execute(
            "select column_name from duckdb_columns() where schema_name = 'main' and table_name = 'people'"
        ).fetchall()
        if not found:
            raise WarehouseMissing(f"{self.path} has no table people yet; {LOAD_FIRST}")
        return [name for (name,) in found]

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._open().cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        with self._writing:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if not self.path.is_file():
            raise WarehouseMissing(f"there is no warehouse at {self.path} yet; {LOAD_FIRST}")
        try:
            connection = open_duckdb(
                self.path, read_only=self.read_only, wait_seconds=self._wait_seconds, config=self._config
            )
        except StoreBusy as error:
            raise WarehouseBusy(str(error)) from error
        except StoreDamaged as error:
            raise EngineError(str(error)) from error
        except duckdb.ConnectionException as error:
            raise WarehouseBusy(
                f"{self.path} is already open in this process with other settings; close it there first"
            ) from error
        if not _is_locked(connection):
            connection.execute("set global TimeZone = ?", [self._timezone])
            connection.execute("set lock_configuration = true")
        if not self.read_only:
            identity.mark(connection)
        return connection


def _register(cursor: duckdb.DuckDBPyConnection, numbers: pa.Array | pa.ChunkedArray) -> None:
    """Let the cursor's next query read these numbers as ``asked``."""
    asked = numbers if isinstance(numbers, pa.ChunkedArray) else pa.array(numbers, pa.int32())
    cursor.register("asked", pa.table({"number": asked}))


def _confined(memory_limit: str, spill_limit: str, threads: int | None) -> dict[str, str]:
    """DuckDB settings under which a query can reach nothing but this database, and takes no more than its share."""
    config = {
        **CONFINED,
        "preserve_insertion_order": "false",
        "memory_limit": memory_limit,
        "max_temp_directory_size": spill_limit,
    }
    if threads is not None:
        config["threads"] = str(threads)
    return config


def _is_locked(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(connection.execute("select current_setting('lock_configuration')").fetchall()[0][0])
