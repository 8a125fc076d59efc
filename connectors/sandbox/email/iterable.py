"""Iterable: static lists, members by e-mail or user id, every row's fate in the answer."""

from __future__ import annotations

import re
from typing import ClassVar

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_ITERABLE_EMAIL_KEY, SANDBOX_ITERABLE_KEY
from connectors.sandbox.email import iterable_users, lists, people
from connectors.sandbox.email.iterable_bodies import NewList, Subscribe, Unsubscribe, Who
from connectors.sandbox.email.iterable_user_calls import UserCalls, done
from connectors.sandbox.email.iterable_users import Failure, Outcome
from connectors.sandbox.email.iterable_words import limited
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, Refusal, Routes, json_of
from connectors.sandbox.wire import Call, Json, Reply, json_reply

READS_A_MINUTE = 5
PREVIEW = 5_000
TEXT = "text/plain; charset=utf-8"


class IterablePlatform(UserCalls):
    """One hybrid project; a second key opens the same people as a project that knows them by e-mail."""

    title: ClassVar[str] = "Iterable"
    mount: ClassVar[str] = ""
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_ITERABLE_KEY}
    _reads = (0, 0)

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """A list's id stands in the path, in the query or in the body."""
        named = re.fullmatch(r"/api/lists/(\d+)(/size)?", call.path)
        if named:
            return named[1]
        content = json_of(call) if call.path.startswith("/api/lists/") and call.body else None
        value = content.get("listId") if isinstance(content, dict) else call.query.get("listId")
        return str(value) if re.fullmatch(r"\d+", str(value)) else None

    @classmethod
    def new_id(cls, number: int) -> str:
        """An id of Iterable's own."""
        return iterable_users.user_id(number)

    def token_of(self, call: Call) -> str | None:
        """The key's own header."""
        return call.headers.get("api-key")

    def _state_of(self, context: Context, token: str) -> str:
        return "living" if token in (SANDBOX_ITERABLE_KEY, SANDBOX_ITERABLE_EMAIL_KEY) else "unknown"

    @property
    def routes(self) -> Routes:
        """All calls."""
        by_email, by_id = re.compile(r"/api/users/([^/]*@[^/]*)"), re.compile("/api/users/byUserId/([^/]+)")
        return (
            ("GET", re.compile("/api/lists"), self.list_lists),
            ("POST", re.compile("/api/lists"), self.create_list),
            ("DELETE", re.compile(r"/api/lists/(\d+)"), self.delete_list),
            ("POST", re.compile("/api/lists/subscribe"), self.subscribe),
            ("POST", re.compile("/api/lists/unsubscribe"), self.unsubscribe),
            ("GET", re.compile("/api/lists/getUsers"), self.list_members),
            ("GET", re.compile("/api/lists/previewUsers"), self.preview_members),
            ("GET", re.compile(r"/api/lists/(\d+)/size"), self.count_members),
            ("POST", re.compile("/api/users/update"), self.update_user),
            ("POST", re.compile("/api/users/bulkUpdate"), self.update_users),
            ("GET", re.compile("/api/users/getFields"), self.list_fields),
            ("GET", re.compile("/api/users/forgotten"), self.list_forgotten),
            ("GET", re.compile("/api/users/getByEmail"), self.read_asked_user),
            ("POST", re.compile("/api/users/(forget|unforget)"), self.forget),
            ("POST", re.compile("/api/users/updateSubscriptions"), self.set_subscriptions),
            ("POST", re.compile("/api/users/bulkUpdateSubscriptions"), self.set_many_subscriptions),
            (
                "PUT",
                re.compile(r"/api/subscriptions/(emailList|messageType|messageChannel)/(\d+)"),
                self.set_group,
            ),
            ("GET", by_email, lambda context, email: self.read_user(context, Who(email=email))),
            ("GET", by_id, lambda context, user: self.read_user(context, Who(userId=user))),
            ("DELETE", by_email, lambda context, email: self.delete_user(context, Who(email=email))),
            ("DELETE", by_id, lambda context, user: self.delete_user(context, Who(userId=user))),
        )

    # --- lists -----------------------------------------------------------------------------------------------

    def list_lists(self, context: Context) -> Reply:
        """``GET /api/lists``, all at once."""
        shown: list[Json] = [_document(found) for found in lists.listed(context.db, self.platform)]
        return json_reply({"lists": shown}, outcome=f"{len(shown)} lists listed")

    def create_list(self, context: Context) -> Reply:
        """``POST /api/lists``; two may have one name."""
        wish = self.read(context.call, NewList)
        number = str(people.next_number(context.db, self.platform))
        kept: dict[str, Json] = {"description": wish.description}
        lists.create(context.db, self.platform, number, wish.name, kept)
        return json_reply({"listId": int(number)}, outcome="list created", audience=number)

    def delete_list(self, context: Context, list_id: str) -> Reply:
        """``DELETE /api/lists/{id}``."""
        lists.delete(context.db, self.platform, self.list_of(context, list_id).id)
        return done("list deleted", audience=list_id)

    def subscribe(self, context: Context) -> Reply:
        """``POST /api/lists/subscribe``: users come, most of them into being unless the call forbids it."""
        sent = self._read(context, Subscribe)
        self._require_rows(sent.subscribers)
        found = self.list_of(context, str(sent.listId))
        known_by_email = self.token_of(context.call) == SANDBOX_ITERABLE_EMAIL_KEY
        refused = context.call.rejection.picks([row.model_dump() for row in sent.subscribers])
        outcome = Outcome()
        persons: list[str] = []
        for place, row in enumerate(sent.subscribers):
            creates = not sent.updateExistingUsersOnly
            if known_by_email:
                creates = row.email is not None or row.preferUserId
            person: Known | Failure = "invalid"
            if place not in refused:
                person = iterable_users.upsert(context.db, row, outcome, context.call.number, creates=creates)
            if isinstance(person, str):
                outcome.failed.append((person, row))
            else:
                persons.append(person.id)
                outcome.succeeded += 1
        self._require_few_fields(context)
        lists.add(context.db, found, persons, context.call.number)
        return self._told(outcome, found, sent.subscribers)

    def unsubscribe(self, context: Context) -> Reply:
        """``POST /api/lists/unsubscribe``: out of the list, and out of the whole channel unless the call forbids it."""
        sent = self._read(context, Unsubscribe)
        self._require_rows(sent.subscribers)
        found = self.list_of(context, str(sent.listId))
        refused = context.call.rejection.picks([row.model_dump() for row in sent.subscribers])
        outcome = Outcome()
        persons: list[str] = []
        for place, row in enumerate(sent.subscribers):
            person: Known | Failure = "invalid"
            if place not in refused:
                person = iterable_users.resolve(context.db, row)
            if isinstance(person, str):
                outcome.failed.append((person, row))
                continue
            persons.append(person.id)
            outcome.succeeded += 1
            if sent.channelUnsubscribe:
                people.set_consent(context.db, self.platform, person.id, "unsubscribed", context.call.number)
        lists.remove(context.db, found, persons, context.call.number)
        return self._told(outcome, found, sent.subscribers)

    def list_members(self, context: Context) -> Reply:
        """``GET /api/lists/getUsers``: text, one a line, everybody."""
        return self._listed(context, None)

    def preview_members(self, context: Context) -> Reply:
        """``GET /api/lists/previewUsers``: the first few."""
        return self._listed(context, PREVIEW)

    def count_members(self, context: Context, list_id: str) -> Reply:
        """``GET /api/lists/{id}/size``: a bare number."""
        self._check_reads(context)
        size = str(self.list_of(context, list_id).size)
        return Reply(200, size.encode(), content_type=TEXT, outcome="counted", audience=list_id)

    def _listed(self, context: Context, limit: int | None) -> Reply:
        self._check_reads(context)
        list_id = context.call.query.get("listId", "")
        found = self.list_of(context, list_id)
        by_id = context.call.query.get("preferUserId", "false") == "true"
        shown = [person for _, person, _ in lists.members(context.db, found, limit=limit)]
        names = [
            (person.external_id or person.email if by_id else person.email or person.external_id)
            for person in shown
        ]
        body = "".join(f"{name}\n" for name in names).encode()
        outcome = f"{len(shown)} members listed"
        return Reply(200, body, content_type=TEXT, outcome=outcome, audience=list_id)

    def _check_reads(self, context: Context) -> None:
        """Members can be read five times a minute, where requests are limited at all."""
        if not context.switches.email_requests_per_minute:
            return
        now = clock.now(context.db)
        minute = int(now // 60)
        taken = self._reads[1] + 1 if self._reads[0] == minute else 1
        self._reads = (minute, taken)
        if taken > READS_A_MINUTE:
            raise Refusal(limited(429, READS_A_MINUTE, 60 - int(now % 60)))


def _document(found: EmailList) -> dict[str, Json]:
    return {
        "id": int(found.id),
        "name": found.name,
        **found.document,
        "createdAt": int(found.created_at * 1_000),
        "listType": "Standard",
    }
