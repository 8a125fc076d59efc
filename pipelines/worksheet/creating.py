"""Writing a new segment's file: never over another, and only when the whole folder still checks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.insight.explaining import definition_of
from pipelines.project import Project
from pipelines.segments.errors import SegmentError
from pipelines.segments.file import check_name
from pipelines.segments.load import BrokenSegment
from pipelines.worksheet.beginnings import beginning
from pipelines.worksheet.channels import mismatches
from pipelines.worksheet.questions import QUESTIONS, checked
from pipelines.worksheet.rendering import file_text


class Refused(Exception):
    """No file was written; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new segment."""

    segment: str
    path: Path
    warnings: tuple[str, ...]
    """What is unusual about it, and no mistake."""


def create(
    project: Project, name: str, answers: Mapping[str, Any], *, like: str | None = None, today: date
) -> Created:
    """Write ``segment_defs/<name>.sql`` from a header's answers and the SQL of another segment, or a beginning.

    Raises Refused for a missing or wrong answer, for a file that is there, and for what the folder's check finds then;
    SegmentError for a name that is not usable; UnknownName for a segment to copy that is not there. In none of these
    is anything left behind.
    """
    path = target(project, name)
    taken = _checked(answers, today)
    sql = definition_of(project, like).sql if like else beginning(taken["types"])
    broken = {one.name for one in project.broken}
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(file_text(taken, sql))
    except FileExistsError:
        raise Refused(f"{path} is there already: take another name") from None
    try:
        _check(project, name, broken)
    except BaseException:
        path.unlink()
        raise
    syncs = list(taken.get("sync", {}))
    return Created(name, path, tuple(mismatches(taken["types"], syncs, project.connector_types)))


def target(project: Project, name: str) -> Path:
    """Where the new file goes; raises Refused when it is there or has nowhere to go, SegmentError for the name."""
    settings = project.settings
    if settings.ships_its_segments and settings.is_demo:
        raise Refused("there is no project here: begin one with turnout init, or go to its folder")
    folder = Path("segment_defs") if settings.ships_its_segments else settings.segment_folder
    path = folder / f"{name}.sql"
    check_name(path, name)
    if path.exists():
        raise Refused(f"{path} is there already: take another name")
    return path


def _checked(answers: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Every asked answer as its model takes it, the rest as given: the reader of headers judges it."""
    taken = {key: dict(value) if isinstance(value, Mapping) else value for key, value in answers.items()}
    for question in QUESTIONS:
        table = taken if len(question.key) == 1 else taken.setdefault(question.key[0], {})
        if question.name not in table:
            raise Refused(f"{question.name!r} is not answered: {question.asks}")
        try:
            table[question.name] = checked(question.key, table[question.name], today)
        except ValueError as error:
            raise Refused(str(error)) from None
    return taken


def _check(project: Project, name: str, before: Set[str]) -> None:
    """Raise for what ``turnout segments --check`` finds now, and not ``before``."""
    for one in Project(project.settings).definitions:
        if isinstance(one, BrokenSegment) and one.name not in before:
            raise Refused(_without_place(one.error) if one.name == name else str(one.error))


def _without_place(error: SegmentError) -> str:
    """An error of the new file, whose lines nobody has seen."""
    return str(error).partition(": ")[2]
