"""What may leave for Brevo: lists, and contacts whose blocklisting and address nobody touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.brevo.settings import BrevoSettings
from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request, fields_in

A_LIST = r"/contacts/lists/[0-9]+"

FORBIDDEN_FIELDS = frozenset(
    {
        "emailBlacklisted",  # false resubscribes
        "smsBlacklisted",
        "whatsappBlacklisted",
        "emailBlacklist",  # of an import: everybody in it
        "smsBlacklist",
        "smtpBlacklistSender",
        "consentGroupIds",
        "forceMerge",  # deletes one of two contacts
        "unlinkListIds",
        "all",  # empties a list
        "fileUrl",
        "fileBody",
        "notifyUrl",
        "newList",
        "OPT_IN",  # attributes that hold what somebody agreed to
        "DOUBLE_OPT-IN",
    }
)


def guard(settings: BrevoSettings) -> ConsentGuard:
    """The guard of an account. Double opt-in, deleting, and changing one contact are in no call."""
    calls = [
        Call("GET", "/contacts/folders"),
        Call("POST", "/contacts/folders"),
        Call("GET", "/contacts/lists"),
        Call("POST", "/contacts/lists"),
        Call("GET", A_LIST),
        Call("GET", rf"{A_LIST}/contacts"),
        Call("POST", rf"{A_LIST}/contacts/(?:add|remove)"),
        Call("POST", "/contacts/batch"),
        Call("GET", "/contacts/attributes"),
        Call("GET", r"/contacts/[^/]+(?:%40|@)[^/]+"),
        Call("GET", "/contacts"),
    ]
    if settings.create_missing:
        calls.append(Call("POST", "/contacts", must={"updateEnabled": True}))
    if settings.import_rows is not None:
        calls.append(Call("POST", "/contacts/import", must={"updateExistingContacts": True}))
        calls.append(Call("GET", r"/processes/[0-9]+"))
    only: dict[str, frozenset[object]] = {
        "EMAIL": frozenset(),  # changing the address of somebody who is blocklisted resubscribes them
        "updateEnabled": frozenset({True}),
        "updateExistingContacts": frozenset({True}),
        "emptyContactsAttributes": frozenset({False}),
        "disableNotification": frozenset({True}),
    }
    return ConsentGuard("Brevo", tuple(calls), FORBIDDEN_FIELDS, only, _addresses_stay)


def _addresses_stay(request: Request) -> Iterator[Request]:
    """No attribute is an address, in whatever case it is written. Requests carry no others."""
    for name, value in fields_in(request.body):
        attributes = value if name == "attributes" and isinstance(value, Mapping) else {}
        if any(str(attribute).casefold() == "email" for attribute in attributes):
            raise ForbiddenRequest("Brevo: the address must never be sent as an attribute")
    yield from ()
