"""Waterfalls: in a group of segments, each person belongs to the first that has them, by priority.

``waterfall`` names the group and ``priority`` the place in it. What a segment's own SQL selects is never changed by it;
who is taken from it is decided after that, so that a better segment's people are the same whoever comes after it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.segments.errors import SegmentError
from pipelines.segments.file import LARGEST_FILE
from pipelines.segments.header import Header
from pipelines.segments.header_reader import HeaderReader
from pipelines.segments.model import Segment

GROUP = re.compile(r"""^\s*waterfall\s*=\s*["']([a-z0-9_]+)["']""", re.MULTILINE)
PRIORITY = re.compile(r"^\s*priority\s*=\s*(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Claim:
    """The place that a broken file wants."""

    name: str
    group: str
    priority: int | None
    """None: it cannot be told, so it may be before everybody."""


def check_pair(path: Path, header: Header, reader: HeaderReader) -> None:
    """Raise SegmentError when ``waterfall`` and ``priority`` stand apart, or beside a frozen day."""
    if header.waterfall is not None and header.priority is None:
        raise SegmentError(
            path,
            f"waterfall = {header.waterfall!r} without a priority",
            line=reader.line(("waterfall",)),
            expected="priority, a whole number: the lowest takes its people first",
        )
    if header.priority is not None and header.waterfall is None:
        raise SegmentError(
            path,
            "priority without a waterfall decides nothing",
            line=reader.line(("priority",)),
            expected="waterfall, the name of the group in which it counts",
        )
    if header.waterfall is not None and header.mode == "static":
        raise SegmentError(
            path,
            "a static segment cannot be in a waterfall, where it would have to give people up that it keeps",
            line=reader.line(("waterfall",)),
            fix="remove one of the two",
        )


def claim_of(path: Path, name: str) -> Claim | None:
    """The place that a file wants which cannot be read as a segment; None when it names no group."""
    try:
        with path.open("rb") as file:
            header = file.read(LARGEST_FILE).decode("utf-8", "replace").partition("*/")[0]
    except OSError:
        return None
    group, priority = GROUP.search(header), PRIORITY.search(header)
    return Claim(name, group[1], int(priority[1]) if priority else None) if group else None


def groups(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    """The members of each group, the first one first."""
    found: defaultdict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        if segment.waterfall is not None:
            found[segment.waterfall].append(segment)
    return {name: sorted(found[name], key=_place) for name in sorted(found)}


def before(segments: Iterable[Segment]) -> Mapping[str, tuple[Segment, ...]]:
    """By name, those that take their people before a segment does, the first one first."""
    return {
        segment.name: tuple(members[:place])
        for members in groups(segments).values()
        for place, segment in enumerate(members)
    }


def broken_before(segment: Segment, claims: Iterable[Claim]) -> str | None:
    """The broken segment that may take people before this one; None when there is none."""
    return next(
        (
            claim.name
            for claim in claims
            if claim.group == segment.waterfall
            and (claim.priority is None or claim.priority <= _place(segment)[0])
        ),
        None,
    )


def clashes(segments: Sequence[Segment]) -> Iterator[tuple[Path, SegmentError]]:
    """Segments of one group with the same priority, or of different universes: who comes first cannot be told."""
    for group, members in groups(segments).items():
        by_place: defaultdict[int | None, list[Segment]] = defaultdict(list)
        for member in members:
            by_place[member.priority].append(member)
        for priority, sharing in by_place.items():
            if len(sharing) > 1:
                found = f"priority = {priority} of the waterfall {group} is the same in {_files(sharing)}"
                yield from _each(sharing, found, "give each its own place")
        if len({member.universe for member in members}) > 1:
            found = f"the waterfall {group} has segments of different universes: {_files(members)}"
            yield from _each(members, found, "put segments of one universe into a waterfall")


def _place(segment: Segment) -> tuple[int, str]:
    return (segment.priority or 0, segment.name)


def _files(segments: Iterable[Segment]) -> str:
    return " and ".join(segment.path.name for segment in segments)


def _each(segments: Iterable[Segment], found: str, fix: str) -> Iterator[tuple[Path, SegmentError]]:
    for segment in segments:
        yield segment.path, SegmentError(segment.path, found, fix=fix)
