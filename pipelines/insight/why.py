"""Why somebody is in an audience or not: the segment, what withholds them, and what was sent, in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.delivery.looking_back import Standing, look_back
from pipelines.engine import Engine, HeldOut, Members
from pipelines.names import UnknownName
from pipelines.project import Project
from pipelines.sources import merging


@dataclass(frozen=True, slots=True)
class Why:
    """What is known of one person and one audience."""

    destination: str
    segment: str
    as_of: date | None
    """The newest day of the segment; None: it was never computed."""
    wanted: bool
    """Whether the segment holds the person on that day."""
    standing: Standing | None
    """None: nothing was ever pushed to this destination."""
    excluded_by: tuple[str, ...] = ()
    """Segments that the audience leaves out and that hold the person."""
    held_out: str | None = None
    """The draw that keeps the person out of this audience: ``holdout`` or ``global_holdout``."""

    @property
    def withheld(self) -> str | None:
        """Why the person may not be sent there now; None: they may, or nothing is known of them there."""
        return (self.standing.withheld if self.standing else None) or self.held_out

    @property
    def sentence(self) -> str:
        """The answer in plain words."""
        held = self.standing.held if self.standing else "no"
        withheld = self.withheld
        wants = "wants them" if self.wanted else "does not want them"
        of = f"of {self.as_of}" if self.as_of else "was never computed and"
        there = {
            "yes": "They are in the audience, by the platform's receipt",
            "no": "They are not in the audience",
            "perhaps": "They may be in the audience: the last request has no receipt",
            "rejected": "They are not in the audience: the platform does not take their row",
            "leaving": "They are leaving the audience: the platform has not finished",
            "awaited": "They are on their way: the platform has not said yet what became of it",
        }[held]
        reason = f"; they may not be sent there: {withheld}" if withheld else ""
        if self.excluded_by:
            reason += f"; the audience leaves out {' and '.join(self.excluded_by)}, where they are"
        return f"{there}. The segment {of} {wants}{reason}."


def number_of(project: Project, person: str) -> int:
    """A person's number in the warehouse, by the key that the sources know them by. Raises UnknownName without it."""
    with project.warehouse(read_only=True) as warehouse:
        found = warehouse.execute(
            "select person_no from person_numbers where person_id = $person",
            {"person": merging.resolved(warehouse, person)},
        ).fetchall()
    if not found:
        raise UnknownName("nobody in the sources has this key; it is the `customer_id` of your customers")
    return int(found[0][0])


def why(project: Project, person: str, destination: str, segment: str) -> Why:
    """Answer for a person, named by the key that the sources know them by.

    Raises UnknownName without repeating the key, StoreBusy while a push of the account runs.
    """
    number = number_of(project, person)
    left_out = [
        x for one, sync in project.audiences(destination) if one.name == segment for x in sync.exclude
    ]
    with project.engine(read_only=True) as engine, engine.snapshot():
        as_of = engine.latest(segment)
        wanted = as_of is not None and _holds(engine, segment, as_of, number)
        excluded_by = tuple(name for name in left_out if _holds(engine, name, engine.latest(name), number))
        held_out = _held_out(engine, project, segment, number)
    settings = project.settings
    with look_back(settings.state_dir, destination, settings.lock_wait_seconds) as looking:
        standing = looking.standing(segment, number) if looking else None
    return Why(destination, segment, as_of, wanted, standing, excluded_by, held_out)


def _holds(engine: Engine, segment: str, as_of: date | None, number: int) -> bool:
    """Whether a segment as it was computed for a day holds a person."""
    if as_of is None:
        return False
    members = engine.export(Members(segment, as_of)).read_all()
    return bool(pc.is_in(number, value_set=members.column("person_no")).as_py())


def _held_out(engine: Engine, project: Project, segment: str, number: int) -> str | None:
    """The draw of a segment that holds a person out; None for none, also where nothing defines the segment any more."""
    defined = {one.name: one for one in project.segments}
    draws = project.deliveries.holdouts(defined[segment]) if segment in defined else ()
    if not draws:
        return None
    drawn = engine.export(HeldOut(draws, pa.array([number], pa.int32()))).read_all()
    reasons: list[str] = drawn.column("reason").to_pylist()
    return reasons[0] if reasons else None
