"""A policy for drift where no drift can be seen is a mistake in the file, and not ignored."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Connector
from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment, Loaded


def refuse_unseen(definition: Loaded, kinds: Mapping[str, type[Connector]]) -> Loaded:
    """The segment, or its failure when ours is to win at a destination that lists no members."""
    for sync in () if isinstance(definition, BrokenSegment) else definition.syncs:
        kind = kinds[sync.destination]
        if sync.drift == "ours_wins" and kind.lists_members is None:
            error = SegmentError(
                definition.path,
                f'drift = "ours_wins" in [sync.{sync.destination}], but {kind.title} does not list its members',
                fix="take it out; for what somebody changed there: turnout sync --resync",
            )
            return BrokenSegment(definition.name, definition.path, error)
    return definition
