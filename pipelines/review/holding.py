"""Putting audiences on hold, and letting them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.delivery.holds import Hold
from pipelines.delivery.journal import Journal
from pipelines.names import unknown_name
from pipelines.review.errors import ReviewError

if TYPE_CHECKING:
    from pipelines.project import Project


def one_audience(project: Project, name: str) -> tuple[str, str]:
    """Destination and segment of the one audience that a name means.

    Raises UnknownName for none, ReviewError for several.
    """
    chosen = [(d, s) for d, segments in project.deliveries.select([name]).items() for s in segments]
    if len(chosen) != 1:
        listed = ", ".join(f"{d}/{s}" for d, s in chosen)
        raise ReviewError(f"{name!r} means several audiences, and one is done at a time: {listed}")
    return chosen[0]


def hold(project: Project, name: str, who: str, why: str, *, run_id: str = "") -> Hold:
    """Let nobody but opt-outs leave or join an audience until it is resumed; a push under way goes on to its end.

    Raises UnknownName, ReviewError.
    """
    destination, segment = one_audience(project, name)
    standing = project.record.hold(destination, segment)
    with Journal.open(project.settings.state_dir / "journal.sqlite") as journal:
        return journal.holds.place(
            destination, segment, who, why, run_id=run_id, undoes=standing.undoes if standing else None
        )


def resume(project: Project, name: str, who: str, why: str, *, run_id: str = "") -> Hold:
    """Let an audience follow its segment again; returns the hold that ended.

    Raises UnknownName when no audience of this name is on hold.
    """
    found = [one for one in project.record.holds() if name in (one.name, one.segment)]
    if not found:
        raise unknown_name("audience on hold", name, [one.name for one in project.record.holds()])
    if len(found) > 1:
        listed = ", ".join(one.name for one in found)
        raise ReviewError(f"{name!r} means several audiences, and one is done at a time: {listed}")
    with Journal.open(project.settings.state_dir / "journal.sqlite") as journal:
        journal.holds.lift(found[0].destination, found[0].segment, who, why, run_id=run_id)
    return found[0]
