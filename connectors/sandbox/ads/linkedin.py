"""LinkedIn's matched audiences: DMP segments of an ad account, members added and removed in mixed batches."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any, ClassVar

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.linkedin_bodies import Batch, Element, NewSegment, SegmentPatch, judged
from connectors.sandbox.ads.platform import SIGN_IN, AdPlatform, Context, Refusal, Routes, ads_desk
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

AD_ACCOUNT = "516848833"
ACCOUNT_URN = f"urn:li:sponsoredAccount:{AD_ACCOUNT}"
PERSON = "aBcDeF1234"
"""Whoever gave the consent."""
SOURCE_PLATFORM = "SANDBOX_PARTNER"
"""What LinkedIn would have assigned to the approved application."""
OLDEST_VERSION, NEWEST_VERSION = "202512", "202611"
"""Months; every version lives for about a year. Fixed, so that no caller is overtaken by the calendar."""
PROTOCOL = "2.0.0"
PAGE = 10
DAY = 86_400.0
MATCHED_SECONDS = 7 * DAY
"""Inputs are counted for so long."""


class LinkedInWords(Words):
    """A status, a number and a code."""

    def too_many(self, status: int = 429, code: int = 101) -> Reply:
        """Throttled."""
        return _error(status, "TOO_MANY_REQUESTS", "Resource level throttle limit is reached", code)

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return _error(status, "INTERNAL_SERVER_ERROR", "Internal Server Error", 0)

    def signed_out(self, *, expired: bool) -> Reply:
        """65602 for a token that has ended, 65600 for one that nobody knows."""
        if expired:
            return _error(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", 65_602)
        return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65_600)

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return _error(404, "NOT_FOUND", "The DMP segment could not be found", 0)

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any code; what all platforms here refuse alike has LinkedIn's own."""
        own = {"invalid_request": "ILLEGAL_ARGUMENT", "not_found": "RESOURCE_NOT_FOUND"}.get(code, code)
        return _error(status, own, message, 100 if status == 403 else 0)


class LinkedInPlatform(AdPlatform):
    """One ad account, one approved application."""

    platform: ClassVar[Platform] = Platform.LINKEDIN
    title: ClassVar[str] = "LinkedIn"
    mount: ClassVar[str] = "/rest"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/dmpSegments/(\d+)")
    words: ClassVar[Words] = LinkedInWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.LINKEDIN,
        client_in="form",
        rotates=False,
        grants=frozenset({"refresh_token"}),
        refresh_seconds=365 * DAY,
    )
    token_path: ClassVar[str] = "/oauth/v2/accessToken"  # noqa: S105 - an address
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/oauth/v2/accessToken",
        "AD_ACCOUNT": AD_ACCOUNT,
        "SOURCE_PLATFORM": SOURCE_PLATFORM,
        **SIGN_IN,
    }

    @property
    def routes(self) -> Routes:
        """All calls."""
        segments, segment = re.compile("/rest/dmpSegments"), "/rest/dmpSegments/([^/]+)"
        role = re.compile("/rest/adAccountUsers/account=([^&/]+)&user=([^&/]+)")
        return (
            ("GET", re.compile("/rest/me"), self.read_person),
            ("GET", role, self.read_role),
            ("GET", segments, self.find_segments),
            ("POST", segments, self.create_segment),
            ("GET", re.compile(segment), self.read_segment),
            ("DELETE", re.compile(segment), self.delete_segment),
            ("GET", re.compile(segment + "/destinations/LINKEDIN"), self.read_destination),
            ("POST", re.compile(segment), self.rename_segment),
            ("POST", re.compile(segment + "/users"), self.change_users),
        )

    def read_person(self, context: Context) -> Reply:
        """``GET /rest/me``."""
        self._check_headers(context)
        return json_reply({"id": PERSON}, outcome="person read")

    def read_role(self, context: Context, account: str, person: str) -> Reply:
        """``GET /rest/adAccountUsers/account=…&user=…``."""
        self._check_headers(context)
        self._require_account(account)
        if person != f"urn:li:person:{PERSON}":
            raise Refusal(self.words.refused(404, "NOT_FOUND", "No such user of the ad account"))
        return json_reply(
            {"account": account, "user": person, "role": "CAMPAIGN_MANAGER"}, outcome="role read"
        )

    def find_segments(self, context: Context) -> Reply:
        """``GET /rest/dmpSegments?q=account``, ten a page unless ``count`` says otherwise."""
        self._check_headers(context)
        query = context.call.query
        if query.get("q") != "account":
            raise Refusal(self.words.refused(400, "ILLEGAL_ARGUMENT", "q must be account"))
        self._require_account(query.get("account", ""))
        start, count = self._number(context, "start", 0), self._number(context, "count", PAGE)
        found = [
            audience
            for audience in holdings.listed(context.db, self.platform, AD_ACCOUNT)
            if all(
                query.get(name, audience.document[name]) == audience.document[name]
                for name in ("sourcePlatform", "sourceSegmentId")
            )
        ]
        shown = found[start : start + count]
        paging: dict[str, Json] = {"start": start, "count": count, "total": len(found), "links": []}
        content = {"elements": [self._document(context, audience) for audience in shown], "paging": paging}
        return json_reply(content, outcome=f"{len(shown)} segments listed")

    def create_segment(self, context: Context) -> Reply:
        """``POST /rest/dmpSegments``; the id is in a header and the body is empty."""
        self._check_headers(context)
        wish = self.read(context.call, NewSegment)
        self._require_account(wish.account)
        if wish.sourcePlatform != SOURCE_PLATFORM:
            raise Refusal(self.words.refused(403, "ACCESS_DENIED", "sourcePlatform is another application's"))
        taken = {
            audience.document["sourceSegmentId"] for audience in holdings.listed(context.db, self.platform)
        }
        if wish.sourceSegmentId in taken:
            raise Refusal(self.words.refused(409, "CONFLICT", "sourceSegmentId is taken"))
        number = str(10_000_000 + holdings.next_number(context.db, self.platform))
        kept: dict[str, Json] = {
            "sourcePlatform": wish.sourcePlatform,
            "sourceSegmentId": wish.sourceSegmentId,
            "type": wish.type,
            "inputs": [],
            "size_before": 0,
        }
        holdings.create(context.db, self.platform, number, AD_ACCOUNT, wish.name, kept)
        headers = {"x-linkedin-id": number, "x-restli-id": number}
        return Reply(201, headers=headers, audience=number, outcome="segment created")

    def read_segment(self, context: Context, segment: str) -> Reply:
        """``GET /rest/dmpSegments/{id}``."""
        self._check_headers(context)
        document = self._document(context, self.audience(context, segment))
        return json_reply(document, outcome="segment read", audience=segment)

    def read_destination(self, context: Context, segment: str) -> Reply:
        """``GET /rest/dmpSegments/{id}/destinations/LINKEDIN``."""
        self._check_headers(context)
        destination = self._destination(context, self.audience(context, segment))
        return json_reply(destination, outcome="destination read", audience=segment)

    def rename_segment(self, context: Context, segment: str) -> Reply:
        """``POST /rest/dmpSegments/{id}`` as PARTIAL_UPDATE."""
        self._check_headers(context)
        audience = self.audience(context, segment)
        self._require_method(context, "PARTIAL_UPDATE")
        holdings.rename(context.db, audience, self.read(context.call, SegmentPatch).patch.set_.name)
        return Reply(204, outcome="segment renamed", audience=segment)

    def delete_segment(self, context: Context, segment: str) -> Reply:
        """``DELETE /rest/dmpSegments/{id}``, for good."""
        self._check_headers(context)
        holdings.delete(context.db, self.platform, self.audience(context, segment).id)
        return Reply(204, outcome="segment deleted", audience=segment)

    def change_users(self, context: Context, segment: str) -> Reply:
        """``POST /rest/dmpSegments/{id}/users``: in the order of the elements, each with its own status."""
        self._check_headers(context)
        audience = self.audience(context, segment)
        self._require_method(context, "BATCH_CREATE")
        if audience.document["type"] != "USER":
            raise Refusal(self.words.refused(400, "ILLEGAL_ARGUMENT", "The segment is not of type USER"))
        elements = self.read(context.call, Batch).elements
        refused = context.call.rejection.picks(elements)
        answers: list[Json] = []
        taken: list[Element] = []
        for position, content in enumerate(elements):
            verdict = "The element was refused" if position in refused else judged(content)
            if isinstance(verdict, Element):
                taken.append(verdict)
                answers.append({"status": 201})
            else:
                answers.append({"status": 400, "error": _element_error(position, verdict)})
        added, removed = self._apply(context, audience, taken)
        outcome = f"{added} added, {removed} removed, {len(elements) - len(taken)} refused"
        return json_reply({"elements": answers}, outcome=outcome, audience=segment, rows=len(elements))

    def _apply(self, context: Context, audience: AdAudience, elements: list[Element]) -> tuple[int, int]:
        now = clock.now(context.db)
        inputs: list[Json] = [
            *self._recent_inputs(context, audience),
            [now, sum(element.op == "add" for element in elements)],
        ]
        before = audience.document["size_before"] if self.is_processing(context, audience) else audience.size
        holdings.update(context.db, audience, inputs=inputs, size_before=before)
        added = removed = 0
        for op, run in groupby(elements, key=lambda element: element.op):
            members = [element.member for element in run]
            came, went = holdings.apply(context.db, audience, op, members, context.call.number)
            added, removed = added + came, removed + went
        return added, removed

    def _recent_inputs(self, context: Context, audience: AdAudience) -> list[Any]:
        """When and how many, of the last seven days."""
        since = clock.now(context.db) - MATCHED_SECONDS
        kept: Any = audience.document["inputs"]
        return [[at, count] for at, count in kept if at > since]

    def _check_headers(self, context: Context) -> None:
        headers = context.call.headers
        version = headers.get("linkedin-version", "")
        if not version:
            raise Refusal(self.words.refused(400, "VERSION_MISSING", "A version must be present"))
        if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", version) or not (
            OLDEST_VERSION <= version <= NEWEST_VERSION
        ):
            message = "Requested version is not active"
            raise Refusal(self.words.refused(426, "NONEXISTENT_VERSION", message))
        if headers.get("x-restli-protocol-version") != PROTOCOL:
            message = f"X-Restli-Protocol-Version must be {PROTOCOL}"
            raise Refusal(self.words.refused(400, "ILLEGAL_ARGUMENT", message))

    def _require_account(self, account: str) -> None:
        if account != ACCOUNT_URN:
            raise Refusal(
                self.words.refused(403, "ACCESS_DENIED", "Not enough permissions on the ad account")
            )

    def _require_method(self, context: Context, method: str) -> None:
        if context.call.headers.get("x-restli-method") != method:
            raise Refusal(self.words.refused(400, "ILLEGAL_ARGUMENT", f"X-RestLi-Method must be {method}"))

    def _number(self, context: Context, name: str, default: int) -> int:
        """A number of the query."""
        text = context.call.query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise Refusal(self.words.refused(400, "ILLEGAL_ARGUMENT", f"{name} must be a number"))
        return int(text)

    def _document(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        named = {name: audience.document[name] for name in ("sourcePlatform", "sourceSegmentId", "type")}
        return {
            "id": int(audience.id),
            "name": audience.name,
            "account": ACCOUNT_URN,
            **named,
            "destinations": [self._destination(context, audience)],
            "inputCount": sum(count for _, count in self._recent_inputs(context, audience)),
        }

    def _destination(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        """Everybody is matched, once the platform has worked on them."""
        processing = self.is_processing(context, audience)
        before = int(str(audience.document["size_before"]))
        matched = sum(count for _, count in self._recent_inputs(context, audience))
        uploaded = bool(audience.document["inputs"])
        return {
            "destination": "LINKEDIN",
            "destinationSegmentId": f"urn:li:adSegment:{audience.id}",
            "audienceSize": before if processing else audience.size,
            "matchedCount": 0 if processing else matched,
            "status": "UPDATING"
            if processing and before
            else "BUILDING"
            if processing or not uploaded
            else "READY",
        }


def _element_error(position: int, message: str) -> dict[str, Json]:
    return {"status": 400, "code": "INVALID_ELEMENT", "message": message, "batchIndex": position}


def _error(status: int, code: str, message: str, number: int) -> Reply:
    content = {"status": status, "serviceErrorCode": number, "code": code, "message": message}
    return json_reply(content, status=status, outcome=f"refused: {code}")
