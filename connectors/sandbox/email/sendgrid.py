"""SendGrid's Marketing Campaigns: contacts in lists by jobs, suppressions apart from both."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from connectors.sandbox.email import fields, lists, people, sendgrid_contacts
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.email.sendgrid_bodies import FieldBody, ListBody
from connectors.sandbox.email.sendgrid_contact_calls import ContactCalls
from connectors.sandbox.email.sendgrid_suppression_calls import SuppressionCalls
from connectors.sandbox.email.sendgrid_words import error, errors
from connectors.sandbox.wire import Json, Reply, json_reply

MAX_LISTS = 1_000
PAGE, LARGEST_PAGE = 100, 1_000
MAX_REMOVED = 100
LISTS = "/v3/marketing/lists"
FIELDS = "/v3/marketing/field_definitions"


class SendGridPlatform(ContactCalls, SuppressionCalls):
    """One account: its lists and its fields."""

    @property
    def routes(self) -> Routes:
        """All calls."""
        one = LISTS + "/([^/]+)"
        return (
            ("GET", re.compile(LISTS), self.list_lists),
            ("POST", re.compile(LISTS), self.create_list),
            ("GET", re.compile(one), self.read_list),
            ("PATCH", re.compile(one), self.rename_list),
            ("DELETE", re.compile(one), self.delete_list),
            ("GET", re.compile(one + "/contacts/count"), self.count_members),
            ("DELETE", re.compile(one + "/contacts"), self.remove_members),
            ("GET", re.compile(FIELDS), self.list_fields),
            ("POST", re.compile(FIELDS), self.create_field),
            *self.contact_routes,
            *self.suppression_routes,
        )

    def list_lists(self, context: Context) -> Reply:
        """``GET /v3/marketing/lists``: a hundred a page, up to a thousand; the next page's address, if any."""
        call = context.call
        given = call.query.get("page_size", str(PAGE))
        if not re.fullmatch(r"[0-9]{1,4}", given) or not 1 <= int(given) <= LARGEST_PAGE:
            raise Refusal(errors([error(f"must be between 1 and {LARGEST_PAGE}", "page_size")]))
        size, start = int(given), _start(call.query.get("page_token", ""))
        found = lists.listed(context.db, self.platform)
        address = f"{call.base_url}{LISTS}?page_size={size}&page_token="
        metadata: dict[str, Json] = {"self": address + _token(start), "count": len(found)}
        if start:
            metadata["prev"] = address + _token(max(0, start - size))
        if start + size < len(found):
            metadata["next"] = address + _token(start + size)
        shown = [self._list(context, one) for one in found[start : start + size]]
        return json_reply({"result": shown, "_metadata": metadata}, outcome=f"{len(shown)} lists")

    def create_list(self, context: Context) -> Reply:
        """``POST /v3/marketing/lists``; names are unique."""
        name = self.read(context.call, ListBody).name
        self._require_free(context, name)
        if len(lists.listed(context.db, self.platform)) >= MAX_LISTS:
            raise Refusal(errors([error(f"at most {MAX_LISTS} lists are allowed")]))
        number = people.next_number(context.db, self.platform)
        made = lists.create(context.db, self.platform, sendgrid_contacts.new_uuid("list", number), name, {})
        return json_reply(self._list(context, made), status=201, outcome="list created", audience=made.id)

    def read_list(self, context: Context, list_id: str) -> Reply:
        """``GET /v3/marketing/lists/{id}``, with its newest contacts where ``contact_sample`` says so."""
        content = self._list(context, self.list_of(context, list_id))
        if context.call.query.get("contact_sample") == "true":
            newest = sendgrid_contacts.recent(context.db, list_id)
            content["contact_sample"] = [self.shown(context, known) for known in newest]
        return json_reply(content, outcome="list read", audience=list_id)

    def rename_list(self, context: Context, list_id: str) -> Reply:
        """``PATCH /v3/marketing/lists/{id}``."""
        found = self.list_of(context, list_id)
        name = self.read(context.call, ListBody).name
        if name != found.name:
            self._require_free(context, name)
        renamed = lists.rename(context.db, found, name)
        return json_reply(self._list(context, renamed), outcome="list renamed", audience=list_id)

    def delete_list(self, context: Context, list_id: str) -> Reply:
        """``DELETE /v3/marketing/lists/{id}``; with ``delete_contacts`` its people are deleted later, too."""
        found = self.list_of(context, list_id)
        members: list[Json] = [known.id for _, known, _ in lists.members(context.db, found)]
        lists.delete(context.db, self.platform, list_id)
        if context.call.query.get("delete_contacts", "false") != "true":
            return Reply(204, outcome="list deleted", audience=list_id)
        job = self.take(context, "delete", {"ids": members}, len(members))
        return json_reply({"job_id": job}, outcome="list deleted, its people later", audience=list_id)

    def count_members(self, context: Context, list_id: str) -> Reply:
        """``GET /v3/marketing/lists/{id}/contacts/count``."""
        size = self.list_of(context, list_id).size
        content = {"contact_count": size, "billable_count": size}
        return json_reply(content, outcome=f"{size} members", audience=list_id)

    def remove_members(self, context: Context, list_id: str) -> Reply:
        """``DELETE /v3/marketing/lists/{id}/contacts``: by ids in the query; one that is unknown refuses all."""
        found = self.list_of(context, list_id)
        ids = [one for one in context.call.query.get("contact_ids", "").split(",") if one]
        if not 1 <= len(ids) <= MAX_REMOVED:
            raise Refusal(errors([error(f"must hold 1 to {MAX_REMOVED} ids", "contact_ids")]))
        if any(people.find(context.db, self.platform, "id", one) is None for one in ids):
            raise Refusal(errors([error("contact not found", "contact_ids")], 404))
        rejection = context.call.rejection
        payload: dict[str, Json] = {
            "list": found.id,
            "ids": [*ids],
            "refused": [*sorted(rejection.picks(ids))],
            "unnamed": rejection.unnamed,
        }
        job = self.take(context, "remove", payload, len(ids))
        return json_reply(
            {"job_id": job}, status=202, outcome="removal taken", audience=list_id, rows=len(ids)
        )

    def list_fields(self, context: Context) -> Reply:
        """``GET /v3/marketing/field_definitions``: custom and reserved ones."""
        address = context.call.base_url + FIELDS
        custom: list[Json] = [
            {"id": one.id, "name": one.name, **one.document}
            for one in fields.listed(context.db, self.platform)
        ]
        reserved: list[Json] = [
            {"name": name, "field_type": "Text", "read_only": False}
            for name in (*sendgrid_contacts.IDENTIFIERS, *sendgrid_contacts.PLAIN)
        ]
        content = {
            "custom_fields": custom,
            "reserved_fields": reserved,
            "_metadata": {"self": address, "count": len(custom)},
        }
        return json_reply(content, outcome=f"{len(custom)} custom fields")

    def create_field(self, context: Context) -> Reply:
        """``POST /v3/marketing/field_definitions``; names are unique without their case."""
        wish = self.read(context.call, FieldBody)
        known = fields.listed(context.db, self.platform)
        reserved = (*sendgrid_contacts.IDENTIFIERS, *sendgrid_contacts.PLAIN, "alternate_emails")
        if wish.name.lower() in {*reserved, *(one.name.lower() for one in known)}:
            raise Refusal(errors([error("a field of this name exists", "name")]))
        made = fields.create(
            context.db,
            self.platform,
            f"e{len(known) + 1}_{wish.field_type[0]}",
            wish.name,
            {"field_type": wish.field_type},
        )
        content = {"id": made.id, "name": made.name, **made.document}
        return json_reply(content, outcome="field defined")

    def _list(self, context: Context, found: EmailList) -> dict[str, Json]:
        return {
            "id": found.id,
            "name": found.name,
            "contact_count": found.size,
            "_metadata": {"self": f"{context.call.base_url}{LISTS}/{found.id}"},
        }

    def _require_free(self, context: Context, name: str) -> None:
        if any(one.name == name for one in lists.listed(context.db, self.platform)):
            raise Refusal(errors([error("a list of this name exists already", "name")]))


def _token(start: int) -> str:
    return urlsafe_b64encode(str(start).encode()).decode()


def _start(token: str) -> int:
    """Where a page begins. Raises Refusal for a token that was never given out."""
    try:
        text = urlsafe_b64decode(token).decode()
    except ValueError:
        text = "x"
    if token and not text.isdecimal():
        raise Refusal(errors([error("is not a token of ours", "page_token")]))
    return int(text or "0")
