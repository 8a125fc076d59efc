"""When an audience may lose people but gain none: its opt-outs can't be read, or nothing defines it any more.

An opt-out never waits for somebody to repair a file, so such audiences are still pushed, for the opt-outs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment, Sync
from pipelines.sources.model import Source


def unread_opt_outs(sources: Sequence[Source], failed: Mapping[str, str]) -> str | None:
    """Why nobody may be added anywhere: the newest load of an opt-out source failed; None when all were read."""
    unread = [source.name for source in sources if source.contract.opt_out and source.name in failed]
    if not unread:
        return None
    return (
        f"the opt-outs of {' and '.join(unread)} could not be read, so only known opt-outs are removed; "
        f"repair the source and load again: {failed[unread[0]]}"
    )


def left_behind(
    destination: str,
    opened: Mapping[str, str],
    definitions: Iterable[Segment | BrokenSegment],
) -> dict[str, tuple[Sync, str]]:
    """Audiences that exist at a destination though no segment asks for them, each with the reason.

    ``opened`` maps segment names to audience names, as the journal knows them.
    """
    by_name = {definition.name: definition for definition in definitions}
    asked = {
        name
        for definition in by_name.values()
        if isinstance(definition, Segment)
        for sync in definition.syncs
        if sync.destination == destination
        for name in (definition.name, *_old_names(definition, opened))
    }
    return {
        name: (Sync(destination, audience), _why(by_name.get(name), name, destination))
        for name, audience in sorted(opened.items())
        if name not in asked
    }


def _old_names(definition: Segment, opened: Mapping[str, str]) -> tuple[str, ...]:
    """The name that a renamed segment's audience still has; none once it has the new one, or two were opened."""
    return (definition.formerly,) if definition.formerly and definition.name not in opened else ()


def _why(definition: Segment | BrokenSegment | None, name: str, destination: str) -> str:
    match definition:
        case BrokenSegment():
            return (
                f"its file is broken, so only opt-outs are removed until it is repaired: {definition.error}"
            )
        case Segment():
            return f"{name}.sql has no [sync.{destination}] any more, but people are held; only opt-outs are removed"
        case None:
            return f"there is no {name}.sql any more, but people are held; only opt-outs are removed"
