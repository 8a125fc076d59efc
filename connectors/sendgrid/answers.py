"""What SendGrid answers, and what it must never be asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.account import items_of, object_of
from connectors.base import RowsRefused, Uncertain
from connectors.consent_guard import Call, ConsentGuard
from connectors.meanings import Meaning, Then
from connectors.wire import Answer

LISTS, CONTACTS = "/v3/marketing/lists", "/v3/marketing/contacts"
FIELDS = "/v3/marketing/field_definitions"
SEARCH = f"{CONTACTS}/search/identifiers/email"
JOBS = f"{CONTACTS}/imports"

ERRORS: Mapping[str | int, Meaning] = {
    200: Meaning(Then.DOUBT, "an error under HTTP 200"),
    202: Meaning(Then.DOUBT, "an error under HTTP 202"),
    401: Meaning(Then.SIGN_IN, "the API key is not valid"),
    403: Meaning(
        Then.SIGN_IN,
        "the API key lacks Marketing (full access) or Suppressions (read), or {prefix}ON_BEHALF_OF is not allowed",
    ),
    404: Meaning(Then.GONE, "the list does not exist"),
    408: Meaning(Then.REPEAT, "the search took too long"),
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower"),
    429: Meaning(Then.WAIT, "too many requests"),
}  # fmt: skip
"""By status: SendGrid has no codes. 400 is `NotValid`."""

GUARD = ConsentGuard(
    "SendGrid",
    (
        Call("GET", LISTS),
        Call("POST", LISTS),
        Call("GET", LISTS + r"/[^/]+"),
        Call("GET", LISTS + r"/[^/]+/contacts/count"),
        Call("DELETE", LISTS + r"/[^/]+/contacts"),
        Call("PUT", CONTACTS),
        Call("POST", SEARCH),
        Call("GET", JOBS + r"/[^/]+"),
        Call("GET", FIELDS),
        Call("GET", r"/v3/suppression/(unsubscribes|bounces|spam_reports)"),
    ),
    never=frozenset(
        {
            "delete_all_contacts",  # everybody of the account
            "delete_contacts",  # everybody of a list
            "ids",  # of people to delete
            "email_addresses",  # of people to erase
            "recipient_emails",  # whom to suppress
            "emails",  # whose bounce or complaint to forget
            "delete_all",  # the same, of everybody
            "group_id",
            "asm",
            "alternate_emails",  # a further address, which nobody agreed to
        }
    ),
)
"""Suppressions live at addresses of their own, of which only listings may be read."""

IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
"""What a contact is known by. An update must repeat all of them."""

_NOT_VALID = re.compile(r"email '(.+?)' is not valid", re.IGNORECASE)


class NotValid(RowsRefused):
    """HTTP 400: the request as a whole was refused, because of these addresses if it names any."""

    def __init__(self, message: str, addresses: Collection[str]) -> None:
        super().__init__(message)
        self.addresses = frozenset(address.casefold() for address in addresses)


def messages_in(answer: Answer) -> list[str]:
    """What an error says, one sentence a fault; most errors are in an object, some a list."""
    found = answer.json if isinstance(answer.json, list) else object_of(answer).get("errors")
    return [str(error.get("message") or "") for error in items_of(found)]


def addresses_in(messages: Collection[str]) -> list[str]:
    """The addresses that messages call invalid."""
    return [address for message in messages for address in _NOT_VALID.findall(message)]


def contacts_in(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a search has found: the address asked for, and the contact who has it, be it as an alternate one.

    Raises Uncertain for an answer about nobody, since a removal would take all for unknown.
    """
    result = object_of(object_of(answer).get("result"))
    if not result:
        raise Uncertain("SendGrid: the answer does not say whom it knows")
    for address, found in result.items():
        if contact := object_of(object_of(found).get("contact")):
            yield address.casefold(), contact


def is_own(contact: Mapping[str, Any], address: str) -> bool:
    """Whether the contact is written to at this address: an alternate one is only known."""
    return str(contact.get("email") or "").casefold() == address.casefold()
