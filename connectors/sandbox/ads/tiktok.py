"""TikTok's audiences: made and filled by the streaming API (``/segment/``), found by the audience API (``/dmp/``).

An id is mapped to an audience by itself: a row's e-mail and phone are two members, and each leaves by its own removal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import orjson

from connectors.sandbox import clock
from connectors.sandbox.accounts import (
    SANDBOX_ADS_CLIENT_ID,
    SANDBOX_ADS_CLIENT_SECRET,
    SANDBOX_ADS_TOKEN,
)
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.holdings import AdAudience, Member, Op
from connectors.sandbox.ads.platform import AdPlatform, Context, Refusal, Routes
from connectors.sandbox.ads.tiktok_bodies import MappedId, MappedPeople, SegmentChange
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

ADVERTISER = "7000000000000000001"
SISTER_ADVERTISER = "7000000000000000002"
"""Another account of the same Business Center."""
ADVERTISERS = (ADVERTISER, SISTER_ADVERTISER)
MAX_AUDIENCES = 400
MAX_LISTED = 100
NAME_LENGTH = 70
KEPT_OF_A_LONG_NAME = 67
TARGETABLE = 1_000
DAY = 86_400.0
LIFE = 365 * DAY
"""An audience that nobody changes ends after this long."""
EXPIRING = 60 * DAY
OK, SERVER_ERROR, TOO_MANY, NO_PERMISSION, BAD_PARAMETER = 0, 50000, 40100, 40001, 40002
NO_OBJECT, TOKEN_MISSING, TOKEN_INVALID = 40007, 40104, 40105
REQUEST_ID = "20261122080000010245"
AUDIENCE_IN_BODY = re.compile(rb'"(?:audience_ids|delete_audience_id)"\s*:\s*\[?\s*"(\d+)"')


class TikTokWords(Words):
    """The code in the body decides; what the request is to blame for comes under HTTP 200."""

    def too_many(self, status: int = 200, code: int = 0) -> Reply:
        """40100."""
        return _refused(TOO_MANY, "Too many requests. Please retry in some time.", status)

    def server_error(self, status: int = 500) -> Reply:
        """50000."""
        return _refused(SERVER_ERROR, "Internal service error", status)

    def signed_out(self, *, expired: bool) -> Reply:
        """40105; a token never ends by itself."""
        return _refused(TOKEN_INVALID, "Access token is incorrect or has been revoked.")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """40007 to those who look for it, 40002 with a text to those who change it."""
        if method == "GET":
            return _refused(NO_OBJECT, "The audience does not exist")
        return _refused(BAD_PARAMETER, "audience_ids: the audience does not exist")

    def terms(self) -> Reply:
        """40001 with its own text."""
        return _refused(NO_PERMISSION, "Please accept the Custom Audience Terms in TikTok Ads Manager first")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A code by its number, a bad parameter for what has none."""
        number = int(code) if code.isdecimal() else BAD_PARAMETER
        return _refused(number, message, 200 if status == 400 else status)


class TikTokPlatform(AdPlatform):
    """Two advertisers of one Business Center, and a token that lives until it is revoked."""

    platform: ClassVar[Platform] = Platform.TIKTOK
    title: ClassVar[str] = "TikTok"
    mount: ClassVar[str] = "/open_api/v1.3"
    words: ClassVar[Words] = TikTokWords()
    settings: ClassVar[dict[str, str]] = {"ADVERTISER": ADVERTISER, "TOKEN": SANDBOX_ADS_TOKEN}

    @property
    def routes(self) -> Routes:
        """All calls; an address without its last slash is none of them."""
        base = re.escape(self.mount)
        segment, audience = f"{base}/segment/", f"{base}/dmp/custom_audience/"
        return (
            ("POST", re.compile(segment + "audience/"), self.change_audience),
            ("POST", re.compile(segment + "mapping/"), self.map_ids),
            ("GET", re.compile(audience + "list/"), self.list_audiences),
            ("GET", re.compile(audience + "get/"), self.get_audiences),
            ("GET", re.compile(base + "/user/info/"), self.show_user),
            ("GET", re.compile(base + "/oauth2/advertiser/get/"), self.list_advertisers),
        )

    def token_of(self, call: Call) -> str | None:
        """The token in its own header. Raises Refusal where it is missing."""
        token = call.headers.get("access-token")
        if not token:
            raise Refusal(_refused(TOKEN_MISSING, "Access token is missing in the header"))
        return token

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """The first audience that the body names: no address holds one."""
        named = AUDIENCE_IN_BODY.search(call.body)
        return named[1].decode() if named else None

    def change_audience(self, context: Context) -> Reply:
        """``POST /segment/audience/``."""
        wish = self.read(context.call, SegmentChange)
        _require_advertiser(wish.advertiser_id)
        if wish.action == "delete":
            found = self._to_change(context, wish.delete_audience_id, (wish.advertiser_id,))
            holdings.delete(context.db, self.platform, found.id)
            return _success({}, "audience deleted", audience=found.id)
        self.require_terms(context)
        if len(holdings.listed(context.db, self.platform, wish.advertiser_id)) >= MAX_AUDIENCES:
            raise Refusal(_refused(BAD_PARAMETER, f"At most {MAX_AUDIENCES} audiences per advertiser"))
        name = wish.custom_audience_name
        if len(name) > NAME_LENGTH:
            name = f"{name[:KEPT_OF_A_LONG_NAME]}..."
        number = str(240_000_000 + holdings.next_number(context.db, self.platform))
        holdings.create(context.db, self.platform, number, wish.advertiser_id, name, {"settled": 0})
        return _success({"audience_id": number}, "audience created", audience=number)

    def map_ids(self, context: Context) -> Reply:
        """``POST /segment/mapping/``: rows that are refused are not told of."""
        wish = self.read(context.call, MappedPeople)
        for advertiser in wish.advertiser_ids:
            _require_advertiser(advertiser)
        self.require_terms(context)
        refused = context.call.rejection.picks([[mapped.id for mapped in row] for row in wish.batch_data])
        named = {number for row in wish.batch_data for mapped in row for number in mapped.audience_ids}
        found = [self._to_change(context, number, wish.advertiser_ids) for number in sorted(named)]
        kept = [row for number, row in enumerate(wish.batch_data) if number not in refused]
        op: Op = "add" if wish.action == "add" else "remove"
        added = removed = 0
        for audience in found:
            self._keep_settled(context, audience)
            members = _members_of(audience.id, wish.id_schema, kept)
            came, went = holdings.apply(context.db, audience, op, members, context.call.number)
            added, removed = added + came, removed + went
        outcome = f"{added} ids added, {removed} removed, {len(refused)} people refused"
        only = found[0].id if len(found) == 1 else None
        return _success({}, outcome, audience=only, rows=len(wish.batch_data))

    def list_audiences(self, context: Context) -> Reply:
        """``GET /dmp/custom_audience/list/``."""
        query = context.call.query
        advertiser = self._asked_advertiser(query, {"page", "page_size", "custom_audience_ids"})
        page, size = _number(query, "page", 1, None), _number(query, "page_size", 10, MAX_LISTED)
        everything = holdings.listed(context.db, self.platform, advertiser)
        if "custom_audience_ids" in query:
            wanted = _asked_ids(query)
            everything = [audience for audience in everything if audience.id in wanted]
        first = (page - 1) * size
        shown: list[Json] = [
            self._document(context, audience) for audience in everything[first : first + size]
        ]
        page_info: dict[str, Json] = {
            "page": page,
            "page_size": size,
            "total_number": len(everything),
            "total_page": -(-len(everything) // size),
        }
        return _success({"list": shown, "page_info": page_info}, f"{len(shown)} audiences listed")

    def get_audiences(self, context: Context) -> Reply:
        """``GET /dmp/custom_audience/get/``, with what was done to each."""
        query = context.call.query
        advertiser = self._asked_advertiser(query, {"custom_audience_ids", "history_size"})
        size = _number(query, "history_size", MAX_LISTED, MAX_LISTED)
        shown: list[Json] = []
        for number in _asked_ids(query):
            audience = self.audience(context, number)
            if audience.account != advertiser:
                raise Refusal(_refused(NO_PERMISSION, "No permission on this audience"))
            history = _history(context, audience, size)
            shown.append({"audience_details": self._document(context, audience), "audience_history": history})
        return _success({"list": shown}, f"{len(shown)} audiences read")

    def show_user(self, context: Context) -> Reply:
        """``GET /user/info/``: whether the token works."""
        return _success({"core_user_id": "6900000000000000001", "display_name": "Sandbox"}, "user read")

    def list_advertisers(self, context: Context) -> Reply:
        """``GET /oauth2/advertiser/get/``: the accounts that the token opens."""
        query = context.call.query
        if (query.get("app_id"), query.get("secret")) != (SANDBOX_ADS_CLIENT_ID, SANDBOX_ADS_CLIENT_SECRET):
            raise Refusal(_refused(NO_PERMISSION, "The app is unknown, or its secret is wrong"))
        shown: list[Json] = [
            {"advertiser_id": advertiser, "advertiser_name": f"Sandbox {number}"}
            for number, advertiser in enumerate(ADVERTISERS, 1)
        ]
        return _success({"list": shown}, "advertisers listed")

    def _to_change(self, context: Context, number: str, advertisers: Sequence[str]) -> AdAudience:
        found = holdings.find(context.db, self.platform, number)
        if found is None:
            raise Refusal(self.words.gone(number, "POST"))
        if found.account not in advertisers:
            raise Refusal(_refused(NO_PERMISSION, "The audience belongs to none of the advertisers"))
        return found

    def _asked_advertiser(self, query: Mapping[str, str], others: set[str]) -> str:
        if unknown := set(query) - {"advertiser_id"} - others:
            raise Refusal(_refused(BAD_PARAMETER, f"{min(unknown)}: unknown parameter"))
        advertiser = query.get("advertiser_id", "")
        _require_advertiser(advertiser)
        return advertiser

    def _keep_settled(self, context: Context, audience: AdAudience) -> None:
        """Remember the number that is shown until this upload is matched, where that takes any time."""
        if context.switches.ads_processing_seconds and not self.is_processing(context, audience):
            holdings.update(context.db, audience, settled=self._people(context, audience))

    def _people(self, context: Context, audience: AdAudience) -> int:
        """People, not ids: nobody is there twice by ids of one kind."""
        members = holdings.members(context.db, self.platform, audience.id)
        return max(Counter(kind for member in members for kind in member).values(), default=0)

    def _document(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        processing = self.is_processing(context, audience)
        matched = audience.document["settled"] if processing else self._people(context, audience)
        ends = audience.changed_at + LIFE
        now = clock.now(context.db)
        return {
            "audience_id": audience.id,
            "name": audience.name,
            "cover_num": matched,
            "is_valid": isinstance(matched, int) and matched >= TARGETABLE and now < ends,
            "is_expiring": ends - EXPIRING <= now,
            "expired_time": _written(ends),
            "create_time": _written(audience.created_at),
            "audience_type": "Customer File",
            "calculate_type": "MULTIPLE_TYPES",
        }


def _members_of(audience: str, kinds: list[str], rows: list[list[MappedId]]) -> list[Member]:
    """What the rows map to one audience. Ids stand in the order of the kinds, and nobody notices if one is missing."""
    return [
        ((kind, mapped.id),)
        for row in rows
        for kind, mapped in zip(kinds, row, strict=False)
        if audience in mapped.audience_ids
    ]


def _history(context: Context, audience: AdAudience, size: int) -> list[Json]:
    """What was done, newest first."""
    rows = context.db.execute(
        """
        select at, added, removed
        from changes
        where platform = ? and audience = ?
        order by id desc
        limit ?
        """,
        (audience.platform.value, audience.id, size),
    )
    return [
        {
            "action": "Append" if row["added"] else "Remove",
            "action_detail": f"{row['added']} added, {row['removed']} removed",
            "editor": "Sandbox",
            "msg": "",
            "opt_time": _written(datetime.fromisoformat(row["at"]).timestamp()),
        }
        for row in rows
    ]


def _asked_ids(query: Mapping[str, str]) -> list[str]:
    """A JSON list in the query. Raises Refusal."""
    try:
        asked = orjson.loads(query.get("custom_audience_ids", ""))
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise Refusal(_refused(BAD_PARAMETER, "custom_audience_ids: not a list of strings in JSON"))
    if not 1 <= len(asked) <= MAX_LISTED:
        raise Refusal(_refused(BAD_PARAMETER, f"custom_audience_ids: 1 to {MAX_LISTED} ids"))
    return asked


def _number(query: Mapping[str, str], name: str, default: int, most: int | None) -> int:
    """A whole number of the query from 1 on. Raises Refusal."""
    text = query.get(name, str(default))
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if number < 1 or (most is not None and number > most):
        raise Refusal(_refused(BAD_PARAMETER, f"{name}: out of range"))
    return number


def _require_advertiser(advertiser: str) -> None:
    if advertiser not in ADVERTISERS:
        raise Refusal(_refused(NO_PERMISSION, "No permission to operate this advertiser"))


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _success(
    data: dict[str, Json], outcome: str, *, audience: str | None = None, rows: int | None = None
) -> Reply:
    content: dict[str, Json] = {"code": OK, "message": "OK", "request_id": REQUEST_ID, "data": data}
    return json_reply(content, outcome=outcome, audience=audience, rows=rows)


def _refused(code: int, message: str, status: int = 200) -> Reply:
    content: dict[str, Json] = {"code": code, "message": message, "request_id": REQUEST_ID, "data": {}}
    return json_reply(content, status=status, outcome=f"refused: {code}")
