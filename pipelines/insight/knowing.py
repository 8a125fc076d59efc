"""What is known of one person: segments then and now, audiences and what was sent, consents and suppressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from pipelines.delivery.looking_back import Standing, look_back
from pipelines.insight.why import Why, number_of, why
from pipelines.project import Project
from pipelines.warehouse.memberships import Membership, memberships


@dataclass(frozen=True, slots=True)
class Consent:
    """What is in force for one purpose: a grant in the future is none yet."""

    purpose: str
    granted: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    """A reason why the person must not be contacted."""

    reason: str
    since: datetime
    source: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """One person, by number and never by what identifies them."""

    person_no: int
    memberships: tuple[Membership, ...]
    audiences: tuple[Why, ...]
    """Those that want them, hold them, or ever had something sent about them."""
    consents: tuple[Consent, ...]
    suppressed: str | None
    """Why nobody may contact them; None: they may be, where they agreed."""
    suppressions: tuple[Suppression, ...]
    """What the sources and the email tools say; shared identifiers are told by ``suppressed`` alone."""

    @property
    def current(self) -> tuple[Membership, ...]:
        """The segments that hold them on their newest day."""
        return tuple(one for one in self.memberships if one.since is not None)

    @property
    def past(self) -> tuple[Membership, ...]:
        """The segments that held them and do so no more."""
        return tuple(one for one in self.memberships if one.since is None)

    @property
    def sentence(self) -> str:
        """The answer in plain words."""
        held = sum(1 for one in self.audiences if one.standing is not None and one.standing.held == "yes")
        contact = f"; not to be contacted: {self.suppressed}" if self.suppressed else ""
        before = f", formerly in {_counted(len(self.past), 'other segment')}" if self.past else ""
        return (
            f"In {_counted(len(self.current), 'segment')} and {_counted(held, 'audience')}{before}{contact}."
        )


def know(project: Project, person: str, as_of: date | None = None) -> Known:
    """Answer for a person, named by the key that the sources know them by.

    Raises UnknownName without repeating the key, WarehouseMissing, StoreBusy while a push of an account runs.
    """
    number = number_of(project, person)
    with project.warehouse(read_only=True) as con:
        found = memberships(con, number, as_of)
        consents, suppressions = tuple(_consents(con, number)), tuple(_suppressions(con, number))
        rows = con.execute(
            "select suppressed from people where person_no = $person", {"person": number}
        ).fetchall()
    return Known(
        number,
        found,
        tuple(_audiences(project, person, number, found)),
        consents,
        rows[0][0] if rows else "gone_from_source",
        suppressions,
    )


def _audiences(project: Project, person: str, number: int, found: tuple[Membership, ...]) -> Iterator[Why]:
    """Where the person is wanted, held, or ever was sent; each answered as ``turnout why`` answers."""
    current = {one.segment for one in found if one.since is not None}
    settings = project.settings
    for destination in project.connector_types:
        asked = {segment.name for segment, _ in project.audiences(destination)}
        with look_back(settings.state_dir, destination, settings.lock_wait_seconds) as looking:
            sent = {
                name
                for name in (project.record.opened_audiences(destination) if looking else ())
                if looking and _is_about(looking.standing(name, number))
            }
        for name in sorted((asked & current) | sent):
            yield why(project, person, destination, name)


def _is_about(standing: Standing) -> bool:
    return standing.held != "no" or bool(standing.moves)


def _consents(con: duckdb.DuckDBPyConnection, number: int) -> Iterator[Consent]:
    rows = con.execute(
        """
        with
        in_force as (
          select
            consents.purpose,
            list_contains(people.granted, consents.purpose) as granted,
            consents.granted as said,
            consents.changed_at
          from consents
          join people
            using (person_no)
          where person_no = $person
        )
        select
          purpose,
          any_value(granted),
          max(changed_at) filter (said = granted)
        from in_force
        group by purpose
        having max(changed_at) filter (said = granted) is not null
        order by purpose
        """,
        {"person": number},
    ).fetchall()
    for purpose, granted, changed_at in rows:
        yield Consent(purpose, granted, changed_at)


def _suppressions(con: duckdb.DuckDBPyConnection, number: int) -> Iterator[Suppression]:
    rows = con.execute(
        """
        select distinct
          reason,
          since,
          source
        from suppressions
        where person_no = $person
        order by since, reason, source
        """,
        {"person": number},
    ).fetchall()
    for reason, since, source in rows:
        yield Suppression(reason, since, source)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
