"""Segments that an audience leaves out by name: they must be there, be whole, and be others than itself."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.segments.errors import SegmentError, nearest
from pipelines.segments.file import read_file
from pipelines.segments.header_reader import HeaderReader
from pipelines.segments.load import BrokenSegment, Loaded
from pipelines.segments.model import Segment


def refuse_unknown_exclusions(definition: Loaded, known: Mapping[str, Loaded]) -> Loaded:
    """The segment, or its failure where one of its syncs leaves out what is not there or is broken.

    A broken exclusion breaks the audience: sending everybody would send those who were to be left out.
    """
    if isinstance(definition, BrokenSegment):
        return definition
    for sync in definition.syncs:
        for name in sync.exclude:
            fault = _fault(definition, name, known)
            if fault is not None:
                found, close, fix = fault
                line = _line_of(definition, sync.destination)
                error = SegmentError(definition.path, found, line=line, nearest=close, fix=fix)
                return BrokenSegment(definition.path.name.removesuffix(".sql"), definition.path, error)
    return definition


def excluded_of(definition: Loaded, known: Mapping[str, Loaded]) -> tuple[Segment, ...]:
    """The segments that any of its syncs leaves out, with everything below them."""
    syncs = definition.syncs if isinstance(definition, Segment) else ()
    names = dict.fromkeys(name for sync in syncs for name in sync.exclude)
    found = [one for name in names if isinstance(one := known.get(name), Segment)]
    return tuple({below.name: below for one in found for below in (*one.builds_on, one)}.values())


def _fault(
    segment: Segment, name: str, known: Mapping[str, Loaded]
) -> tuple[str, str | None, str | None] | None:
    """What is wrong with leaving out ``name``: found, nearest name, fix."""
    if name == segment.name:
        return "its audience leaves out the segment itself", None, "take it out of exclude"
    if name not in known:
        close = nearest(name, set(known) - {segment.name})
        return f"its audience leaves out {name!r}, which is no segment", close, None
    if isinstance(known[name], BrokenSegment):
        return f"its audience leaves out {name}, which is broken", None, f"mend {name}.sql"
    return None


def _line_of(segment: Segment, destination: str) -> int | None:
    """Where the header names the exclusions; read again, for errors only."""
    if not segment.path.is_file():
        return None
    return HeaderReader(read_file(segment.path), {}).line(("sync", destination, "exclude"))
