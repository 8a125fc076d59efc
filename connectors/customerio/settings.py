"""Settings of a Customer.io workspace."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.email import EmailSettings
from connectors.settings import ApiUrl, Credential


class CustomerioSettings(EmailSettings):
    """Settings of one Customer.io workspace."""

    site_id: Credential = Field(description="Site id of the Track API.")
    track_key: Credential = Field(description="API key of the Track API.")
    api_key: Credential = Field(description="App API key.")
    base_url: ApiUrl = Field(
        "https://track.customer.io",
        description="Where people go, the Track API; in the EU `https://track-eu.customer.io`.",
    )
    app_url: ApiUrl = Field(
        "https://api.customer.io",
        description="Where segments are, the App API; in the EU `https://api-eu.customer.io`.",
    )
    identifier: Literal["email", "id"] = Field(
        "email",
        description="What people are named by: their address, or `external_id` if that is their `id` there.",
    )
    esp_suppressions: bool = Field(
        True,
        description="Read bounces and complaints too; off where another server sends the workspace's e-mail.",
    )
    max_rows: int = Field(1_000, ge=1, le=1_000, description="People in one request.")
    max_in_flight: int = Field(4, ge=1, le=8, description="Requests under way at once.")
    page_size: int = Field(1_000, ge=1, le=1_000, description="People of a page when they are listed.")
    requests_per_second: int = Field(50, ge=1, le=1_000, description="Requests a second to the Track API.")
    app_requests_per_second: int = Field(
        10, ge=1, le=10, description="Requests a second to the App API, of the whole workspace."
    )

    @model_validator(mode="after")
    def _created_by_address(self) -> Self:
        if self.create_missing and self.identifier != "email":
            raise ValueError("create_missing needs identifier email: people without an address get no e-mail")
        return self
