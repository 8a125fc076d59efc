"""Snapchat's customer lists as a destination: segments of an ad account, by the Ads API v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.account import OAuthSettings, count_of, items_of, object_of, query_of
from connectors.ads import RECOGNISED, sha256_columns
from connectors.base import (
    Audience,
    AudienceRequest,
    Declared,
    Finding,
    Op,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.identity import Identity
from connectors.kinds import OneKind, OneKindConnector, Outcome
from connectors.meanings import Meaning, Then, Told
from connectors.oauth import Credential
from connectors.redact import redact
from connectors.rules import EMAIL, MADID, phone_digits
from connectors.settings import ApiUrl, DefaultCountry, TokenUrl
from connectors.wire import Answer

Identifier = Literal["EMAIL_SHA256", "PHONE_SHA256", "MOBILE_AD_ID_SHA256"]

ERRORS: Mapping[str | int, Meaning] = {
    "E1001": Meaning(Then.REFUSE, "the request is not valid"),
    "E3002": Meaning(
        Then.SIGN_IN,
        "no permission on the ad account (Data Manager or Account Admin), or the Customer List terms are not accepted",
    ),
}
"""``error_code`` of an answer."""

FOR_EVER = 9_999
"""Days of retention that Snapchat reads as the audience's lifetime."""
SERVING_MINIMUM = 1_000


class SnapchatSettings(OAuthSettings):
    """Settings of one Snapchat ad account."""

    ad_account: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$", description="Ad account id (a UUID).")
    base_url: ApiUrl = Field("https://adsapi.snapchat.com/v1")
    token_url: TokenUrl = Field("https://accounts.snapchat.com/login/oauth2/access_token")
    identifiers: tuple[Identifier, ...] = Field(
        ("EMAIL_SHA256", "PHONE_SHA256"),
        min_length=1,
        description="Identifiers to send, as JSON; each kind is a request of its own.",
    )
    default_country: DefaultCountry = None
    max_rows: int = Field(100_000, ge=1, le=100_000, description="People in one request.")
    requests_per_second: int = Field(10, ge=1, description="Requests a second that the token may make.")


class SnapchatOptions(SyncOptions, frozen=True):
    """What ``[sync.<destination>]`` may set."""

    retention_days: int = Field(
        FOR_EVER,
        ge=1,
        le=FOR_EVER,
        description="Days after which Snapchat drops a member who is not sent again; 9999: never.",
    )


class SnapchatConnector(OneKindConnector):
    """One ad account. Rows are hashed before they get here."""

    config: SnapchatSettings
    title = "Snapchat"
    settings_type = SnapchatSettings
    options_type = SnapchatOptions
    audience_name_length = 375
    reads_back = RECOGNISED
    errors = ERRORS

    @classmethod
    def declare(cls, settings: SnapchatSettings) -> Declared:
        """One request for each kind of identifier; answers count what was taken."""
        rules = {
            "EMAIL_SHA256": EMAIL,
            "PHONE_SHA256": phone_digits(settings.default_country),
            "MOBILE_AD_ID_SHA256": MADID,
        }
        limits = settings.limits(settings.max_rows, verdicts=Verdicts.COUNT, min_size=SERVING_MINIMUM)
        return Declared(limits, Identity("snapchat", 1, sha256_columns(rules, settings.identifiers)))

    def credential(self) -> Credential:
        """The client goes into the form; the refresh token stays."""
        return self.oauth(client_in="form")

    def lifetime(self, options: SyncOptions) -> timedelta | None:
        """The segment's retention."""
        days = options.retention_days if isinstance(options, SnapchatOptions) else FOR_EVER
        return None if days == FOR_EVER else timedelta(days=days)

    def change_kind(self, op: Op, audience: Audience, kind: OneKind) -> Outcome:
        """POST to add, DELETE with a body to remove; Snapchat counts what it took."""
        method = "POST" if op == "add" else "DELETE"
        upload = {"schema": [kind.kind], "data": [[value] for value in kind.values]}
        path = f"/segments/{audience.id}/users"
        answer = object_of(self.ask(method, path, {"users": [upload]}, sent=kind.values))
        for part in items_of(answer.get("users")):
            if str(part.get("sub_request_status", "")).upper() != "SUCCESS":
                raise Refused("Snapchat: the upload was refused; nothing was changed")
            taken = count_of(object_of(part.get("user")).get("number_uploaded_users"))
            if taken is not None and taken <= len(kind.values):
                return Outcome({}, len(kind.values) - taken, str(answer.get("request_id") or "") or None)
        raise Uncertain("Snapchat: the answer does not say how many people were taken")

    def read_back(self, audience: Audience) -> Reported:
        """People whom Snapchat recognised, and whether the segment can be targeted."""
        segment = self._segment(object_of(self.ask("GET", f"/segments/{audience.id}")))
        size = count_of(segment.get("approximate_number_users"))
        states = (segment.get("upload_status"), segment.get("targetable_status"))
        return Reported(size, size, "; ".join(str(state) for state in states if state))

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /segments/{id}``."""
        segment = self._segment(object_of(self.ask("GET", f"/segments/{audience_id}")))
        return self.audience(segment.get("id"), segment.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every segment of the account, page by page; ours carry the mark in their description."""
        for page in self.pages(self._segments, _following):
            for item in items_of(page.get("segments")):
                segment = object_of(item.get("segment"))
                yield self.audience(segment.get("id"), segment.get("name")), str(segment.get("description"))

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """One segment for the members' retention."""
        lasting = self.lifetime(options)
        wanted = {
            "name": request.name,
            "description": request.marker,
            "source_type": "FIRST_PARTY",
            "retention_in_days": lasting.days if lasting else FOR_EVER,
            "ad_account_id": self.config.ad_account,
        }
        made = self.ask("POST", self._segments, {"segments": [wanted]}, repeatable=False)
        return self._segment(object_of(made)).get("id")

    def told(self, answer: Answer) -> Told | None:
        """An error envelope, or a part of the request that failed under HTTP 200."""
        body = object_of(answer)
        if answer.status < 400 and str(body.get("request_status", "")).upper() == "SUCCESS":
            return None
        message = body.get("debug_message") or body.get("display_message") or ""
        return Told((str(body.get("error_code", "")),), str(message), str(body.get("request_id", "")))

    def examine_account(self) -> Iterator[Finding]:
        """Whether the token sees the ad account's segments."""
        self.ask("GET", self._segments)
        yield Finding("ad account", True, "its segments can be read")

    @property
    def _segments(self) -> str:
        return f"/adaccounts/{self.config.ad_account}/segments"

    def _segment(self, body: Mapping[str, object]) -> dict[str, object]:
        """The one segment of an answer. Raises Refused when Snapchat refused it under HTTP 200."""
        for part in items_of(body.get("segments")):
            if str(part.get("sub_request_status", "")).upper() != "SUCCESS":
                reason = redact(str(part.get("sub_request_error_reason") or ""), self.http.secrets)
                raise Refused(f"Snapchat: the segment was refused: {reason}")
            return object_of(part.get("segment"))
        return {}


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    """An empty page is the last, whatever it links to."""
    return query_of(object_of(page.get("paging")).get("next_link")) if page.get("segments") else {}
