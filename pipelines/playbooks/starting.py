"""A project folder to begin with: a pack's segments, settings and sample. Nothing that is there already is touched."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipelines.playbooks.pack import Playbook
from pipelines.playbooks.sample import write_sample

QUARTER = timedelta(days=91)
"""From the first day to the goals' and the reviews' dates: segments are reviewed at least quarterly."""
BEFORE = timedelta(days=60)
"""Days before the first that can be computed too, so that a segment can be replayed at once."""
DATE = re.compile(r"^(review_by|by) = \d{4}-\d{2}-\d{2}$", re.MULTILINE)
IGNORED = (
    "# Not for a repository: what Turnout keeps, what it writes for your tools, and settings with secrets.\n"
)


class FolderNotEmpty(Exception):
    """There is something already where a project would be begun; nothing was written."""


@dataclass(frozen=True, slots=True)
class Started:
    """A project that was begun."""

    folder: Path
    name: str
    """The playbook's name, or what the project was begun from."""
    segments: tuple[str, ...]
    tables: tuple[str, ...]


def start(pack: Playbook, folder: Path, today: date) -> Started:
    """Write a pack's project into a new or empty folder, its dates a quarter after ``today``.

    Raises FolderNotEmpty, before anything is written.
    """
    make_room(folder)
    definitions = folder / "segment_defs"
    definitions.mkdir()
    for path in pack.segment_files:
        text = path.read_text(encoding="utf-8")
        (definitions / path.name).write_text(dated(text, today + QUARTER), encoding="utf-8")
    for name in ("sources.toml", "README.md"):
        shutil.copyfile(pack.folder / name, folder / name)
    (folder / "data").mkdir()
    tables = write_sample(pack, folder / "data", today)
    write_settings(folder, (pack.folder / "settings.env").read_text(encoding="utf-8"), today)
    return Started(folder, pack.name, tuple(_names(pack)), tables)


def make_room(folder: Path) -> None:
    """The folder, new or empty; raises FolderNotEmpty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(
            f"{folder} is there already and not empty: name a new folder; nothing was written"
        )
    folder.mkdir(parents=True, exist_ok=True)


def dated(text: str, by: date) -> str:
    """A definition with its goal and its review due on a day."""
    return DATE.sub(lambda found: f"{found[1]} = {by.isoformat()}", text)


def write_settings(folder: Path, settings: str, today: date) -> None:
    """The settings in force as ``.env``, the same as ``.env.example`` for colleagues, and what Git is to leave out."""
    first_day = f"TURNOUT_FIRST_DAY={(today - BEFORE).isoformat()}\n"
    for name in (".env", ".env.example"):
        (folder / name).write_text(settings + first_day, encoding="utf-8")
    (folder / ".gitignore").write_text(IGNORED + ".env\n.turnout/\nout/\n", encoding="utf-8")


def _names(pack: Playbook) -> Iterator[str]:
    for path in pack.segment_files:
        yield path.name.removesuffix(".sql")
