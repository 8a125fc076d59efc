"""Segments built from segments: a SELECT may read another segment by its name, as a table of ``person_no``.

A layer is computed afresh from its own definition whenever a segment on top of it is, for the same day, so any past
day can be replayed, and what a segment holds never depends on when its layers ran.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from pipelines.segments import waterfall
from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.errors import SegmentError
from pipelines.segments.key import KEY
from pipelines.segments.model import Segment

RING = "it is built on itself"


def with_segments(catalog: Catalog, names: Iterable[str]) -> Catalog:
    """The catalogue in which these segments can be read too; a table keeps its name."""
    column = Column(KEY, "INTEGER", "A person in the segment.")
    layers = {name: Table(name, {KEY: column}, is_segment=True) for name in names}
    return {**layers, **catalog}


def laid(segments: Sequence[Segment], broken: Mapping[str, Path]) -> dict[str, Segment | SegmentError]:
    """Each segment, by name, on its layers and after those that are before it in its waterfall.

    The error of those that stand on themselves or on a ``broken`` one, whose files are given by name.
    """
    found = {
        name: claim for name, path in broken.items() if (claim := waterfall.claim_of(path, name)) is not None
    }
    house = _House(
        {segment.name: segment for segment in segments}, waterfall.before(segments), broken, found.values()
    )
    for segment in segments:
        _lay(segment, house, ())
    return house.done


@dataclass(frozen=True, slots=True)
class _House:
    """All segments while they are laid."""

    known: Mapping[str, Segment]
    before: Mapping[str, tuple[Segment, ...]]
    broken: Mapping[str, Path]
    claims: Collection[waterfall.Claim]
    done: dict[str, Segment | SegmentError] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """The file in which a segment is to be mended."""
        return self.broken[name].name if name in self.broken else self.known[name].path.name


def _lay(segment: Segment, house: _House, above: tuple[str, ...]) -> Segment | SegmentError:
    if segment.name in house.done:
        return house.done[segment.name]
    if segment.name in above:
        return _ring(segment, house, (*above[above.index(segment.name) :], segment.name))
    faults = [_broken(segment, name, house) for name in segment.layers if name in house.broken]
    claimed = waterfall.broken_before(segment, house.claims)
    if claimed is not None:
        faults.append(_broken(segment, claimed, house))
    below = [house.known[name] for name in segment.layers] if not faults else []
    before = house.before.get(segment.name, ()) if not faults else ()
    found = {one.name: _lay(one, house, (*above, segment.name)) for one in (*below, *before)}
    faults += [_of(segment, name, one, house) for name, one in found.items() if isinstance(one, SegmentError)]
    whole = {name: one for name, one in found.items() if isinstance(one, Segment)}
    house.done[segment.name] = (
        faults[0]
        if faults
        else _on(segment, [whole[one.name] for one in below], [whole[one.name] for one in before])
    )
    return house.done[segment.name]


def _ring(segment: Segment, house: _House, way: tuple[str, ...]) -> SegmentError:
    groups = sorted(
        {
            house.known[one].waterfall or ""
            for one, next_one in pairwise(way)
            if next_one not in house.known[one].layers
        }
    )
    if not groups:
        return SegmentError(segment.path, f"{RING}: {' → '.join(way)}", fix="take one of the layers out")
    return SegmentError(
        segment.path,
        f"{RING} through the waterfall {' and '.join(groups)}: {' → '.join(way)}",
        fix="a segment that comes first cannot be built on one that comes after it",
    )


def _broken(segment: Segment, name: str, house: _House) -> SegmentError:
    """What a broken segment means for one above it, or after it."""
    how = (
        f"it is built on {name}"
        if name in segment.layers
        else f"it comes after {name} in the waterfall {segment.waterfall}"
    )
    return SegmentError(segment.path, f"{how}, which is broken", fix=f"mend {house.file(name)}")


def _of(segment: Segment, name: str, error: SegmentError, house: _House) -> SegmentError:
    """What the error of a segment below or before means for this one."""
    if error.found.startswith(RING):
        return SegmentError(segment.path, error.found, fix=error.fix)
    return _broken(segment, name, house)


def _on(segment: Segment, layers: Sequence[Segment], before: Sequence[Segment]) -> Segment:
    """The segment with everything below and before it: the order in which to compute, what is read, what is sensitive.

    Of those before it only their own people count, so what they stand on belongs below, and they do not.
    """
    below = {one.name: one for layer in layers for one in (*layer.builds_on, layer)}
    below |= {one.name: one for better in before for one in better.builds_on if one.name not in below}
    return replace(
        segment,
        builds_on=tuple(below.values()),
        reads=segment.reads.union(*(one.reads for one in (*layers, *before))),
        policy=tuple(dict.fromkeys((*segment.policy, *(c for layer in layers for c in layer.policy)))),
        after=tuple(replace(better, after=()) for better in before),
    )


def names_in(folder: Path) -> Iterator[str]:
    """The names of the segments in a folder, the broken ones too."""
    for path in sorted(folder.glob("*.sql")):
        if not path.name.startswith("."):
            yield path.name.removesuffix(".sql")
