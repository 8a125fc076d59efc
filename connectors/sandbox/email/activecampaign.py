"""ActiveCampaign: tags that mean nothing but themselves, lists that mean consent, imports by the hundred."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_ACTIVECAMPAIGN_KEY
from connectors.sandbox.email import activecampaign_bodies as bodies
from connectors.sandbox.email import activecampaign_standing as standing
from connectors.sandbox.email import fields, jobs, lists, people
from connectors.sandbox.email.activecampaign_contacts import ContactCalls
from connectors.sandbox.email.activecampaign_imports import KIND, do_import
from connectors.sandbox.email.activecampaign_standing import TOOL, Kind
from connectors.sandbox.email.activecampaign_words import moment
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.platform import Context, Refusal, Routes, json_of
from connectors.sandbox.switches import read_switches
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply

PER_SECOND = 5
FILTER = re.compile(r"filters\[(search|name)\]\[(eq|neq|contains|starts_with)\]")
TESTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda name, sought: name == sought,
    "neq": lambda name, sought: name != sought,
    "contains": lambda name, sought: sought in name,
    "starts_with": lambda name, sought: name.startswith(sought),
}


class ActiveCampaignPlatform(ContactCalls):
    """One account."""

    platform: ClassVar[Platform] = TOOL
    title: ClassVar[str] = "ActiveCampaign"
    mount: ClassVar[str] = "/api/3"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/(?:tags|lists)/([0-9]+)")
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_ACTIVECAMPAIGN_KEY}
    jobs: ClassVar[dict[str, jobs.Work]] = {KIND: do_import}

    @classmethod
    def new_id(cls, number: int) -> str:
        """A contact's id."""
        return standing.contact_id(number)

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """In the path, in the query of a listing, or in the body of an association."""
        if call.path.endswith("/contactTags") and call.method == "POST":
            match json_of(call):
                case {"contactTag": {"tag": str() | int() as tag}}:
                    return str(tag)
        return call.query.get("tagid") or super().audience_of(call)

    @property
    def routes(self) -> Routes:
        """All calls."""
        one, contact = "/([0-9]+)", "/contacts/([0-9]+)"
        calls = (
            ("GET", "/users/me", self.read_user),
            ("POST", "/contact/sync", self.sync_contact),
            ("GET", "/contacts", self.list_contacts),
            ("POST", "/contacts", self.create_contact),
            ("GET", contact, self.read_contact),
            ("PUT", contact, self.change_contact),
            ("DELETE", contact, self.delete_contact),
            ("GET", contact + "/contactTags", self.tags_of_contact),
            ("GET", contact + "/contactLists", self.lists_of_contact),
            ("POST", "/contactTags", self.add_tag),
            ("DELETE", "/contactTags" + one, self.remove_tag),
            ("POST", "/contactLists", self.set_status),
            ("GET", "/tags", self.list_tags),
            ("POST", "/tags", self.create_tag),
            ("GET", "/tags" + one, self.read_tag),
            ("DELETE", "/tags" + one, self.delete_tag),
            ("GET", "/lists", self.list_lists),
            ("POST", "/lists", self.create_list),
            ("GET", "/lists" + one, self.read_list),
            ("DELETE", "/lists" + one, self.delete_list),
            ("GET", "/fields", self.list_fields),
            ("POST", "/fields", self.create_field),
            ("POST", "/import/bulk_import", self.start_import),
            ("GET", "/import/bulk_import", self.list_imports),
            ("GET", "/import/info", self.read_import),
        )
        return tuple((method, re.compile("/api/3" + path), handler) for method, path, handler in calls)

    def token_of(self, call: Call) -> str | None:
        """The key, in a header of its own."""
        return call.headers.get("api-token")

    def handle(self, call: Call) -> Reply:
        """As everywhere, with what is left of the window."""
        reply = super().handle(call)
        with self._store.reading() as db:
            now, allowed = clock.now(db), read_switches(db).email_requests_per_minute
        most = allowed or PER_SECOND
        left = {
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(max(0, most - (self._minute[1] if allowed else 1))),
        }
        if reply.status == 429:
            left["Retry-After"] = str(math.ceil(60 - now % 60))
        return replace(reply, headers={**reply.headers, **left})

    def _check_rate(self, context: Context) -> None:
        """As everywhere; an import has its own words for it."""
        try:
            super()._check_rate(context)
        except Refusal:
            if context.call.path.endswith("/import/bulk_import"):
                raise Refusal(self.import_limited()) from None
            raise

    # --- tags and lists --------------------------------------------------------------------------------------

    def list_tags(self, context: Context) -> Reply:
        """``GET /tags``, by a filter of the name or a search in it."""
        return self._list(context, "tag")

    def list_lists(self, context: Context) -> Reply:
        """``GET /lists``."""
        return self._list(context, "list")

    def create_tag(self, context: Context) -> Reply:
        """``POST /tags``; names are unique without case."""
        wish = self.read(context.call, bodies.TagBody).tag
        return self._create(context, "tag", wish.tag, wish.model_dump(exclude={"tag"}))

    def create_list(self, context: Context) -> Reply:
        """``POST /lists``."""
        wish = self.read(context.call, bodies.ListBody).list
        return self._create(context, "list", wish.name, wish.model_dump(exclude={"name"}))

    def read_tag(self, context: Context, number: str) -> Reply:
        """``GET /tags/{id}``."""
        return self._read(context, "tag", number)

    def read_list(self, context: Context, number: str) -> Reply:
        """``GET /lists/{id}``."""
        return self._read(context, "list", number)

    def delete_tag(self, context: Context, number: str) -> Reply:
        """``DELETE /tags/{id}``: whoever had it loses it."""
        return self._delete(context, "tag", number)

    def delete_list(self, context: Context, number: str) -> Reply:
        """``DELETE /lists/{id}``."""
        return self._delete(context, "list", number)

    def _list(self, context: Context, kind: Kind) -> Reply:
        filters = [name for name in context.call.query if FILTER.fullmatch(name)]
        asked = self.query(context, "search", "limit", "offset", *filters)
        limit, offset = self.page_of(context)
        found = [
            each
            for each in standing.of_kind(context.db, kind)
            if asked.get("search", "").lower() in each.name.lower()
            and all(
                TESTS[name.rpartition("[")[2][:-1]](each.name.lower(), asked[name].lower())
                for name in filters
            )
        ]
        shown: list[Json] = [_document(each) for each in found[offset : offset + limit]]
        content: dict[str, Json] = {f"{kind}s": shown, "meta": {"total": str(len(found))}}
        return json_reply(content, outcome=f"{len(shown)} {kind}s listed")

    def _create(self, context: Context, kind: Kind, name: str, kept: dict[str, Json]) -> Reply:
        if any(each.name.lower() == name.lower() for each in standing.of_kind(context.db, kind)):
            raise Refusal(self.words.listed(422, "duplicate", f"The {kind} already exists"))
        number = str(people.next_number(context.db, TOOL))
        made = lists.create(context.db, TOOL, number, name, {"kind": kind, **kept})
        return json_reply({kind: _document(made)}, status=201, outcome=f"{kind} created", audience=number)

    def _read(self, context: Context, kind: Kind, number: str) -> Reply:
        found = self.named(context, kind, number)
        return json_reply({kind: _document(found)}, outcome=f"{kind} read", audience=number)

    def _delete(self, context: Context, kind: Kind, number: str) -> Reply:
        lists.delete(context.db, TOOL, self.named(context, kind, number).id)
        return json_reply({}, outcome=f"{kind} deleted", audience=number)

    # --- fields and the account ------------------------------------------------------------------------------

    def list_fields(self, context: Context) -> Reply:
        """``GET /fields``."""
        self.query(context, "limit", "offset")
        limit, offset = self.page_of(context)
        every = fields.listed(context.db, TOOL)
        shown: list[Json] = [
            {"id": each.id, "title": each.name, **each.document} for each in every[offset : offset + limit]
        ]
        content: dict[str, Json] = {"fields": shown, "meta": {"total": str(len(every))}}
        return json_reply(content, outcome=f"{len(shown)} fields listed")

    def create_field(self, context: Context) -> Reply:
        """``POST /fields``."""
        wish = self.read(context.call, bodies.FieldBody).field
        number = str(len(fields.listed(context.db, TOOL)) + 1)
        kept = wish.model_dump(exclude={"title"})
        fields.create(context.db, TOOL, number, wish.title, kept)
        content = {"field": {"id": number, "title": wish.title, **kept}}
        return json_reply(content, status=201, outcome="field created")

    def read_user(self, context: Context) -> Reply:
        """``GET /users/me``: whose key it is."""
        return json_reply({"user": {"id": "1", "username": "admin"}}, outcome="user read")


def _document(found: EmailList) -> dict[str, Json]:
    kept = {name: value for name, value in found.document.items() if name != "kind"}
    title = "tag" if found.document["kind"] == "tag" else "name"
    made = moment(found.created_at)
    return {"id": found.id, title: found.name, **kept, "cdate": made, "subscriber_count": str(found.size)}
