"""A segment before it is activated: its size, what makes it that size, and whom each audience reaches."""

from __future__ import annotations

from datetime import date

from pipelines.insight.explaining import definition_of
from pipelines.insight.looking import Preview
from pipelines.insight.reaching import Reach, reaches
from pipelines.project import Project
from pipelines.segments.freezing import counted_on
from pipelines.segments.looking_back import without_damping
from pipelines.warehouse.tuning import Tuned

__all__ = ["Preview", "Reach", "preview", "tune"]


def preview(project: Project, segment: str, as_of: date | None = None) -> Preview:
    """Look at a segment, by default as of the newest day. Raises UnknownName, SegmentError, WarehouseMissing."""
    definition = definition_of(project, segment)
    day = counted_on(definition, as_of or project.newest_loaded() or project.newest_as_of)
    project.need_past([definition], day)
    with project.engine(read_only=True) as engine, engine.snapshot():
        sized = engine.measure(definition, day)
        audiences = [(sync, segment, sized.people) for sync in definition.syncs]
        found = {one.destination: one for _, one in reaches(project, engine, audiences, day)}
    reached = tuple(found[sync.destination] for sync in definition.syncs)
    return Preview(segment, day, sized, reached, project.settings.cell_floor)


def tune(project: Project, segment: str, as_of: date | None = None) -> tuple[Tuned, ...]:
    """What size a segment would have with other bounds, by default as of the newest day. Raises as `preview`."""
    definition = definition_of(project, segment)
    day = as_of or project.newest_loaded() or project.newest_as_of
    project.need_past([without_damping(definition)], day)
    with project.engine(read_only=True) as engine, engine.snapshot():
        return engine.tune(definition, day)
