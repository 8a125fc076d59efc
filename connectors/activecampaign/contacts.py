"""ActiveCampaign's ids of people: one question each, or one reading of all contacts where that is less to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

from connectors.account import count_of, items_of, object_of
from connectors.activecampaign.answers import ANY
from connectors.platform_ids import platform_id
from connectors.rules import EMAIL

PAGE = 100
"""Contacts in one answer."""

Page = Mapping[str, Any]
Ask = Callable[[Mapping[str, str]], Page]
"""Asks for contacts by a query."""
Pages = Callable[[Mapping[str, str]], Iterator[Page]]
"""Asks for all contacts that a query finds, page by page."""


class Directory:
    """Ids by address. What was read once is believed for as long as the connector is open: a run."""

    def __init__(self, ask: Ask, pages: Pages) -> None:
        self._ask, self._pages = ask, pages
        self._read: dict[str, str] | None = None
        self._pages_in_all: int | None = None
        self._lock = Lock()

    def prepare(self, wanted: int) -> None:
        """Read all contacts if fewer requests do that than to ask for so many people one by one."""
        with self._lock:
            if self._read is not None or wanted < 2:
                return
            if self._pages_in_all is None:
                total = total_of(self._ask({"status": ANY, "limit": "1"}))
                self._pages_in_all = wanted if total is None else -(-total // PAGE)
            if self._pages_in_all < wanted:
                self._read = {
                    address: contact_id
                    for page in self._pages({"status": ANY})
                    for contact_id, address in contacts_in(page)
                }

    def id_of(self, address: str) -> str | None:
        """The id of the contact with this address, None where there is none."""
        if self._read is not None:
            return self._read.get(address)
        found = contacts_in(self._ask({"email": address, "status": ANY}))
        return next((contact_id for contact_id, known_as in found if known_as == address), None)


def total_of(page: Page) -> int | None:
    """How many contacts a query finds in all."""
    return count_of(object_of(page.get("meta")).get("total"))


def contacts_in(page: Page) -> Iterator[tuple[str, str]]:
    """Id and normalised address of each contact on a page."""
    for contact in items_of(page.get("contacts")):
        contact_id, address = platform_id(contact.get("id")), EMAIL.normalise(str(contact.get("email") or ""))
        if contact_id and address:
            yield contact_id, address


def following(page: Page) -> dict[str, str]:
    """The query of the next page; only an empty one is surely the last."""
    ids = [count_of(contact.get("id")) for contact in items_of(page.get("contacts"))]
    known = [one for one in ids if one is not None]
    return {"id_greater": str(max(known))} if known else {}
