"""What an operator sets for an account of the practice platform."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.account import TokenSettings
from connectors.settings import BaseUrl, Credential, DefaultCountry

Delivering = Literal["direct", "session", "job"]
Answering = Literal["per_row", "whole_request", "count_and_samples", "count", "none"]
Positions = Literal["zero_based", "one_based", "text", "key"]


class PracticeSettings(TokenSettings):
    """Settings of one account. What concerns delivery and answers is asked for when an audience is created."""

    base_url: BaseUrl = Field("http://127.0.0.1:8765/practice", description="Where requests go: a sandbox.")
    sign_in: Literal["token", "client_credentials", "refresh_token"] = Field(
        "token", description="How requests are signed: a fixed token, or OAuth's two grants."
    )
    token: Credential | None = Field(None, description="The fixed token.")
    client_id: Credential | None = Field(None, description="OAuth client.")
    client_secret: Credential | None = Field(None, description="OAuth client's secret.")
    refresh_token: Credential | None = Field(
        None, description="Refresh token as first given; each refresh replaces it, kept in the token folder."
    )
    delivery: Delivering = Field(
        "direct", description="How members are sent: in one request, a session of batches, or a job."
    )
    verdicts: Answering = Field("per_row", description="How the platform tells which rows it did not take.")
    blame: bool = Field(True, description="With `whole_request`: whether the refusal names the rows.")
    positions: Positions = Field("zero_based", description="How rows are named.")
    errors_in_success: bool = Field(False, description="Errors about members come in an HTTP 200.")
    max_rows: int = Field(100, ge=1, le=10_000, description="People in one batch.")
    session_rows: int = Field(50, ge=1, le=10_000, description="People in one request of a session.")
    verdict_within_hours: float = Field(
        72,
        gt=0,
        description="A job without a verdict for so long is in doubt, and its people are sent again.",
    )
    settles_after_minutes: float = Field(
        0, ge=0, description="How long a copy of a request may still be applied after it was sent."
    )
    default_country: DefaultCountry = None
    consent: tuple[str, ...] = Field(
        ("ads_personalisation",), description="Purposes a person must have granted, as JSON."
    )
