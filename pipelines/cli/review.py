"""Commands for looking before something happens, and for taking it back: plan, apply, undo, hold, resume, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import machine, tables
from pipelines.cli.demo import platforms
from pipelines.cli.exits import of_applied, of_deliveries
from pipelines.cli.shell import (
    AcceptGrowth,
    AcceptRemovals,
    Json,
    Names,
    opened_project,
    operator,
    reason,
    selected,
    steps,
)
from pipelines.cli.tables import console, errors
from pipelines.delivery.holds import Hold
from pipelines.delivery.model import Delivery
from pipelines.project import Project
from pipelines.review.applying import apply_plan
from pipelines.review.holding import hold as put_on_hold
from pipelines.review.holding import one_audience
from pipelines.review.holding import resume as let_go_on
from pipelines.review.operator import Operator
from pipelines.review.plan_file import read_plan, write_plan
from pipelines.review.planning import make_plan
from pipelines.review.undoing import undo as take_back

Why = Annotated[str, typer.Option(help="Recorded with your name, and shown to whoever asks later.")]
One = Annotated[str, typer.Argument(help="DESTINATION/SEGMENT.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (plan, apply, undo, hold, resume, decisions):
        app.command()(command)


def plan(
    names: Names = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a sealed plan, to be reviewed and then applied exactly."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The difference of every audience, counted and judged; sends nothing."""
    project = opened_project()
    deliveries = _counted(project, names) if output is None else _written(project, names, output)
    if as_json:
        machine.write(machine.of_plan(d) for d in deliveries)
    else:
        console.print(tables.of_plan(deliveries))
    tables.say_why(deliveries, errors.print)
    raise typer.Exit(of_deliveries(deliveries))


def _counted(project: Project, names: list[str] | None) -> list[Delivery]:
    run = project.deliveries.new_run()
    return [
        d
        for destination, chosen in selected(project, names)
        for d in project.deliveries.plan(destination, chosen, run)
    ]


def _written(project: Project, names: list[str] | None, output: Path) -> Sequence[Delivery]:
    with platforms(project.settings):
        draft = make_plan(project, names or [], operator())
    if draft.content is None:
        errors.print("No plan was written: name the audiences that can be planned, or mend the others.")
    else:
        plan = write_plan(output, draft.content, project.settings.seal_key)
        requests = sum(one.requests for one in plan.audiences)
        errors.print(
            f"Plan {plan.mark} of {len(plan.audiences)} audiences, at most {requests:,} requests, is in {output}; "
            f"look at it, then: turnout apply {output}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return draft.deliveries


def apply(
    file: Annotated[Path, typer.Argument(help="What turnout plan -o wrote.", show_default=False)],
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether it could be applied now; send nothing.")
    ] = False,
    accept_removals: AcceptRemovals = False,
    accept_growth: AcceptGrowth = False,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Do exactly what a plan says, or nothing, and say how the world has changed since."""
    said = reason(why, needed=accept_removals or accept_growth)
    project = opened_project()
    asks = Operator(operator(), said, accept_removals, accept_growth)
    sealed = read_plan(file, project.settings.seal_key)
    with platforms(project.settings), steps() as show:
        results = apply_plan(project, sealed, asks, only_look=check, watch=show.watch())
    if as_json:
        machine.write(machine.of_applied(one) for one in results)
    else:
        console.print(tables.of_applied(results))
    for one in results:
        if one.sentence != "fine":
            errors.print(
                f"{one.destination}/{one.segment}: {one.sentence}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    raise typer.Exit(of_applied(results))


def undo(
    audience: One,
    why: Why = "",
    accept_removals: AcceptRemovals = False,
    accept_growth: AcceptGrowth = False,
    as_json: Json = False,
) -> None:
    """Take back the last push that changed an audience, and put the audience on hold."""
    asks = Operator(operator(), reason(why), accept_removals, accept_growth)
    project = opened_project()
    destination, segment = one_audience(project, audience)
    with platforms(project.settings), steps() as show:
        delivery = take_back(project, destination, segment, asks, watch=show.watch())
    if as_json:
        machine.write([machine.of_push(delivery)])
    else:
        console.print(tables.of_pushes([delivery]))
        if delivery.sentence != "fine" and delivery.verdict in ("fine", "overridden"):
            _say(delivery.sentence)
    tables.say_why([delivery], errors.print)
    standing = project.record.hold(destination, segment)
    if standing is not None and not as_json:
        _say(f"{standing.name}: {standing.sentence}")
    raise typer.Exit(of_deliveries([delivery]))


def hold(audience: One, why: Why = "", as_json: Json = False) -> None:
    """Let nobody join or leave an audience, opt-outs excepted, until it is resumed."""
    said = reason(why)
    placed = put_on_hold(opened_project(), audience, operator(), said)
    _tell(placed, f"{placed.name}: {placed.sentence}", as_json)


def resume(audience: One, why: Why = "", as_json: Json = False) -> None:
    """End an audience's hold: the next push brings it to what its segment wants."""
    lifted = let_go_on(opened_project(), audience, operator(), reason(why, needed=False))
    _tell(lifted, f"{lifted.name} follows its segment again; next: turnout plan {lifted.name}", as_json)


def _tell(hold: Hold, sentence: str, as_json: bool) -> None:
    if as_json:
        machine.write([machine.of_hold(hold)])
    else:
        _say(sentence)


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def decisions(as_json: Json = False) -> None:
    """What operators decided, newest first: guards overridden, plans applied, pushes undone, holds."""
    found = opened_project().record.decisions()
    if as_json:
        machine.write(machine.of_decision(one) for one in found)
    else:
        console.print(tables.of_decisions(found))
