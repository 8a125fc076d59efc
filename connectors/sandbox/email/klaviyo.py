"""Klaviyo: lists of profiles, JSON:API by revisions, imports that are done later, consent in calls of its own."""

from __future__ import annotations

import re
from typing import ClassVar

from connectors.sandbox import clock
from connectors.sandbox.email import klaviyo_profiles as profiles
from connectors.sandbox.email import klaviyo_queries as queries
from connectors.sandbox.email import lists, people
from connectors.sandbox.email.klaviyo_account import LIST_FIELDS, updated_at
from connectors.sandbox.email.klaviyo_bodies import ChangedListBody, NewListBody, ProfileReferences
from connectors.sandbox.email.klaviyo_job_calls import JobCalls
from connectors.sandbox.email.klaviyo_profile_calls import (
    LARGEST_PAGE,
    MATCHED,
    PAGE,
    PAGING,
    SHAPING,
    ProfileCalls,
)
from connectors.sandbox.email.klaviyo_words import document, error, errors, nothing
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, Refusal, Routes, json_of
from connectors.sandbox.wire import Call, Json, Reply

DAY = 86_400
LISTS_PER_DAY = 150
LIST_PAGE = 10
COMPARED = ("greater-than", "greater-or-equal", "less-than", "less-or-equal")
MEMBER_FILTER = {"email": MATCHED, "phone_number": MATCHED, "joined_group_at": COMPARED}
LIST_FILTER = {
    "name": MATCHED,
    "id": MATCHED,
    "created": ("greater-than",),
    "updated": ("greater-than",),
}


class KlaviyoPlatform(ProfileCalls, JobCalls):
    """One account: its lists, and who is in them."""

    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/api/lists/([^/]+)")

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """In the path, or the first of an import's lists."""
        named = super().audience_of(call)
        if named or call.path != "/api/profile-bulk-import-jobs" or call.method != "POST":
            return named
        try:
            return str(json_of(call)["data"]["relationships"]["lists"]["data"][0]["id"])
        except (KeyError, IndexError, TypeError):
            return None

    @property
    def routes(self) -> Routes:
        """All calls."""
        one = "/api/lists/([^/]+)"
        members = re.compile(one + "/relationships/profiles")
        profile = "/api/profiles/([^/]+)"
        return (
            ("GET", re.compile("/api/lists"), self.list_lists),
            ("POST", re.compile("/api/lists"), self.create_list),
            ("GET", re.compile(one), self.read_list),
            ("PATCH", re.compile(one), self.change_list),
            ("DELETE", re.compile(one), self.delete_list),
            ("GET", re.compile(one + "/profiles"), self.list_members),
            ("GET", members, self.list_member_ids),
            ("POST", members, self.add_members),
            ("DELETE", members, self.remove_members),
            ("GET", re.compile("/api/profiles"), self.find_profiles),
            ("POST", re.compile("/api/profiles"), self.create_profile),
            ("POST", re.compile("/api/profile-import"), self.import_profile),
            ("GET", re.compile(profile), self.read_profile),
            ("PATCH", re.compile(profile), self.change_profile),
            ("GET", re.compile(profile + "/lists"), self.lists_of_profile),
            ("GET", re.compile(profile + "/relationships/lists"), self.list_ids_of_profile),
            *self.job_routes,
        )

    # --- lists -----------------------------------------------------------------------------------------------

    def list_lists(self, context: Context) -> Reply:
        """``GET /api/lists``, ten a page at most."""
        call = context.call
        queries.check_names(call, (*PAGING, "fields[list]"))
        wanted = queries.chosen(call, "list", LIST_FIELDS)
        size, start = queries.page_size(call, LIST_PAGE, LIST_PAGE), queries.number_cursor(call)
        found = lists.listed(context.db, self.platform)
        for condition in queries.conditions(call, LIST_FILTER):
            found = [one for one in found if condition.holds(_compared(one, condition.field))]
        order = call.query.get("sort", "created")
        if order.removeprefix("-") not in ("created", "id", "name", "updated"):
            raise queries.refuse("sort", "This field cannot be sorted by.")
        found.sort(key=lambda one: _compared(one, order.removeprefix("-")), reverse=order.startswith("-"))
        following = start + size if start + size < len(found) else None
        shown: list[Json] = [self.list_document(call, one, wanted) for one in found[start : start + size]]
        return document({"data": shown, "links": queries.links(call, following)}, f"{len(shown)} lists")

    def create_list(self, context: Context) -> Reply:
        """``POST /api/lists``; names need not be unique."""
        wish = self.read(context.call, NewListBody).data.attributes
        now = clock.now(context.db)
        today = [one for one in lists.listed(context.db, self.platform) if one.created_at > now - now % DAY]
        if len(today) >= LISTS_PER_DAY:
            raise Refusal(self.words.too_many())
        number = people.next_number(context.db, self.platform)
        kept: dict[str, Json] = {"opt_in_process": wish.opt_in_process or "single_opt_in", "updated": now}
        made = lists.create(context.db, self.platform, _list_id(number), wish.name, kept)
        content: dict[str, Json] = {"data": self.list_document(context.call, made, frozenset(LIST_FIELDS))}
        return document(content, "list created", status=201, audience=made.id)

    def read_list(self, context: Context, list_id: str) -> Reply:
        """``GET /api/lists/{id}``, with the number of its members where that is asked for."""
        call = context.call
        queries.check_names(call, ("fields[list]", "additional-fields[list]"))
        found = self.list_of(context, list_id)
        wanted = queries.chosen(call, "list", (*LIST_FIELDS, "profile_count"))
        more = queries.also(call, "list", ("profile_count",))
        shown = self.list_document(call, found, (wanted - {"profile_count"}) | more)
        content: dict[str, Json] = {"data": shown}
        return document(content, "list read", audience=list_id)

    def change_list(self, context: Context, list_id: str) -> Reply:
        """``PATCH /api/lists/{id}``."""
        found = self.list_of(context, list_id)
        wish = self.read(context.call, ChangedListBody).data
        if wish.id != list_id:
            raise Refusal(
                errors([error("invalid", "The id differs from the address's.", pointer="/data/id")])
            )
        renamed = lists.rename(context.db, found, wish.attributes.name, updated=clock.now(context.db))
        shown = self.list_document(context.call, renamed, frozenset(LIST_FIELDS))
        content: dict[str, Json] = {"data": shown}
        return document(content, "list changed", audience=list_id)

    def delete_list(self, context: Context, list_id: str) -> Reply:
        """``DELETE /api/lists/{id}``; its profiles stay."""
        lists.delete(context.db, self.platform, self.list_of(context, list_id).id)
        return nothing("list deleted", audience=list_id)

    # --- members ---------------------------------------------------------------------------------------------

    def list_members(self, context: Context, list_id: str) -> Reply:
        """``GET /api/lists/{id}/profiles``."""
        call = context.call
        queries.check_names(call, (*PAGING, *SHAPING))
        wanted = queries.chosen(call, "profile", profiles.SELECTABLE)
        more = queries.also(call, "profile", ("subscriptions",))
        rows, following = self._members(context, list_id)
        shown: list[Json] = [
            profiles.shown(context.db, known, self.base(call), wanted, joined_at=at, subscriptions=bool(more))
            for known, at in rows
        ]
        content: dict[str, Json] = {"data": shown, "links": queries.links(call, following)}
        return document(content, f"{len(shown)} members", audience=list_id)

    def list_member_ids(self, context: Context, list_id: str) -> Reply:
        """``GET /api/lists/{id}/relationships/profiles``."""
        queries.check_names(context.call, PAGING)
        rows, following = self._members(context, list_id)
        shown: list[Json] = [{"type": "profile", "id": known.id} for known, _ in rows]
        content: dict[str, Json] = {"data": shown, "links": queries.links(context.call, following)}
        return document(content, f"{len(shown)} member ids", audience=list_id)

    def _members(self, context: Context, list_id: str) -> tuple[list[tuple[Known, float]], int | None]:
        """One page, and the number to go on from where there is another."""
        call, found = context.call, self.list_of(context, list_id)
        size, after = queries.page_size(call, PAGE, LARGEST_PAGE), queries.number_cursor(call)
        wanted = queries.conditions(call, MEMBER_FILTER)
        order = call.query.get("sort", "joined_group_at")
        if order.removeprefix("-") != "joined_group_at":
            raise queries.refuse("sort", "This field cannot be sorted by.")
        backwards = order.startswith("-")
        whole = backwards or wanted
        rows = lists.members(
            context.db, found, after=0 if whole else after, limit=None if whole else size + 1
        )
        if backwards:
            rows = [row for row in reversed(rows) if not after or row[0] < after]
        rows = [
            row
            for row in rows
            if (backwards or row[0] > after)
            and all(
                one.holds(
                    row[2] if one.field == "joined_group_at" else profiles.identifier(row[1], one.field)
                )
                for one in wanted
            )
        ]
        page = rows[:size]
        return [(known, at) for _, known, at in page], page[-1][0] if len(rows) > size else None

    def add_members(self, context: Context, list_id: str) -> Reply:
        """``POST /api/lists/{id}/relationships/profiles``; nobody's consent changes."""
        found = self.list_of(context, list_id)
        ids = self._ids(context)
        come = lists.add(context.db, found, ids, context.call.number)
        return nothing(f"{len(come)} added", audience=list_id, rows=len(ids))

    def remove_members(self, context: Context, list_id: str) -> Reply:
        """``DELETE /api/lists/{id}/relationships/profiles``, with a body; nobody's consent changes."""
        found = self.list_of(context, list_id)
        ids = self._ids(context)
        gone = lists.remove(context.db, found, ids, context.call.number)
        return nothing(f"{len(gone)} removed", audience=list_id, rows=len(ids))

    def _ids(self, context: Context) -> list[str]:
        """The profiles that a request names. Raises Refusal, for the whole of it, where one is unknown."""
        ids = [one.id for one in self.read(context.call, ProfileReferences).data]
        refused = context.call.rejection.picks(ids)
        wrong = [
            error("invalid", "A profile with this id does not exist.", pointer=f"/data/{position}/id")
            for position, one in enumerate(ids)
            if position in refused or people.find(context.db, self.platform, "id", one) is None
        ]
        if wrong:
            raise Refusal(errors(wrong))
        return ids


def _list_id(number: int) -> str:
    """Six characters, the same for the same number, that do not look counted."""
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    mixed = number * 7_919 + 104_729 * 1_009
    text = ""
    while len(text) < 5:
        mixed, rest = divmod(mixed, len(letters))
        text += letters[rest]
    return f"Y{text}"


def _compared(found: EmailList, field: str) -> str | float:
    """What lists are filtered and sorted by."""
    by_field: dict[str, str | float] = {
        "id": found.id,
        "name": found.name,
        "created": found.created_at,
        "updated": updated_at(found),
    }
    return by_field[field]
