"""Whether a new audience is made: not of a segment with errors of quality, unless somebody accepted them.

Only what needs no past is asked, as the newest computed day has it: enough people, people who can be sent, and not
those of another segment once more. An audience that was made before is never stopped by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.base import Connector
from pipelines.delivery.model import Fitness
from pipelines.engine import Engine, Members
from pipelines.insight.looking import Preview
from pipelines.insight.reaching import Asks, reach
from pipelines.quality import actionable, distinct, substantial
from pipelines.quality.acceptance import accepted_of
from pipelines.quality.criterion import Doubt
from pipelines.quality.evidence import Evidence
from pipelines.quality.platforms import expected_match
from pipelines.segments.model import Segment
from pipelines.warehouse.sizing import Overlap, Sized

if TYPE_CHECKING:
    from pipelines.project import Project


def fitness(project: Project, segment: Segment) -> Fitness | None:
    """What a push asks before it makes the audience of a segment; None where errors are only told of."""
    if project.settings.quality_gate == "warn":
        return None

    def asked(engine: Engine, connector: Connector) -> str | None:
        day = engine.latest(segment.name)
        if day is None:
            return None
        wrong = [one for one in _doubts(project, segment, engine, connector, day) if one.severity == "error"]
        accepted = {one.rule for one in accepted_of(project, segment.name)} if wrong else set()
        stopping = [one for one in wrong if one.rule not in accepted]
        return _sentence(segment.name, stopping) if stopping else None

    return asked


def _doubts(
    project: Project, segment: Segment, engine: Engine, connector: Connector, day: date
) -> Iterator[Doubt]:
    people = engine.export(Members(segment.name, day)).read_all()
    profile = engine.profile(segment.name, day)
    overlaps = tuple(_overlaps(project, segment, engine, people, day))
    sized = Sized(people, profile.universe if profile else 0, (), None, overlaps)
    match = expected_match(project.settings.destinations[connector.destination])
    asks = Asks(
        connector.destination, tuple(connector.consent), connector.identity, connector.limits.min_size, match
    )
    draws = {segment.name: project.deliveries.holdouts(segment)}
    reached = tuple(reach(engine, {segment.name: people}, draws, asks).values())
    found = Evidence(segment, Preview(segment.name, day, sized, reached), project.settings.current_day)
    for doubts in (substantial.doubts, actionable.doubts, distinct.doubts):
        yield from doubts(found)


def _overlaps(
    project: Project, segment: Segment, engine: Engine, people: pa.Table, day: date
) -> Iterator[Overlap]:
    """Segments of the day that could be the same: only those of about this size are compared."""
    own, size = set(people.column("person_no").to_pylist()), people.num_rows
    for other in project.segments:
        profile = engine.profile(other.name, day) if other.name != segment.name else None
        if not profile or min(size, profile.size) < distinct.THE_SAME * max(size, profile.size):
            continue
        theirs = set(engine.export(Members(other.name, day)).read_all().column("person_no").to_pylist())
        if either := own | theirs:
            shared = len(own & theirs)
            yield Overlap(other.name, len(theirs), shared, round(shared / len(either), 4))


def _sentence(segment: str, stopping: list[Doubt]) -> str:
    told = "; ".join(f"{one.says} ({one.rule})" for one in stopping)
    rules = " ".join(f"--rule {rule}" for rule in dict.fromkeys(one.rule for one in stopping))
    return (
        f"no audience is made of it yet: {told}; mend the segment, or accept that with a reason: "
        f"turnout accept {segment} {rules} --reason"
    )
