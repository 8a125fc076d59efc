"""What a project does with models: train them on purpose, choose the version in force, score days from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.models import registry, scores
from pipelines.models.errors import ModelError
from pipelines.models.model import Model
from pipelines.models.scores import ScoredDay
from pipelines.models.store import Card, Store
from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment
from pipelines.segments.looking_back import days_behind
from pipelines.segments.model import Segment
from pipelines.segments.predictions import models_read

if TYPE_CHECKING:
    from pipelines.project import Project, Shown


@dataclass(frozen=True, slots=True)
class Known:
    """A model and how far it has come."""

    model: Model
    current: Card | None
    """The version in force."""
    newest: Card | None
    """The version trained last, which may have been refused."""
    read_by: tuple[str, ...]
    """Segments that read its scores."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """What became of a day: models that are scored, and why others are not."""

    done: tuple[ScoredDay, ...]
    faults: dict[str, ModelError]
    """By model."""


class Modelling:
    """The models of a project; opens nothing until it is asked to."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._store = Store(project.settings.state_dir)

    def known(self) -> list[Known]:
        """Every model, by name."""
        return [self._known(name) for name in registry.available()]

    def read(self, definitions: Iterable[Segment | BrokenSegment] | None = None) -> tuple[str, ...]:
        """The models whose scores segments read, by default all segments of the project."""
        chosen = self._project.definitions if definitions is None else definitions
        return tuple(
            sorted({name for one in chosen if isinstance(one, Segment) for name in models_read(one)})
        )

    def train(self, name: str, as_of: date | None, show: Shown) -> Card:
        """Train a new version with what was known at the end of a day, by default the newest loaded one.

        It is in force from now on, unless a gate refused it: then the one before it stays. Features of the days that
        it learns from are built where they are missing, and stay. Raises UnknownName, ModelError.
        """
        model = registry.load(name)
        day = as_of or self._project.newest_loaded() or self._project.newest_as_of
        wanted = model.days(day)
        for number, past in enumerate(wanted):
            show("building features", number, len(wanted))
            self._project.need_features(past)
        show("building features", len(wanted), len(wanted))
        show(f"training {name}", 0, 1)
        with self._project.warehouse(read_only=True) as con:
            trained = model.train(con, day)
        card = self._store.keep(model, day, trained)
        if card.status == "accepted":
            self._store.use(card)
        show(f"training {name}", 1, 1)
        return card

    def train_missing(self, as_of: date | None, show: Shown) -> list[Card]:
        """Train the models that segments read and that nobody has trained yet. Raises ModelError."""
        return [self.train(name, as_of, show) for name in self.read() if not self._store.versions(name)]

    def use(self, name: str, version: int) -> Card:
        """Put a version in force. Raises UnknownName, ModelError for a refused or an unknown one."""
        card = self._store.card(registry.load(name).name, version)
        self._store.use(card)
        return card

    def card(self, name: str, version: int | None = None) -> Card:
        """A version's card, by default of the one in force, or of the newest. Raises UnknownName, ModelError."""
        known = self._known(name)
        if version is not None:
            return self._store.card(name, version)
        found = known.current or known.newest
        if found is None:
            raise ModelError(f"{name} was never trained: turnout models train {name}")
        return found

    def score(self, day: date, names: Collection[str], *, anew: bool = False) -> Scoring:
        """Score a day from the versions in force; what they have scored already stays, unless it is to be done anew.

        A model that cannot be scored stops no other.
        """
        done: dict[str, ScoredDay] = {}
        faults: dict[str, ModelError] = {}
        if names:
            self._project.need_features(day)
            with self._project.warehouse(read_only=True) as con:
                present = {} if anew else scores.scored_on(con, day)
            for name in sorted(names):
                try:
                    done[name] = self._scored(name, day, present)
                except ModelError as error:
                    faults[name] = error
        return Scoring(tuple(done.values()), faults)

    def with_scores(
        self, chosen: Sequence[Segment | BrokenSegment], day: date
    ) -> tuple[Segment | BrokenSegment, ...]:
        """Score what these segments read of a day, and of the other days that decide about it.

        Those whose model cannot be scored become their own failure.
        """
        wanted: dict[date, set[str]] = {}
        for one in chosen:
            if isinstance(one, Segment) and (named := models_read(one)):
                for base, earlier in days_behind(one, day):
                    for other in (*earlier, base):
                        wanted.setdefault(other, set()).update(named)
        faults: dict[str, ModelError] = {}
        for other, models in wanted.items():
            faults |= self.score(other, models).faults
        return tuple(_unless_missing(one, faults) for one in chosen)

    def _known(self, name: str) -> Known:
        model = registry.load(name)
        versions, current = self._store.versions(name), self._store.current(name)
        return Known(
            model,
            self._store.card(name, current) if current is not None else None,
            self._store.card(name, versions[-1]) if versions else None,
            tuple(one.name for one in self._project.segments if name in models_read(one)),
        )

    def _scored(self, name: str, day: date, present: dict[str, ScoredDay]) -> ScoredDay:
        card = self._in_force(name)
        if name in present and present[name].version == card.version:
            return present[name]
        files = self._store.files(card)
        with self._project.warehouse() as con:
            scored = registry.load(name).score(con, day, files)
            return scores.keep(con, card, day, scored, days_kept=self._project.settings.days_kept)

    def _in_force(self, name: str) -> Card:
        known = self._known(name)
        if known.current is not None:
            return known.current
        raise ModelError(f"no version of the model {name} is in force; {_how_to_get_one(name, known.newest)}")


def _how_to_get_one(name: str, newest: Card | None) -> str:
    """What to type, and why what was trained last is not used."""
    if newest is None:
        return f"train it: turnout models train {name}"
    if newest.status == "accepted":
        return f"choose one: turnout models use {name} {newest.version}"
    why = "; ".join(newest.refusals)
    return f"version {newest.version} was refused ({why}): train it as of another day: turnout models train {name}"


def _unless_missing(
    definition: Segment | BrokenSegment, faults: dict[str, ModelError]
) -> Segment | BrokenSegment:
    """The segment, or its failure when a model that it reads has no scores."""
    if isinstance(definition, BrokenSegment):
        return definition
    for name in models_read(definition):
        if name in faults:
            return BrokenSegment(
                definition.name, definition.path, SegmentError(definition.path, str(faults[name]))
            )
    return definition
