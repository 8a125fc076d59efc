"""Snapchat's customer lists: segments of an ad account, members by one kind of digest a request."""

from __future__ import annotations

import math
import re
from typing import ClassVar, Literal

from pydantic import Field

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.holdings import AdAudience, Op
from connectors.sandbox.ads.platform import (
    SIGN_IN,
    AdPlatform,
    Context,
    Refusal,
    Routes,
    StrictRequest,
    ads_desk,
    is_sha256,
)
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

AD_ACCOUNT = "8adc3db7-0000-4000-8000-000000000001"
FOR_EVER = 9_999
"""Days of retention that mean: for life."""
MAX_IDENTIFIERS = 100_000
PAGE = 50
DAY = 86_400.0

Kind = Literal["EMAIL_SHA256", "PHONE_SHA256", "MOBILE_AD_ID_SHA256"]


class SnapchatWords(Words):
    """Every answer carries ``request_status`` and ``request_id``."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Rate limited."""
        return self.refused(status, "E1009", "Too many requests")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "E2002", "We're sorry, something went wrong")

    def signed_out(self, *, expired: bool) -> Reply:
        """401."""
        return self.refused(401, "E3001", "The access token expired" if expired else "Unauthorized")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "E1003", "Resource can not be found")

    def terms(self) -> Reply:
        """403 with its own sentence."""
        return self.refused(403, "E3002", "The customer list terms have not been accepted")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """An error envelope; what all platforms here refuse alike has Snapchat's own code."""
        code = {"invalid_request": "E1001", "not_found": "E1003"}.get(code, code)
        content = {
            "request_status": "ERROR",
            "request_id": "5a7b1c",
            "debug_message": message,
            "display_message": message,
            "error_code": code,
        }
        return json_reply(content, status=status, outcome=f"refused: {code}")


class NewSegment(StrictRequest):
    """One segment to create."""

    name: str = Field(min_length=1, max_length=375)
    description: str = ""
    source_type: Literal["FIRST_PARTY"]
    retention_in_days: int = Field(ge=1, le=FOR_EVER)
    ad_account_id: str


class NewSegments(StrictRequest):
    """``POST /adaccounts/{id}/segments``."""

    segments: list[NewSegment] = Field(min_length=1)


class ChangedSegment(StrictRequest):
    """One segment to change; what is not given stays."""

    id: str
    name: str | None = Field(default=None, min_length=1, max_length=375)
    description: str | None = None
    source_type: Literal["FIRST_PARTY"] = "FIRST_PARTY"
    retention_in_days: int | None = Field(default=None, ge=1, le=FOR_EVER)
    ad_account_id: str | None = None


class ChangedSegments(StrictRequest):
    """``PUT /adaccounts/{id}/segments``."""

    segments: list[ChangedSegment] = Field(min_length=1)


class Upload(StrictRequest):
    """Digests of one kind."""

    id: str | None = None
    schema_: list[Kind] = Field(alias="schema", min_length=1, max_length=1)
    data: list[list[str]] = Field(min_length=1)


class Users(StrictRequest):
    """``POST`` and ``DELETE /segments/{id}/users``."""

    users: list[Upload] = Field(min_length=1, max_length=1)


class SnapchatPlatform(AdPlatform):
    """One ad account."""

    platform: ClassVar[Platform] = Platform.SNAPCHAT
    title: ClassVar[str] = "Snapchat"
    mount: ClassVar[str] = "/v1"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/segments/(\d+)")
    words: ClassVar[Words] = SnapchatWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.SNAPCHAT,
        client_in="form",
        rotates=False,
        repeats=True,
        grants=frozenset({"refresh_token"}),
        refresh_seconds=math.inf,
    )
    token_seconds: ClassVar[float] = 3_600
    token_path: ClassVar[str] = "/login/oauth2/access_token"  # noqa: S105 - an address
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/login/oauth2/access_token",
        "AD_ACCOUNT": AD_ACCOUNT,
        **SIGN_IN,
    }

    @property
    def routes(self) -> Routes:
        """All calls."""
        account, segment = re.compile("/v1/adaccounts/([^/]+)/segments"), "/v1/segments/([^/]+)"
        return (
            ("GET", account, self.list_segments),
            ("POST", account, self.create_segments),
            ("PUT", account, self.change_segments),
            ("GET", re.compile(segment), self.read_segment),
            ("DELETE", re.compile(segment), self.delete_segment),
            ("POST", re.compile(segment + "/users"), self.add_users),
            ("DELETE", re.compile(segment + "/users"), self.remove_users),
            ("DELETE", re.compile(segment + "/all_users"), self.remove_everybody),
        )

    def list_segments(self, context: Context, account: str) -> Reply:
        """``GET /v1/adaccounts/{id}/segments``, fifty a page."""
        self._require_account(account)
        cursor = context.call.query.get("cursor", "0")
        if not re.fullmatch(r"[0-9]{1,9}", cursor):
            raise Refusal(self.words.refused(400, "E1001", "cursor: not one of ours"))
        start = int(cursor)
        everything = holdings.listed(context.db, self.platform, account)
        shown = everything[start : start + PAGE]
        paging: dict[str, Json] = {}
        if start + PAGE < len(everything):
            paging["next_link"] = f"{context.call.base_url}{context.call.path}?cursor={start + PAGE}"
        segments: list[Json] = [
            {"sub_request_status": "SUCCESS", "segment": self._document(context, found)} for found in shown
        ]
        return _success({"paging": paging, "segments": segments}, f"{len(shown)} segments listed")

    def create_segments(self, context: Context, account: str) -> Reply:
        """``POST /v1/adaccounts/{id}/segments``."""
        self._require_account(account)
        self.require_terms(context)
        made: list[Json] = []
        for wish in self.read(context.call, NewSegments).segments:
            if wish.ad_account_id != account:
                made.append(
                    {"sub_request_status": "ERROR", "sub_request_error_reason": "ad_account_id differs"}
                )
                continue
            number = 5_603_670_370_000_000 + holdings.next_number(context.db, self.platform)
            kept: dict[str, Json] = {
                "description": wish.description,
                "retention_in_days": wish.retention_in_days,
            }
            found = holdings.create(context.db, self.platform, str(number), account, wish.name, kept)
            made.append({"sub_request_status": "SUCCESS", "segment": self._document(context, found)})
        return _success({"segments": made}, "segment created")

    def change_segments(self, context: Context, account: str) -> Reply:
        """``PUT /v1/adaccounts/{id}/segments``; another retention is for those who are sent from now on."""
        self._require_account(account)
        changed: list[Json] = []
        for wish in self.read(context.call, ChangedSegments).segments:
            found = self.audience(context, wish.id)
            holdings.rename(context.db, found, wish.name or found.name)
            given = wish.model_dump(include={"description", "retention_in_days"}, exclude_none=True)
            holdings.update(context.db, found, **given)
            shown = self._document(context, self.audience(context, wish.id))
            changed.append({"sub_request_status": "SUCCESS", "segment": shown})
        return _success({"segments": changed}, "segment changed")

    def read_segment(self, context: Context, segment: str) -> Reply:
        """``GET /v1/segments/{id}``."""
        shown = self._document(context, self.audience(context, segment))
        content: dict[str, Json] = {"segments": [{"sub_request_status": "SUCCESS", "segment": shown}]}
        return _success(content, "segment read", audience=segment)

    def delete_segment(self, context: Context, segment: str) -> Reply:
        """``DELETE /v1/segments/{id}``."""
        holdings.delete(context.db, self.platform, self.audience(context, segment).id)
        return _success({}, "segment deleted", audience=segment)

    def add_users(self, context: Context, segment: str) -> Reply:
        """``POST /v1/segments/{id}/users``."""
        return self._change(context, segment, "add")

    def remove_users(self, context: Context, segment: str) -> Reply:
        """``DELETE /v1/segments/{id}/users``, with a body."""
        return self._change(context, segment, "remove")

    def remove_everybody(self, context: Context, segment: str) -> Reply:
        """``DELETE /v1/segments/{id}/all_users``."""
        gone = holdings.clear(context.db, self.audience(context, segment), context.call.number)
        return _success({}, f"{gone} removed", audience=segment)

    def _change(self, context: Context, segment: str, op: Op) -> Reply:
        audience = self.audience(context, segment)
        self.require_terms(context)
        (upload,) = self.read(context.call, Users).users
        if upload.id not in (None, segment):
            raise Refusal(self.words.refused(400, "E1001", "id: another segment's"))
        if len(upload.data) > MAX_IDENTIFIERS:
            raise Refusal(self.words.refused(400, "E1001", f"At most {MAX_IDENTIFIERS} users"))
        if any(len(row) != 1 or not is_sha256(row[0]) for row in upload.data):
            raise Refusal(self.words.refused(400, "E1001", "data: every row holds one SHA-256 digest"))
        refused = context.call.rejection.picks(upload.data)
        kept = [((upload.schema_[0], row[0]),) for i, row in enumerate(upload.data) if i not in refused]
        days = int(str(audience.document["retention_in_days"]))
        added, removed = holdings.apply(
            context.db, audience, op, kept, context.call.number, None if days == FOR_EVER else days * DAY
        )
        content: dict[str, Json] = {
            "users": [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": len(kept)}}]
        }
        outcome = f"{added} added, {removed} removed, {len(refused)} refused"
        return _success(content, outcome, audience=segment, rows=len(upload.data))

    def _require_account(self, account: str) -> None:
        if account != AD_ACCOUNT:
            raise Refusal(self.words.refused(403, "E3002", "You do not have permission on this ad account"))

    def _document(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        processing = self.is_processing(context, audience)
        shown = 0 if processing else audience.size
        return {
            "id": audience.id,
            "ad_account_id": audience.account,
            "name": audience.name,
            "source_type": "FIRST_PARTY",
            **audience.document,
            "created_at": clock.text(audience.created_at),
            "approximate_number_users": shown,
            "status": "ACTIVE" if audience.size else "PENDING",
            "upload_status": "PROCESSING" if processing else "COMPLETE" if audience.size else "NO_UPLOAD",
            "targetable_status": "NOT_READY"
            if processing
            else "READY"
            if shown >= 1_000
            else "TOO_FEW_USERS",
        }


def _success(
    content: dict[str, Json], outcome: str, *, audience: str | None = None, rows: int | None = None
) -> Reply:
    envelope = {"request_status": "SUCCESS", "request_id": "5a7b1c", **content}
    return json_reply(envelope, outcome=outcome, audience=audience, rows=rows)
