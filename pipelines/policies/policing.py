"""Segments under the profiles that hold for them: refused where one is broken, with the rule named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.policies.profile import Forbidden, Profile, read_profile
from pipelines.segments.catalog import Catalog
from pipelines.segments.columns import ColumnRead, columns_read
from pipelines.segments.errors import SegmentError
from pipelines.segments.file import read_file
from pipelines.segments.header_reader import HeaderReader
from pipelines.segments.load import BrokenSegment, Loaded
from pipelines.segments.model import Segment
from pipelines.segments.policy import ProfileName, category_of, refusal

DEFAULT: ProfileName = "default"
SEED_WORDS = ("seed", "lookalike")
"""In a segment's name or tags they say that its audience is the seed of a lookalike."""


@dataclass(frozen=True, slots=True)
class Policing:
    """The project's profile, and what it makes of segments."""

    project: ProfileName
    catalog: Catalog
    _read: dict[str, Sequence[ColumnRead]] = field(default_factory=dict, repr=False, compare=False)
    """By the SQL."""

    def profiles(self, segment: Segment) -> dict[str, Profile]:
        """The profiles that hold for a segment, by name: the project's, its own, and those of its layers."""
        own = [one.profile for one in (segment, *segment.builds_on) if one.profile is not None]
        return {name: read_profile(name) for name in dict.fromkeys((self.project, *own))}

    def policed(self, definition: Loaded, excluded: Sequence[Segment] = ()) -> Loaded:
        """The segment with the categories of its profiles, or its failure where it breaks one of their rules.

        ``excluded`` are the segments that its audiences leave out: leaving people out chooses people as well.
        """
        if isinstance(definition, BrokenSegment):
            return definition
        fault = next(self._faults(definition, excluded), None)
        if fault is not None:
            return BrokenSegment(definition.path.name.removesuffix(".sql"), definition.path, fault)
        regulated = [one.category for one in self.profiles(definition).values() if one.category is not None]
        return replace(definition, policy=tuple(dict.fromkeys((*definition.policy, *regulated))))

    def refusal(self, segment: Segment, connector: str, title: str, forbids: Mapping[str, str]) -> str | None:
        """Why a platform may not have the segment's audience, the rule named; None when it may."""
        for profile in self.profiles(segment).values():
            for one in profile.refused:
                if connector in one.connectors:
                    return (
                        f"{title} may have no audience under the policy profile {profile.title.lower()} "
                        f"({one.rule}); take its sync out of the segment's file"
                    )
        return refusal(title, forbids, segment.policy)

    def min_cell(self, segment: Segment) -> int:
        """People below which nobody of the segment is sent, by the strictest of its profiles."""
        return max(profile.min_cell for profile in self.profiles(segment).values())

    def proxies(self, segment: Segment) -> Iterator[str]:
        """A sentence for each feature that a segment reads and that tells something of a protected attribute."""
        reads = {read.column for one in (segment, *segment.builds_on) for read in self._reads(one)}
        for name, profile in self.profiles(segment).items():
            for proxy in profile.proxies:
                if found := [feature for feature in proxy.features if feature in reads]:
                    yield (
                        f"reads {' and '.join(found)}, which may stand for {proxy.of}: under the policy profile "
                        f"{name} say in its evidence why that is no pretext"
                    )

    # --- what is broken ----------------------------------------------------------------------------------

    def _faults(self, segment: Segment, excluded: Sequence[Segment]) -> Iterator[SegmentError]:
        for name, profile in self.profiles(segment).items():
            yield from self._forbidden(segment, excluded, name, profile)
            if not profile.seeds and _is_seed(segment):
                yield SegmentError(
                    segment.path,
                    f"it is a seed of lookalikes, which the policy profile {name} does not allow "
                    f"({profile.seeds_rule})",
                    fix="take the seed out, or its tag and name where it is none",
                )
        yield from self._untagged(segment)

    def _forbidden(
        self, segment: Segment, excluded: Sequence[Segment], name: str, profile: Profile
    ) -> Iterator[SegmentError]:
        for read in self._reads(segment):
            if broken := _broken(profile, read.table, read.column):
                yield _refused(segment, _said(read), segment.sql_line + read.line - 1, name, broken)
        for layer in (*segment.builds_on, *excluded):
            for read in self._reads(layer):
                if broken := _broken(profile, read.table, read.column):
                    yield _refused(segment, f"{_said(read)} through {layer.name}", None, name, broken)
        for destination, name_there, column in _attributes(segment):
            if broken := _broken(profile, "features", column):
                line = _line_of(segment, destination, name_there)
                yield _refused(segment, f"it sends {column} to {destination}", line, name, broken)

    def _untagged(self, segment: Segment) -> Iterator[SegmentError]:
        """Sensitive columns of a segment that does not say that it is about them."""
        read = [
            (one.column, one.table, segment.sql_line + one.line - 1)
            for one in self._reads(segment)
            if one.named
        ]
        sent = [
            (column, "features", _line_of(segment, to, field)) for to, field, column in _attributes(segment)
        ]
        for column, table, line in (*read, *sent):
            category = category_of(self.catalog[table].columns[column])
            if category is not None and category not in segment.policy:
                yield SegmentError(
                    segment.path,
                    f"it reads {column}, which is sensitive: {category}",
                    line=line,
                    fix=f'add policy = ["{category}"] to the header',
                )

    def _reads(self, segment: Segment) -> Sequence[ColumnRead]:
        """Parsed once, though several rules ask, and the segments above it."""
        if segment.sql not in self._read:
            self._read[segment.sql] = columns_read(segment.sql, self.catalog)
        return self._read[segment.sql]


def _broken(profile: Profile, table: str, column: str) -> Forbidden | None:
    return next((one for one in profile.forbidden if one.holds(table, column)), None)


def _said(read: ColumnRead) -> str:
    return (
        f"it reads {read.column}"
        if read.named
        else f"it reads {read.column} among all columns of {read.table}"
    )


def _refused(segment: Segment, found: str, line: int | None, profile: str, broken: Forbidden) -> SegmentError:
    return SegmentError(
        segment.path,
        f"{found} ({broken.attribute}), which the policy profile {profile} forbids: {broken.rule}",
        line=line,
        fix="leave it out; what the profile says: turnout policies",
    )


def _attributes(segment: Segment) -> Iterator[tuple[str, str, str]]:
    """Destination, field and column of everything that the segment's syncs carry."""
    for sync in segment.syncs:
        for attribute in sync.attributes:
            yield sync.destination, attribute.field, attribute.column


def _line_of(segment: Segment, destination: str, field: str) -> int | None:
    """Where the header says that a field is sent; read again, for errors only."""
    if not segment.path.is_file():
        return None
    return HeaderReader(read_file(segment.path), {}).line(("sync", destination, "attributes", field))


def _is_seed(segment: Segment) -> bool:
    words = [segment.name, *segment.tags, *segment.tags.values()]
    options = [sync.options.get("seed") for sync in segment.syncs]
    return any(word in text.lower().split("_") for text in words for word in SEED_WORDS) or any(options)
