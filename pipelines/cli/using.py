"""``turnout uses`` and ``turnout rm``: where a segment is used, and taking it away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from pipelines.cli import machine
from pipelines.cli.segment import Segment
from pipelines.cli.shell import Json, opened_project
from pipelines.cli.tables import console, table
from pipelines.insight.using import Uses
from pipelines.insight.using import remove as take_away
from pipelines.insight.using import uses as ask


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(uses)
    app.command()(rm)


def uses(segment: Segment, as_json: Json = False) -> None:
    """Where a segment is used: segments that are built on it, and audiences with how many people they hold."""
    found = ask(opened_project(), segment)
    if as_json:
        machine.write([_of_uses(found)])
        return
    if not (found.built_on_it or found.perhaps or found.left_out_by or found.audiences):
        console.print(f"{segment} is used nowhere.", highlight=False)
        return
    if found.built_on_it:
        console.print(f"Built on it: {', '.join(found.built_on_it)}", highlight=False, soft_wrap=True)
    if found.perhaps:
        told = f"Broken, and perhaps built on it: {', '.join(found.perhaps)}"
        console.print(told, style="yellow", highlight=False, soft_wrap=True)
    if found.left_out_by:
        console.print(f"Left out by: {', '.join(found.left_out_by)}", highlight=False, soft_wrap=True)
    if found.audiences:
        shown = table("destination", "segment", "people", "state")
        for one in found.audiences:
            state = (
                "filled"
                if one.asked_for and one.opened
                else "not pushed yet"
                if one.asked_for
                else "left behind"
            )
            shown.add_row(one.destination, one.segment, "" if one.held is None else f"{one.held:,}", state)
        console.print(shown)


def rm(segment: Segment, as_json: Json = False) -> None:
    """Delete a segment's file, unless a segment is built on it or an audience of it is still there."""
    found = take_away(opened_project(), segment)
    if as_json:
        machine.write([_of_uses(found)])
        return
    console.print(
        f"{found.path.name} is deleted. What was computed of it stays in the warehouse for as long as days are kept.",
        highlight=False,
        soft_wrap=True,
    )


def _of_uses(found: Uses) -> dict[str, Any]:
    return asdict(found) | {"path": str(found.path)}
