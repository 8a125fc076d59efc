"""Segments built from segments: a SELECT may read another segment by its name, as a table of ``person_no``.

A layer is computed afresh from its own definition whenever a segment on top of it is, for the same day, so any past
day can be replayed, and what a segment holds never depends on when its layers ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.errors import SegmentError
from pipelines.segments.key import KEY
from pipelines.segments.model import Segment


def with_segments(catalog: Catalog, names: Iterable[str]) -> Catalog:
    """The catalogue in which these segments can be read too; a table keeps its name."""
    column = Column(KEY, "INTEGER", "A person in the segment.")
    layers = {name: Table(name, {KEY: column}, is_segment=True) for name in names}
    return {**layers, **catalog}


def laid(segments: Sequence[Segment], broken: Iterable[str]) -> dict[str, Segment | SegmentError]:
    """Each segment, by name, on its layers; the error of those that stand on themselves or on a ``broken`` one."""
    known = {segment.name: segment for segment in segments}
    missing = frozenset(broken)
    done: dict[str, Segment | SegmentError] = {}
    for segment in segments:
        _lay(segment, known, missing, done, ())
    return done


def _lay(
    segment: Segment,
    known: Mapping[str, Segment],
    missing: frozenset[str],
    done: dict[str, Segment | SegmentError],
    above: tuple[str, ...],
) -> Segment | SegmentError:
    if segment.name in done:
        return done[segment.name]
    if segment.name in above:
        ring = " → ".join((*above[above.index(segment.name) :], segment.name))
        return SegmentError(segment.path, f"it is built on itself: {ring}", fix="take one of the layers out")
    faults = [
        SegmentError(segment.path, f"it is built on {name}, which is broken", fix=f"mend {name}.sql")
        for name in segment.layers
        if name in missing
    ]
    layers: list[Segment] = []
    for name in segment.layers if not faults else ():
        layer = _lay(known[name], known, missing, done, (*above, segment.name))
        if isinstance(layer, SegmentError):
            faults.append(_of(segment, name, layer))
        else:
            layers.append(layer)
    done[segment.name] = faults[0] if faults else _on(segment, layers)
    return done[segment.name]


def _of(segment: Segment, layer: str, error: SegmentError) -> SegmentError:
    """What a layer's error means for the segment above it."""
    if error.found.startswith("it is built on itself"):
        return SegmentError(segment.path, error.found, fix=error.fix)
    return SegmentError(segment.path, f"it is built on {layer}, which is broken", fix=f"mend {layer}.sql")


def _on(segment: Segment, layers: Sequence[Segment]) -> Segment:
    """The segment with everything below it: the order in which to compute, what is read, what is sensitive."""
    below = {one.name: one for layer in layers for one in (*layer.builds_on, layer)}
    return replace(
        segment,
        builds_on=tuple(below.values()),
        reads=segment.reads.union(*(layer.reads for layer in layers)),
        policy=tuple(dict.fromkeys((*segment.policy, *(c for layer in layers for c in layer.policy)))),
    )


def names_in(folder: Path) -> Iterator[str]:
    """The names of the segments in a folder, the broken ones too."""
    for path in sorted(folder.glob("*.sql")):
        if not path.name.startswith("."):
            yield path.name.removesuffix(".sql")
