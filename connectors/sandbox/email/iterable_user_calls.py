"""Iterable's calls about users and their subscriptions, and what the calls about lists share with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import ClassVar, Literal

from connectors.sandbox.email import fields, iterable_users, jobs, lists, people
from connectors.sandbox.email.iterable_bodies import (
    BulkSubscriptions,
    BulkUpdate,
    GroupPeople,
    Subscriptions,
    UserUpdate,
    Who,
)
from connectors.sandbox.email.iterable_users import Failure, Outcome
from connectors.sandbox.email.iterable_words import IterableWords
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Consent, Known
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal
from connectors.sandbox.played import Model
from connectors.sandbox.wire import Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

ROWS = 1_000
BODY_BYTES = 4_000_000


class UserCalls(EmailPlatform):
    """What can be asked about users, and done to them."""

    platform: ClassVar[Platform] = Platform.ITERABLE
    words: ClassVar[Words] = IterableWords()
    jobs: ClassVar[dict[str, jobs.Work]] = {"delete": iterable_users.delete_user}

    def update_user(self, context: Context) -> Reply:
        """``POST /api/users/update``."""
        row = self._read(context, UserUpdate)
        self._require_named(row)
        outcome = Outcome()
        person = iterable_users.upsert(
            context.db, row, outcome, context.call.number, creates=True, new_fields=row.createNewFields
        )
        if isinstance(person, str):
            codes = {
                "forgotten": "ForgottenUserError",
                "invalidData": "RequestFieldsTypesMismatched",
                "conflict": "UserIdAlreadyExists",
            }
            code = codes.get(person, "InvalidEmailAddressError" if row.email else "InvalidUserIdError")
            raise Refusal(self.words.refused(400, code, "The user was not updated"))
        self._require_few_fields(context)
        return done("user updated")

    def update_users(self, context: Context) -> Reply:
        """``POST /api/users/bulkUpdate``."""
        sent = self._read(context, BulkUpdate)
        self._require_rows(sent.users)
        refused = context.call.rejection.picks([row.model_dump() for row in sent.users])
        outcome = Outcome()
        for place, row in enumerate(sent.users):
            person: Known | Failure = "invalid"
            if place not in refused:
                person = iterable_users.upsert(
                    context.db,
                    row,
                    outcome,
                    context.call.number,
                    creates=not sent.updateOnlyExisting,
                    new_fields=sent.createNewFields,
                )
            if isinstance(person, str):
                outcome.failed.append((person, row))
            else:
                outcome.succeeded += 1
        self._require_few_fields(context)
        return self._told(outcome, None, sent.users)

    def read_user(self, context: Context, who: Who) -> Reply:
        """``GET /api/users/{email}`` and ``/byUserId/{id}``; an empty object for nobody."""
        person = iterable_users.resolve(context.db, who)
        if isinstance(person, str):
            return json_reply({}, outcome="nobody found")
        subscriptions: dict[str, Json] = {
            "emailListIds": [int(number) for number in lists.of_person(context.db, self.platform, person.id)],
            "unsubscribedChannelIds": [*iterable_users.left(context.db, person, "channel")],
            "unsubscribedMessageTypeIds": [*iterable_users.left(context.db, person, "type")],
        }
        shown: dict[str, Json] = {
            "email": person.email,
            "userId": person.external_id,
            "dataFields": {**person.attributes, **subscriptions},
        }
        return json_reply({"user": shown}, outcome="user read")

    def read_asked_user(self, context: Context) -> Reply:
        """``GET /api/users/getByEmail``: the same, for addresses that a path cannot hold."""
        return self.read_user(context, Who(email=context.call.query.get("email", "")))

    def delete_user(self, context: Context, who: Who) -> Reply:
        """``DELETE /api/users/{email}`` and ``/byUserId/{id}``: later, and not for good."""
        person = iterable_users.resolve(context.db, who)
        if isinstance(person, str):
            code = "UnknownEmailError" if who.email else "UnknownUserIdError"
            raise Refusal(self.words.refused(404, code, "The user does not exist"))
        wait = self.wait_seconds(context)
        jobs.queue(
            context.db, self.platform, "delete", {"person": person.id}, context.call, wait_seconds=wait
        )
        self.work(context.db)
        return done("deletion queued")

    def list_fields(self, context: Context) -> Reply:
        """``GET /api/users/getFields``: every field with its type."""
        known = {
            defined.name: defined.document["type"] for defined in fields.listed(context.db, self.platform)
        }
        return json_reply({"fields": known}, outcome=f"{len(known)} fields listed")

    def list_forgotten(self, context: Context) -> Reply:
        """``GET /api/users/forgotten``: SHA-256 of addresses."""
        gone = people.suppressions(context.db, self.platform, iterable_users.FORGOTTEN)
        hashed: list[Json] = [
            hashlib.sha256(email.encode()).hexdigest() for email, _, _ in gone if "@" in email
        ]
        return json_reply({"hashedEmails": hashed}, outcome=f"{len(hashed)} listed")

    def forget(self, context: Context, what: str) -> Reply:
        """``POST /api/users/forget`` is for good; ``/unforget`` takes it back."""
        who = self._read(context, Who)
        self._require_named(who)
        change = iterable_users.forget if what == "forget" else iterable_users.unforget
        change(context.db, who, context.call.number)
        return done(f"user: {what}")

    # --- subscriptions, which a sync must never touch --------------------------------------------------------

    def set_subscriptions(self, context: Context) -> Reply:
        """``POST /api/users/updateSubscriptions``: overwrites."""
        self._subscribe(context, [self._read(context, Subscriptions)])
        return done("subscriptions set")

    def set_many_subscriptions(self, context: Context) -> Reply:
        """``POST /api/users/bulkUpdateSubscriptions``: overwrites, and tells whom it knows."""
        wishes = self._read(context, BulkSubscriptions).updateSubscriptionsRequests
        missing = self._subscribe(context, wishes)
        content: dict[str, Json] = {
            "successCount": len(wishes) - len(missing),
            "failCount": len(missing),
            "notFoundEmails": [who.email for who in missing if who.email],
            "notFoundUserIds": [who.userId for who in missing if not who.email],
        }
        return json_reply(content, outcome="subscriptions set", rows=len(wishes))

    def set_group(self, context: Context, group: str, number: str) -> Reply:
        """``PUT /api/subscriptions/{group}/{id}?action=``: a list, a message type or a channel."""
        action = context.call.query.get("action")
        if action not in ("subscribe", "unsubscribe"):
            raise Refusal(self.words.refused(400, "BadParams", "action must be subscribe or unsubscribe"))
        sent = self._read(context, GroupPeople)
        asked = [
            *(Who(email=email) for email in sent.users),
            *(Who(userId=one) for one in sent.usersByUserId),
        ]
        found = [iterable_users.resolve(context.db, who) for who in asked]
        known = [person for person in found if not isinstance(person, str)]
        if group == "emailList":
            change = lists.add if action == "subscribe" else lists.remove
            change(
                context.db,
                self.list_of(context, number),
                [person.id for person in known],
                context.call.number,
            )
            return done("members changed", audience=number)
        kind: Literal["channel", "type"] = "type" if group == "messageType" else "channel"
        state: Consent = "subscribed" if action == "subscribe" else "unsubscribed"
        for person in known:
            channel = iterable_users.channel(kind, int(number))
            people.set_consent(context.db, self.platform, person.id, state, context.call.number, channel)
        return done("subscriptions set")

    def _subscribe(self, context: Context, wishes: Sequence[Subscriptions]) -> list[Subscriptions]:
        self._require_named(*wishes)
        missing = []
        for wish in wishes:
            person = iterable_users.resolve(context.db, wish)
            if isinstance(person, str):
                missing.append(wish)
            else:
                iterable_users.subscribe(context.db, person, wish, context.call.number)
        return missing

    # --- what they share -------------------------------------------------------------------------------------

    def _read(self, context: Context, model: type[Model]) -> Model:
        if len(context.call.body) > BODY_BYTES:
            raise Refusal(self.words.refused(413, "BatchTooLarge", "The request is too large"))
        return self.read(context.call, model)

    def _require_rows(self, rows: Sequence[Who]) -> None:
        if len(rows) > ROWS:
            raise Refusal(self.words.refused(400, "BatchTooLarge", "The batch is too large"))
        self._require_named(*rows)

    def _require_named(self, *rows: Who) -> None:
        if any(row.email is None and row.userId is None for row in rows):
            raise Refusal(self.words.refused(400, "BadParams", "email or userId is required"))

    def _require_few_fields(self, context: Context) -> None:
        if len(fields.listed(context.db, self.platform)) > iterable_users.FIELDS:
            raise Refusal(
                self.words.refused(400, "UniqueFieldsLimitExceeded", "The project has too many fields")
            )

    def _told(self, outcome: Outcome, found: EmailList | None, rows: Sequence[Who]) -> Reply:
        summary = f"{outcome.succeeded} done, {len(outcome.failed)} failed"
        audience = found.id if found else None
        return json_reply(outcome.content(), outcome=summary, audience=audience, rows=len(rows))


def done(outcome: str, *, audience: str | None = None) -> Reply:
    """The answer that says no more than success."""
    content: dict[str, Json] = {"msg": "", "code": "Success", "params": None}
    return json_reply(content, outcome=outcome, audience=audience)
