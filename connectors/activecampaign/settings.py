"""What an operator sets for an ActiveCampaign account."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from connectors.email import ResolvingSettings
from connectors.settings import BaseUrl, Credential, Digits


class ActiveCampaignSettings(ResolvingSettings):
    """Settings of one ActiveCampaign account."""

    api_key: Credential = Field(description="API key of a user who may manage tags and contacts.")
    base_url: BaseUrl = Field(
        description="API URL as the account shows it under Settings, Developer: `https://<account>.api-us1.com`."
    )
    lists: tuple[Digits, ...] = Field(
        (),
        description="Ids of the lists whose unsubscribes and bounces `turnout pull` reads, as JSON; none: what "
        "ActiveCampaign says of a contact as a whole.",
    )
    max_rows: int = Field(250, ge=1, le=250, description="People in one import.")
    max_bytes: int = Field(400_000, ge=10_000, description="Bytes in one import; more people go in another.")
    requests_per_second: int = Field(
        4, ge=1, le=5, description="Requests a second; the account takes 5 of all its keys together."
    )

    @field_validator("base_url")
    @classmethod
    def _with_version(cls, url: str) -> str:
        """The account's pages leave the version out."""
        return url if urlsplit(url).path else f"{url}/api/3"
