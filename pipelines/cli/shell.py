"""What every command shares: its options, the project that it works on, and the progress it shows."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated

import typer

from pipelines.cli import tables
from pipelines.cli.demo import as_demo
from pipelines.cli.tables import errors
from pipelines.project import Project
from pipelines.settings import Settings

Json = Annotated[
    bool, typer.Option("--json", help="Machine output: one JSON object a line, on standard output.")
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="SEGMENT, DESTINATION/SEGMENT or DESTINATION/; nothing means all.", show_default=False
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="The last whole day that counts, YYYY-MM-DD; default: the newest loaded day."),
]
AcceptRemovals = Annotated[bool, typer.Option("--accept-removals", help="Let a large removal pass.")]
AcceptGrowth = Annotated[bool, typer.Option("--accept-growth", help="Let a size jump pass.")]


def opened_project() -> Project:
    """The project that the settings describe: the demo's when no sources are declared."""
    settings = Settings()
    return Project(as_demo(settings) if settings.is_demo else settings)


def day(text: str | None) -> date | None:
    """The day that an operator wrote, None for none. Raises BadParameter for what is no day."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day: write YYYY-MM-DD") from None


def operator() -> str:
    """Who types: recorded with every decision."""
    return getpass.getuser()


def reason(why: str, *, needed: bool = True) -> str:
    """What the operator gave as a reason; raises BadParameter when one is needed and missing."""
    if needed and not why.strip():
        raise typer.BadParameter("say why with --why; it is recorded with your name")
    return why.strip()


@contextmanager
def steps() -> Iterator[tables.Steps]:
    """Progress bars on standard error while the block runs."""
    with tables.progress() as shown:
        yield tables.Steps(shown)


def selected(project: Project, names: list[str] | None) -> list[tuple[str, list[str]]]:
    """The asked audiences by destination, all when none are asked for; broken segment files are told."""
    chosen = list(project.deliveries.select(names or []).items())
    for broken in project.broken:
        errors.print(str(broken.error), style="yellow", markup=False, highlight=False, soft_wrap=True)
    return chosen
