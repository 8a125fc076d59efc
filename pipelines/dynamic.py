"""Micro-batches: what arrived since the last one moves people in and out of dynamic segments, and to their audiences.

What is new is loaded, features of today are computed for the people it is about, dynamic segments for those people,
and the audiences whose people changed are pushed as every night. Whatever is cut off goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines.delivery.model import Delivery, Run, Watch, quiet
from pipelines.reactions import Change, Reaction
from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment
from pipelines.segments.run import Failed
from pipelines.sources.appending import Appended
from pipelines.sources.arriving import Mark, fingerprint, marks
from pipelines.sources.errors import SourceError
from pipelines.sources.follow import Followed, follow
from pipelines.sources.model import Source
from pipelines.sources.origins import missing_for
from pipelines.warehouse.recompute import Moved

if TYPE_CHECKING:
    from pipelines.project import Project


class NothingDynamic(Exception):
    """No segment is dynamic; the sentence says what to write."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The warehouse brought to what has arrived."""

    day: date
    followed: Followed
    moved: tuple[Moved, ...]
    failed: tuple[Failed, ...]
    loaded_at: datetime
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class Reacted:
    """Everything one micro-batch did."""

    reaction: Reaction
    caught_up: CaughtUp
    deliveries: tuple[Delivery, ...]

    @property
    def complaints(self) -> list[str]:
        """A sentence for everything that went wrong before an audience was pushed."""
        sources = [one.error for one in self.caught_up.followed.sources if one.error]
        return [*sources, *(str(one.error) for one in self.caught_up.failed)]


def dynamic_segments(project: Project) -> tuple[Segment, ...]:
    """The segments that follow what arrives."""
    return tuple(one for one in project.segments if one.mode == "dynamic")


def look(project: Project) -> str:
    """One word for where the continuous sources stand; reads no rows. A source that can't be reached stands nowhere."""
    return fingerprint({one.name: _marks_or_none(one) for one in project.sources if one.continuous})


def react(project: Project, *, run_id: str | None = None, watch: Watch = quiet) -> Reacted:
    """One micro-batch, from what is new to receipts. Safe to repeat at any time.

    Raises NothingDynamic, and StoreBusy when another process has the warehouse; the next micro-batch takes it over.
    """
    if not dynamic_segments(project):
        raise NothingDynamic('no segment is dynamic: write mode = "dynamic" into the header of one')
    began, seen = datetime.now(UTC), look(project)
    owed = project.reactions.owe()
    caught_up = catch_up(project)
    run = project.deliveries.new_run(run_id=run_id)
    changed = {one.segment for one in caught_up.moved if one.entered or one.left or one.everybody}
    if owed:  # somebody may have moved and not been pushed
        changed |= {one.segment for one in caught_up.moved}
    deliveries = tuple(_push(project, sorted(changed), run, watch))
    reaction = _told(project, caught_up, began, seen, run.id, deliveries)
    project.reactions.write(reaction)
    if reaction.ok:
        project.reactions.settle()
    return Reacted(reaction, caught_up, deliveries)


def catch_up(project: Project) -> CaughtUp:
    """Bring dynamic segments of the day under way to what has arrived; pushes nothing. Raises StoreBusy."""
    day = project.settings.current_day
    segments = dynamic_segments(project)
    with project.warehouse() as con:
        followed = follow(con, project.sources, day, project.tombstones)
    loaded_at = datetime.now(UTC)
    moved: list[Moved] = []
    failed: list[Failed] = []
    broken: list[Segment] = []
    absent = project.failed_sources()
    with project.engine(read_only=False) as engine:
        for segment in segments:
            try:
                _need_sources(project, segment, absent)
                moved.append(engine.recompute(segment, day))
            except SegmentError as error:
                failed.append(Failed(segment.name, day, error))
                broken.append(segment)
        engine.settle_touched(broken)
    return CaughtUp(day, followed, tuple(moved), tuple(failed), loaded_at, datetime.now(UTC))


def catch_up_after_load(project: Project) -> CaughtUp:
    """The same with what a night has loaded: the next micro-batch pushes whoever moved. Raises StoreBusy."""
    owed = project.reactions.owe()
    caught_up = catch_up(project)
    if not owed and not any(one.entered or one.left for one in caught_up.moved):
        project.reactions.settle()
    return caught_up


def _need_sources(project: Project, segment: Segment, absent: Mapping[str, str]) -> None:
    """Nobody moves by the tables of an earlier load: what came since is not in them."""
    if missing := missing_for(segment, project.sources, absent):
        raise SegmentError(
            segment.path,
            f"its source {' and '.join(missing)} could not be loaded ({absent[missing[0]]})",
            fix="repair the source and load it again; until then the segment stays as it was",
        )


def _push(project: Project, names: Sequence[str], run: Run, watch: Watch) -> Iterable[Delivery]:
    known = {segment for of in project.deliveries.select(()).values() for segment in of}
    asked = [name for name in names if name in known]
    for destination, chosen in project.deliveries.select(asked).items() if asked else ():
        yield from project.deliveries.sync(destination, chosen, run, watch)


def _told(
    project: Project,
    caught_up: CaughtUp,
    began: datetime,
    seen: str,
    run_id: str,
    deliveries: Sequence[Delivery],
) -> Reaction:
    ended = datetime.now(UTC)
    sources = caught_up.followed.sources
    return Reaction(
        run_id=run_id,
        seen=seen,
        day=caught_up.day,
        everybody=caught_up.followed.everybody,
        rows=sum(one.rows for one in sources),
        people=sum(one.people for one in sources),
        happened_at=_happened(project, sources),
        written_at=max((one.written_at for one in sources if one.written_at), default=None),
        began_at=began,
        loaded_at=caught_up.loaded_at,
        computed_at=caught_up.computed_at,
        settled_at=ended if any(one.requests for one in deliveries) else None,
        ended_at=ended,
        ok=not caught_up.failed and all(one.ok for one in deliveries) and not any(s.error for s in sources),
        changes=tuple(Change(one.segment, one.entered, one.left, one.size) for one in caught_up.moved),
    )


def _happened(project: Project, sources: Iterable[Appended]) -> datetime | None:
    """When the middle event happened, by the clock of the sources; on a pretended day nobody's clock shows that."""
    if project.settings.today is not None:
        return None
    latest = max((one.happened_at for one in sources if one.happened_at), default=None)
    return latest.replace(tzinfo=ZoneInfo(project.settings.timezone)) if latest else None


def _marks_or_none(source: Source) -> tuple[Mark, ...]:
    try:
        return marks(source)
    except SourceError:
        return ()
