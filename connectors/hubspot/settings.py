"""What an operator sets for a HubSpot account."""

from __future__ import annotations

from pydantic import Field

from connectors.email import ResolvingSettings
from connectors.settings import ApiUrl, Credential


class HubSpotSettings(ResolvingSettings):
    """Settings of one HubSpot account (portal)."""

    access_token: Credential = Field(description="Token of a service key, or of a private or project app.")
    base_url: ApiUrl = Field("https://api.hubapi.com")
    api_version: str = Field(
        "2026-09",
        pattern=r"^(v3|20[0-9]{2}-[0-9]{2})$",
        description="Version that stands in the addresses: a date, or `v3` until September 2027.",
    )
    ids_last_days: int = Field(
        365,
        ge=1,
        description="Days for which HubSpot's id of a contact is remembered before it is asked again; one that HubSpot "
        "does not know any more is asked for at once.",
    )
    max_rows: int = Field(1_000, ge=1, le=100_000, description="Contacts in one request to a list.")
    new_contacts_after_seconds: float = Field(
        30, ge=0, description="Pause before a list that does not know contacts made just now is asked again."
    )
    requests_per_ten_seconds: int = Field(
        100, ge=1, le=250, description="Requests in ten seconds that HubSpot takes; 190 from Professional on."
    )
    requests_per_day: int = Field(250_000, ge=1, description="Requests a day that HubSpot takes.")

    def api(self, family: str) -> str:
        """Where a family of calls lies: version and name changed places with the dated versions."""
        return f"/crm/v3/{family}" if self.api_version == "v3" else f"/crm/{family}/{self.api_version}"
