"""Pinterest's customer lists, which hold the records, and the audiences that wrap them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings, records
from connectors.sandbox.ads.holdings import AdAudience, Member, Op
from connectors.sandbox.ads.pinterest_bodies import (
    AudienceUpdate,
    ListUpdate,
    NewAudience,
    NewList,
    recognised,
    split_records,
)
from connectors.sandbox.ads.platform import SIGN_IN, AdPlatform, Context, Refusal, Routes, ads_desk
from connectors.sandbox.store import Store
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

AD_ACCOUNT = "549755885175"
AUDIENCE = "audience"
"""The kind of document that wraps a list."""
MIN_SIZE = 100
PAGE, LARGEST_PAGE = 25, 250
REQUESTS_A_SECOND = 100
"""What the headers speak of while no smaller number is in force; nobody is refused for it."""

Shown = TypeVar("Shown")


class PinterestWords(Words):
    """A number that is not the status, and a message."""

    def too_many(self, status: int = 429, code: int = 8) -> Reply:
        """Rate limited."""
        return _error(status, code, "You have exceeded your rate limit. Try again later.")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return _error(status, 0, "Something went wrong on our side")

    def signed_out(self, *, expired: bool) -> Reply:
        """401."""
        return _error(
            401, 2, "Authentication failed: the token has expired" if expired else "Authentication failed."
        )

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return _error(404, 404, "The object was not found.")

    def terms(self) -> Reply:
        """403."""
        return _error(403, 3, "Authorization failed: the customer list terms have not been accepted.")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A number; where only a name is known, 1 for what is wrong with a request, else the status."""
        return _error(status, int(code) if code.isdecimal() else 1 if status == 400 else status, message)


def refuse_token(code: str, status: int) -> Reply:
    """The token endpoint speaks like all others."""
    return _error(status, 2 if status == 401 else 1, f"{code}: the token could not be given out")


class PinterestPlatform(AdPlatform):
    """One ad account."""

    platform: ClassVar[Platform] = Platform.PINTEREST
    title: ClassVar[str] = "Pinterest"
    mount: ClassVar[str] = "/v5"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/customer_lists/(\d+)")
    words: ClassVar[Words] = PinterestWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.PINTEREST,
        grants=frozenset({"refresh_token"}),
        also=frozenset({"scope", "continuous_refresh"}),
        besides={
            "response_type": "refresh_token",
            "token_type": "bearer",
            "scope": "ads:read ads:write",
        },
        refuse=refuse_token,
    )
    token_path: ClassVar[str] = "/v5/oauth/token"  # noqa: S105 - an address
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/v5/oauth/token",
        "AD_ACCOUNT": AD_ACCOUNT,
        **SIGN_IN,
    }

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._window = (0, 0)  # which second or minute it is, and how many requests it has seen

    @property
    def routes(self) -> Routes:
        """All calls."""
        account = "/v5/ad_accounts/([^/]+)"
        lists, audiences = f"{account}/customer_lists", f"{account}/audiences"
        return (
            ("GET", re.compile(account), self.read_account),
            ("GET", re.compile(lists), self.list_lists),
            ("POST", re.compile(lists), self.create_list),
            ("GET", re.compile(lists + "/([^/]+)"), self.read_list),
            ("PATCH", re.compile(lists + "/([^/]+)"), self.update_list),
            ("GET", re.compile(audiences), self.list_audiences),
            ("POST", re.compile(audiences), self.create_audience),
            ("GET", re.compile(audiences + "/([^/]+)"), self.read_audience),
            ("PATCH", re.compile(audiences + "/([^/]+)"), self.update_audience),
        )

    def read_account(self, context: Context, account: str) -> Reply:
        """``GET /v5/ad_accounts/{id}``."""
        self._require_account(account)
        content = {"id": account, "name": "Sandbox", "currency": "USD", "permissions": ["ADMIN"]}
        return json_reply(content, outcome="account read")

    # --- lists -----------------------------------------------------------------------------------------------

    def list_lists(self, context: Context, account: str) -> Reply:
        """``GET …/customer_lists``."""
        self._require_account(account)
        found = holdings.listed(context.db, self.platform, account)
        return self._page(context, found, lambda known: self._list_document(context, known))

    def create_list(self, context: Context, account: str) -> Reply:
        """``POST …/customer_lists``; there is no list without records."""
        self._require_account(account)
        self.require_terms(context)
        wish = self.read(context.call, NewList)
        kept: dict[str, Json] = {
            "list_type": wish.list_type,
            "num_batches": 0,
            "num_uploaded_user_records": 0,
            "num_removed_user_records": 0,
            "size_before": 0,
        }
        number = self._next_number(context)
        made = holdings.create(context.db, self.platform, number, account, wish.name, kept)
        return self._change(context, made, ListUpdate(operation_type="ADD", records=wish.records))

    def read_list(self, context: Context, account: str, list_id: str) -> Reply:
        """``GET …/customer_lists/{id}``."""
        self._require_account(account)
        content = self._list_document(context, self.audience(context, list_id))
        return json_reply(content, outcome="list read", audience=list_id)

    def update_list(self, context: Context, account: str, list_id: str) -> Reply:
        """``PATCH …/customer_lists/{id}``."""
        self._require_account(account)
        known = self.audience(context, list_id)
        self.require_terms(context)
        return self._change(context, known, self.read(context.call, ListUpdate))

    def _change(self, context: Context, known: AdAudience, wish: ListUpdate) -> Reply:
        """Nothing is told of records that match nobody or are refused: they count like all others."""
        sent = split_records(wish.records)
        if not sent:
            raise Refusal(self.words.refused(400, "1", "records: at least one is needed"))
        refused = context.call.rejection.picks(sent)
        digests = [recognised(record) for number, record in enumerate(sent) if number not in refused]
        kind = str(known.document["list_type"])
        members: list[Member] = [((kind, digest),) for digest in digests if digest is not None]
        before = known.document["size_before"] if self.is_processing(context, known) else known.size
        op: Op = "add" if wish.operation_type == "ADD" else "remove"
        counter = "num_uploaded_user_records" if op == "add" else "num_removed_user_records"
        counters = {"num_batches": 1, counter: len(sent)}
        changes = {name: int(str(known.document[name])) + more for name, more in counters.items()}
        holdings.update(context.db, known, size_before=before, **changes)
        added, removed = holdings.apply(context.db, known, op, members, context.call.number)
        content = self._list_document(context, self.audience(context, known.id))
        outcome = f"{added} added, {removed} removed, {len(sent) - len(members)} refused"
        return json_reply(content, outcome=outcome, audience=known.id, rows=len(sent))

    def _list_document(self, context: Context, known: AdAudience) -> dict[str, Json]:
        counters = ("num_batches", "num_uploaded_user_records", "num_removed_user_records")
        size = self._known_size(context, known)
        return {
            "id": known.id,
            "ad_account_id": known.account,
            "type": "customerlist",
            "name": known.name,
            "status": "PROCESSING"
            if self.is_processing(context, known)
            else "READY"
            if size >= MIN_SIZE
            else "TOO_SMALL",
            **{name: known.document[name] for name in counters},
            "exceptions": {},
            "created_time": int(known.created_at),
            "updated_time": int(known.changed_at),
        }

    def _known_size(self, context: Context, known: AdAudience) -> int:
        """The size before the last upload while that is worked on; everybody has an account at Pinterest."""
        return int(str(known.document["size_before"])) if self.is_processing(context, known) else known.size

    # --- audiences -------------------------------------------------------------------------------------------

    def list_audiences(self, context: Context, account: str) -> Reply:
        """``GET …/audiences``."""
        self._require_account(account)
        wrapped = [
            (audience_id, kept, known)
            for audience_id, kept in records.listed(context.db, self.platform, AUDIENCE).items()
            if (known := self._list_of(context, kept)) is not None
        ]
        return self._page(context, wrapped, lambda found: self._audience_document(context, *found))

    def create_audience(self, context: Context, account: str) -> Reply:
        """``POST …/audiences``."""
        self._require_account(account)
        wish = self.read(context.call, NewAudience)
        if wish.ad_account_id is not None:
            self._require_account(wish.ad_account_id)
        now = int(clock.now(context.db))
        kept: dict[str, Json] = {
            "name": wish.name,
            "description": wish.description,
            "rule": {"customer_list_id": wish.rule.customer_list_id},
            "created_timestamp": now,
            "updated_timestamp": now,
        }
        return self._keep(context, self._next_number(context), kept)

    def read_audience(self, context: Context, account: str, audience_id: str) -> Reply:
        """``GET …/audiences/{id}``."""
        self._require_account(account)
        kept, known = self._wrapped(context, audience_id)
        content = self._audience_document(context, audience_id, kept, known)
        return json_reply(content, outcome="audience read", audience=known.id)

    def update_audience(self, context: Context, account: str, audience_id: str) -> Reply:
        """``PATCH …/audiences/{id}``: changed, or removed; its list stays."""
        self._require_account(account)
        kept, known = self._wrapped(context, audience_id)
        wish = self.read(context.call, AudienceUpdate)
        if wish.ad_account_id is not None:
            self._require_account(wish.ad_account_id)
        if wish.operation_type == "REMOVE":
            records.delete(context.db, self.platform, AUDIENCE, audience_id)
            content = self._audience_document(context, audience_id, kept, known)
            return json_reply(content, outcome="audience removed", audience=known.id)
        given = wish.model_dump(exclude={"operation_type", "ad_account_id"}, exclude_none=True)
        return self._keep(
            context, audience_id, {**kept, **given, "updated_timestamp": int(clock.now(context.db))}
        )

    def _keep(self, context: Context, audience_id: str, kept: dict[str, Json]) -> Reply:
        """Raises Refusal when the list that it would wrap does not exist."""
        known = self._list_of(context, kept)
        if known is None:
            raise Refusal(self.words.refused(400, "1", "rule.customer_list_id: there is no such list"))
        records.put(context.db, self.platform, AUDIENCE, audience_id, kept)
        content = self._audience_document(context, audience_id, kept, known)
        return json_reply(content, outcome="audience kept", audience=known.id)

    def _wrapped(self, context: Context, audience_id: str) -> tuple[dict[str, Json], AdAudience]:
        kept = records.find(context.db, self.platform, AUDIENCE, audience_id)
        known = None if kept is None else self._list_of(context, kept)
        if kept is None or known is None:
            raise Refusal(self.words.gone(audience_id))
        return kept, known

    def _list_of(self, context: Context, kept: Mapping[str, Json]) -> AdAudience | None:
        rule = kept["rule"]
        named = str(rule["customer_list_id"]) if isinstance(rule, dict) else ""
        return holdings.find(context.db, self.platform, named)

    def _audience_document(
        self, context: Context, audience_id: str, kept: Mapping[str, Json], known: AdAudience
    ) -> dict[str, Json]:
        size = self._known_size(context, known)
        initial = self.is_processing(context, known) and not size
        return {
            "id": audience_id,
            "ad_account_id": known.account,
            "type": "audience",
            "audience_type": "CUSTOMER_LIST",
            **kept,
            "size": None if initial else size,
            "status": "INITIALIZING" if initial else "READY" if size >= MIN_SIZE else "TOO_SMALL",
        }

    # --- what they share -------------------------------------------------------------------------------------

    def _page(
        self, context: Context, everything: Sequence[Shown], document: Callable[[Shown], dict[str, Json]]
    ) -> Reply:
        """By id, with a bookmark to the next page; null on the last one."""
        query = context.call.query
        size, start = self._number(query, "page_size", PAGE), self._number(query, "bookmark", 0)
        order = query.get("order", "ASCENDING")
        if not 1 <= size <= LARGEST_PAGE or order not in ("ASCENDING", "DESCENDING"):
            raise Refusal(self.words.refused(400, "1", "page_size or order is wrong"))
        ordered = everything if order == "ASCENDING" else everything[::-1]
        shown = [document(found) for found in ordered[start : start + size]]
        bookmark = str(start + size) if start + size < len(everything) else None
        return json_reply({"items": shown, "bookmark": bookmark}, outcome=f"{len(shown)} listed")

    def _number(self, query: Mapping[str, str], name: str, default: int) -> int:
        text = query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise Refusal(self.words.refused(400, "1", f"{name}: is no number of ours"))
        return int(text)

    def _next_number(self, context: Context) -> str:
        return str(5_497_558_000_000 + holdings.next_number(context.db, self.platform))

    def _require_account(self, account: str) -> None:
        if account != AD_ACCOUNT:
            raise Refusal(self.words.refused(403, "7", "You are not permitted to access that resource."))

    def _answer(self, context: Context) -> Reply:
        """With the rate limit's headers, whatever the answer is."""
        try:
            reply = super()._answer(context)
        except Refusal as refusal:
            raise Refusal(replace(refusal.reply, headers=self._rate_headers(context))) from None
        return replace(reply, headers=self._rate_headers(context))

    def _check_rate(self, context: Context) -> None:
        limit, seconds = self._quota(context)
        window = int(clock.now(context.db) // seconds)
        taken = self._window[1] + 1 if self._window[0] == window else 1
        self._window = (window, taken)
        if context.switches.ads_requests_per_minute and taken > limit:
            raise Refusal(self.words.too_many())

    def _quota(self, context: Context) -> tuple[int, int]:
        """Requests, and the seconds in which they are taken."""
        per_minute = context.switches.ads_requests_per_minute
        return (per_minute, 60) if per_minute else (REQUESTS_A_SECOND, 1)

    def _rate_headers(self, context: Context) -> dict[str, str]:
        limit, seconds = self._quota(context)
        now = clock.now(context.db)
        window = int(now // seconds)
        taken = self._window[1] if self._window[0] == window else 0
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - taken)),
            "X-RateLimit-Reset": str(math.ceil((window + 1) * seconds - now)),
        }


def _error(status: int, code: int, message: str) -> Reply:
    return json_reply({"code": code, "message": message}, status=status, outcome=f"refused: {code}")
