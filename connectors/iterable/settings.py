"""What an operator sets for an Iterable project, and what people are known by there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.email import EmailSettings, address_identity
from connectors.identity import Column, Identity
from connectors.rules import EXTERNAL_ID
from connectors.settings import ApiUrl, Credential

NAMED = {"EMAIL": "email", "EXTERNAL_ID": "userId"}
"""What Iterable calls the columns."""


class IterableSettings(EmailSettings):
    """Settings of one Iterable project."""

    api_key: Credential = Field(description="Server-side API key of the project (without JWT).")
    base_url: ApiUrl = Field("https://api.iterable.com")
    project: Literal["email", "user_id", "hybrid"] = Field(
        "email",
        description="What the project identifies users by; `user_id` sends `external_id`, the others addresses. "
        "In a project that goes by `email` Iterable creates whoever is added, so people are looked up first.",
    )
    max_rows: int = Field(1_000, ge=1, le=1_000, description="Users in one request.")
    max_in_flight: int = Field(2, ge=1, le=4, description="Requests under way at once.")
    requests_per_second: int = Field(
        5,
        ge=1,
        le=100,
        description="Requests a second that the project takes; it takes 100 that look people up.",
    )

    @property
    def identity(self) -> Identity:
        """One column: the address, or the id."""
        if self.project == "user_id":
            return Identity("iterable", 1, (Column("EXTERNAL_ID", EXTERNAL_ID, "plain", identifies=True),))
        return address_identity("iterable")

    @property
    def looks_up(self) -> bool:
        """Whether people are looked up before they are added, so that nobody is created."""
        return self.project == "email" and not self.create_missing
