"""Commands about the quality of segments: the card of one, the coverage of all, growth, and what is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli import machine, quality_machine
from pipelines.cli.exits import Exit
from pipelines.cli.shell import AsOf, Json, day, opened_project, operator, reason, steps
from pipelines.cli.tables import console, table
from pipelines.insight.explaining import definition_of
from pipelines.insight.reaching import Reach
from pipelines.quality.acceptance import accept as write_down
from pipelines.quality.acceptance import accepted_of
from pipelines.quality.card import Card
from pipelines.quality.card import card as judge
from pipelines.quality.coverage import Coverage
from pipelines.quality.coverage import coverage as cover
from pipelines.quality.criterion import Criterion
from pipelines.quality.evidence import Unknown
from pipelines.quality.growth import growth as grown
from pipelines.quality.growth import sparkline
from pipelines.quality.mistakes import made

MOST_DAYS = 14
"""Days that a terminal shows; ``--json`` has all."""
STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "unknown": "dim"}

Segment = Annotated[str, typer.Argument(help="The segment's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (card, coverage, growth, accept):
        app.command()(command)


def card(
    segment: Segment,
    as_of: AsOf = None,
    replay: Annotated[
        int,
        typer.Option(
            min=0,
            max=366,
            help="Days before it that are replayed; their features are built where they lack, and stay.",
        ),
    ] = 30,
    as_json: Json = False,
) -> None:
    """A segment judged by twelve criteria, whom it reaches at each destination, and how it grew."""
    with steps() as show:
        found = judge(opened_project(), segment, day(as_of), replay_days=replay, show=show)
    if as_json:
        machine.write([quality_machine.of_card(found)])
    else:
        _show_card(found)
    raise typer.Exit(Exit.USAGE if found.errors else Exit.OK)


def coverage(as_of: AsOf = None, as_json: Json = False) -> None:
    """Whom no segment holds, which segments nobody ever got, and which are too small, with the nearest wider rule."""
    found = cover(opened_project(), day(as_of))
    if as_json:
        machine.write([quality_machine.of_coverage(found)])
    else:
        _show_coverage(found)


def growth(segment: Segment, as_json: Json = False) -> None:
    """A segment since it was made: its size, who came and left, what its people are like, and what they then did."""
    project = opened_project()
    found = grown(project, segment)
    if as_json:
        machine.write(quality_machine.of_growth(segment, one) for one in found)
        return
    if not found:
        console.print(f"{segment} was never computed: turnout segments {segment}")
        return
    console.print(
        f"[bold]{segment}[/] {sparkline([one.size for one in found])} {found[0].size:,} people on {found[0].as_of}, "
        f"{found[-1].size:,} on {found[-1].as_of}",
        highlight=False,
        soft_wrap=True,
    )
    shown = table("as of", "people", "share", "entered", "left", "")
    for before, one in pairwise((None, *found[-MOST_DAYS:])):
        assert one is not None
        changed = before is not None and before.definition != one.definition
        numbers = (f"{one.size:,}", f"{one.share:.1%}", f"{one.entered:,}", f"{one.left:,}")
        shown.add_row(str(one.as_of), *numbers, "new definition" if changed else "")
    console.print(shown)
    for name in dict.fromkeys(name for one in found for name in one.composition):
        means = [(one.as_of, one.composition[name]) for one in found if name in one.composition]
        _show_course(f"{name} of its people", means)
    goals = [(one.as_of, one.goal) for one in found if one.goal is not None]
    if goals:
        _show_course(f"{definition_of(project, segment).goal.metric} afterwards", goals)


def _show_course(what: str, means: Sequence[tuple[date, float]]) -> None:
    """A line of a mean over the days, with its first and its last value."""
    (first, before), (last, now) = means[0], means[-1]
    course = sparkline([mean for _, mean in means])
    console.print(
        f"{what}, on average: {course} {before:,.4g} on {first}, {now:,.4g} on {last}",
        highlight=False,
        soft_wrap=True,
    )


def accept(
    segment: Segment,
    rule: Annotated[
        list[str], typer.Option(help="The rule that it may break, e.g. QUA-1; again for several.")
    ],
    why: Annotated[
        str,
        typer.Option("--reason", "--why", help="Recorded with your name, and shown to whoever asks later."),
    ],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="It may break the rule no more.")] = False,
    as_json: Json = False,
) -> None:
    """Let audiences of a segment be made though it breaks a rule of quality; turnout decisions lists who said so."""
    project, said = opened_project(), reason(why)
    for one in rule:
        write_down(project, segment, one.upper(), operator(), said, withdraw=withdraw)
    now = accepted_of(project, segment)
    if as_json:
        machine.write(
            {
                "segment": one.segment,
                "rule": one.rule,
                "at": one.at.isoformat(),
                "who": one.who,
                "why": one.why,
            }
            for one in now
        )
        return
    listed = ", ".join(one.rule for one in now) or "nothing"
    console.print(f"{segment} may break: {listed}", highlight=False)


def _show_card(found: Card) -> None:
    evidence, segment = found.found, found.found.segment
    sized = evidence.looked.sized
    console.print(
        f"[bold]{segment.name}[/] on {evidence.looked.as_of}: {escape(segment.title)}, {sized.size:,} people, "
        f"{sized.share:.1%} of {sized.universe:,} {segment.universe}",
        highlight=False,
        soft_wrap=True,
    )
    goal = segment.goal
    console.print(
        f"Goal: {goal.metric} {goal.direction}, {escape(goal.target)}, by {goal.by}. Owner: {escape(segment.owner)}. "
        f"{_state(found)}",
        highlight=False,
        soft_wrap=True,
    )
    if len(evidence.sizes) > 1:
        console.print(f"Size: {sparkline([size for _, size in evidence.sizes])} since {evidence.sizes[0][0]}")
    console.print(_criteria(found.criteria))
    if evidence.looked.reach:
        console.print(_reaches(evidence.looked.reach, sized.size))
    judged = {criterion.id for criterion in found.criteria}
    for one in (one for one in found.doubts if one.rule not in judged):
        style = STYLES["fail" if one.severity == "error" else "warn"]
        console.print(f"[{style}]{one.rule}[/]: {escape(one.says)}", soft_wrap=True)
    for accepted in found.accepted:
        console.print(
            f"[cyan]{accepted.rule} is accepted[/] by {escape(accepted.who)} since {accepted.at:%Y-%m-%d}: "
            f"{escape(accepted.why)}",
            soft_wrap=True,
        )
    for mistake in made(one.rule for one in found.doubts):
        console.print(f"[dim]{mistake.id}[/] sign of {mistake.name}: {mistake.says}", highlight=False)


def _state(found: Card) -> str:
    """Review, computation and data in a sentence each."""
    evidence = found.found
    due = found.review_due or "a quarter after its first day"
    review = f"Review due {due}."
    computed = f"Computed for {evidence.sizes[-1][0]}." if evidence.sizes else "Never computed yet."
    data = "" if isinstance(evidence.data, Unknown) else f" Its data are {evidence.data.grade}."
    return f"{review} {computed}{data}"


def _criteria(criteria: Sequence[Criterion]) -> Table:
    shown = table("rule", "criterion", "", "finding")
    for one in criteria:
        style = STYLES[one.verdict]
        shown.add_row(one.id, one.name, f"[{style}]{one.verdict}[/]", escape(one.sentence))
    return shown


def _reaches(reach: Sequence[Reach], size: int) -> Table:
    shown = table("destination", "reachable", "share", "to match", "least", "why")
    for one in reach:
        why = ", ".join(f"{count:,} {held}" for held, count in one.withheld.items())
        share = f"{one.reachable / size:.0%}" if size else ""
        style = "yellow" if one.matched < one.min_size else "none"
        shown.add_row(
            one.destination,
            f"{one.reachable:,}",
            share,
            f"{one.matched:,}",
            f"{one.min_size:,}" if one.min_size else "",
            why,
            style=style,
        )
    return shown


def _show_coverage(found: Coverage) -> None:
    share = found.nowhere / found.universe if found.universe else 0.0
    console.print(
        f"On {found.as_of}: {found.nowhere:,} of {found.universe:,} people ({share:.1%}) are in none of "
        f"{len(found.computed)} segments",
        highlight=False,
        soft_wrap=True,
    )
    for told, names in (
        ("go nowhere (no sync)", found.nowhere_sent),
        ("were never sent anywhere", found.never_activated),
    ):
        if names:
            console.print(f"{len(names)} {told}: {', '.join(names)}", highlight=False, soft_wrap=True)
    whole = found.granularity
    console.print(
        f"{whole.active} active segments, {whole.treatments} treatments; tests of {whole.tested} of them need "
        f"{whole.required:,} people",
        highlight=False,
        soft_wrap=True,
    )
    if found.small:
        shown = table("too small", "people", "least", "nearest wider rule", "would hold")
        for one in found.small:
            nearest = (one.nearest.says, f"{one.nearest.size:,}") if one.nearest else ("no single bound", "")
            shown.add_row(one.segment, f"{one.size:,}", f"{one.least:,}", *map(escape, nearest))
        console.print(shown)
