"""What an operator sets for a Braze workspace, and what people are known by there."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from connectors.base import Limits, Verdicts, Window
from connectors.email import EmailSettings, address_identity
from connectors.identity import Column, Identity
from connectors.rules import EXTERNAL_ID
from connectors.settings import ApiUrl, Credential

COLUMNS = {"external_id": "EXTERNAL_ID", "email": "EMAIL"}
"""Columns by what Braze calls the identifier."""
BULK_REQUESTS_PER_SECOND = 50


class BrazeSettings(EmailSettings):
    """Settings of one Braze workspace."""

    api_key: Credential = Field(description="REST API key of the workspace.")
    base_url: ApiUrl = Field(
        description="REST endpoint of your instance, such as `https://rest.fra-01.braze.eu`."
    )
    identifier: Literal["external_id", "email"] = Field(
        "external_id",
        description="What people are named by. Of several profiles with one address Braze takes the one that was "
        "updated last, which may be another one when the person leaves.",
    )
    attribute_prefix: str = Field(
        "aud_",
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$",
        description="What the names of our attributes begin with; the audience's name follows.",
    )
    look_up: bool = Field(
        True,
        description="Ask which external ids Braze knows before they are added (`users.export.ids`). Off, and always "
        "for addresses: unknown people are passed over, and Braze does not say so.",
    )
    check_attributes: bool = Field(
        True, description="Look whether the attribute can be written before a push (`custom_attributes.get`)."
    )
    max_rows: int = Field(50, ge=1, le=75, description="People in one request; most contracts allow 75.")
    bulk_rows: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="People in one request of the bulk endpoint, a closed beta (`users.track.bulk`); unset: not used.",
    )
    max_in_flight: int = Field(4, ge=1, le=8, description="Requests under way at once.")
    requests_per_three_seconds: int = Field(
        3_000, ge=1, le=3_000, description="Requests in three seconds that the workspace takes."
    )
    requests_per_hour: int | None = Field(
        None, ge=1, description="Requests an hour that your contract allows, where it names them."
    )
    lookups_per_minute: int = Field(
        250,
        ge=1,
        le=2_500,
        description="Requests a minute where people are looked up: 250, or 2,500 for older customers.",
    )

    @property
    def identity(self) -> Identity:
        """One column."""
        if self.identifier == "email":
            return address_identity("braze")
        return Identity("braze", 1, (Column("EXTERNAL_ID", EXTERNAL_ID, "plain", identifies=True),))

    @property
    def looks_up(self) -> bool:
        """Whether people are looked up before they are added."""
        return self.look_up and self.identifier == "external_id" and not self.create_missing

    @property
    def braze_limits(self) -> Limits:
        """Rows and windows of the endpoint that is used."""
        windows = [Window(self.requests_per_three_seconds, timedelta(seconds=3))]
        if self.bulk_rows:
            windows = [Window(BULK_REQUESTS_PER_SECOND, timedelta(seconds=1))]
        if self.looks_up:
            windows.append(Window(self.lookups_per_minute, timedelta(minutes=1)))
        if self.requests_per_hour:
            windows.append(Window(self.requests_per_hour, timedelta(hours=1)))
        return self.limits(self.bulk_rows or self.max_rows, *windows, verdicts=Verdicts.PER_ROW)
