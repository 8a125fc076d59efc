"""Standing conditions of the sandboxed accounts, kept in the store: what a person would change in a settings page."""

from __future__ import annotations

import sqlite3
from typing import Literal

from pydantic import BaseModel, Field


class Switches(BaseModel, extra="forbid", frozen=True):
    """How the accounts stand. The defaults are an account in good order."""

    meta_terms_accepted: bool = Field(default=True, description="The Custom Audience terms are accepted.")
    meta_token_expired: bool = Field(default=False, description="The Meta access token has expired.")
    meta_appsecret_required: bool = Field(default=False, description="The Meta app demands appsecret_proof.")
    meta_tier: Literal["full", "limited"] = Field(
        default="full", description="Access tier that sets Meta's quotas."
    )
    meta_processing_seconds: float = Field(
        default=0, ge=0, description="How long a Meta audience shows 'populating' after an upload."
    )
    mailchimp_key_revoked: bool = Field(default=False, description="The Mailchimp API key no longer works.")
    mailchimp_refuses_reserved_domains: bool = Field(
        default=False,
        description="Refuse example.com and its kind, as the real Mailchimp does; off, so that demo people work.",
    )
    mailchimp_batch_seconds: float = Field(
        default=0.2,
        ge=0,
        description="How long a Mailchimp batch waits before it starts; it then takes what it takes.",
    )
    practice_terms_accepted: bool = Field(
        default=True, description="The practice platform's terms are accepted."
    )
    practice_token_revoked: bool = Field(
        default=False, description="No token and no refresh token of the practice platform works any more."
    )
    practice_token_seconds: float = Field(
        default=3_600,
        gt=0,
        description="How long an access token lives that the practice platform gives out.",
    )
    practice_refresh_grace_seconds: float = Field(
        default=0, ge=0, description="How long a refresh token still works after it was replaced."
    )
    practice_job_seconds: float = Field(
        default=0, ge=0, description="How long a job of the practice platform waits before it runs."
    )
    ads_terms_accepted: bool = Field(
        default=True, description="The terms of the ad platforms besides Meta are accepted."
    )
    ads_token_revoked: bool = Field(
        default=False, description="No token of an ad platform besides Meta works any more."
    )
    ads_token_seconds: float = Field(
        default=3_600, gt=0, description="How long an access token lives that such a platform gives out."
    )
    ads_processing_seconds: float = Field(
        default=0,
        ge=0,
        description="How long such a platform works on an upload before it shows its members or has a verdict.",
    )
    ads_requests_per_minute: int = Field(
        default=0, ge=0, description="Requests that such a platform takes a minute; 0: any number."
    )
    email_token_revoked: bool = Field(
        default=False, description="No key of an email tool besides Mailchimp works any more."
    )
    email_token_seconds: float = Field(
        default=3_600, gt=0, description="How long an access token lives that such a tool gives out."
    )
    email_processing_seconds: float = Field(
        default=0, ge=0, description="How long a job of such a tool waits before it runs."
    )
    email_requests_per_minute: int = Field(
        default=0, ge=0, description="Requests that such a tool takes a minute; 0: any number."
    )


def read_switches(db: sqlite3.Connection) -> Switches:
    """The switches in force."""
    row = db.execute("select value from switches where id = 1").fetchone()
    return Switches() if row is None else Switches.model_validate_json(row["value"])


def write_switches(db: sqlite3.Connection, switches: Switches) -> None:
    """Set all switches."""
    db.execute(
        "insert into switches (id, value) values (1, ?) on conflict (id) do update set value = excluded.value",
        (switches.model_dump_json(),),
    )
