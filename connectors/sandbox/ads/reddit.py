"""Reddit's customer lists: custom audiences of an ad account, members by rows of one or two digests.

Nobody there looks whether a row has a value for every column: a row that has not is taken, and matches nobody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.holdings import AdAudience, Member, Op
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
from connectors.sandbox.switches import read_switches
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

AD_ACCOUNT = "a2_sandbox00001"
MAX_ROWS = 2_500
PAGE = 50
TARGETABLE = 1_000
CHANGES_A_MINUTE = 500
READS_A_MINUTE = 100
MISALIGNED = "MISALIGNED"
"""What is kept of a row that matches nobody."""
RETIRED = re.compile(r"/api/v2(\.\d+)?/.*")
DISTINCTIVE = re.compile(r"[\w.-]+:[\w.-]+:v?\d[\w.-]*( \(by /u/[\w-]+\))?")
"""``web:com.example.pipeline:v1.0.0 (by /u/accountname)``, or at least so much that it names one application."""
SAID = {
    400: "Bad request.",
    401: "Authorization Required",
    403: "Forbidden.",
    404: "Not found.",
    410: "Gone.",
    429: "Too many requests.",
}

Column = Literal["EMAIL_SHA256", "MAID_SHA256"]


class RedditWords(Words):
    """``{"error": {"code", "message", "reason", "fields"}}``."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """429."""
        return self.refused(status, "TOO_MANY_REQUESTS", "")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "INTERNAL_SERVER_ERROR", "")

    def signed_out(self, *, expired: bool) -> Reply:
        """401, whatever is wrong with the token."""
        return self.refused(401, "UNAUTHORIZED", "")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "NOT_FOUND", "")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """The envelope; ``message`` may begin with the field that is wrong."""
        error: dict[str, Json] = {
            "code": status,
            "message": SAID.get(status, "Internal server error."),
            "reason": code,
        }
        field, named, complaint = message.partition(": ")
        if named:
            error["fields"] = [{"field": field.removeprefix("data."), "message": complaint}]
        return json_reply({"error": error}, status=status, outcome=f"refused: {code}")


class NewAudience(StrictRequest):
    """What a customer list is made of."""

    name: str = Field(min_length=1)
    type: Literal["CUSTOMER_LIST"]


class NewAudienceBody(StrictRequest):
    """``POST /ad_accounts/{id}/custom_audiences``."""

    data: NewAudience


class Users(StrictRequest):
    """Rows and what their columns are."""

    action_type: Literal["ADD", "REMOVE"]
    column_order: list[Column] = Field(min_length=1)
    user_data: list[list[str]] = Field(min_length=1, max_length=MAX_ROWS)

    @field_validator("column_order")
    @classmethod
    def _once_each(cls, value: list[Column]) -> list[Column]:
        if len(set(value)) < len(value):
            raise ValueError("a column stands there twice")
        return value

    @field_validator("user_data")
    @classmethod
    def _digests(cls, value: list[list[str]]) -> list[list[str]]:
        if not all(cell == "" or is_sha256(cell) for row in value for cell in row):
            raise ValueError("Invalid value.")
        return value


class UsersBody(StrictRequest):
    """``PATCH /custom_audiences/{id}/users``."""

    data: Users


class RedditPlatform(AdPlatform):
    """One ad account."""

    platform: ClassVar[Platform] = Platform.REDDIT
    title: ClassVar[str] = "Reddit"
    mount: ClassVar[str] = "/api/v3"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/custom_audiences/(ca\.\d+)")
    words: ClassVar[Words] = RedditWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.REDDIT,
        client_in="basic",
        rotates=False,
        grants=frozenset({"refresh_token"}),
    )
    token_path: ClassVar[str] = "/api/v1/access_token"  # noqa: S105 - an address
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/api/v1/access_token",
        "AD_ACCOUNT": AD_ACCOUNT,
        **SIGN_IN,
    }

    @property
    def routes(self) -> Routes:
        """All calls."""
        account = re.compile("/api/v3/ad_accounts/([^/]+)/custom_audiences")
        audience = "/api/v3/custom_audiences/([^/]+)"
        return (
            ("GET", account, self.list_audiences),
            ("POST", account, self.create_audience),
            ("GET", re.compile(audience), self.read_audience),
            ("DELETE", re.compile(audience), self.delete_audience),
            ("PATCH", re.compile(audience + "/users"), self.change_users),
        )

    def handle(self, call: Call) -> Reply:
        """As everywhere, but only for callers that say who they are, and with what is left of the minute."""
        if not DISTINCTIVE.fullmatch(call.headers.get("user-agent", "")):
            return self.words.refused(403, "USER_AGENT", "")
        if RETIRED.fullmatch(call.path):
            return self.words.refused(410, "GONE", "")
        reply = super().handle(call)
        if call.path == self.token_path:
            return reply
        return replace(reply, headers={**reply.headers, **self._left(call)})

    def list_audiences(self, context: Context, account: str) -> Reply:
        """``GET /ad_accounts/{id}/custom_audiences``, by pages; the answer holds the next one's address."""
        self._require_account(account)
        token = context.call.query.get("page.token", "0")
        if not re.fullmatch(r"[0-9]{1,9}", token):
            raise Refusal(self.words.refused(400, "INVALID", "page.token: Invalid value."))
        start = int(token)
        everything = holdings.listed(context.db, self.platform, account)
        shown: list[Json] = [
            self._document(context, audience) for audience in everything[start : start + PAGE]
        ]
        following = f"{context.call.base_url}{context.call.path}?page.token={start + PAGE}"
        more = start + PAGE < len(everything)
        content: dict[str, Json] = {
            "data": shown,
            "pagination": {"next_url": following if more else None, "previous_url": None},
        }
        return json_reply(content, outcome=f"{len(shown)} audiences listed")

    def create_audience(self, context: Context, account: str) -> Reply:
        """``POST /ad_accounts/{id}/custom_audiences``; names need not be unique."""
        self._require_account(account)
        wish = self.read(context.call, NewAudienceBody).data
        number = 2_066_268_373_552_240_000 + holdings.next_number(context.db, self.platform)
        found = holdings.create(context.db, self.platform, f"ca.{number}", account, wish.name, {})
        return json_reply(
            {"data": self._document(context, found)}, outcome="audience created", audience=found.id
        )

    def read_audience(self, context: Context, audience: str) -> Reply:
        """``GET /custom_audiences/{id}``."""
        found = self.audience(context, audience)
        return json_reply(
            {"data": self._document(context, found)}, outcome="audience read", audience=found.id
        )

    def delete_audience(self, context: Context, audience: str) -> Reply:
        """``DELETE /custom_audiences/{id}``."""
        holdings.delete(context.db, self.platform, self.audience(context, audience).id)
        return Reply(204, audience=audience, outcome="audience deleted")

    def change_users(self, context: Context, audience: str) -> Reply:
        """``PATCH /custom_audiences/{id}/users``: 204, whatever becomes of the rows."""
        found = self.audience(context, audience)
        wish = self.read(context.call, UsersBody).data
        refused = context.call.rejection.picks(wish.user_data)
        op: Op = "add" if wish.action_type == "ADD" else "remove"
        taken = [
            _member(wish.column_order, row)
            for number, row in enumerate(wish.user_data)
            if number not in refused
        ]
        matching = [member for member in taken if _matches(dict(member))]
        kept = taken if op == "add" else matching
        added, removed = holdings.apply(context.db, found, op, kept, context.call.number)
        outcome = f"{added} added, {removed} removed, {len(refused)} refused, {len(taken) - len(matching)} misaligned"
        return Reply(204, audience=audience, rows=len(wish.user_data), outcome=outcome)

    def _require_account(self, account: str) -> None:
        if not account.startswith(("a2_", "t2_")):
            raise Refusal(self.words.refused(400, "INVALID", "ad_account_id: Invalid value."))
        if account != AD_ACCOUNT:
            raise Refusal(self.words.refused(403, "FORBIDDEN", ""))

    def _left(self, call: Call) -> dict[str, str]:
        """What is left of the minute; nothing is counted while the switch lets any number through."""
        with self._store.reading() as db:
            now, allowed = clock.now(db), read_switches(db).ads_requests_per_minute
        name, usual = ("reads", READS_A_MINUTE) if call.method == "GET" else ("changes", CHANGES_A_MINUTE)
        minute, taken = self._minute
        left = (allowed or usual) - (taken if allowed and minute == int(now // 60) else 0)
        return {
            "RateLimit-Policy": f'"{name}";q={allowed or usual};w=60',
            "RateLimit": f'"{name}";r={max(0, left)};t={math.ceil(60 - now % 60)}',
        }

    def _document(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        processing = self.is_processing(context, audience)
        size = sum(map(_matches, holdings.members(context.db, self.platform, audience.id)))
        judged = "VALID" if size >= TARGETABLE else "INVALID"
        lower = size - size % 100
        return {
            "id": audience.id,
            "ad_account_id": audience.account,
            "name": audience.name,
            "type": "CUSTOMER_LIST",
            "created_at": clock.text(audience.created_at),
            "status": "PENDING" if processing or not audience.size else judged,
            "approximate_size": None if processing else size if size < TARGETABLE else round(size, -2),
            "size_range_lower": None if processing else lower,
            "size_range_upper": None if processing else lower + 100,
        }


def _member(columns: Sequence[Column], row: Sequence[str]) -> Member:
    """The row as a member, or as somebody that nothing will ever match."""
    if len(row) != len(columns) or not all(row):
        return ((MISALIGNED, " ".join(row)),)
    return tuple(zip(columns, row, strict=True))


def _matches(member: Mapping[str, str]) -> bool:
    return MISALIGNED not in member
