"""What an operator sets for a Mailchimp account."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from connectors.base import ConnectorSettings
from connectors.settings import BaseUrl, Credential, SettlingMinutes

_DATA_CENTRE = re.compile(r"[a-z]{2,4}[0-9]{1,4}")


class MailchimpSettings(ConnectorSettings):
    """Settings of one Mailchimp list."""

    api_key: Credential = Field(description="API key; its end (`-us21`) names the data centre.")
    list_id: str = Field(
        pattern=r"^[A-Za-z0-9]{4,40}$", description="Audience (list) id whose contacts are tagged."
    )
    base_url: BaseUrl | None = Field(
        None, description="Where requests go, with `/3.0`; unset: the data centre that the key names."
    )
    create_missing: bool = Field(
        False, description="Create contacts that the list does not have; off: they are reported and left out."
    )
    status_if_new: Literal["transactional", "pending", "subscribed"] = Field(
        "transactional",
        description=(
            "Status of created contacts; `pending` makes Mailchimp write to them, `subscribed` needs"
            " documented consent. People already in the list keep theirs, always."
        ),
    )
    skip_merge_validation: bool = Field(
        True, description="Create contacts even if the list requires merge fields that we do not have."
    )
    create_singly: int = Field(
        50, ge=0, description="So many new contacts of one request are created one by one, more as one batch."
    )
    batch_poll_seconds: float = Field(10, ge=0.01, description="Pause between looks at a running batch.")
    batch_wait_seconds: float = Field(600, ge=1, description="Longest time that a batch is waited for.")
    max_rows: int = Field(500, ge=1, le=500, description="Addresses in one request.")
    max_in_flight: int = Field(6, ge=1, le=8, description="Requests under way at once; Mailchimp allows 10.")
    max_wait_seconds: float = Field(
        120, ge=1, description="Longest time to wait for Mailchimp's limit; then the run ends."
    )
    settles_after_minutes: SettlingMinutes = 15
    timeout_seconds: float = Field(120, ge=1, description="Silence after which an answer counts as lost.")

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.base_url is None and not _DATA_CENTRE.fullmatch(self._end_of_key):
            raise ValueError("API_KEY does not end with its data centre, such as -us21: copy the whole key")
        return self

    @property
    def address(self) -> str:
        """Where requests go, version included."""
        return self.base_url or f"https://{self._end_of_key}.api.mailchimp.com/3.0"

    @property
    def _end_of_key(self) -> str:
        return self.api_key.get_secret_value().rpartition("-")[2]
