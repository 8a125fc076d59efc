"""Commands about people in audiences: who was refused, who moved and why, where one person stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli import machine
from pipelines.cli.shell import Json, Names, opened_project, selected
from pipelines.cli.tables import console, table
from pipelines.delivery.history import REASONS
from pipelines.delivery.looking_back import Move, look_back
from pipelines.insight.why import Why
from pipelines.insight.why import why as ask
from pipelines.names import unknown_name
from pipelines.project import Project

Days = Annotated[int, typer.Option(min=1, help="How many days to look back.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (rejections, history, why):
        app.command()(command)


def rejections(as_json: Json = False) -> None:
    """The rows that platforms do not take, by audience and reason; tried again when they change, or after a while."""
    found = opened_project().record.rejected()
    if as_json:
        machine.write(machine.of_rejected(one) for one in found)
        return
    if not found:
        console.print("No platform refuses anybody.")
        return
    shown = table("audience", "reason", "people", "since")
    for one in found:
        shown.add_row(
            f"{one.destination}/{one.segment}", one.reason, f"{one.people:,}", f"{one.since:%Y-%m-%d %H:%M}"
        )
    console.print(shown)


def history(names: Names = None, days: Days = 30, as_json: Json = False) -> None:
    """Who joined and left audiences, when and why, in numbers; newest first."""
    project = opened_project()
    since = datetime.now(UTC) - timedelta(days=days)
    moves = [
        (f"{destination}/{segment}", move)
        for destination, segments in selected(project, names)
        for segment, move in _moves(project, destination, segments, since)
    ]
    if as_json:
        machine.write(machine.of_move(audience, move) for audience, move in moves)
        return
    if not moves:
        console.print(f"Nobody moved in the last {days} days.")
        return
    _show_moves(moves)


def _moves(
    project: Project, destination: str, segments: list[str], since: datetime
) -> list[tuple[str, Move]]:
    settings = project.settings
    with look_back(settings.state_dir, destination, settings.lock_wait_seconds) as looking:
        if looking is None:
            return []
        return [(segment, move) for segment in segments for move in looking.moves(segment, since)]


def _show_moves(moves: list[tuple[str, Move]]) -> None:
    """A table for each audience with the reasons as codes, and what the codes mean."""
    for audience, of_one in groupby(moves, key=lambda pair: pair[0]):
        console.print(_table_of_moves(audience, [move for _, move in of_one]))
    for code in sorted({move.why for _, move in moves}):
        if code in REASONS:
            console.print(f"[bold]{code}[/]: {REASONS[code]}")


def _table_of_moves(audience: str, moves: list[Move]) -> Table:
    shown = table("at", "people", "reason", "outcome")
    shown.title = audience
    shown.title_justify = "left"
    for move in moves:
        sign = "+" if move.op == "add" else "-"
        shown.add_row(f"{move.at:%Y-%m-%d %H:%M}", f"{sign}{move.people:,}", move.why, move.outcome)
    return shown


def why(
    person: Annotated[
        str, typer.Argument(help="The person's key in your sources (customer_id).", show_default=False)
    ],
    audience: Annotated[str, typer.Argument(help="DESTINATION/SEGMENT.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Why somebody is in an audience, or is not, and what was ever sent for them."""
    project = opened_project()
    chosen = [(d, s) for d, segments in project.deliveries.select([audience]).items() for s in segments]
    if len(chosen) != 1:
        raise unknown_name("audience", audience, [f"{d}/{s}" for d, s in chosen])
    answer = ask(project, person, *chosen[0])
    if as_json:
        machine.write([machine.of_why(answer)])
        return
    console.print(answer.sentence, soft_wrap=True, highlight=False)
    if answer.standing and answer.standing.moves:
        _show_moves([(_name(answer), move) for move in answer.standing.moves])


def _name(answer: Why) -> str:
    return f"{answer.destination}/{answer.segment}"
