"""Where a segment is used, and taking its file away when it is used nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.project import Project
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from pipelines.segments.templates import template_of


class StillUsed(Exception):
    """A segment's file cannot go; the sentence says who uses it and what to do first."""


@dataclass(frozen=True, slots=True)
class Audience:
    """A destination that the segment fills, or that still has an audience of it."""

    destination: str
    segment: str
    """The segment asked about, or a part that its template makes."""
    asked_for: bool
    """The segment's file has a sync with it."""
    opened: bool
    """There is an audience on the platform, with books here."""
    held: int | None
    """People in it after the last push; None: none was ever finished."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Everything that rests on a segment."""

    segment: str
    path: Path
    built_on_it: tuple[str, ...]
    """Segments whose SQL reads it."""
    perhaps: tuple[str, ...]
    """Broken files that mention it: whether they read it cannot be told."""
    audiences: tuple[Audience, ...]
    left_out_by: tuple[str, ...] = ()
    """Audiences that leave its people out, as ``destination/segment``."""
    template: str | None = None
    """The template that makes it a part of itself; None: it has a file of its own."""

    @property
    def opened(self) -> tuple[Audience, ...]:
        """Audiences with books."""
        return tuple(one for one in self.audiences if one.opened)


def uses(project: Project, name: str) -> Uses:
    """Who uses a segment, or any part that its template makes. Raises UnknownName."""
    definition = project.definition(name)
    template = template_of(name, definition.path)
    whole = [one for one in project.definitions if one.path == definition.path and template is None]
    family = {one.name: one for one in (definition, *whole)}
    word = re.compile(rf"\b{re.escape(name)}\b")
    others = [one for one in project.definitions if one.name not in family]
    return Uses(
        name,
        definition.path,
        tuple(one.name for one in others if isinstance(one, Segment) and family.keys() & set(one.layers)),
        tuple(one.name for one in others if isinstance(one, BrokenSegment) and word.search(_text(one.path))),
        tuple(found for one in family.values() for found in _audiences(project, one)),
        tuple(
            f"{sync.destination}/{one.name}"
            for one in others
            if isinstance(one, Segment)
            for sync in one.syncs
            if family.keys() & set(sync.exclude)
        ),
        template,
    )


def remove(project: Project, name: str) -> Uses:
    """Delete a segment's file. What was computed of it stays in the warehouse for as long as days are kept.

    A template's parts go with it. Raises UnknownName, and StillUsed, with nothing done, while something is built on it,
    leaves its people out, or an audience has books.
    """
    found = uses(project, name)
    reasons = tuple(_reasons(found))
    if reasons:
        raise StillUsed(f"{name} is still used: " + "; ".join(reasons))
    if project.settings.ships_its_segments:
        raise StillUsed(
            f"{name} ships with Turnout: make a folder segment_defs of your own, and it is not read"
        )
    found.path.unlink()
    return found


def _audiences(project: Project, definition: Segment | BrokenSegment) -> Iterator[Audience]:
    asked = {sync.destination for sync in definition.syncs} if isinstance(definition, Segment) else set()
    held = {
        one.delivery.destination: one.delivery.held
        for one in project.record.status()
        if one.delivery.segment == definition.name
    }
    for destination in project.connector_types:
        opened = definition.name in project.record.opened_audiences(destination)
        if opened or destination in asked:
            yield Audience(destination, definition.name, destination in asked, opened, held.get(destination))


def _reasons(found: Uses) -> Iterator[str]:
    """Why the file cannot go, each with what to do."""
    if found.template is not None:
        yield f"it is a part of {found.template}; take its value out of [template] in {found.path.name}"
    if found.built_on_it:
        yield f"{', '.join(found.built_on_it)} built on it; change or remove them first"
    if found.perhaps:
        yield f"{', '.join(found.perhaps)} broken and may be built on it; mend them first"
    if found.left_out_by:
        yield f"{', '.join(found.left_out_by)} leaves its people out; take it out of exclude first"
    for one in found.opened:
        people = "people may be" if one.held is None else f"{one.held:,} people are"
        sync = f"take [sync.{one.destination}] out of {found.path.name}, then " if one.asked_for else ""
        audience = f"{one.destination}/{one.segment}"
        yield f"{people} in {audience}; {sync}turnout retire {audience} --why …"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
