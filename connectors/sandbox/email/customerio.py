"""Customer.io: manual segments. The App API makes and reads them, the Track API fills them, each by its own key."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.accounts import (
    SANDBOX_CUSTOMERIO_KEY,
    SANDBOX_CUSTOMERIO_SITE,
    SANDBOX_CUSTOMERIO_TRACK_KEY,
)
from connectors.sandbox.email import customerio_lost as customers_lost
from connectors.sandbox.email import customerio_people as customers
from connectors.sandbox.email import jobs, lists, people
from connectors.sandbox.email.customerio_words import CustomerIoWords, as_track_says
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal, Routes, StrictRequest
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

IDS = 1_000
BATCH_BYTES = 500_000
PAGE = 1_000
TRACK = "/api/"


class TrackRequest(BaseModel):
    """A body of the Track API, which passes over what it does not know."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Ids(TrackRequest):
    """``POST /api/v1/segments/{id}/add_customers`` and ``remove_customers``."""

    ids: list[str] = Field(min_length=1, max_length=IDS)


class Batch(TrackRequest):
    """``POST /api/v2/batch``."""

    batch: list[Json] = Field(min_length=1)


class AnyAttributes(BaseModel):
    """An object of any fields."""

    model_config = ConfigDict(extra="allow", strict=True)


class NewSegment(StrictRequest):
    """What a manual segment is made of."""

    name: str = Field(min_length=1)
    description: str = ""


class WrappedSegment(StrictRequest):
    """``POST /v1/segments``."""

    segment: NewSegment


class CustomerIoPlatform(EmailPlatform):
    """One workspace, in the American region."""

    platform: ClassVar[Platform] = Platform.CUSTOMERIO
    title: ClassVar[str] = "Customer.io"
    mount: ClassVar[str] = ""
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/segments/(\d+)")
    words: ClassVar[Words] = CustomerIoWords()
    settings: ClassVar[dict[str, str]] = {
        "APP_URL": "{url}",
        "API_KEY": SANDBOX_CUSTOMERIO_KEY,
        "SITE_ID": SANDBOX_CUSTOMERIO_SITE,
        "TRACK_KEY": SANDBOX_CUSTOMERIO_TRACK_KEY,
    }
    jobs: ClassVar[dict[str, jobs.Work]] = {
        "items": customers.apply_items,
        "members": customers.change_members,
    }

    @classmethod
    def new_id(cls, number: int) -> str:
        """A ``cio_id``."""
        return customers.cio_id(number)

    def token_of(self, call: Call) -> str | None:
        """A bearer for the App API; site and key by Basic for the Track API."""
        if not call.path.startswith(TRACK):
            return super().token_of(call)
        scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
        try:
            return b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else None
        except (NotBase64, UnicodeDecodeError):
            return None

    def _state_of(self, context: Context, token: str) -> str:
        if context.call.path.startswith(TRACK):
            return (
                "living"
                if token == f"{SANDBOX_CUSTOMERIO_SITE}:{SANDBOX_CUSTOMERIO_TRACK_KEY}"
                else "unknown"
            )
        return super()._state_of(context, token)

    def handle(self, call: Call) -> Reply:
        """Answer one call; the Track API has its own words for refusals."""
        reply = super().handle(call)
        return (
            as_track_says(reply, call.path) if reply.status >= 400 and call.path.startswith(TRACK) else reply
        )

    @property
    def routes(self) -> Routes:
        """All calls."""
        segment, customer = r"/v1/segments/(\d+)", "/v1/customers/([^/]+)"
        return (
            ("GET", re.compile("/api/v1/accounts/region"), self.read_region),
            ("PUT", re.compile("/api" + customer), self.identify),
            ("DELETE", re.compile("/api" + customer), self.delete_person),
            ("POST", re.compile("/api" + customer + "/(suppress|unsuppress)"), self.suppress),
            ("POST", re.compile("/api" + segment + "/(add|remove)_customers"), self.change_members),
            ("POST", re.compile("/api/v2/entity"), self.take_item),
            ("POST", re.compile("/api/v2/batch"), self.take_batch),
            ("GET", re.compile("/v1/segments"), self.list_segments),
            ("POST", re.compile("/v1/segments"), self.create_segment),
            ("GET", re.compile(segment), self.read_segment),
            ("DELETE", re.compile(segment), self.delete_segment),
            ("GET", re.compile(segment + "/used_by"), self.read_uses),
            ("GET", re.compile(segment + "/customer_count"), self.count_members),
            ("GET", re.compile(segment + "/membership"), self.list_members),
            ("GET", re.compile("/v1/customers"), self.find_people),
            ("POST", re.compile("/v1/customers"), self.search_people),
            ("GET", re.compile("/v1/esp/suppression/([a-z_]+)"), self.list_suppressions),
            ("GET", re.compile(customer + "/attributes"), self.read_person),
            ("GET", re.compile(customer + "/subscription_preferences"), self.read_preferences),
            ("GET", re.compile(customer + "/segments"), self.list_segments_of),
        )

    # --- the Track API: taken now, done later, hardly a word -------------------------------------------------

    def read_region(self, context: Context) -> Reply:
        """``GET /api/v1/accounts/region``."""
        content = {"url": "track.customer.io", "data_center": "us", "environment_id": 1}
        return json_reply(content, outcome="region read")

    def identify(self, context: Context, identifier: str) -> Reply:
        """``PUT /api/v1/customers/{identifier}``: the body is the attributes."""
        attributes = self.read(context.call, AnyAttributes).model_dump()
        return self._take_one(context, identifier, "identify", attributes)

    def delete_person(self, context: Context, identifier: str) -> Reply:
        """``DELETE /api/v1/customers/{identifier}``: the person may come again."""
        return self._take_one(context, identifier, "delete", {})

    def suppress(self, context: Context, identifier: str, action: str) -> Reply:
        """``POST …/suppress`` deletes for good, ``…/unsuppress`` lets in again: neither is a sync's business."""
        return self._take_one(context, identifier, action, {})

    def change_members(self, context: Context, segment: str, op: str) -> Reply:
        """``POST /api/v1/segments/{id}/add_customers`` and ``remove_customers``: an empty answer, whatever happens."""
        id_type = context.call.query.get("id_type", "id")
        if id_type not in customers.KEYS:
            raise Refusal(self.words.refused(400, "", "id_type must be id, email or cio_id"))
        sent = self.read(context.call, Ids)
        if any(not 0 < len(value.encode()) <= customers.ID_BYTES for value in sent.ids):
            raise Refusal(self.words.refused(400, "", "an id is a text of 1 to 150 bytes"))
        if lists.find(context.db, self.platform, segment) is None:
            raise Refusal(self.words.refused(400, "", "segment not found"))
        refused = context.call.rejection.picks(sent.ids)
        kept: list[Json] = [value for place, value in enumerate(sent.ids) if place not in refused]
        self._queue(context, "members", {"segment": segment, "op": op, "id_type": id_type, "ids": kept})
        return json_reply({}, outcome=f"{op} queued", audience=segment, rows=len(sent.ids))

    def take_item(self, context: Context) -> Reply:
        """``POST /api/v2/entity``: one item."""
        item = self.read(context.call, AnyAttributes).model_dump()
        self._require_good(item)
        self._queue(context, "items", {"items": [item]})
        return json_reply({}, outcome="item queued", rows=1)

    def take_batch(self, context: Context) -> Reply:
        """``POST /api/v2/batch``: what is wrong is told by its place, the rest is taken."""
        if len(context.call.body) >= BATCH_BYTES:
            raise Refusal(self.words.refused(400, "", "the batch must be smaller than 500 KB"))
        items = self.read(context.call, Batch).batch
        refused = context.call.rejection.picks(items)
        errors: list[Json] = []
        taken: list[Json] = []
        for place, item in enumerate(items):
            wrong = ("invalid", "", "refused") if place in refused else customers.fault_of(item)
            if wrong is None:
                taken.append(item)
                continue
            reason, field, message = wrong
            errors.append({"batch_index": place, "reason": reason, "field": field, "message": message})
        self._queue(context, "items", {"items": taken})
        outcome = f"{len(taken)} queued, {len(errors)} refused"
        if errors:
            return json_reply({"errors": errors}, status=207, outcome=outcome, rows=len(items))
        return json_reply({}, outcome=outcome, rows=len(items))

    def _take_one(self, context: Context, identifier: str, action: str, attributes: dict[str, Json]) -> Reply:
        item: customers.Item = {
            "type": "person",
            "action": action,
            "identifiers": customers.in_path(identifier),
            "attributes": attributes,
        }
        self._require_good(item)
        self._queue(context, "items", {"items": [item]})
        return json_reply({}, outcome=f"{action} queued", rows=1)

    def _require_good(self, item: Json) -> None:
        wrong = customers.fault_of(item)
        if wrong is not None:
            raise Refusal(self.words.refused(400, "", wrong[2]))

    def _queue(self, context: Context, kind: str, payload: dict[str, Json]) -> None:
        wait = self.wait_seconds(context)
        jobs.queue(context.db, self.platform, kind, payload, context.call, wait_seconds=wait)
        self.work(context.db)

    # --- the App API: segments and what is known of people ---------------------------------------------------

    def list_segments(self, context: Context) -> Reply:
        """``GET /v1/segments``, all at once."""
        shown: list[Json] = [_document(found) for found in lists.listed(context.db, self.platform)]
        return json_reply({"segments": shown}, outcome=f"{len(shown)} segments listed")

    def create_segment(self, context: Context) -> Reply:
        """``POST /v1/segments``: a manual one, empty; two may have one name."""
        wish = self.read(context.call, WrappedSegment).segment
        number = str(people.next_number(context.db, self.platform))
        kept: dict[str, Json] = {"description": wish.description}
        found = lists.create(context.db, self.platform, number, wish.name, kept)
        return json_reply({"segment": _document(found)}, outcome="segment created", audience=number)

    def read_segment(self, context: Context, segment: str) -> Reply:
        """``GET /v1/segments/{id}``."""
        shown = _document(self.list_of(context, segment))
        return json_reply({"segment": shown}, outcome="segment read", audience=segment)

    def delete_segment(self, context: Context, segment: str) -> Reply:
        """``DELETE /v1/segments/{id}``."""
        lists.delete(context.db, self.platform, self.list_of(context, segment).id)
        return Reply(204, outcome="segment deleted", audience=segment)

    def read_uses(self, context: Context, segment: str) -> Reply:
        """``GET /v1/segments/{id}/used_by``: nothing here uses any."""
        self.list_of(context, segment)
        content: dict[str, Json] = {
            "used_by": {"campaigns": [], "sent_newsletters": [], "draft_newsletters": []}
        }
        return json_reply(content, outcome="uses read", audience=segment)

    def count_members(self, context: Context, segment: str) -> Reply:
        """``GET /v1/segments/{id}/customer_count``."""
        count = self.list_of(context, segment).size
        return json_reply({"count": count, "segment_id": int(segment)}, outcome="counted", audience=segment)

    def list_members(self, context: Context, segment: str) -> Reply:
        """``GET /v1/segments/{id}/membership``: a thousand a page at most, whatever is asked for."""
        found = self.list_of(context, segment)
        size = self._size(context)
        shown = lists.members(context.db, found, after=self._after(context), limit=size + 1)
        following = _cursor(shown[size - 1][0]) if len(shown) > size else ""
        persons = [person for _, person, _ in shown[:size]]
        content: dict[str, Json] = {
            "ids": [person.external_id or "" for person in persons],
            "identifiers": [_identifiers(person) for person in persons],
            "next": following,
        }
        return json_reply(content, outcome=f"{len(persons)} members listed", audience=segment)

    def _size(self, context: Context) -> int:
        limit = context.call.query.get("limit", str(PAGE))
        if not re.fullmatch("[1-9][0-9]{0,8}", limit):
            raise Refusal(self.words.refused(400, "", "limit must be a positive number"))
        return min(int(limit), PAGE)

    def _after(self, context: Context) -> int:
        start = context.call.query.get("start", "")
        try:
            return int(urlsafe_b64decode(start)) if start else 0
        except (NotBase64, ValueError):
            raise Refusal(self.words.refused(400, "", "start is not one of ours")) from None

    def find_people(self, context: Context) -> Reply:
        """``GET /v1/customers?email=``: everybody with an address."""
        person = customers.find(context.db, {"email": context.call.query.get("email", "")})
        results: list[Json] = [_identifiers(person)] if person else []
        return json_reply({"results": results}, outcome=f"{len(results)} found")

    def search_people(self, context: Context) -> Reply:
        """``POST /v1/customers``: whoever an attribute is equal to a value for, as that is the one filter played."""
        wanted = self.read(context.call, customers_lost.Search).filter.attribute
        after, size = self._after(context), self._size(context)
        found = customers_lost.who_have(context.db, wanted)
        persons = found[after : after + size]
        content: dict[str, Json] = {
            "ids": [person.external_id or "" for person in persons],
            "identifiers": [_identifiers(person) for person in persons],
            "next": _cursor(after + size) if len(found) > after + size else "",
        }
        return json_reply(content, outcome=f"{len(persons)} found")

    def list_suppressions(self, context: Context, kind: str) -> Reply:
        """``GET /v1/esp/suppression/{type}``, by offset."""
        if kind not in customers_lost.KINDS:
            raise Refusal(self.words.refused(400, "", "suppression_type is not one of ours"))
        offset, size = int(context.call.query.get("offset", "0")), self._size(context)
        shown = customers_lost.suppressed(context.db, kind)[offset : offset + size]
        return json_reply({"category": kind, "suppressions": shown}, outcome=f"{len(shown)} listed")

    def read_person(self, context: Context, identifier: str) -> Reply:
        """``GET /v1/customers/{id}/attributes``."""
        person = self._person(context, identifier)
        known = _identifiers(person)
        own: dict[str, Json] = {name: value for name, value in known.items() if value is not None}
        content: dict[str, Json] = {
            "id": person.external_id or "",
            "identifiers": known,
            "attributes": {**person.attributes, **own},
            "timestamps": {name: int(person.changed_at) for name in person.attributes},
            "unsubscribed": self._has_left(context, person),
            "devices": [],
        }
        return json_reply({"customer": content}, outcome="person read")

    def read_preferences(self, context: Context, identifier: str) -> Reply:
        """``GET /v1/customers/{id}/subscription_preferences``."""
        person = self._person(context, identifier)
        topics: list[Json] = [
            {"identifier": topic, "name": topic, "subscribed": wanted}
            for topic, wanted in customers.topics_of(context.db, person).items()
        ]
        content: dict[str, Json] = {
            "id": person.external_id or "",
            "unsubscribed": self._has_left(context, person),
            "topics": topics,
        }
        return json_reply({"customer": content}, outcome="preferences read")

    def list_segments_of(self, context: Context, identifier: str) -> Reply:
        """``GET /v1/customers/{id}/segments``."""
        person = self._person(context, identifier)
        shown: list[Json] = [
            _document(found)
            for segment in lists.of_person(context.db, self.platform, person.id)
            if (found := lists.find(context.db, self.platform, segment)) is not None
        ]
        return json_reply({"segments": shown}, outcome=f"{len(shown)} segments listed")

    def _person(self, context: Context, identifier: str) -> Known:
        id_type = context.call.query.get("id_type", "id")
        if id_type not in customers.KEYS:
            raise Refusal(self.words.refused(400, "", "id_type must be id, email or cio_id"))
        person = customers.find(context.db, {id_type: identifier})
        if person is None:
            raise Refusal(self.words.gone(identifier))
        return person

    def _has_left(self, context: Context, person: Known) -> bool:
        return people.consent(context.db, self.platform, person.id) == "unsubscribed"


def _document(found: EmailList) -> dict[str, Json]:
    return {
        "id": int(found.id),
        "deduplicate_id": f"{found.id}:{int(found.created_at)}",
        "name": found.name,
        **found.document,
        "state": "finished",
        "progress": None,
        "type": "manual",
        "tags": None,
    }


def _identifiers(person: Known) -> dict[str, Json]:
    return {"email": person.email, "id": person.external_id, "cio_id": person.id}


def _cursor(number: int) -> str:
    return urlsafe_b64encode(str(number).encode()).decode()
