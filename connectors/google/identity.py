"""The columns Google matches people on."""

from __future__ import annotations

from connectors.google.settings import GoogleSettings
from connectors.identity import Column, Identity
from connectors.rules import ADDRESS, EMAIL_GMAIL, phone_e164


def google_identity(settings: GoogleSettings) -> Identity:
    """The account's ``identifiers``; the parts of an address are hashed where Google wants them hashed."""
    columns = {
        "emailAddress": Column("emailAddress", EMAIL_GMAIL, "sha256_hex", identifies=True),
        "phoneNumber": Column(
            "phoneNumber", phone_e164(settings.default_country), "sha256_hex", identifies=True
        ),
        "address": Column("address", ADDRESS, "plain", identifies=True),
    }
    return Identity("google", 1, tuple(columns[name] for name in dict.fromkeys(settings.identifiers)))
