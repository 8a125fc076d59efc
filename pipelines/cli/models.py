"""Commands about models: which there are, training one on purpose, choosing the version in force, scoring a day."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli import machine
from pipelines.cli.exits import Exit
from pipelines.cli.shell import AsOf, Json, day, opened_project, steps
from pipelines.cli.tables import console, errors, table
from pipelines.modelling import Known, Scoring
from pipelines.models.model import Sheet
from pipelines.models.store import Card
from pipelines.warehouse.scored import Score

Model = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]

app = typer.Typer(help="Models: list them, train one, choose its version, score a day.", add_completion=False)


def register(program: typer.Typer) -> None:
    """Add the commands of this module."""
    program.add_typer(app, name="models")


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: Json = False) -> None:
    """Every model with the version in force: how it was made, what it is worth, and which segments read it."""
    if context.invoked_subcommand is not None:
        return
    known = opened_project().models.known()
    if as_json:
        machine.write(_listed(one) for one in known)
        return
    shown = table("model", "version", "trained as of", "AUC", "baseline", "read by")
    for one in known:
        shown.add_row(*_row(one))
    console.print(shown)
    for one in known:
        for refusal in one.newest.refusals if one.newest else ():
            console.print(
                f"{one.model.name}: version {one.newest.version if one.newest else 0} was refused: {refusal}",
                style="yellow",
                soft_wrap=True,
                highlight=False,
            )


@app.command()
def train(model: Model, as_of: AsOf = None, as_json: Json = False) -> None:
    """Train a new version; it is in force from now on, unless a gate refuses it."""
    project = opened_project()
    with steps() as show:
        card = project.models.train(model, day(as_of), show)
    if as_json:
        machine.write([of_card(card)])
    else:
        _show_card(card)
    raise typer.Exit(Exit.OK if card.status == "accepted" else Exit.FAILED)


@app.command()
def use(
    model: Model,
    version: Annotated[int, typer.Argument(min=1, help="Its number.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Put a version in force: days that are scored from now on are scored with it."""
    card = opened_project().models.use(model, version)
    if as_json:
        machine.write([of_card(card)])
    else:
        console.print(f"Version {card.version} of {card.model} is in force.", highlight=False)


@app.command()
def show(
    model: Model,
    version: Annotated[int | None, typer.Option(min=1, help="Its number; default: the one in force.")] = None,
    as_json: Json = False,
) -> None:
    """The card of a version: data, measures, baseline, calibration, gain and what its gates said."""
    card = opened_project().models.card(model, version)
    if as_json:
        machine.write([of_card(card)])
    else:
        _show_card(card)


@app.command()
def score(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Models; nothing means those that segments read.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    anew: Annotated[bool, typer.Option("--anew", help="Also what is scored already.")] = False,
    as_json: Json = False,
) -> None:
    """Score a day with the versions in force; a nightly run does so before it computes segments."""
    project = opened_project()
    wanted = day(as_of) or project.newest_loaded() or project.newest_as_of
    found = project.models.score(wanted, names or project.models.read(), anew=anew)
    if as_json:
        machine.write(of_scoring(found))
    else:
        shown = table("model", "version", "as of", "people", "by")
        for one in found.done:
            note = "hindsight" if one.hindsight else "forecast"
            shown.add_row(one.model, str(one.version), str(one.as_of), f"{one.people:,}", note)
        console.print(shown)
    for error in found.faults.values():
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(Exit.FAILED if found.faults else Exit.OK)


def said_by_model(score: Score) -> str:
    """A score with its reasons, for a person who asks why."""
    group = f", group {escape(score.label)}" if score.label else ""
    hindsight = ", in hindsight" if score.hindsight else ""
    why = f": {escape(score.reasons)}" if score.reasons else ""
    return (
        f"[bold]{score.model}[/] (version {score.version}{hindsight}) says {score.score:.3g}{group}, "
        f"above {score.rank:.0%} of those it scored{why}"
    )


def of_card(card: Card) -> dict[str, Any]:
    """A card with all that is on it; days and times as text."""
    return card.model_dump(mode="json") | {"accepted": card.status == "accepted"}


def of_scoring(found: Scoring) -> list[dict[str, Any]]:
    """What was scored, then what could not be."""
    done = [
        {
            "model": one.model,
            "version": one.version,
            "as_of": one.as_of.isoformat(),
            "people": one.people,
            "hindsight": one.hindsight,
            "error": None,
        }
        for one in found.done
    ]
    nothing = {"version": None, "as_of": None, "people": 0, "hindsight": None}
    return done + [{"model": name, **nothing, "error": str(error)} for name, error in found.faults.items()]


def _listed(one: Known) -> dict[str, Any]:
    card = one.current
    return {
        "model": one.model.name,
        "title": one.model.title,
        "description": one.model.description,
        "version": card.version if card else None,
        "as_of": card.as_of.isoformat() if card else None,
        "kind": card.kind if card else None,
        "measures": {measure.name: measure.value for measure in card.measures} if card else {},
        "newest": one.newest.version if one.newest else None,
        "newest_status": one.newest.status if one.newest else None,
        "read_by": list(one.read_by),
    }


def _row(one: Known) -> tuple[str, ...]:
    card = one.current
    if card is None:
        return (one.model.name, "none", "", "", "", ", ".join(one.read_by))
    auc, baseline = card.measure("auc"), card.measure("auc_baseline")
    told = tuple("" if value is None else f"{value:.3f}" for value in (auc, baseline))
    return (one.model.name, str(card.version), str(card.as_of), *told, ", ".join(one.read_by))


def _show_card(card: Card) -> None:
    style = "green" if card.status == "accepted" else "red"
    console.print(
        f"[bold]{escape(card.title)}[/], version {card.version}, {card.kind}, [{style}]{card.status}[/]",
        highlight=False,
    )
    console.print(escape(card.description), soft_wrap=True, highlight=False)
    windows = table("window", "as of", "until", "people", "outcomes")
    for one in card.windows:
        positives = "" if one.positives is None else f"{one.positives:,}"
        windows.add_row(one.role, str(one.as_of), str(one.until), f"{one.people:,}", positives)
    console.print(windows)
    measured = table("measure", "is", "meaning")
    for measure in card.measures:
        measured.add_row(measure.name, f"{measure.value:.4g}", escape(measure.says))
    console.print(measured)
    gates = table("gate", "verdict", "finding")
    for gate in card.gates:
        gates.add_row(gate.name, "[green]passed[/]" if gate.passed else "[red]failed[/]", escape(gate.says))
    console.print(gates)
    for sheet in card.sheets:
        console.print(_sheet(sheet))


def _sheet(sheet: Sheet) -> Any:
    shown = table(*sheet.columns)
    shown.title = sheet.title
    for row in sheet.rows:
        shown.add_row(*map(_cell, row))
    return shown


def _cell(value: str | float | int | None) -> str:
    if value is None:
        return ""
    return (
        escape(value)
        if isinstance(value, str)
        else f"{value:,.4g}"
        if isinstance(value, float)
        else f"{value:,}"
    )
