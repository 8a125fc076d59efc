"""The command that brings unsubscribes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from pipelines.cli import machine
from pipelines.cli.demo import platforms
from pipelines.cli.exits import Exit
from pipelines.cli.shell import Json, opened_project, steps
from pipelines.cli.tables import WIDE, console, errors, table
from pipelines.duck import StoreBusy, StoreDamaged
from pipelines.project import Project
from pipelines.pulling import Pulled, pull
from pipelines.sources.people import PeopleReport
from pipelines.sources.pulled import REASONS

Destinations = Annotated[
    list[str] | None,
    typer.Argument(
        help="Email tools, as TURNOUT_DESTINATIONS names them; nothing means all in use that tell.",
        show_default=False,
    ),
]
Everything = Annotated[
    bool,
    typer.Option("--all", help="Ask for everything again, not only for what is newer than the last pull."),
]


@dataclass(frozen=True, slots=True)
class Honoured:
    """Whether people know of what was pulled."""

    people: PeopleReport | None
    sentence: str
    failed: bool = False


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("pull")(_pull)


def _pull(names: Destinations = None, everything: Everything = False, as_json: Json = False) -> None:
    """Bring unsubscribes, bounces and complaints back from email tools; honoured everywhere by the next push."""
    project = opened_project()
    with platforms(project.settings), steps() as show:
        pulled = pull(project, names or [], everything=everything, show=show)
    honoured = _honour(project, pulled)
    if as_json:
        machine.write(machine.of_pulled(one, honoured=honoured.people is not None) for one in pulled)
    else:
        _show(pulled)
    for one in pulled:
        if not one.ok:
            errors.print(
                f"{one.destination}: {one.sentence}",
                style="red",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    if honoured.failed:
        errors.print(honoured.sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    elif not as_json:
        console.print(honoured.sentence, markup=False, highlight=False, soft_wrap=True)
    ok = all(one.ok for one in pulled) and not honoured.failed
    raise typer.Exit(Exit.OK if ok else Exit.FAILED)


def _honour(project: Project, pulled: Sequence[Pulled]) -> Honoured:
    """Bring people up to date, whatever became of each pull; where that cannot be now, the next load does it."""
    if not pulled:
        return Honoured(None, "No email tool that tells is in use: no segment syncs to one")
    if not project.settings.warehouse_path.exists():
        return Honoured(
            None, "There is no warehouse yet: the first load honours what was pulled (turnout sources)"
        )
    try:
        people = project.build_people()
    except (StoreBusy, StoreDamaged) as error:
        return Honoured(None, f"{error}; what was pulled is kept, and the next load honours it", failed=True)
    return Honoured(
        people,
        f"{people.suppressed:,} of {people.people:,} people are suppressed, {people.changed:,} changed; the next push "
        "honours it everywhere",
    )


def _show(pulled: Sequence[Pulled]) -> None:
    """New rows and all that are known; where it fits, the new ones by reason."""
    if not pulled:
        return
    reasons = list(REASONS.values()) if console.width >= WIDE else []
    shown = table("destination", "new", "known", "newest", *(reason.replace("_", " ") for reason in reasons))
    for one in pulled:
        shown.add_row(
            one.destination,
            f"{sum(one.new.values()):,}",
            f"{one.total:,}",
            f"{one.newest:%Y-%m-%d %H:%M}" if one.newest else "",
            *(f"{one.new.get(reason, 0):,}" for reason in reasons),
            style="none" if one.ok else "red",
        )
    console.print(shown)
