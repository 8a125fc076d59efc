"""Brevo: lists in folders; contacts that a change of address resubscribes; failures within a success."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_BREVO_KEY
from connectors.sandbox.email import brevo_contacts as contacts
from connectors.sandbox.email import lists, people
from connectors.sandbox.email.brevo_bodies import Added, ChangedList, NewFolder, NewList, Removed
from connectors.sandbox.email.brevo_contact_calls import CREATED, ContactCalls
from connectors.sandbox.email.brevo_words import REQUESTS, rate_headers
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.wire import Call, Json, Reply, json_reply

FIRST_FOLDER = 1
LISTS_PAGE, MOST_LISTS = 10, 50
MOST_MEMBERS = 500
INVALID = re.compile("/imports/([0-9a-f]{24})/invalid.csv")


class BrevoPlatform(ContactCalls):
    """One account."""

    title: ClassVar[str] = "Brevo"
    mount: ClassVar[str] = "/v3"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/contacts/lists/(\d+)")
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_BREVO_KEY}

    def token_of(self, call: Call) -> str | None:
        """The key's own header; the address of a report, which nobody can guess, needs none."""
        if call.method == "GET" and INVALID.fullmatch(call.path):
            return SANDBOX_BREVO_KEY
        return call.headers.get("api-key")

    @property
    def routes(self) -> Routes:
        """All calls."""
        one, folders = re.compile(r"/v3/contacts/lists/(\d+)"), re.compile("/v3/contacts/folders")
        listed, attributes = re.compile("/v3/contacts/lists"), "/v3/contacts/attributes"
        contact = re.compile(r"/v3/contacts/(?!lists$|folders$|attributes$)([^/]+)")
        return (
            ("GET", re.compile("/v3/account"), self.read_account),
            ("GET", folders, self.list_folders),
            ("POST", folders, self.create_folder),
            ("GET", listed, self.list_lists),
            ("POST", listed, self.create_list),
            ("GET", one, self.read_list),
            ("PUT", one, self.rename_list),
            ("DELETE", one, self.delete_list),
            ("GET", re.compile(one.pattern + "/contacts"), self.list_members),
            ("POST", re.compile(one.pattern + "/contacts/add"), self.add),
            ("POST", re.compile(one.pattern + "/contacts/remove"), self.remove),
            ("GET", re.compile(attributes), self.list_attributes),
            ("POST", re.compile(attributes + "/normal/([^/]+)"), self.create_attribute),
            ("GET", re.compile("/v3/contacts"), self.list_contacts),
            ("POST", re.compile("/v3/contacts"), self.create_contact),
            ("POST", re.compile("/v3/contacts/batch"), self.change_contacts),
            ("POST", re.compile("/v3/contacts/import"), self.start_import),
            ("POST", re.compile("/v3/contacts/doubleOptinConfirmation"), self.confirm),
            ("GET", contact, self.read_contact),
            ("PUT", contact, self.change_contact),
            ("DELETE", contact, self.delete_contact),
            ("GET", re.compile("/v3/processes"), self.list_processes),
            ("GET", re.compile(r"/v3/processes/(\d{1,18})"), self.read_process),
            ("GET", INVALID, self.download_invalid),
        )

    def _answer(self, context: Context) -> Reply:
        """Every answer tells what is left of the rate limit; a new account has a folder."""
        context.db.execute(
            "insert or ignore into email_folders values (?, ?, 'Your First Folder')",
            (self.platform.value, FIRST_FOLDER),
        )
        try:
            reply = super()._answer(context)
        except Refusal as refusal:
            raise Refusal(self._with_rates(context, refusal.reply)) from None
        return self._with_rates(context, reply)

    def _with_rates(self, context: Context, reply: Reply) -> Reply:
        allowed = context.switches.email_requests_per_minute
        if not allowed:
            return replace(reply, headers={**rate_headers(REQUESTS, REQUESTS - 1, 1), **reply.headers})
        if reply.status == 429 and self._minute[1] <= allowed:
            return reply
        seconds = 60 - int(clock.now(context.db) % 60)
        left = rate_headers(allowed, max(0, allowed - self._minute[1]), seconds)
        return replace(reply, headers={**reply.headers, **left})

    def read_account(self, context: Context) -> Reply:
        """``GET /v3/account``."""
        content = {"companyName": "Sandbox", "email": "owner@sandbox.example", "plan": [{"type": "free"}]}
        return json_reply(content, outcome="account read")

    def list_folders(self, context: Context) -> Reply:
        """``GET /v3/contacts/folders``."""
        rows = context.db.execute(
            "select id, name from email_folders where tool = ? order by id", (self.platform.value,)
        ).fetchall()
        start, size = self.window(context, LISTS_PAGE, MOST_LISTS)
        shown: list[Json] = [
            {"id": row["id"], "name": row["name"], "uniqueSubscribers": 0, **_withdrawn()}
            for row in rows[start : start + size]
        ]
        return json_reply({"folders": shown, "count": len(rows)}, outcome=f"{len(shown)} folders listed")

    def create_folder(self, context: Context) -> Reply:
        """``POST /v3/contacts/folders``."""
        wish = self.read(context.call, NewFolder)
        # The first folder's number is one that the tool itself gave out.
        number = FIRST_FOLDER + people.next_number(context.db, self.platform)
        context.db.execute(
            "insert into email_folders values (?, ?, ?)", (self.platform.value, number, wish.name)
        )
        return json_reply({"id": number}, status=CREATED, outcome="folder created")

    def list_lists(self, context: Context) -> Reply:
        """``GET /v3/contacts/lists``, newest first unless told otherwise."""
        everything = lists.listed(context.db, self.platform)
        everything.sort(key=lambda found: int(found.id))
        start, size = self.window(context, LISTS_PAGE, MOST_LISTS)
        ordered = everything if context.call.query.get("sort", "desc") == "asc" else everything[::-1]
        shown: list[Json] = [_document(found) for found in ordered[start : start + size]]
        content: dict[str, Json] = {"lists": shown, "count": len(everything)}
        return json_reply(content, outcome=f"{len(shown)} lists listed")

    def create_list(self, context: Context) -> Reply:
        """``POST /v3/contacts/lists``; two may have one name."""
        wish = self.read(context.call, NewList)
        number = self.make_list(context, wish.name, wish.folderId)
        return json_reply({"id": number}, status=CREATED, outcome="list created", audience=str(number))

    def read_list(self, context: Context, list_id: str) -> Reply:
        """``GET /v3/contacts/lists/{id}``."""
        shown = _document(self.list_of(context, list_id))
        return json_reply(shown, outcome="list read", audience=list_id)

    def rename_list(self, context: Context, list_id: str) -> Reply:
        """``PUT /v3/contacts/lists/{id}``."""
        found = self.list_of(context, list_id)
        lists.rename(context.db, found, self.read(context.call, ChangedList).name)
        return Reply(204, outcome="list renamed", audience=list_id)

    def delete_list(self, context: Context, list_id: str) -> Reply:
        """``DELETE /v3/contacts/lists/{id}``."""
        lists.delete(context.db, self.platform, self.list_of(context, list_id).id)
        return Reply(204, outcome="list deleted", audience=list_id)

    def list_members(self, context: Context, list_id: str) -> Reply:
        """``GET /v3/contacts/lists/{id}/contacts``, 500 a page at most."""
        found = self.list_of(context, list_id)
        known = [person for _, person, _ in lists.members(context.db, found)]
        return self.page_of_contacts(context, known, MOST_MEMBERS, list_id)

    def add(self, context: Context, list_id: str) -> Reply:
        """``POST /v3/contacts/lists/{id}/contacts/add``: people who are known, and are not in it."""
        return self._move(context, list_id, "add", self.read(context.call, Added))

    def remove(self, context: Context, list_id: str) -> Reply:
        """``POST /v3/contacts/lists/{id}/contacts/remove``: people who are in it, or everybody, later."""
        wish = self.read(context.call, Removed)
        if wish.all is None:
            return self._move(context, list_id, "remove", wish)
        if any(part is not None for part in (wish.emails, wish.ids, wish.extIds)):
            raise self.wrong("invalid_parameter", "all can not be given together with identifiers")
        process = self.start(context, "clear", {"list": self.list_of(context, list_id).id})
        content: dict[str, Json] = {"contacts": {"processId": process}}
        return json_reply(content, status=CREATED, outcome="removal of everybody queued", audience=list_id)

    def _move(self, context: Context, list_id: str, op: Literal["add", "remove"], wish: Added) -> Reply:
        found = self.list_of(context, list_id)
        given: tuple[tuple[str, Sequence[str | int] | None], ...] = (
            ("email_id", wish.emails),
            ("contact_id", wish.ids),
            ("ext_id", wish.extIds),
        )
        kinds = [(kind, values) for kind, values in given if values is not None]
        if len(kinds) != 1:
            raise self.wrong("invalid_parameter", "Exactly one of emails, ids and extIds is needed")
        ((kind, values),) = kinds
        refused = context.call.rejection.picks(values)
        known = {
            value: person.id
            for place, value in enumerate(values)
            if place not in refused and (person := contacts.find(context.db, str(value), kind)) is not None
        }
        change = lists.add if op == "add" else lists.remove
        changed = set(change(context.db, found, known.values(), context.call.number))
        success: list[Json] = [value for value in values if known.get(value) in changed]
        failure: list[Json] = [value for value in values if known.get(value) not in changed]
        if not success:
            already = "already in list" if op == "add" else "already removed from list"
            raise self.wrong("invalid_parameter", f"Contact {already} and/or does not exist")
        content: dict[str, Json] = {"contacts": {"success": success, "failure": failure}}
        outcome = f"{len(success)} changed, {len(failure)} not"
        return json_reply(content, status=CREATED, outcome=outcome, audience=list_id, rows=len(values))


def _document(found: EmailList) -> dict[str, Json]:
    shown: dict[str, Json] = {"id": int(found.id), "name": found.name, **found.document}
    return {**shown, "uniqueSubscribers": found.size, **_withdrawn()}


def _withdrawn() -> dict[str, Json]:
    """Counts that Brevo is taking out, and that read 0 until then."""
    return {"totalSubscribers": 0, "totalBlacklisted": 0}
