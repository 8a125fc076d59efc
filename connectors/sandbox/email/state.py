"""What the email tools remember, as tests and demos read it, and what they may put into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from connectors.sandbox.email import lists, people
from connectors.sandbox.email.people import Consent, ConsentChange, Known
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Platform


@dataclass(frozen=True, slots=True)
class EmailState:
    """The memory of every email tool besides Mailchimp."""

    store: Store
    up_to_date: Callable[[], AbstractContextManager[sqlite3.Connection]]
    """A view in which every job whose time has come is done."""

    def members(self, tool: str, list_id: str, *, limit: int | None = None) -> list[Known]:
        """The people in a list, in the order they came."""
        with self.up_to_date() as db:
            found = lists.find(db, Platform(tool), list_id)
            return [person for _, person, _ in lists.members(db, found, limit=limit)] if found else []

    def put_into(self, tool: str, list_id: str, *emails: str) -> None:
        """Put people whom the tool knows into a list, as a colleague in the tool's own pages would."""
        self._change(lists.add, tool, list_id, emails)

    def take_from(self, tool: str, list_id: str, *emails: str) -> None:
        """Take people out of a list, as a colleague would."""
        self._change(lists.remove, tool, list_id, emails)

    def _change(
        self,
        change: Callable[[sqlite3.Connection, lists.EmailList, Iterable[str], int], list[str]],
        tool: str,
        list_id: str,
        emails: Iterable[str],
    ) -> None:
        platform = Platform(tool)
        with self.store.writing() as db:
            found = lists.find(db, platform, list_id)
            known = [people.find(db, platform, "email", email) for email in emails]
            if found is None or None in known:
                raise KeyError(f"{tool} does not know the list, or not everybody")
            change(db, found, [person.id for person in known if person is not None], 0)

    def people(self, tool: str) -> list[Known]:
        """Everybody whom a tool knows, by id."""
        with self.up_to_date() as db:
            return people.listed(db, Platform(tool))

    def consent(self, tool: str, person_id: str, channel: str = "email") -> str:
        """What a person agreed to there."""
        with self.up_to_date() as db:
            return people.consent(db, Platform(tool), person_id, channel)

    def consent_changes(self, tool: str) -> list[ConsentChange]:
        """Every change that a request made, oldest first."""
        with self.up_to_date() as db:
            return people.consent_changes(db, Platform(tool))

    def widened(self, tool: str) -> list[ConsentChange]:
        """Changes by which a request let somebody be written to more than before: there must never be one."""
        return [change for change in self.consent_changes(tool) if change.is_wider]

    def put_person(
        self,
        tool: str,
        email: str | None,
        consent: Consent = "unknown",
        *,
        person_id: str | None = None,
        phone: str | None = None,
        external_id: str | None = None,
    ) -> Known:
        """Let a tool know a person before the first sync, under an id of its own unless one is given."""
        platform = Platform(tool)
        with self.store.writing() as db:
            number = people.next_number(db, platform)
            made = people.create(
                db,
                platform,
                person_id or EMAIL_PLATFORMS[platform].new_id(number),
                email=email,
                phone=phone,
                external_id=external_id,
            )
            people.set_consent(db, platform, made.id, consent, 0)
            return made

    def put_people(self, tool: str, emails: Iterable[str], consent: Consent = "unknown") -> None:
        """Let a tool know many people before the first sync; those whom it knows stay as they are."""
        platform = Platform(tool)
        with self.store.writing() as db:
            for email in emails:
                if people.find(db, platform, "email", email) is None:
                    new_id = EMAIL_PLATFORMS[platform].new_id(people.next_number(db, platform))
                    made = people.create(db, platform, new_id, email=email)
                    people.set_consent(db, platform, made.id, consent, 0)

    def forget(self, tool: str, email: str) -> None:
        """Delete a person there, as a colleague would."""
        platform = Platform(tool)
        with self.store.writing() as db:
            known = people.find(db, platform, "email", email)
            if known is not None:
                people.delete(db, platform, known.id)

    def suppress(self, tool: str, email: str, kind: str) -> None:
        """Let an address bounce, complain or leave by itself."""
        with self.store.writing() as db:
            people.suppress(db, Platform(tool), email, kind)
