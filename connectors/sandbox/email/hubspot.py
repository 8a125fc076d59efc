"""HubSpot's CRM: contacts, lists of their record ids, and what people subscribed to beside them."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from connectors.sandbox.accounts import SANDBOX_HUBSPOT_TOKEN
from connectors.sandbox.email import hubspot_bodies as bodies
from connectors.sandbox.email import lists, people, places
from connectors.sandbox.email.hubspot_account import AccountCalls
from connectors.sandbox.email.hubspot_words import HubSpotWords, moment
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.places import Place
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.switches import read_switches
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply

PAGE = 250
USUAL_PAGE = 100
DAILY = 650_000
TEN_SECONDS = 190
FIRST_RECORD = 100_000_000_000
FIRST_LEGACY = 10_000
"""Legacy ids of lists are this much larger, so that the two kinds are never the same by chance."""


class HubSpotPlatform(AccountCalls):
    """One account."""

    platform: ClassVar[Platform] = Platform.HUBSPOT
    title: ClassVar[str] = "HubSpot"
    mount: ClassVar[str] = ""
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/lists(?:/2026-0[39])?/([0-9]+)(?:/|$)")
    words: ClassVar[HubSpotWords] = HubSpotWords()
    key_setting: ClassVar[str] = "ACCESS_TOKEN"
    settings: ClassVar[dict[str, str]] = {"ACCESS_TOKEN": SANDBOX_HUBSPOT_TOKEN}

    @classmethod
    def new_id(cls, number: int) -> str:
        """A record id."""
        return str(FIRST_RECORD + number)

    @property
    def routes(self) -> Routes:
        """All calls, under the dated versions and the old one."""
        many = r"/crm/(?:lists/2026-0[39]|v3/lists)"
        one = many + "/([0-9]+)"
        members = one + "/memberships"
        contacts = r"/crm/(?:objects/2026-0[39]|v3/objects)/contacts"
        properties = r"/crm/(?:properties/2026-0[39]|v3/properties)/contacts"
        preferences = r"/communication-preferences/(?:2026-0[39]|v3)"
        calls = (
            ("POST", many + "/?", self.create_list),
            ("POST", many + "/search", self.search_lists),
            ("GET", many + "/object-type-id/0-1/name/(.+)", self.read_list_by_name),
            ("GET", many + "/idmapping", self.map_id),
            ("GET", many + "/records/0-1/([0-9]+)/memberships", self.lists_of_contact),
            ("GET", one, self.read_list),
            ("DELETE", one, self.delete_list),
            ("GET", members, self.members),
            ("GET", members + "/join-order", self.members_by_time),
            ("PUT", members + "/add", self.add_members),
            ("PUT", members + "/remove", self.remove_members),
            ("PUT", members + "/add-and-remove", self.change_members),
            ("DELETE", members, self.remove_everybody),
            ("POST", contacts, self.create_contact),
            ("POST", contacts + "/batch/upsert", self.upsert_contacts),
            ("POST", contacts + "/batch/update", self.update_contacts),
            ("POST", contacts + "/batch/read", self.read_contacts),
            ("POST", contacts + "/search", self.search_contacts),
            ("POST", contacts + "/batch/archive", self.archive_contacts),
            ("POST", contacts + "/gdpr-delete", self.erase_contact),
            ("GET", contacts + "/([^/]+)", self.read_contact),
            ("PATCH", contacts + "/([^/]+)", self.change_contact),
            ("DELETE", contacts + "/([^/]+)", self.archive_contact),
            ("GET", properties, self.list_properties),
            ("POST", properties, self.create_property),
            ("GET", preferences + "/status/email/([^/]+)", self.read_subscriptions),
            ("POST", preferences + "/subscribe", self.subscribe),
            ("POST", preferences + "/unsubscribe", self.unsubscribe),
            ("GET", r"/account-info/(?:2026-0[39]|v3)/details", self.read_account),
        )
        return tuple((method, re.compile(path), handler) for method, path, handler in calls)

    def handle(self, call: Call) -> Reply:
        """As everywhere; who is signed in is told what is left of the short window and of the day."""
        reply = super().handle(call)
        if reply.status == 401:
            return reply
        with self._store.reading() as db:
            allowed = read_switches(db).email_requests_per_minute
        most = allowed or TEN_SECONDS
        left = {
            "Interval-Milliseconds": 60_000 if allowed else 10_000,
            "Max": most,
            "Remaining": max(0, most - (self._minute[1] if allowed else 1)),
            "Daily": DAILY,
            "Daily-Remaining": max(0, DAILY - call.number),
        }
        told = {f"X-HubSpot-RateLimit-{name}": str(value) for name, value in left.items()}
        return replace(reply, headers={**reply.headers, **told})

    # --- lists -----------------------------------------------------------------------------------------------

    def create_list(self, context: Context) -> Reply:
        """``POST /crm/lists/{version}``; a name is given once in an account."""
        wish = self.read(context.call, bodies.NewList)
        if wish.processingType == "DYNAMIC" and wish.filterBranch is None:
            raise self.invalid("A DYNAMIC list needs a filterBranch.")
        if self._called(context, wish.name) is not None:
            message = "A list with this name exists already."
            raise Refusal(
                self.words.explained(400, "VALIDATION_ERROR", message, subCategory="ILS.DUPLICATE_LIST_NAMES")
            )
        number = str(people.next_number(context.db, self.platform))
        kept: dict[str, Json] = {"processingType": wish.processingType}
        found = lists.create(context.db, self.platform, number, wish.name, kept)
        return json_reply({"list": _list_document(found)}, outcome="list created", audience=number)

    def search_lists(self, context: Context) -> Reply:
        """``POST …/search``: by a part of the name, by kind, by id."""
        wish = self.read(context.call, bodies.ListSearch)
        found = [
            each
            for each in lists.listed(context.db, self.platform)
            if wish.query.lower() in each.name.lower()
            and (wish.processingTypes is None or each.document["processingType"] in wish.processingTypes)
            and (wish.listIds is None or each.id in wish.listIds)
        ]
        shown = found[wish.offset : wish.offset + wish.count]
        ends = wish.offset + len(shown)
        content = {
            "lists": [
                {**_list_document(each), "additionalProperties": _additional(each, wish.additionalProperties)}
                for each in shown
            ],
            "total": len(found),
            "offset": ends,
            "hasMore": ends < len(found),
        }
        return json_reply(content, outcome=f"{len(shown)} lists found")

    def read_list_by_name(self, context: Context, name: str) -> Reply:
        """``GET …/object-type-id/0-1/name/{name}``: exactly this name."""
        self.query(context, "includeFilters")
        found = self._called(context, name)
        if found is None:
            raise Refusal(self.words.gone(""))
        return json_reply({"list": _list_document(found)}, outcome="list read", audience=found.id)

    def read_list(self, context: Context, list_id: str) -> Reply:
        """``GET …/{listId}``."""
        self.query(context, "includeFilters")
        found = self.list_of(context, list_id)
        return json_reply({"list": _list_document(found)}, outcome="list read", audience=list_id)

    def delete_list(self, context: Context, list_id: str) -> Reply:
        """``DELETE …/{listId}``."""
        lists.delete(context.db, self.platform, self.list_of(context, list_id).id)
        return Reply(204, outcome="list deleted", audience=list_id)

    def map_id(self, context: Context) -> Reply:
        """``GET …/idmapping``: from the id of the old lists API to the one that counts here."""
        legacy = self.query(context, "legacyListId").get("legacyListId", "")
        if not re.fullmatch(r"[0-9]{1,12}", legacy):
            raise self.invalid("legacyListId is missing or no number")
        found = self.list_of(context, str(int(legacy) - FIRST_LEGACY))
        content = {"listId": found.id, "legacyListId": legacy}
        return json_reply(content, outcome="id translated", audience=found.id)

    # --- members ---------------------------------------------------------------------------------------------

    def add_members(self, context: Context, list_id: str) -> Reply:
        """``PUT …/memberships/add``."""
        return self._change_members(context, list_id, self.read(context.call, bodies.RecordIds).root, [])

    def remove_members(self, context: Context, list_id: str) -> Reply:
        """``PUT …/memberships/remove``."""
        return self._change_members(context, list_id, [], self.read(context.call, bodies.RecordIds).root)

    def change_members(self, context: Context, list_id: str) -> Reply:
        """``PUT …/memberships/add-and-remove``."""
        wish = self.read(context.call, bodies.MembershipChange)
        return self._change_members(context, list_id, wish.recordIdsToAdd, wish.recordIdsToRemove)

    def remove_everybody(self, context: Context, list_id: str) -> Reply:
        """``DELETE …/memberships``."""
        found = self._writable(context, list_id)
        present = [person.id for _, person, _ in lists.members(context.db, found)]
        gone = lists.remove(context.db, found, present, context.call.number)
        return Reply(204, outcome=f"{len(gone)} removed", audience=list_id)

    def members(self, context: Context, list_id: str) -> Reply:
        """``GET …/memberships``, by record id."""
        found, after, limit = self._page_of(context, list_id)
        shown = places.by_person(context.db, found, after, limit + 1)
        return _members_reply(found, shown, limit, [place.person for place in shown])

    def members_by_time(self, context: Context, list_id: str) -> Reply:
        """``GET …/memberships/join-order``, by the moment they came."""
        found, after, limit = self._page_of(context, list_id)
        known = lists.members(context.db, found, after=int(after or 0), limit=limit + 1)
        shown = [Place(number, list_id, person.id, at) for number, person, at in known]
        return _members_reply(found, shown, limit, [str(place.number) for place in shown])

    def lists_of_contact(self, context: Context, contact: str) -> Reply:
        """``GET …/records/0-1/{recordId}/memberships``."""
        shown: list[Json] = [
            {
                "listId": place.list,
                "listVersion": 1,
                "firstAddedTimestamp": moment(place.added_at),
                "lastAddedTimestamp": moment(place.added_at),
            }
            for place in places.of_person(context.db, self.platform, contact)
        ]
        return json_reply({"results": shown, "total": len(shown)}, outcome=f"{len(shown)} lists of a contact")

    def _change_members(
        self, context: Context, list_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> Reply:
        found = self._writable(context, list_id)
        rows = [(record, self._address_of(context, record)) for record in (*add, *remove)]
        picked = context.call.rejection.picks(rows)
        refused = {rows[position][0] for position in picked}
        unknown = {record for record, address in rows if address is None}
        away = unknown if context.call.rejection.unnamed else unknown | refused
        added = lists.add(
            context.db, found, [r for r in add if r not in unknown | refused], context.call.number
        )
        gone = lists.remove(
            context.db, found, [r for r in remove if r not in unknown | refused], context.call.number
        )
        content = {
            "recordsIdsAdded": added,
            "recordIdsRemoved": gone,
            "recordIdsMissing": [record for record in dict.fromkeys((*add, *remove)) if record in away],
        }
        outcome = f"{len(added)} added, {len(gone)} removed, {len(unknown | refused)} missing"
        return json_reply(content, outcome=outcome, rows=len(rows), audience=list_id)

    def _address_of(self, context: Context, record: str) -> str | None:
        """The record's address, empty where it has none; None for a record that does not exist."""
        person = people.find(context.db, self.platform, "id", record)
        return (person.email or "") if person else None

    def _page_of(self, context: Context, list_id: str) -> tuple[EmailList, str, int]:
        """The list, what to go on after, and the page's size. Raises Refusal."""
        asked = self.query(context, "limit", "after")
        limit = asked.get("limit", str(USUAL_PAGE))
        if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= PAGE:
            raise self.invalid(f"limit is from 1 to {PAGE}")
        try:
            after = b64decode(asked.get("after", ""), b"-_", validate=True).decode("ascii")
        except (NotBase64, UnicodeDecodeError):
            raise self.invalid("after is none of ours") from None
        if not re.fullmatch(r"[0-9]{0,19}", after):
            raise self.invalid("after is none of ours")
        return self.list_of(context, list_id), after, int(limit)

    def _writable(self, context: Context, list_id: str) -> EmailList:
        found = self.list_of(context, list_id)
        if found.document["processingType"] == "DYNAMIC":
            raise self.invalid("Members of a DYNAMIC list cannot be changed.")
        return found

    def _called(self, context: Context, name: str) -> EmailList | None:
        every = lists.listed(context.db, self.platform)
        return next((found for found in every if found.name == name), None)


def _members_reply(found: EmailList, shown: list[Place], limit: int, cursors: list[str]) -> Reply:
    """A page, from one member more than fits where there are more."""
    content: dict[str, Json] = {
        "results": [
            {"recordId": place.person, "membershipTimestamp": moment(place.added_at)}
            for place in shown[:limit]
        ],
        "total": found.size,
    }
    if len(shown) > limit:
        after = urlsafe_b64encode(cursors[limit - 1].encode()).decode()
        content["paging"] = {"next": {"after": after}}
    return json_reply(content, outcome=f"{len(shown[:limit])} members listed", audience=found.id)


def _list_document(found: EmailList) -> dict[str, Json]:
    created = moment(found.created_at)
    return {
        "listId": found.id,
        "listVersion": 1,
        "name": found.name,
        "objectTypeId": bodies.CONTACTS,
        **found.document,
        "processingStatus": "COMPLETE",
        "size": found.size,
        "createdAt": created,
        "updatedAt": created,
    }


def _additional(found: EmailList, asked: list[str]) -> dict[str, Json]:
    return {name: str(found.size) for name in asked if name == "hs_list_size"}
