"""Contacts of a Brevo account: moved between lists, looked at, written, imported and listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors.account import items_of, object_of, texts_of
from connectors.base import AudienceGone, Op, Refused, RowsRefused, Uncertain
from connectors.brevo.answers import NobodyMoved
from connectors.email import Person
from connectors.offsets import walk
from connectors.platform_ids import platform_id
from connectors.wire import Answer

LISTS = "/contacts/lists"
WRITTEN_AT_ONCE = 100
A_PAGE = 500
OVERLAP = 50
"""Contacts of a page that the one before it has shown already."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts."""

    ask: Callable[..., Answer]
    """Sends one request, as `AccountConnector.ask`."""

    def move(self, op: Op, list_id: str, people: Sequence[Person]) -> list[Person]:
        """Add people to a list, or remove them; whom Brevo did not move, for whatever reason."""
        addresses = [_address(person) for person in people]
        path = f"{LISTS}/{list_id}/contacts/{op}"
        try:
            answer = self.ask("POST", path, {"emails": addresses}, sent=addresses)
        except NobodyMoved:
            return list(people)
        moved = object_of(object_of(answer).get("contacts")).get("success")
        if not isinstance(moved, list):
            raise Uncertain("Brevo: the answer does not say who was moved")
        taken = {address.lower() for address in texts_of(moved)}
        return [person for person in people if _address(person) not in taken]

    def lists_of(self, person: Person) -> list[str] | None:
        """Ids of a contact's lists, None where Brevo does not know them."""
        path = f"/contacts/{quote(_address(person), safe='')}"
        try:
            answer = self.ask("GET", path, params={"identifierType": "email_id"}, sent=[_address(person)])
        except AudienceGone:  # said of a contact
            return None
        lists = object_of(answer).get("listIds")
        if not isinstance(lists, list):
            raise Uncertain("Brevo: the answer about a contact does not name its lists")
        return [str(one) for one in lists]

    def upsert(self, list_id: str, person: Person) -> bool:
        """Create somebody within a list, or write them and add them; whether Brevo took them."""
        wanted = {**_written(person), "listIds": [int(list_id)], "updateEnabled": True}
        try:
            self.ask("POST", "/contacts", wanted, sent=_sent([person]))
        except RowsRefused:
            return False
        return True

    def write(self, people: Sequence[Person]) -> None:
        """Set attributes of contacts that are there."""
        body = {"contacts": [_written(person) for person in people]}
        self.ask("POST", "/contacts/batch", body, sent=_sent(people))

    def load(self, list_id: str, people: Sequence[Person]) -> str:
        """Import people into a list; the id of the process."""
        wanted = {
            "listIds": [int(list_id)],
            "jsonBody": [_written(person) for person in people],
            "updateExistingContacts": True,
            "emptyContactsAttributes": False,
            "disableNotification": True,
        }
        process = platform_id(
            object_of(self.ask("POST", "/contacts/import", wanted, sent=_sent(people))).get("processId")
        )
        if process is None:
            raise Uncertain("Brevo: the answer names no process")
        return process

    def every(self, path: str, **query: str) -> Iterator[Sequence[dict[str, Any]]]:
        """A listing of contacts, page by page, some of them twice."""

        def page_at(offset: int) -> Sequence[dict[str, Any]]:
            page = {"limit": str(A_PAGE), "offset": str(offset), "sort": "asc", **query}
            found = object_of(self.ask("GET", path, params=page)).get("contacts")
            if not isinstance(found, list):
                raise Refused("Brevo: the answer lists no contacts")
            return list(items_of(found))

        return walk(page_at, A_PAGE, OVERLAP, "Brevo")


def _address(person: Person) -> str:
    return person.known_as["EMAIL"]


def _written(person: Person) -> dict[str, Any]:
    attributes: Mapping[str, Any] = {"attributes": dict(person.attributes)} if person.attributes else {}
    return {"email": _address(person), **attributes}


def _sent(people: Sequence[Person]) -> list[str]:
    return [text for person in people for text in (_address(person), *map(str, person.attributes.values()))]
