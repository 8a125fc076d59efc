"""Beginning a project: a playbook's segments, sources, settings and sample in a folder of their own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli import machine
from pipelines.cli.shell import Json
from pipelines.cli.tables import console, errors, table
from pipelines.playbooks import Started, playbook, playbooks, start
from pipelines.playbooks.one_csv import begin
from pipelines.settings import Settings

NEXT = (
    ("turnout sources", "load the data"),
    ("turnout segments", "who is in each segment"),
    ("turnout lint", "what is doubtful about them"),
    ("turnout plan", "what a push would do"),
    ("turnout sync", "do it: the destinations are folders below out/"),
)
"""What to type after a project was begun."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(init)


def init(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A new or empty folder; default: the playbook's name.", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--playbook", help="The pack to begin with; without it, the packs are listed.", show_default=False
        ),
    ] = None,
    from_csv: Annotated[
        Path | None,
        typer.Option(
            help="In place of a playbook: one CSV of your customers, a row a person.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a project: segments with goals and treatments, a sample to try them on, folders as destinations."""
    if name is not None and from_csv is not None:
        raise typer.BadParameter("--playbook and --from-csv are two ways to begin: take one")
    if from_csv is not None:
        _begin(from_csv, folder or Path("turnout_project"), as_json)
        return
    if name is None:
        _list(as_json)
        return
    pack = playbook(name)
    started = start(pack, folder or Path(pack.name), Settings().current_day)
    if as_json:
        machine.write([_of_started(started)])
    else:
        _tell(started, f"{len(started.tables)} tables of a sample")


def _begin(csv: Path, folder: Path, as_json: bool) -> None:
    """A project from one file, and what its owner should know."""
    begun = begin(csv, folder, Settings().current_day)
    if as_json:
        machine.write([_of_started(begun.started) | {"notes": list(begun.notes)}])
        return
    _tell(
        begun.started, f"read {len(begun.file.contract)} columns about who, {len(begun.file.traits)} to go by"
    )
    for note in begun.notes:
        errors.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _list(as_json: bool) -> None:
    """What there is to begin with."""
    if as_json:
        machine.write(
            {"playbook": one.name, "title": one.title, "segments": len(one.segment_files)}
            for one in playbooks()
        )
        return
    shown = table("playbook", "segments", "what for")
    for one in playbooks():
        shown.add_row(one.name, str(len(one.segment_files)), escape(one.title))
    console.print(shown)
    console.print("turnout init --playbook NAME [FOLDER]", markup=False)


def _tell(started: Started, what: str) -> None:
    console.print(
        f"{started.folder}: {len(started.segments)} segments, {what}, settings and a README",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"\n  cd {started.folder}", markup=False, highlight=False)
    for command, meaning in NEXT:
        console.print(f"  {command:<18} {meaning}", markup=False, highlight=False)


def _of_started(started: Started) -> dict[str, object]:
    return asdict(started) | {"folder": str(started.folder)}
