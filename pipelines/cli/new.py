"""``turnout new``: the worksheet of a segment, asked in the terminal or answered by options and a file."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli import machine
from pipelines.cli.shell import Json, opened_project
from pipelines.cli.tables import console, errors
from pipelines.playbooks.starting import QUARTER
from pipelines.project import Project
from pipelines.segments.header import SegmentType
from pipelines.segments.universe import UNIVERSES
from pipelines.worksheet import QUESTIONS, Question, Refused, checked, create, read_answers
from pipelines.worksheet.channels import suggestion
from pipelines.worksheet.creating import target as place

DEFAULTS = {"universe": next(iter(UNIVERSES))}
"""Answers that are right for most."""

Said = Annotated[str | None, typer.Option(show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(new)


def new(
    segment: Annotated[str, typer.Argument(help="The new segment's name.", show_default=False)],
    title: Said = None,
    description: Said = None,
    metric: Said = None,
    direction: Said = None,
    target: Said = None,
    by: Said = None,
    treatment: Said = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="What they share; may be given again.", show_default=False),
    ] = None,
    owner: Said = None,
    universe: Said = None,
    review_by: Said = None,
    destination: Annotated[
        list[str] | None,
        typer.Option(
            help='DESTINATION or "DESTINATION=Name of the audience"; may be given again.', show_default=False
        ),
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="Another segment, whose SQL is copied.", show_default=False)
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="A TOML file with a header's keys.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a segment: asks what it is for and what is done, then writes its file with a SELECT to begin with."""
    project = opened_project()
    place(project, segment)
    given: dict[str, Any] = {}
    today = project.settings.current_day
    said = {
        "title": title, "description": description, "metric": metric, "direction": direction, "target": target,
        "by": by, "treatment": treatment, "owner": owner, "universe": universe, "review_by": review_by,
        "types": ",".join(types) if types else None,
    }  # fmt: skip
    try:
        given = read_answers(answers) if answers else {}
        for question in QUESTIONS:
            text = said[question.name]
            if text is not None:
                _put(given, question, checked(question.key, question.read(text), today))
    except ValueError as error:
        raise Refused(str(error)) from None
    if sys.stdin.isatty() and not as_json:
        _ask(project, given, today, where=not destination)
    _fill(given, today)
    _name_audiences(given, destination or [])
    _refuse_missing(given)
    made = create(project, segment, given, like=like, today=today)
    if as_json:
        machine.write([{"segment": made.segment, "path": str(made.path), "warnings": list(made.warnings)}])
        return
    console.print(f"{made.path} is written.", highlight=False, soft_wrap=True)
    for warning in made.warnings:
        errors.print(warning, style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"\nNow change its SELECT until it means them, and look:\n  turnout preview {segment}", markup=False
    )
    console.print(f"  turnout lint {segment}\n  turnout segments {segment}", markup=False, highlight=False)
    if given.get("sync"):
        console.print(f"  turnout plan {segment}\n  turnout sync {segment}", markup=False, highlight=False)


def _fill(given: dict[str, Any], today: date) -> None:
    """What has an answer that is right for most: the universe, and a review in a quarter."""
    for name, value in DEFAULTS.items():
        given.setdefault(name, value)
    given.setdefault("review_by", today + QUARTER)


def _name_audiences(given: dict[str, Any], destinations: list[str]) -> None:
    """``[sync.…]`` tables of the named destinations; an audience is called like the segment unless it is said."""
    for one in destinations:
        name, _, audience = one.partition("=")
        syncs = given.setdefault("sync", {})
        syncs.setdefault(name.strip(), {})["audience"] = audience.strip() or given.get("title", "")


def _ask(project: Project, given: dict[str, Any], today: date, *, where: bool) -> None:
    """Ask whatever is not answered, each until the answer will do; ``where``: also the destinations."""
    for question in QUESTIONS:
        if where and question.key == ("types",) and "sync" not in given:
            _ask_destinations(project, given)
        if not _has(given, question):
            _put(given, question, _answer(question, _hint(project, given, question), today))


def _answer(question: Question, hint: str, today: date) -> Any:
    console.print(f"\n{question.asks}{hint}", markup=False, highlight=False, soft_wrap=True)
    default = (today + QUARTER).isoformat() if question.form == "date" else DEFAULTS.get(question.name)
    while True:
        text = typer.prompt(question.name, default=default)
        try:
            return checked(question.key, question.read(text), today)
        except ValueError as error:
            errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)


def _hint(project: Project, given: dict[str, Any], question: Question) -> str:
    if question.key != ("types",):
        return ""
    suits = suggestion(list(given.get("sync", {})), project.connector_types)
    return f" ({', '.join(SegmentType.__args__)})" + (f"\n{suits}" if suits else "")  # type: ignore[attr-defined]


def _ask_destinations(project: Project, given: dict[str, Any]) -> None:
    known = sorted(project.connector_types)
    console.print(
        f"\nWhere do they go? With commas between, nothing for nowhere yet: {', '.join(known)}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    while True:
        names = [
            part.strip()
            for part in typer.prompt("destinations", default="", show_default=False).split(",")
            if part.strip()
        ]
        unknown = [name for name in names if name not in known]
        if not unknown:
            break
        errors.print(f"{', '.join(unknown)}: no such destination", style="red", markup=False, highlight=False)
    given["sync"] = {
        name: {"audience": typer.prompt(f"name of the audience at {name}", default=given.get("title"))}
        for name in names
    }


def _refuse_missing(given: dict[str, Any]) -> None:
    missing = [question for question in QUESTIONS if not _has(given, question)]
    if missing:
        told = "\n".join(f"  {question.name}: {question.asks}" for question in missing)
        raise Refused(f"not answered, by an option, in --answers or in a terminal:\n{told}")


def _has(given: dict[str, Any], question: Question) -> bool:
    table = given if len(question.key) == 1 else given.get(question.key[0], {})
    return question.name in table


def _put(given: dict[str, Any], question: Question, value: Any) -> None:
    table = given if len(question.key) == 1 else given.setdefault(question.key[0], {})
    table[question.name] = value
