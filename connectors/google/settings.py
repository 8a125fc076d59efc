"""What an operator sets for an account of Google Ads or Display & Video 360."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from connectors.account import TokenSettings
from connectors.base import SyncOptions
from connectors.google.service_account import key_of
from connectors.settings import ApiUrl, Credential, DefaultCountry, SettlingMinutes, TokenUrl

AccountType = Literal["GOOGLE_ADS", "DISPLAY_VIDEO_ADVERTISER", "DISPLAY_VIDEO_PARTNER"]
Identifier = Literal["emailAddress", "phoneNumber", "address"]

LONGEST_MEMBERSHIP = 540
"""Days (Google's limit since April 2025)."""


def _digits(value: str) -> str:
    digits = value.replace("-", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
        raise ValueError("must be digits, with or without hyphens")
    return digits


AccountId = Annotated[str, AfterValidator(_digits)]


class GoogleSettings(TokenSettings):
    """Settings of one account; signed in by a refresh token, or as a service account."""

    account_type: AccountType = Field("GOOGLE_ADS", description="Product whose account it is.")
    operating_account: AccountId = Field(
        description="Account that owns the lists: Google Ads customer id, or Display & Video 360 advertiser id."
    )
    login_account: AccountId | None = Field(
        None, description="Account whose access is used, such as a manager's; unset: the same."
    )
    login_account_type: AccountType | None = Field(None, description="Its product; unset: the same.")
    accept_customer_match_terms: bool = Field(
        False, description="Whether you accept Google's Customer Match terms; nobody is added without."
    )
    client_id: Credential | None = Field(None, description="OAuth client, for signing in by a refresh token.")
    client_secret: Credential | None = Field(None, description="The client's secret.")
    refresh_token: Credential | None = Field(
        None, description="Refresh token with the scope `https://www.googleapis.com/auth/datamanager`."
    )
    service_account_file: Path | None = Field(
        None, description="Key file (JSON) of a service account, instead of the refresh token."
    )
    service_account: SecretStr | None = Field(
        None, description="What is in such a file, instead of its path."
    )
    quota_project: str | None = Field(
        None,
        pattern=r"^[a-z0-9.:-]{1,63}$",
        description="Cloud project that requests of a user are counted for, where Google asks to name one.",
    )
    base_url: ApiUrl = Field("https://datamanager.googleapis.com/v1")
    token_url: TokenUrl = Field("https://oauth2.googleapis.com/token")
    identifiers: tuple[Identifier, ...] = Field(
        ("emailAddress", "phoneNumber", "address"),
        min_length=1,
        description="Identifiers to send, as JSON; country and postal code of an `address` go unhashed.",
    )
    default_country: DefaultCountry = None
    max_rows: int = Field(10_000, ge=1, le=10_000, description="People in one request.")
    requests_per_minute: int = Field(
        300, ge=1, description="Requests a minute that the Cloud project may make."
    )
    requests_per_day: int = Field(
        100_000, ge=1, description="Requests a day that the Cloud project may make."
    )
    poll_after_minutes: float = Field(30, ge=0, description="How soon a verdict can be expected.")
    verdict_within_days: float = Field(
        3,
        gt=0,
        description="A request without a verdict for so long is in doubt, and its people are sent again.",
    )
    settles_after_minutes: SettlingMinutes = 1_440
    serving_minimum: int = Field(100, ge=0, description="Members below which Google does not serve a list.")

    @field_validator("service_account_file")
    @classmethod
    def _holds_a_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            key_of(value)
        return value

    @field_validator("service_account")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value)
        return value

    @model_validator(mode="after")
    def _signs_in_one_way(self) -> GoogleSettings:
        ways = (self.refresh_token, self.service_account_file, self.service_account)
        if len([way for way in ways if way is not None]) != 1:
            raise ValueError("REFRESH_TOKEN, SERVICE_ACCOUNT_FILE or SERVICE_ACCOUNT: set one of them")
        if self.refresh_token is not None and (self.client_id is None or self.client_secret is None):
            raise ValueError("REFRESH_TOKEN needs its CLIENT_ID and CLIENT_SECRET")
        return self


class GoogleOptions(SyncOptions, frozen=True):
    """What ``[sync.<destination>]`` may set."""

    membership_days: int = Field(
        LONGEST_MEMBERSHIP,
        ge=1,
        le=LONGEST_MEMBERSHIP,
        description="Days after which Google drops a member who is not sent again. Used at creation.",
    )
