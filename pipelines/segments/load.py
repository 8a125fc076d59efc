"""A folder of segment files: every good one is loaded, every broken one is named, none hides another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.segments import waterfall
from pipelines.segments.catalog import Catalog
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.errors import SegmentError
from pipelines.segments.header_reader import Destinations
from pipelines.segments.layers import laid, names_in, with_segments
from pipelines.segments.model import Segment
from pipelines.segments.parse import parse_with, readable_in
from pipelines.segments.templates import declared_parts, parts_of, whole_of


@dataclass(frozen=True, slots=True)
class BrokenSegment:
    """A file that is no segment, and why; shown as failing wherever the segment would be."""

    name: str
    path: Path
    error: SegmentError


Loaded = Segment | BrokenSegment


def load_segments(folder: Path, catalog: Catalog, destinations: Destinations) -> list[Loaded]:
    """Every ``*.sql`` file of ``folder``, by name. Hidden files and sub-folders are left alone.

    A file is broken by itself, or by what it shares with another: the same audience, the same former name.
    Then all that share it are broken, because which of them is meant cannot be told.
    Raises FileNotFoundError when there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder of segments at {folder}; set TURNOUT_SEGMENT_DEFS")
    paths = [folder / f"{name}.sql" for name in names_in(folder)]
    with EmptyWarehouse(with_segments(catalog, readable_in(folder))) as warehouse:
        loaded = [one for path in paths for one in _load(path, warehouse, destinations)]
    clashes = dict(_clashes(loaded))
    return _laid([_broken(one, clashes[one.path]) if one.path in clashes else one for one in loaded])


def check(folder: Path, catalog: Catalog, destinations: Destinations) -> list[SegmentError]:
    """Everything that is wrong in the folder, for CI; empty when all is well."""
    return [
        one.error for one in load_segments(folder, catalog, destinations) if isinstance(one, BrokenSegment)
    ]


def _load(path: Path, warehouse: EmptyWarehouse, destinations: Destinations) -> list[Loaded]:
    """The segment of a file, and the parts that a template makes; all of them broken when the file is."""
    try:
        segment = parse_with(path, warehouse, destinations)
        _check_parts(segment)
        return [whole_of(segment), *parts_of(segment)]
    except SegmentError as error:
        names = (path.name.removesuffix(".sql"), *declared_parts(path))
        return [BrokenSegment(name, path, error) for name in names if _is_here(path, name)]


def _check_parts(segment: Segment) -> None:
    """Raise SegmentError when a part has the name of a file."""
    for part in parts_of(segment):
        if segment.path.with_name(f"{part.name}.sql").exists():
            raise SegmentError(
                segment.path,
                f"its part {part.name} has the name of a file, {part.name}.sql",
                fix="remove one of the two",
            )


def _is_here(path: Path, name: str) -> bool:
    """Whether a name of a file's segments is that file's, and not that of another file."""
    own = path.with_name(f"{name}.sql")
    return own == path or not own.exists()


def _laid(loaded: Sequence[Loaded]) -> list[Loaded]:
    """Every segment on its layers."""
    whole = [one for one in loaded if isinstance(one, Segment)]
    found = laid(whole, {one.name: one.path for one in loaded if isinstance(one, BrokenSegment)})
    results = ((one, found.get(one.name, one)) for one in loaded)
    return [_broken(one, result) if isinstance(result, SegmentError) else result for one, result in results]


def _broken(one: Loaded, error: SegmentError) -> BrokenSegment:
    return BrokenSegment(one.name, one.path, error)


def _clashes(loaded: Sequence[Loaded]) -> Iterator[tuple[Path, SegmentError]]:
    """Segments that want the same audience or the same past."""
    segments = [one for one in loaded if isinstance(one, Segment)]
    names = {one.name for one in loaded}
    audiences: dict[tuple[str, str], list[Segment]] = {}
    pasts: dict[str, list[Segment]] = {}
    for segment in segments:
        for sync in segment.syncs:
            audiences.setdefault((sync.destination, same_name(sync.audience)), []).append(segment)
        if segment.formerly in names:
            yield (
                segment.path,
                SegmentError(
                    segment.path,
                    f"formerly = {segment.formerly!r}, but {segment.formerly}.sql is still there",
                    fix="remove one of the two",
                ),
            )
        elif segment.formerly is not None:
            pasts.setdefault(segment.formerly, []).append(segment)
    for (destination, _), sharing in audiences.items():
        yield from _shared(sharing, f"the audience name at {destination}", "give each audience its own name")
    for past, sharing in pasts.items():
        yield from _shared(sharing, f"formerly = {past!r}", "only one segment can take over from another")
    yield from waterfall.clashes(segments)


def _shared(segments: Sequence[Segment], what: str, fix: str) -> Iterator[tuple[Path, SegmentError]]:
    if len(segments) < 2:
        return
    files = " and ".join(segment.path.name for segment in segments)
    for segment in segments:
        yield segment.path, SegmentError(segment.path, f"{what} is the same in {files}", fix=fix)


def same_name(name: str) -> str:
    """Names that a platform or a person would take for one another are equal in this form."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
