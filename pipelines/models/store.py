"""Versions of models on disk: one folder each, written whole and never changed, and one file that says which is used.

``<state>/models/<name>/<version>/`` holds the frozen model and ``card.json``; ``<state>/models/<name>/current`` holds
the number of the version in force. The folder is part of the delivery state, so every backup has it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from pipelines.models.errors import ModelError
from pipelines.models.extra import installed_version
from pipelines.models.model import Gate, Measure, Model, Sheet, Trained, Window

FOLDER = "models"
CARD = "card.json"
CURRENT = "current"
FORMAT = 1


class Card(BaseModel, frozen=True):
    """What is known of a version: its data, what was measured, and whether it may be used."""

    format: int = FORMAT
    model: str
    version: int
    status: Literal["accepted", "refused"]
    kind: str
    title: str
    description: str
    unit: str
    as_of: date
    """It has seen everything up to the end of this day, and nothing after it."""
    trained_at: datetime
    turnout: str
    libraries: dict[str, str]
    """Package to version."""
    features: tuple[str, ...]
    windows: tuple[Window, ...]
    measures: tuple[Measure, ...]
    gates: tuple[Gate, ...]
    sheets: tuple[Sheet, ...]
    files: dict[str, str]
    """File to the SHA-256 of its content."""

    @property
    def refusals(self) -> list[str]:
        """What the gates that it failed say."""
        return [gate.says for gate in self.gates if not gate.passed]

    @property
    def sentence(self) -> str:
        """The verdict in plain words, with what the gates found."""
        told = "; ".join(self.refusals or [gate.says for gate in self.gates])
        return f"version {self.version}, {self.kind}, {self.status}: {told}"

    def measure(self, name: str) -> float | None:
        """A number by its name, None where this kind of model has none such."""
        return next((one.value for one in self.measures if one.name == name), None)


class Store:
    """The versions in a state folder. Reads and writes nothing until it is asked to."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def versions(self, model: str) -> list[int]:
        """The numbers of every version, refused ones too, the oldest first."""
        folder = self._folder / model
        return sorted(int(path.name) for path in folder.glob("*/") if path.name.isdecimal())

    def current(self, model: str) -> int | None:
        """The number of the version in force, None before the first."""
        path = self._folder / model / CURRENT
        if not path.is_file():
            return None
        text = path.read_text(encoding="utf-8").strip()
        if not text.isdecimal():
            raise ModelError(f"{path} holds no version; name one: turnout models use {model} VERSION")
        return int(text)

    def card(self, model: str, version: int) -> Card:
        """A version's card. Raises ModelError for a version that is not there, and for a card that cannot be read."""
        path = self._folder / model / str(version) / CARD
        if not path.is_file():
            known = ", ".join(map(str, self.versions(model))) or "none: turnout models train " + model
            raise ModelError(f"there is no version {version} of {model}; known: {known}")
        try:
            card = Card.model_validate_json(path.read_bytes())
        except ValidationError:
            raise ModelError(f"{path} cannot be read; restore it from a backup or train again") from None
        if card.format > FORMAT:
            raise ModelError(f"{path} was written by Turnout {card.turnout}, which is newer; upgrade Turnout")
        return card

    def files(self, card: Card) -> dict[str, bytes]:
        """The frozen model; raises ModelError when a file is missing or is not what was kept."""
        folder = self._folder / card.model / str(card.version)
        found = {}
        for name, digest in card.files.items():
            path = folder / name
            content = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(content).hexdigest() != digest:
                raise ModelError(
                    f"{path} is not the file that was trained; restore it from a backup or train again"
                )
            found[name] = content
        return found

    def keep(self, model: Model, as_of: date, trained: Trained) -> Card:
        """Write a new version, also one that its gates refused, so that it can be looked at; the used one stays."""
        folder = self._folder / model.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = max(self.versions(model.name), default=0) + 1
        card = _card(model, number, as_of, trained)
        made = folder / f".{number}.tmp"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        for name, content in {**trained.files, CARD: card.model_dump_json(indent=2).encode()}.items():
            _write(made / name, content)
        made.rename(folder / str(number))
        return card

    def use(self, card: Card) -> None:
        """Put a version in force; raises ModelError for one that its gates refused."""
        if card.status == "refused":
            raise ModelError(
                f"version {card.version} of {card.model} was refused: {'; '.join(card.refusals)}"
            )
        path = self._folder / card.model / CURRENT
        _write(path.with_suffix(".tmp"), f"{card.version}\n".encode())
        path.with_suffix(".tmp").replace(path)


def _card(model: Model, number: int, as_of: date, trained: Trained) -> Card:
    return Card(
        model=model.name,
        version=number,
        status="accepted" if trained.accepted else "refused",
        kind=trained.kind,
        title=model.title,
        description=model.description,
        unit=model.unit,
        as_of=as_of,
        trained_at=datetime.now(UTC),
        turnout=installed_version("turnout"),
        libraries={package: installed_version(package) for package in trained.libraries},
        features=trained.features,
        windows=trained.windows,
        measures=trained.measures,
        gates=trained.gates,
        sheets=trained.sheets,
        files=_digests(trained.files),
    )


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o600)
