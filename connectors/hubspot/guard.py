"""What may leave for HubSpot: static lists, and contacts without anything that says what they agreed to."""

from __future__ import annotations

from connectors.consent_guard import Call, ConsentGuard
from connectors.hubspot.settings import HubSpotSettings

CONTACTS = "0-1"
"""Type of the objects in a list."""
MANUAL = "MANUAL"

FORBIDDEN_FIELDS = frozenset(
    {
        "hs_marketable_status",  # makes contacts billable, or not to be written to
        "hs_legal_basis",
        "hs_additional_emails",  # moves addresses between contacts
    }
)
OPT_OUTS = ("hs_email_optout",)
"""Of all e-mail, and one for each subscription type (``hs_email_optout_123``)."""


def guard(settings: HubSpotSettings) -> ConsentGuard:
    """The guard of an account. Emptying lists, deleting people and communication preferences are in no call."""
    lists, contacts = settings.api("lists"), settings.api("objects") + "/contacts"
    a_list = rf"{lists}/[0-9]+"
    calls = (
        Call("GET", a_list),
        Call("GET", rf"{lists}/object-type-id/{CONTACTS}/name/[^/]+"),
        Call("POST", lists),
        Call("POST", f"{lists}/search"),
        Call("GET", rf"{a_list}/memberships"),
        Call("PUT", rf"{a_list}/memberships/(?:add|remove)"),
        Call("POST", f"{contacts}/batch/read"),
        Call("POST", f"{contacts}/batch/update"),
        Call("POST", f"{contacts}/search"),
        Call("GET", settings.api("properties") + "/contacts"),
    )
    creating = (Call("POST", f"{contacts}/batch/upsert"),) if settings.create_missing else ()
    only: dict[str, frozenset[object]] = {
        "objectTypeId": frozenset({CONTACTS}),
        "processingType": frozenset({MANUAL}),
        "idProperty": frozenset({"email"}),
    }
    return ConsentGuard("HubSpot", (*calls, *creating), FORBIDDEN_FIELDS, only, never_starting=OPT_OUTS)
