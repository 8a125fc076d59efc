"""LinkedIn's matched audiences as a destination: DMP segments of people, by the streaming API with dated versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import pyarrow as pa
import requests
from pydantic import Field

from connectors.account import OAuthSettings, count_of, items_of, object_of
from connectors.ads import RECOGNISED, AdConnector
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    Receipt,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.identity import Column, Identity
from connectors.meanings import BY_STATUS, Meaning, Then, Told
from connectors.oauth import Credential
from connectors.platform_ids import platform_id
from connectors.redact import redact
from connectors.rules import EMAIL_SPACELESS, FIRST_NAME_AS_WRITTEN, LAST_NAME_AS_WRITTEN, MADID, REGION
from connectors.settings import ApiUrl, Digits, TokenUrl
from connectors.wire import Answer

Identifier = Literal["SHA256_EMAIL", "GOOGLE_AID"]
Helper = Literal["firstName", "lastName", "country"]

ERRORS: Mapping[str | int, Meaning] = {
    "65600": BY_STATUS[401],
    "65601": BY_STATUS[401],
    "65602": BY_STATUS[401],
    "NONEXISTENT_VERSION": BY_STATUS[426],
    "SOME": Meaning(Then.REPEAT, "a fault that passes, with some of the people"),
    403: Meaning(Then.SIGN_IN, "not in the Audiences program, no scope rw_dmp_segments, or only a viewer"),
    409: Meaning(Then.REFUSE, "it contradicts what is there already"),
}
"""``code`` of an error, else its ``serviceErrorCode``, else its status. ``SOME`` is ours: elements of a request
that failed through no fault of theirs."""

COLUMNS = {
    "SHA256_EMAIL": Column("SHA256_EMAIL", EMAIL_SPACELESS, "sha256_hex", identifies=True),
    "GOOGLE_AID": Column("GOOGLE_AID", MADID, "plain", identifies=True),
    "firstName": Column("firstName", FIRST_NAME_AS_WRITTEN, "plain", in_handle=False),
    "lastName": Column("lastName", LAST_NAME_AS_WRITTEN, "plain", in_handle=False),
    "country": Column("country", REGION, "plain", in_handle=False),
}
SERVING_MINIMUM = 300
LONGEST_NAME = 35


class LinkedInSettings(OAuthSettings):
    """Settings of one LinkedIn ad account."""

    ad_account: Digits = Field(description="Sponsored account id: digits.")
    source_platform: str = Field(
        pattern=r"^[A-Z0-9_]{1,64}$", description="`sourcePlatform` that LinkedIn assigned to your app."
    )
    api_version: str = Field("202603", pattern=r"^20[0-9]{4}$", description="API version, a month.")
    base_url: ApiUrl = Field("https://api.linkedin.com/rest")
    token_url: TokenUrl = Field("https://www.linkedin.com/oauth/v2/accessToken")
    identifiers: tuple[Identifier, ...] = Field(
        ("SHA256_EMAIL",), min_length=1, description="What to send, as JSON; `GOOGLE_AID` goes unhashed."
    )
    helpers: tuple[Helper, ...] = Field(
        (), description="What goes along in plain text, as JSON: `firstName`, `lastName`, `country`."
    )
    max_rows: int = Field(5_000, ge=1, le=5_000, description="People in one request.")
    requests_per_minute: int = Field(600, ge=1, description="Requests a minute that the member may make.")
    requests_per_day: int | None = Field(
        None, ge=1, description="Requests a day of your app, as LinkedIn's developer portal shows them."
    )
    wait_after_creation_seconds: float = Field(
        10, ge=5, le=60, description="How long a new segment is left alone before people are added."
    )


class LinkedInConnector(AdConnector):
    """One ad account. Rows are hashed before they get here."""

    config: LinkedInSettings
    title = "LinkedIn"
    settings_type = LinkedInSettings
    reads_back = RECOGNISED
    errors = ERRORS
    answers_empty = (201, 204)

    @classmethod
    def declare(cls, settings: LinkedInSettings) -> Declared:
        """All identifiers of a person in one element, which has a verdict of its own."""
        columns = [COLUMNS[name] for name in dict.fromkeys((*settings.identifiers, *settings.helpers))]
        limits = settings.limits(settings.max_rows, verdicts=Verdicts.PER_ROW, min_size=SERVING_MINIMUM)
        return Declared(limits, Identity("linkedin", 1, tuple(columns)))

    def credential(self) -> Credential:
        """The client goes into the form. The refresh token stays, and ends a year after it was given."""
        return self.oauth(client_in="form")

    def headers(self) -> Mapping[str, str]:
        """The month whose API is meant."""
        return {"LinkedIn-Version": self.config.api_version, "X-Restli-Protocol-Version": "2.0.0"}

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Changes of members also name what is done with the list in their body."""
        if request.path_url.endswith("/users"):
            request.headers["X-RestLi-Method"] = "BATCH_CREATE"
        return super().sign(request)

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """An element for each person; helpers are no part of a removal."""
        people = [{name: value for name, value in row.items() if value} for row in rows.to_pylist()]
        body = {"elements": [_element(op.upper(), person) for person in people]}
        sent = [value for person in people for value in person.values()]
        answer = object_of(self.ask("POST", f"/dmpSegments/{audience.id}/users", body, sent=sent))
        told = list(map(_status_of, items_of(answer.get("elements"))))
        if len(told) != len(people):
            raise Uncertain("LinkedIn: the answer does not say of everybody whether they were taken")
        refused = {n: "invalid_identifier" for n, status in enumerate(told) if status >= 400}
        return Receipt("applied", batch.id, refused)

    def read_back(self, audience: Audience) -> Reported:
        """Members whom LinkedIn recognised, the state, and how many of the last seven days' people were found."""
        segment = object_of(self.ask("GET", f"/dmpSegments/{audience.id}"))
        found = next(items_of(segment.get("destinations")), {})
        size, status = count_of(found.get("audienceSize")), str(found.get("status"))
        matched, of = count_of(found.get("matchedCount")), count_of(segment.get("inputCount"))
        if matched is not None and of:
            status += f"; {matched / of:.0%} of the last 7 days matched"
        return Reported(size, size, status)

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /dmpSegments/{id}``."""
        found = object_of(self.ask("GET", f"/dmpSegments/{audience_id}"))
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Segments of our app under our mark, which LinkedIn looks up: one or none."""
        wanted = {"q": "account", **self._ours(request)}
        for found in items_of(object_of(self.ask("GET", "/dmpSegments", params=wanted)).get("elements")):
            yield self.audience(found.get("id"), found.get("name")), str(found.get("sourceSegmentId"))

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A segment of people. LinkedIn names it in a header, and wants to be left alone with it for some seconds."""
        kind = {"type": "USER", "destinations": [{"destination": "LINKEDIN"}]}
        wanted = {"name": request.name, **self._ours(request), **kind}
        made = self.ask("POST", "/dmpSegments", wanted, repeatable=False)
        self.http.clock.sleep(self.config.wait_after_creation_seconds)
        return made.headers.get("x-linkedin-id") or made.headers.get("x-restli-id")

    def told(self, answer: Answer) -> Told | None:
        """An error of the request, or elements that failed through no fault of theirs: all is sent once more."""
        body = object_of(answer)
        if answer.status < 400:
            told = map(_status_of, items_of(body.get("elements")))
            return Told(("SOME",)) if any(status == 429 or status >= 500 for status in told) else None
        codes = (str(body.get("code") or ""), str(body.get("serviceErrorCode") or ""), answer.status)
        return Told(codes, str(body.get("message") or ""))

    def examine_account(self) -> Iterator[Finding]:
        """What the token's member may do in the ad account, and when they have to sign in again."""
        member = platform_id(object_of(self.ask("GET", "/me")).get("id"))
        seat = f"/adAccountUsers/account={self._account}&user=urn:li:person:{member}"
        role = redact(str(object_of(self.ask("GET", seat)).get("role")))
        yield Finding("ad account", role not in ("VIEWER", "None"), f"role {role}; VIEWER is too little")
        ends = self.credential_ends()
        unknown = f"ends a year after consent; set {self.prefix}CREDENTIAL_ENDS to that day"
        yield Finding("refresh token", ends is not None, f"ends on {ends:%Y-%m-%d}" if ends else unknown)

    @property
    def _account(self) -> str:
        return f"urn:li:sponsoredAccount:{self.config.ad_account}"

    def _ours(self, request: AudienceRequest) -> dict[str, str]:
        mark = {"sourcePlatform": self.config.source_platform, "sourceSegmentId": request.marker}
        return {"account": self._account, **mark}


def _element(action: str, person: Mapping[str, str]) -> dict[str, object]:
    """One person. A name that is too long for LinkedIn stays away: the identifiers are what matters."""
    ids = [{"idType": name, "idValue": person[name]} for name in get_args(Identifier) if name in person]
    along = {name: person[name] for name in get_args(Helper) if name in person}
    return {"action": action, "userIds": ids} | {n: v for n, v in along.items() if len(v) <= LONGEST_NAME}


def _status_of(element: Mapping[str, object]) -> int:
    """An element's own status; one without any was taken with the request."""
    return count_of(element.get("status")) or 201
