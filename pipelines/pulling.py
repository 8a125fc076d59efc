"""Unsubscribes, bounces and complaints, back from the email tools that tell: asked for, kept, honoured everywhere.

Each destination is asked for what is newer than the newest time that it told, and a little more. What arrives is
written down while more is asked for, so a pull that breaks off loses nothing; how far was asked is only written when
the tool's answer came to its end, so the next pull asks for all of it again. People are suppressed by the next build
of ``people``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from connectors.base import Connector, DeliveryError
from connectors.people import Unreachable
from pipelines.delivery.connector_bugs import told_by_kind
from pipelines.names import unknown_name
from pipelines.project import Project, Shown, unseen
from pipelines.sources.forgetting import Recogniser, forget_pulled
from pipelines.sources.pulled import FILE, REASONS, Known, PulledError, PulledFile

WRITTEN_AT_ONCE = 1_000
"""People in one transaction: the most that a process loses which is killed while it pulls."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""What a tool dates before is not dated: a zero stands there."""


class TellsNobody(Exception):
    """A destination was asked by name that cannot say who is not to be reached."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one destination told. Numbers, never people."""

    destination: str
    since: datetime | None
    """Asked for what is newer; None: for everything."""
    new: dict[str, int] = field(default_factory=dict)
    """Rows not known before, by reason, written down also when the pull broke off."""
    total: int = 0
    """Rows that are kept of it."""
    newest: datetime | None = None
    """The newest time that any of them has."""
    error: str | None = None
    """Why it was not asked to the end."""

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for has arrived."""
        return self.error is None

    @property
    def sentence(self) -> str:
        """What came of it."""
        told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.new.items())) or "nobody"
        asked = "everything" if self.since is None else f"what is newer than {self.since:%Y-%m-%d %H:%M} UTC"
        if self.error is None:
            return f"asked for {asked}: {told} new, {self.total:,} known"
        return f"{self.error} ({told} new before that; the next pull asks again)"


def askable(project: Project) -> list[str]:
    """The destinations that a pull asks when none is named.

    They can tell, and are in use: a segment syncs there, an audience is open there, or they were asked before. The
    others may be nobody's account.
    """
    telling = [name for name, kind in project.connector_types.items() if kind.tells_unreachable]
    asked = _asked_before(project) if telling else set()
    return [
        name
        for name in telling
        if name in asked or project.audiences(name) or project.deliveries.left_behind(name)
    ]


def _asked_before(project: Project) -> set[str]:
    state = project.settings.state_dir
    if not (state / FILE).exists():
        return set()
    try:
        with PulledFile.open(state) as file:
            return file.destinations()
    except PulledError:  # whoever reads or writes it says so
        return set()


def pull(
    project: Project, names: Sequence[str] = (), *, everything: bool = False, show: Shown = unseen
) -> list[Pulled]:
    """Ask destinations, by default all that are `askable`, and keep what they tell.

    One that fails says so in its result and stops no other. Raises UnknownName, TellsNobody, KeyMissing, PulledError.
    """
    chosen = [_telling(project, name) for name in dict.fromkeys(names)] if names else askable(project)
    if not chosen:
        return []
    done: list[Pulled] = []
    tombstones = project.tombstones
    try:
        with PulledFile.open(project.settings.state_dir) as file, Recogniser.open(tombstones) as erased:
            for number, name in enumerate(chosen):
                show("pulling unsubscribes", number, len(chosen))
                done.append(_pull(project, file, erased, name, everything=everything))
            show("pulling unsubscribes", len(chosen), len(chosen))
    finally:
        if (
            project.tombstones != tombstones
        ):  # somebody was erased meanwhile, and may have been written down after it
            forget_pulled(project.settings.state_dir, project.tombstones)
    return done


def _telling(project: Project, name: str) -> str:
    kinds = project.connector_types
    if name not in kinds:
        raise unknown_name("destination", name, list(kinds))
    if not kinds[name].tells_unreachable:
        telling = (
            ", ".join(sorted(other for other, kind in kinds.items() if kind.tells_unreachable)) or "none"
        )
        raise TellsNobody(
            f"{name}: {kinds[name].title} does not tell who cannot be reached; destinations that do: {telling}"
        )
    return name


def _pull(
    project: Project, file: PulledFile, erased: Recogniser, destination: str, *, everything: bool
) -> Pulled:
    """Ask one destination. The cursor is moved when its answer has come to the end, and never before."""
    began = datetime.now(UTC)
    before = file.known(destination)
    since = None if everything else _since(project, before, began)
    new: Counter[str] = Counter()
    newest, error = before.newest, None
    try:
        with project.deliveries.connected(destination) as account:
            for told in _portions(account.connector, since):
                new += file.keep(destination, erased.without_erased(told), began)
                # A time to come would let the next pull pass by all that happens until then.
                times = [min(one.at, began) for one in told if one.at is not None]
                newest = max([*times, newest or EARLIEST]) if times else newest
        file.finish(destination, newest, began, whole=since is None)
    except DeliveryError as problem:
        error = str(problem)
    known = file.known(destination)
    return Pulled(destination, since, dict(new), known.people, known.newest, error)


def _since(project: Project, before: Known, now: datetime) -> datetime | None:
    """Where a pull begins; None: at the beginning. Of a tool that told no time, the last pull's own counts."""
    settings = project.settings
    newest = before.newest or before.finished_at
    if newest is None or before.whole_at is None:
        return None
    if now - before.whole_at >= timedelta(days=settings.pull_all_after_days):
        return None
    return newest - timedelta(days=settings.pull_overlap_days)


def _portions(connector: Connector, since: datetime | None) -> Iterator[list[Unreachable]]:
    """What a tool tells, in portions to be written together; all that it told before it failed, then its error."""
    with told_by_kind(connector):
        people = iter(connector.unreachable(since))
    while True:
        portion: list[Unreachable] = []
        try:
            with told_by_kind(connector):
                for one in islice(people, WRITTEN_AT_ONCE):
                    portion.append(_as_kept(one))  # noqa: PERF401 - what came before an error stays
        except DeliveryError:
            yield portion
            raise
        if not portion:
            return
        yield portion


def _as_kept(one: Unreachable) -> Unreachable:
    """With a time in UTC or none. Raises for what no connector may tell."""
    if one.reason not in REASONS or not all(
        isinstance(name, str | None) for name in (one.email, one.phone, one.external_id)
    ):
        raise ValueError("nobody can be told from this")
    at = one.at
    if at is not None:
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return replace(one, at=at if at and at >= EARLIEST else None)
