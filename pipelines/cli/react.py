"""What arrived, and how quickly it got where it belongs: micro-batches from the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.cli import machine, tables
from pipelines.cli.demo import platforms
from pipelines.cli.exits import Exit, of_deliveries
from pipelines.cli.shell import Json, opened_project, steps
from pipelines.cli.tables import console, errors, table
from pipelines.dynamic import react as take
from pipelines.reactions import Reaction

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(react)


def react(
    last: Annotated[
        bool, typer.Option("--last", help="Only show the last micro-batches and how long people waited.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take what has arrived, move people in and out of dynamic segments, and push the change."""
    project = opened_project()
    if last:
        _show(project.reactions.newest(SHOWN), as_json=as_json)
        return
    with platforms(project.settings), steps() as show:
        done = take(project, watch=show.watch())
    if as_json:
        machine.write([of_reaction(done.reaction), *(machine.of_push(one) for one in done.deliveries)])
    else:
        _show([done.reaction], as_json=False)
        if done.deliveries:
            console.print(tables.of_pushes(list(done.deliveries)))
    for sentence in done.complaints:
        errors.print(sentence, style="red", markup=False, soft_wrap=True)
    tables.say_why(list(done.deliveries), errors.print)
    raise typer.Exit(Exit.FAILED if done.complaints else of_deliveries(list(done.deliveries)))


def _show(reactions: list[Reaction], *, as_json: bool) -> None:
    if as_json:
        machine.write(of_reaction(one) for one in reactions)
    elif reactions:
        console.print(_table(reactions))
    else:
        console.print("There was no micro-batch yet: turnout react")


def _table(reactions: list[Reaction]) -> Table:
    shown = table("at", "rows", "people", "in", "out", "run", "arrival", "event")
    shown.caption = "seconds of the run; from arrival and from the event to the last receipt"
    for one in reactions:
        shown.add_row(
            f"{one.began_at.astimezone():%m-%d %H:%M:%S}",
            f"{one.rows:,}",
            "all" if one.everybody else f"{one.people:,}",
            f"{sum(change.entered for change in one.changes):,}",
            f"{sum(change.left for change in one.changes):,}",
            _seconds(one.seconds),
            _seconds(one.since_written),
            _seconds(one.since_event),
            style="none" if one.ok else "red",
        )
    return shown


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def of_reaction(one: Reaction) -> dict[str, Any]:
    """One micro-batch; seconds are null where nothing was sent, or an event's own time is not known."""
    return {
        "run_id": one.run_id,
        "as_of": one.day.isoformat(),
        "began_at": one.began_at.isoformat(),
        "loaded_at": one.loaded_at.isoformat(),
        "computed_at": one.computed_at.isoformat(),
        "settled_at": one.settled_at.isoformat() if one.settled_at else None,
        "rows": one.rows,
        "people": one.people,
        "everybody": one.everybody,
        "segments": [
            {"name": c.segment, "entered": c.entered, "left": c.left, "size": c.size} for c in one.changes
        ],
        "seconds": one.seconds,
        "seconds_since_arrival": one.since_written,
        "seconds_since_event": one.since_event,
        "ok": one.ok,
    }
