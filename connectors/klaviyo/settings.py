"""Settings of a Klaviyo account."""

from __future__ import annotations

from pydantic import Field

from connectors.email import ResolvingSettings
from connectors.settings import ApiUrl, Credential


class KlaviyoSettings(ResolvingSettings):
    """Settings of one Klaviyo account."""

    api_key: Credential = Field(
        description="Private API key (`pk_…`) with the scopes lists:read, lists:write, profiles:read, profiles:write."
    )
    base_url: ApiUrl = Field("https://a.klaviyo.com")
    revision: str = Field(
        "2026-10-15",
        pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$",
        description="Revision of the API; each lives for about two years.",
    )
    ids_last_days: int = Field(
        365,
        ge=1,
        description="Days for which Klaviyo's id of a profile is remembered before it is asked again; one that Klaviyo "
        "does not know any more is asked for at once.",
    )
    max_rows: int = Field(1_000, ge=1, le=1_000, description="People in one request.")
    resolves_at_once: int = Field(
        100, ge=1, le=100, description="Addresses of which one request asks the profile ids."
    )
    requests_per_second: int = Field(10, ge=1, le=75, description="Requests a second.")
    requests_per_minute: int = Field(
        700,
        ge=1,
        le=750,
        description="Requests a minute; of those that change lists Klaviyo takes 150, and says when to wait.",
    )
