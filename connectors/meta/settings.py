"""What an operator sets for a Meta ad account, and what a segment's sync table may set."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from connectors.base import ConnectorSettings, SyncOptions
from connectors.settings import BaseUrl, Credential, DefaultCountry, SettlingMinutes

Identifier = Literal[
    "EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY", "MADID"
]  # fmt: skip

DEFAULT_IDENTIFIERS: tuple[Identifier, ...] = (
    "EMAIL", "PHONE", "FN", "LN", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY",
)  # fmt: skip

IDENTIFYING: tuple[Identifier, ...] = ("EXTERN_ID", "EMAIL", "PHONE", "MADID")
"""Identifiers that find a person alone; the others only help."""


class MetaSettings(ConnectorSettings):
    """Settings of one Meta ad account."""

    token: Credential = Field(description="System user access token with `ads_management`.")
    ad_account: str = Field(description="Ad account id: digits, with or without `act_`.")
    app_secret: Credential | None = Field(
        None, description="App secret; needed when the app demands a proof with each call."
    )
    api_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="Marketing API version.")
    base_url: BaseUrl = Field("https://graph.facebook.com", description="Where requests go.")
    customer_file_source: Literal[
        "USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"
    ] = Field("USER_PROVIDED_ONLY", description="Where the people's data come from, as Meta asks to declare.")
    identifiers: tuple[Identifier, ...] = Field(
        DEFAULT_IDENTIFIERS,
        description="Columns to send, as JSON; `EXTERN_ID` and `MADID` go unhashed and are off by default.",
    )
    default_country: DefaultCountry = None
    limited_data_use: bool = Field(False, description="Mark everybody for US Limited Data Use.")
    limited_data_use_country: Literal[0, 1] = Field(
        0, description="Country of Limited Data Use: 1 for the United States, 0 to let Meta find out."
    )
    limited_data_use_state: Literal[0, 1000] = Field(
        0, description="State of Limited Data Use: 1000 for California, 0 to let Meta find out."
    )
    max_rows: int = Field(10_000, ge=1, le=10_000, description="People in one request.")
    max_in_flight: int = Field(2, ge=1, le=8, description="Requests under way at once.")
    page_size: int = Field(20, ge=1, le=200, description="Audiences on one page when looking for ours.")
    send_session: bool = Field(
        True, description="Send upload sessions, so that Meta counts each batch alone."
    )
    access: Literal["full", "limited"] = Field(
        "full",
        description="The app's access to the Marketing API; `limited` takes 20 changes in five minutes.",
    )
    usage_limit_percent: float = Field(
        75, gt=0, le=100, description="Share of the account's budget above which requests pause."
    )
    max_wait_seconds: float = Field(
        120, ge=1, description="Longest wait that Meta may ask for; longer ones end the run."
    )
    settles_after_minutes: SettlingMinutes = 60
    timeout_seconds: float = Field(60, ge=1, description="Silence after which an answer counts as lost.")

    @field_validator("ad_account")
    @classmethod
    def _digits(cls, value: str) -> str:
        digits = value.removeprefix("act_")
        if not re.fullmatch(r"[0-9]{1,20}", digits):
            raise ValueError("must be digits, with or without act_ in front")
        return digits

    @field_validator("identifiers")
    @classmethod
    def _finds_people(cls, value: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        if not set(value) & set(IDENTIFYING):
            raise ValueError(f"must hold at least one of {', '.join(IDENTIFYING)}")
        if len(set(value)) < len(value):
            raise ValueError("must hold each identifier once")
        return value


Label = Literal[
    "APP_USERS", "AT_RISK", "CART_ABANDONERS", "DISENGAGED", "DISQUALIFIED_LEADS", "ENGAGED_USERS",
    "GENERAL_CUSTOMERS", "HIGH_VALUE_CUSTOMERS", "LOW_VALUE_CUSTOMERS", "OTHER_1", "OTHER_2", "OTHER_3",
    "QUALIFIED_LEADS", "RECENT_PURCHASERS", "TRIAL_USERS",
]  # fmt: skip
"""Meta's own labels of an audience (Marketing API v26.0, ``audience_labels``)."""


class MetaOptions(SyncOptions, frozen=True):
    """What ``[sync.<destination>]`` may set."""

    retention_days: int | None = Field(
        None,
        ge=1,
        le=180,
        description="Days after which Meta drops a member; unset: never. Used at creation.",
    )
    labels: tuple[Label, ...] = Field((), description="Meta's audience labels. Used at creation.")
