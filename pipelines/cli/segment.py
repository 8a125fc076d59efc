"""Commands about one segment: why somebody is in it, and what it would hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli import machine
from pipelines.cli.exits import Exit
from pipelines.cli.models import said_by_model
from pipelines.cli.shell import AsOf, Json, day, opened_project, steps
from pipelines.cli.tables import console, table
from pipelines.cli.trials import Cooldown, Grace, compared, of_trials, trials
from pipelines.insight.backtesting import backtest as replay
from pipelines.insight.cells import cell, said
from pipelines.insight.explaining import definition_of
from pipelines.insight.explaining import explain as ask
from pipelines.insight.linting import lint as doubts
from pipelines.insight.previewing import Preview, Reach
from pipelines.insight.previewing import preview as look
from pipelines.insight.previewing import tune as sizes
from pipelines.insight.profiling import profile as compare
from pipelines.quality.mistakes import made
from pipelines.warehouse.judging import Answered
from pipelines.warehouse.profiling import Trait
from pipelines.warehouse.sizing import Narrowing, Overlap

MOST_TELLING = 15
"""Traits that a terminal shows; ``--json`` has all."""
MOST_DAYS = 14
"""Days that a terminal shows; ``--json`` has all."""
LIKEST = 5
"""Overlaps that a terminal shows; ``--json`` has all."""

Segment = Annotated[str, typer.Argument(help="The segment's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(preview)
    app.command()(lint)
    app.command()(backtest)
    app.command()(tune)
    app.command()(profile)
    app.command()(explain)


def preview(segment: Segment, as_of: AsOf = None, as_json: Json = False) -> None:
    """What a segment would hold, what makes it that size, and whom each audience reaches. Keeps and sends nothing."""
    answer = look(opened_project(), segment, day(as_of))
    if as_json:
        machine.write([machine.of_preview(answer)])
    else:
        _show_preview(answer)


def lint(
    names: Annotated[
        list[str] | None, typer.Argument(help="Segments; nothing means all.", show_default=False)
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What is doubtful about segments: too small, too broad, the same as another, hardly reachable, overdue."""
    found = list(doubts(opened_project(), names or (), day(as_of)))
    if as_json:
        machine.write(asdict(one) for one in found)
    elif found:
        shown = table("segment", "rule", "", "finding")
        for one in found:
            style = "red" if one.severity == "error" else "none"
            shown.add_row(one.segment, one.rule, one.severity, escape(one.says), style=style)
        console.print(shown)
        for mistake in made(one.rule for one in found):
            segments = dict.fromkeys(one.segment for one in found if one.mistake == mistake.id)
            told = f"[bold]{mistake.id}[/] {mistake.name}: {mistake.says} ({', '.join(segments)})"
            console.print(told, soft_wrap=True, highlight=False)
    else:
        console.print("Nothing is doubtful.")
    raise typer.Exit(Exit.USAGE if any(one.severity == "error" for one in found) else Exit.OK)


def backtest(
    segment: Segment,
    days: Annotated[int, typer.Option(min=2, help="How many days, the last one included.")] = 30,
    grace: Grace = None,
    cooldown: Cooldown = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """How a segment would have lived: size, who came and left, and who was back within a week, on every past day.

    With entry and exit rules, its own or tried ones, it says how many changes they spare. Features of days that lack
    them are built, and stay in the warehouse.
    """
    project = opened_project()
    last = day(as_of) or project.newest_as_of
    own = definition_of(project, segment).entry_exit
    with steps() as show:
        found = replay(
            project,
            segment,
            last - timedelta(days=days - 1),
            last,
            show,
            trials=trials(own, grace, cooldown),
        )
    if as_json:
        machine.write([machine.of_backtest(found) | {"entry_exit": of_trials(own, found)}])
        return
    console.print(
        f"[bold]{segment}[/], {found.days[0].as_of} to {found.days[-1].as_of}: "
        f"{found.mean_size:,.0f} people on average, "
        f"{found.turnover:.1%} change a day, {found.flap:.0%} of those who leave are back within a week, "
        f"{found.jaccard:.0%} are the same at both ends",
        soft_wrap=True,
        highlight=False,
    )
    if found.tried:
        console.print(compared(own, found))
    shown = table("as of", "people", "entered", "left")
    for one in found.days[-MOST_DAYS:]:
        shown.add_row(str(one.as_of), f"{one.size:,}", f"{one.entered:,}", f"{one.left:,}")
    console.print(shown)


def tune(segment: Segment, as_of: AsOf = None, as_json: Json = False) -> None:
    """What size a segment would have with other bounds, one at a time. Keeps and sends nothing."""
    found = sizes(opened_project(), segment, day(as_of))
    if as_json:
        machine.write(asdict(one) for one in found)
        return
    if not found:
        console.print("None of its conditions is a comparison of a feature with a number.")
    for one in found:
        shown = table("bound", "people")
        for option in one.options:
            style = "bold" if option.bound == one.bound else "none"
            shown.add_row(f"{one.column} {one.sign} {option.bound:g}", f"{option.size:,}", style=style)
        console.print(shown)


def profile(
    segment: Segment,
    as_of: AsOf = None,
    persona: Annotated[
        bool,
        typer.Option("--persona", help="Only a line for the header, from what they do more than everybody."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Who a segment's people are, compared with everybody: features by how much they differ. Keeps nothing."""
    answer = compare(opened_project(), segment, day(as_of))
    if persona and not as_json:
        console.print(answer.persona_line, markup=False, highlight=False, soft_wrap=True)
        return
    if as_json:
        machine.write([machine.of_profile(answer)])
        return
    console.print(f"[bold]{answer.segment}[/] on {answer.as_of}", highlight=False)
    if answer.persona:
        console.print(escape(answer.persona), soft_wrap=True)
    console.print(escape(answer.sentence), soft_wrap=True, highlight=False)
    if answer.traits:
        console.print(_traits(answer.traits[:MOST_TELLING]))
    if answer.unshown:
        told = ", ".join(f"{one.feature} ({one.values:,})" for one in answer.unshown)
        console.print(f"Values of fewer than {answer.floor} people, not shown: {told}", soft_wrap=True)


def explain(
    person: Annotated[
        str, typer.Argument(help="The person's key in your sources (customer_id).", show_default=False)
    ],
    segment: Segment,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Why somebody is in a segment or is not: each condition with its values, then what every audience makes of it."""
    answer = ask(opened_project(), person, segment, day(as_of))
    if as_json:
        machine.write([machine.of_explained(answer)])
        return
    console.print(answer.sentence, style="bold", soft_wrap=True, highlight=False)
    if answer.conditions is None:
        console.print("Its SQL is no plain list of conditions, so it is not taken apart.")
    elif answer.conditions:
        console.print(_answers(answer.conditions))
    for score in answer.scores:
        console.print(said_by_model(score), soft_wrap=True, highlight=False)
    for one in answer.audiences:
        told = f"[bold]{one.destination}/{one.segment}[/]: {escape(one.sentence)}"
        console.print(told, soft_wrap=True, highlight=False)


def _show_preview(answer: Preview) -> None:
    sized = answer.sized
    console.print(
        f"[bold]{answer.segment}[/] on {answer.as_of}: {sized.size:,} people, {sized.share:.1%} of "
        f"{sized.universe:,}",
        highlight=False,
    )
    if sized.by_rule is not None:
        console.print(
            f"Its SQL alone gives {sized.by_rule:,}; entry and exit make it {sized.size:,}.", highlight=False
        )
    if sized.conditions is None:
        console.print("Its SQL is no plain list of conditions, so it is not taken apart.")
    elif sized.conditions:
        console.print(_narrowings(sized.conditions, answer.floor))
    if sized.layers:
        shown = table("layer", "people", "of them here")
        for layer in sized.layers:
            shown.add_row(layer.segment, f"{layer.size:,}", said(layer.shared, answer.floor))
        console.print(shown)
    if sized.taken:
        shown = table("taken by", "people")
        for one in sized.taken:
            shown.add_row(one.segment, f"{one.people:,}")
        console.print(shown)
    if sized.overlaps:
        console.print(_overlaps(sized.overlaps[:LIKEST], answer.floor))
    if answer.reach:
        console.print(_reaches(answer.reach))


def _answers(conditions: Sequence[Answered]) -> Table:
    shown = table("", "condition", "values")
    for one in conditions:
        mark = "[green]yes[/]" if one.holds else "[red]no[/]"
        values = ", ".join(f"{name} = {'unknown' if v is None else v}" for name, v in one.values.items())
        shown.add_row(mark, escape(one.says), escape(values))
    return shown


def _narrowings(conditions: Sequence[Narrowing], floor: int) -> Table:
    shown = table("condition", "alone", "with those above", "lack only this")
    for one in conditions:
        shown.add_row(escape(one.says), f"{one.alone:,}", f"{one.so_far:,}", said(one.only_this, floor))
    return shown


def _traits(traits: Sequence[Trait]) -> Table:
    shown = table("feature", "value", "here", "everybody", "index", "effect", "known")
    for one in traits:
        form = ".0%" if one.value else ",.2f"
        numbers = (format(one.here, form), format(one.universe, form))
        index = "" if one.index is None else f"{one.index:.2f}"
        known = f"{one.known:.0%}"
        shown.add_row(one.feature, escape(one.value or "mean"), *numbers, index, f"{one.effect:+.2f}", known)
    return shown


def _overlaps(overlaps: Sequence[Overlap], floor: int) -> Table:
    shown = table("likest segment", "people", "shared", "jaccard")
    for one in overlaps:
        jaccard = f"{one.jaccard:.2f}" if cell(one.shared, floor) is not None else ""
        shown.add_row(one.segment, f"{one.size:,}", said(one.shared, floor), jaccard)
    return shown


def _reaches(reach: Sequence[Reach]) -> Table:
    shown = table("destination", "reachable", "least", "why")
    for one in reach:
        why = ", ".join(f"{count:,} {reason}" for reason, count in one.withheld.items())
        style = "yellow" if one.reachable < one.min_size else "none"
        least = f"{one.min_size:,}" if one.min_size else ""
        shown.add_row(one.destination, f"{one.reachable:,}", least, why, style=style)
    return shown
