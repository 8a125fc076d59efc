"""What an operator sets for a SendGrid account."""

from __future__ import annotations

from pydantic import Field

from connectors.email import ResolvingSettings
from connectors.settings import ApiUrl, Credential


class SendGridSettings(ResolvingSettings):
    """Settings of one SendGrid account."""

    api_key: Credential = Field(description="API key (`SG.…`) with full access to Marketing.")
    base_url: ApiUrl = Field("https://api.sendgrid.com")
    on_behalf_of: str | None = Field(
        None,
        pattern=r"^[!-~]+( [!-~]+)?$",
        description="Subuser (or `account-id <id>`) whose lists these are, where the key is the parent account's.",
    )
    max_rows: int = Field(
        5_000, ge=1, le=30_000, description="People in one batch; each hundred of them are looked up first."
    )
    requests_per_second: int = Field(1, ge=1, description="Requests a second that the account may make.")
