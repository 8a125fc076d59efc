"""Criteo as a destination: contact-list segments of an advertiser, and the audiences over them that campaigns use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.account import MOST_AUDIENCES, ClientSettings, count_of, items_of, object_of, texts_of
from connectors.ads import RetentionOptions
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    Declared,
    Finding,
    Op,
    ReadBack,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.criteo.answers import ERRORS, error_in, is_read_only, resource_of
from connectors.identity import Column, Identity
from connectors.kinds import OneKind, OneKindConnector, Outcome
from connectors.meanings import Told
from connectors.oauth import Credential
from connectors.rules import EMAIL, MADID
from connectors.settings import ApiUrl, Digits, TokenUrl
from connectors.wire import Answer

Identifier = Literal["EMAIL_SHA256", "EMAIL_MD5", "MADID"]

COLUMNS = {
    "EMAIL_SHA256": Column("EMAIL_SHA256", EMAIL, "sha256_hex", identifies=True),
    "EMAIL_MD5": Column("EMAIL_MD5", EMAIL, "md5_hex", identifies=True),
    "MADID": Column("MADID", MADID, "plain", identifies=True),
}
SERVING_MINIMUM = 1_000
PAGE = 100


class CriteoSettings(ClientSettings):
    """Settings of one Criteo advertiser."""

    advertiser: Digits = Field(description="Advertiser id: digits.")
    base_url: ApiUrl = Field(
        "https://api.criteo.com/2026-07/marketing-solutions",
        description="Where requests go; the version in it lives for about a year.",
    )
    token_url: TokenUrl = Field("https://api.criteo.com/oauth2/token")
    identifiers: tuple[Identifier, ...] = Field(
        ("EMAIL_SHA256",),
        min_length=1,
        description="Identifiers to send, as JSON, a request for each; `EMAIL_MD5` is Criteo's older form, to be sent "
        "besides; `MADID` is not hashed.",
    )
    max_rows: int = Field(50_000, ge=1, le=50_000, description="People in one request.")
    requests_per_minute: int = Field(250, ge=1, description="Requests a minute that the app may make.")


class CriteoOptions(RetentionOptions, frozen=True):
    """What ``[sync.<destination>]`` may set."""

    audience: bool = Field(True, description="Also make the audience over the segment, which campaigns use.")


class CriteoConnector(OneKindConnector):
    """One advertiser. E-mail addresses are hashed before they get here."""

    config: CriteoSettings
    title = "Criteo"
    settings_type = CriteoSettings
    options_type = CriteoOptions
    reads_back = ReadBack(lag=timedelta(hours=24), tolerance=0.1)
    errors = ERRORS
    signs_with = ("client_id", "client_secret")

    @classmethod
    def declare(cls, settings: CriteoSettings) -> Declared:
        """One request for each column; answers count what is not valid and show samples."""
        chosen = tuple(COLUMNS[name] for name in dict.fromkeys(settings.identifiers))
        limits = settings.limits(
            settings.max_rows,
            verdicts=Verdicts.COUNT_AND_SAMPLES,
            # Identifiers are counted: these are people where each has one.
            exact_counts=len(chosen) == 1,
            min_size=SERVING_MINIMUM,
        )
        return Declared(limits, Identity("criteo", 1, chosen))

    def credential(self) -> Credential:
        """The client by itself: Criteo gives no refresh token for it."""
        return self.oauth(client_in="form")

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The segment and, as long as its id is not known from an earlier run, the audience over it."""
        found = super().open_audience(request, options)
        if request.known_id is None and isinstance(options, CriteoOptions) and options.audience:
            self._ensure_audience(found, request)
        return found

    def change_kind(self, op: Op, audience: Audience, kind: OneKind) -> Outcome:
        """PATCH the contact list; Criteo counts what is not valid, and shows samples."""
        amendment = {
            "operation": op,
            # Criteo tells the forms of an address apart by itself.
            "identifierType": "madid" if kind.kind == "MADID" else "email",
            "identifiers": kind.values,
        }
        body = {"data": {"type": "ContactlistAmendment", "attributes": amendment}}
        path = f"/audience-segments/{audience.id}/contact-list"
        told = resource_of(object_of(self.ask("PATCH", path, body, sent=kind.values)).get("data"))
        valid, invalid = (count_of(told.get(key)) for key in ("nbValidIdentifiers", "nbInvalidIdentifiers"))
        if valid is None or invalid is None or valid + invalid != len(kind.values):
            raise Uncertain("Criteo: the counts are not those of the identifiers that were sent")
        shown = set(texts_of(told.get("sampleInvalidIdentifiers")))
        refused = {place: "invalid_identifier" for place, value in enumerate(kind.values) if value in shown}
        # More samples than refusals: they are not what is counted.
        return Outcome(refused, invalid - len(refused)) if len(refused) <= invalid else Outcome({}, invalid)

    def read_back(self, audience: Audience) -> Reported:
        """Identifiers in the list, of which a person has up to one for each column, and how many Criteo knows."""
        answer = self.ask("GET", f"/audience-segments/{audience.id}/contact-list/statistics")
        told = resource_of(object_of(answer).get("data"))
        identifiers = count_of(told.get("numberOfIdentifiers"))
        fewest = None if identifiers is None else -(-identifiers // len(self.identity.columns))
        words = {"matched": told.get("numberOfMatches"), "match rate": told.get("matchRate")}
        known = [f"{word} {number}" for word, number in words.items() if isinstance(number, int | float)]
        return Reported(fewest, identifiers, "; ".join(known))

    def read_audience(self, audience_id: str) -> Audience:
        """The segment in a search for its id. Raises ActionNeeded for one that is managed elsewhere."""
        found = self.the_one(self._segments(audienceSegmentIds=[audience_id]), "id", audience_id)
        if is_read_only(found):
            raise ActionNeeded("Criteo: the contact list is managed elsewhere; take its sync out")
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every contact list of the advertiser, page by page; ours carry the mark in their description."""
        for found in self._segments(audienceSegmentTypes=["ContactList"]):
            if not is_read_only(found):
                yield self.audience(found.get("id"), found.get("name")), str(found.get("description") or "")

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An empty contact list."""
        return self._create("/audience-segments", "AudienceSegment", request, contactList={})

    def told(self, answer: Answer) -> Told | None:
        """Errors, also under HTTP 200."""
        return error_in(answer)

    def examine_account(self) -> Iterator[Finding]:
        """Whether the app sees the advertiser's contact lists."""
        lists = len(list(self._segments(audienceSegmentTypes=["ContactList"])))
        yield Finding("advertiser", True, f"its contact lists can be read ({lists} so far)")

    def _ensure_audience(self, segment: Audience, request: AudienceRequest) -> None:
        """Make the audience that is just this segment; one of ours over a segment that is gone gets this one."""
        algebra = {"audienceSegmentId": segment.id}
        for found in self._search("/audiences"):
            if request.marker in str(found.get("description") or "").split():
                # An expression over several segments is somebody's own work.
                if object_of(found.get("algebra")).get("audienceSegmentId") not in (None, segment.id):
                    change = {"id": found.get("id"), "type": "Audience", "attributes": {"algebra": algebra}}
                    self.ask("PATCH", "/audiences", {"data": [change]})
                return
        made = self._create("/audiences", "Audience", request, algebra=algebra)
        self.audience(made, request.name)  # looks at the id

    def _create(self, path: str, kind: str, request: AudienceRequest, **particular: object) -> object:
        """The id of what was made; None when the answer names nothing."""
        named = {"name": request.name, "description": request.marker}
        attributes = {"advertiserId": self.config.advertiser, **named, **particular}
        wanted = {"data": [{"type": kind, "attributes": attributes}]}
        made = object_of(self.ask("POST", f"{path}/create", wanted, repeatable=False))
        return next((item.get("id") for item in items_of(made.get("data"))), None)

    def _segments(self, **wanted: object) -> Iterator[dict[str, Any]]:
        return self._search("/audience-segments", **wanted)

    def _search(self, path: str, **wanted: object) -> Iterator[dict[str, Any]]:
        """What fits, page by page."""
        sought = {"data": {"attributes": {**wanted, "advertiserIds": [self.config.advertiser]}}}
        offset, total = 0, 1
        while offset < total and offset <= MOST_AUDIENCES:
            window = {"limit": str(PAGE), "offset": str(offset)}
            page = object_of(self.ask("POST", f"{path}/search", sought, params=window))
            found = list(map(resource_of, items_of(page.get("data"))))
            yield from found
            total = (count_of(object_of(page.get("meta")).get("totalItems")) or 0) if found else 0
            offset += PAGE
