"""TikTok's custom audiences as a destination, by the streaming segment API of TikTok API for Business v1.3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from connectors.account import AccountSettings, count_of, items_of, object_of
from connectors.ads import RECOGNISED, AdConnector
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Verdicts,
)
from connectors.identity import Column, Encoding, Identity
from connectors.meanings import BY_STATUS, FAULT, NO_SUCH_CALL, Meaning, Then, Told
from connectors.rules import EMAIL_SPACELESS, MADID, phone_e164
from connectors.settings import ApiUrl, DefaultCountry, Digits
from connectors.settings import Credential as Secret
from connectors.wire import Answer, NoAnswer

Identifier = Literal["EMAIL_SHA256", "PHONE_SHA256", "IDFA_SHA256", "AAID_SHA256", "IDFA_MD5", "AAID_MD5"]

ERRORS: Mapping[str | int, Meaning] = {
    "20001": Meaning(Then.DOUBT, "only a part was taken, and TikTok does not say which"),
    "40001": Meaning(Then.SIGN_IN, "the scope Audience Management or the accepted terms are missing"),
    "40002": BY_STATUS[400],
    "40007": BY_STATUS[404],
    "40908": Meaning(Then.REFUSE, "the file's format is wrong"),
    **dict.fromkeys(("40016", "40100", "40133"), BY_STATUS[429]),
    **dict.fromkeys(("40104", "40105", "HTTP 401"), Meaning(Then.SIGN_IN, "the access token is not valid")),
    **dict.fromkeys(("50xxx", "51xxx"), FAULT),
    "HTTP 404": NO_SUCH_CALL,
}
"""``code`` of an answer, which comes with HTTP 200, or the thousands that it belongs to. A missing audience has a code,
so a status 404 is about the address."""

SERVING_MINIMUM = 1_000


class TikTokSettings(AccountSettings):
    """Settings of one advertiser account."""

    token: Secret = Field(description="Access token of your app for the advertiser account; it does not end.")
    advertiser: Digits = Field(description="Advertiser id: digits.")
    base_url: ApiUrl = Field("https://business-api.tiktok.com/open_api/v1.3")
    identifiers: tuple[Identifier, ...] = Field(
        ("EMAIL_SHA256", "PHONE_SHA256"),
        min_length=1,
        description="Identifiers to send, as JSON; advertising ids as `IDFA_…` (Apple) or `AAID_…` (Google).",
    )
    default_country: DefaultCountry = None
    max_rows: int = Field(1_000, ge=1, le=10_000, description="People in one request.")
    requests_per_second: int = Field(
        10, ge=1, description="Requests a second that the app may make: 10, 20 or 30 by its level."
    )


class TikTokConnector(AdConnector):
    """One advertiser account. Rows are hashed before they get here."""

    config: TikTokSettings
    title = "TikTok"
    settings_type = TikTokSettings
    # A longer name is cut without a word, and would not be found again.
    audience_name_length = 70
    reads_back = RECOGNISED
    errors = ERRORS
    signs_with = ("token",)

    @classmethod
    def declare(cls, settings: TikTokSettings) -> Declared:
        """All identifiers of a person in one row; answers say nothing of rows."""
        rules = {"EMAIL": EMAIL_SPACELESS, "PHONE": phone_e164(settings.default_country)}
        encodings: Mapping[str, Encoding] = {"SHA256": "sha256_hex", "MD5": "md5_hex"}
        columns = [
            Column(name, rules.get(kind, MADID), encodings[digest], identifies=True)
            for name in dict.fromkeys(settings.identifiers)
            for kind, digest in [name.split("_")]
        ]
        limits = settings.limits(settings.max_rows, verdicts=Verdicts.NONE, min_size=SERVING_MINIMUM)
        return Declared(limits, Identity("tiktok", 1, tuple(columns)))

    def headers(self) -> Mapping[str, str]:
        """TikTok's own header instead of ``Authorization``."""
        return {"Access-Token": self.config.token.get_secret_value()}

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Map every identifier to the audience; each is a member by itself, so a removal takes back every one."""
        columns = [column.to_pylist() for column in rows.columns]
        body = {
            "advertiser_ids": [self.config.advertiser],
            "action": "add" if op == "add" else "delete",
            "id_schema": rows.column_names,
            # Positions follow the schema, so an unknown identifier keeps its place.
            "batch_data": [
                [{"id": value, "audience_ids": [audience.id]} if value else {} for value in person]
                for person in zip(*columns, strict=True)
            ],
        }
        sent = [value for column in columns for value in column if value]
        try:
            answer = object_of(self.ask("POST", "/segment/mapping/", body, sent=sent))
        except Refused:
            # An unknown audience is one more invalid parameter to TikTok. Raises AudienceGone for it.
            self._listed_as(audience.id)
            raise
        return Receipt("applied", str(answer.get("request_id") or batch.id))

    def read_back(self, audience: Audience) -> Reported:
        """Matched users, and what becomes of the audience as a whole."""
        found = self._listed_as(audience.id)
        size = count_of(found.get("cover_num"))
        ends = f"; expires {found.get('expired_time')}" if found.get("is_expiring") else ""
        return Reported(size, size, ("valid" if found.get("is_valid") else "not valid") + ends)

    def read_audience(self, audience_id: str) -> Audience:
        """The audience in the list of its account."""
        found = self._listed_as(audience_id)
        return self.audience(found.get("audience_id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Audiences that the account itself made, page by page; ours has the name, as nothing else can be written."""
        for page in count(1):
            listing = self._list(page=str(page), page_size="100")
            for item in items_of(listing.get("list")):
                if item.get("is_creator") is not False:
                    found = self.audience(item.get("audience_id"), item.get("name"))
                    yield found, request.marker if found.name == request.name else ""
            pages = count_of(object_of(listing.get("page_info")).get("total_page"))
            # Where the number of pages is not told, the first empty one is the last.
            if page == pages or not listing.get("list"):
                return

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An audience of the streaming kind, still empty."""
        wanted = {"action": "create", "custom_audience_name": request.name}
        body = {"advertiser_id": self.config.advertiser, **wanted}
        made = self.ask("POST", "/segment/audience/", body, repeatable=False)
        return object_of(object_of(made).get("data")).get("audience_id")

    def told(self, answer: Answer) -> Told | None:
        """The code in the body decides. Raises NoAnswer for a success without one."""
        body = object_of(answer)
        code = str(body.get("code", ""))
        if not code and answer.status < 400:
            raise NoAnswer(f"HTTP {answer.status} without a code")
        if code == "0" and answer.status < 400:
            return None
        codes = (code, code and f"{code[:2]}xxx", f"HTTP {answer.status}")
        return Told(codes, str(body.get("message") or ""), str(body.get("request_id") or ""))

    def examine_account(self) -> Iterator[Finding]:
        """Whose token it is, and whether it sees the account's audiences."""
        self.ask("GET", "/user/info/")
        yield Finding("credential", True, "TikTok knows the access token")
        self._list(page="1", page_size="1")
        yield Finding("advertiser", True, "its audiences can be read")

    def _list(self, **params: str) -> dict[str, Any]:
        params["advertiser_id"] = self.config.advertiser
        listing = self.ask("GET", "/dmp/custom_audience/list/", params=params)
        return object_of(object_of(listing).get("data"))

    def _listed_as(self, audience_id: str) -> dict[str, Any]:
        """The audience's line. Raises AudienceGone for none."""
        named = self._list(custom_audience_ids=json.dumps([audience_id]))
        return self.the_one(items_of(named.get("list")), "audience_id", audience_id)
