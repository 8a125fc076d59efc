"""What an operator sets for a Brevo account."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from connectors.email import EmailSettings
from connectors.settings import ApiUrl, Credential


class BrevoSettings(EmailSettings):
    """Settings of one Brevo account."""

    api_key: Credential = Field(description="API key (v3) of the account.")
    base_url: ApiUrl = Field("https://api.brevo.com/v3")
    folder: str = Field(
        "Turnout",
        min_length=1,
        description="Folder in which new lists lie; made where there is none of this name.",
    )
    max_rows: int = Field(150, ge=1, le=150, description="Contacts in one request to a list.")
    import_rows: int | None = Field(
        None,
        ge=150,
        le=20_000,
        description="People in one import, which adds many at once and does not say whom Brevo refused; for large "
        "first pushes with CREATE_MISSING. Unset: no imports.",
    )
    requests_per_second: int = Field(
        10,
        ge=1,
        le=60,
        description="Requests a second about contacts that Brevo takes; 20 from Professional on.",
    )
    requests_per_hour: int = Field(
        36_000,
        ge=1,
        description="Requests an hour about contacts that Brevo takes; 72000 from Professional on.",
    )

    @model_validator(mode="after")
    def _imports_create(self) -> Self:
        if self.import_rows is not None and not self.create_missing:
            raise ValueError("IMPORT_ROWS needs CREATE_MISSING: an import creates whom Brevo does not know")
        return self
