"""``turnout collisions``: who is wanted by several segments, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from pipelines.cli import machine
from pipelines.cli.shell import AsOf, Json, day, opened_project
from pipelines.cli.tables import console, table
from pipelines.insight.collisions import Collisions, Waterfall
from pipelines.insight.collisions import collisions as look
from pipelines.warehouse.crowding import Crowding

MOST_PAIRS = 10
"""Pairs that a terminal shows; ``--json`` has all."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(collisions)


def collisions(
    group: Annotated[
        str | None, typer.Argument(help="A waterfall; nothing means all.", show_default=False)
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Who is wanted by several segments: what each waterfall decides, and where nothing does. Keeps nothing."""
    found = look(opened_project(), group, day(as_of))
    if as_json:
        machine.write(_objects(found))
        return
    for one in found.waterfalls:
        _show_waterfall(one)
    if found.undecided is not None:
        if not found.waterfalls:
            console.print("No segment names a waterfall.")
        _show_undecided(found.undecided)


def _objects(found: Collisions) -> Iterator[Mapping[str, Any]]:
    as_of = found.as_of.isoformat()
    for one in found.waterfalls:
        for place in one.places:
            yield {
                "kind": "place",
                "as_of": as_of,
                "waterfall": one.group,
                "segment": place.segment,
                "priority": place.priority,
                "own": place.own,
                "taken": [asdict(taken) for taken in place.taken],
                "left": place.left,
            }
    if found.undecided is None:
        return
    for segments, people in found.undecided.people_in.items():
        yield {"kind": "crowd", "as_of": as_of, "segments": segments, "people": people}
    for pair in found.undecided.pairs:
        yield {"kind": "pair", "as_of": as_of, **asdict(pair)}
    for name in found.undecided.not_computed:
        yield {"kind": "not_computed", "as_of": as_of, "segment": name}


def _show_waterfall(one: Waterfall) -> None:
    console.print(f"[bold]{one.group}[/]: {one.people:,} people, each in one segment", highlight=False)
    shown = table("priority", "segment", "own", "lost to", "left")
    for place in one.places:
        lost = ", ".join(f"{taken.segment}: {taken.people:,}" for taken in place.taken)
        shown.add_row(str(place.priority), place.segment, f"{place.own:,}", lost, f"{place.left:,}")
    console.print(shown)


def _show_undecided(crowd: Crowding) -> None:
    if crowd.people_in:
        shown = table("in so many segments of no waterfall", "people")
        for segments, people in crowd.people_in.items():
            shown.add_row(str(segments), f"{people:,}")
        console.print(shown)
    if crowd.pairs:
        shown = table("segment", "other", "people in both", "jaccard")
        for pair in crowd.pairs[:MOST_PAIRS]:
            shown.add_row(pair.segment, pair.other, f"{pair.people:,}", f"{pair.jaccard:.2f}")
        console.print(shown)
    if crowd.not_computed:
        names = ", ".join(crowd.not_computed)
        console.print(f"Not computed for this day: {names}", style="yellow", soft_wrap=True, highlight=False)
