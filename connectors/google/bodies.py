"""What the Data Manager API is sent: lists to create, and people to add or remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from connectors.base import AudienceRequest
from connectors.google.settings import LONGEST_MEMBERSHIP, GoogleSettings
from connectors.identity import encode
from connectors.rules.address import address_parts

CONSENTED: Mapping[str, object] = {
    "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
    "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
}
"""What goes with an upload: nobody without consent is ever in one."""

DRY_RUN = AudienceRequest("Turnout dry run", "turnout:dry_run", None)
NOBODY: Mapping[str, str] = {"emailAddress": encode("nobody@example.com", "sha256_hex")}
"""Whom a dry run would add."""


def wanted_list(request: AudienceRequest, lasting: timedelta | None) -> dict[str, object]:
    """A list of contact data of our own, with our mark."""
    return {
        "displayName": request.name,
        "description": f"Kept by Turnout, please leave this line: {request.marker}",
        "integrationCode": request.marker,
        "membershipStatus": "OPEN",
        "membershipDuration": duration_text(lasting),
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    }


def duration_text(lasting: timedelta | None) -> str:
    """Seconds, as protocol buffers write a duration."""
    return f"{int((lasting or timedelta(days=LONGEST_MEMBERSHIP)).total_seconds())}s"


def list_id_of(found: Mapping[str, Any]) -> object:
    """A list's id, also where only its resource name is told."""
    return found.get("id") or str(found.get("name") or "").rpartition("/")[2]


def upload(
    settings: GoogleSettings,
    list_id: str,
    rows: Iterable[Mapping[str, str | None]],
    more: Mapping[str, object],
) -> dict[str, object]:
    """People for one list, in the rows' order: verdicts name them by position."""
    destination: dict[str, object] = {
        "operatingAccount": {"accountType": settings.account_type, "accountId": settings.operating_account},
        "productDestinationId": list_id,
    }
    if settings.login_account is not None:
        destination["loginAccount"] = {
            "accountType": settings.login_account_type or settings.account_type,
            "accountId": settings.login_account,
        }
    members = [{"compositeData": {"userData": {"userIdentifiers": _identifiers(row)}}} for row in rows]
    return {"destinations": [destination], "encoding": "HEX", "audienceMembers": members, **more}


def _identifiers(row: Mapping[str, str | None]) -> list[dict[str, object]]:
    """Every identifier of a person that is known."""
    known: list[dict[str, object]] = [
        {name: row[name]} for name in ("emailAddress", "phoneNumber") if row.get(name)
    ]
    if address := row.get("address"):
        parts = address_parts(address)
        known.append(
            {
                "address": {
                    "givenName": parts.given_name,
                    "familyName": parts.family_name,
                    "regionCode": parts.region,
                    "postalCode": parts.postal_code,
                }
            }
        )
    return known
