"""One SendGrid account: contacts into lists and out of them, by jobs that are asked about later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import orjson

from connectors.account import count_of, items_of, object_of, query_of
from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    JobFailed,
    Op,
    ReadBack,
    Receipt,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.consent_guard import ConsentGuard
from connectors.email import UNKNOWN_PERSON, Person, ResolvingConnector, address_identity
from connectors.jobs import Ended, verdict_on, waiting_for
from connectors.meanings import Told
from connectors.parts import in_turn, portions, portions_within
from connectors.people import FieldType, Unreachable
from connectors.platform_ids import platform_id
from connectors.rate_headers import left
from connectors.redact import redact
from connectors.sendgrid.answers import (
    CONTACTS,
    ERRORS,
    FIELDS,
    GUARD,
    IDENTIFIERS,
    JOBS,
    LISTS,
    SEARCH,
    NotValid,
    addresses_in,
    contacts_in,
    is_own,
    messages_in,
)
from connectors.sendgrid.fields import Fields
from connectors.sendgrid.settings import SendGridSettings
from connectors.sendgrid.suppressions import suppressed
from connectors.wire import Answer

INVALID_ADDRESS = "invalid_address"
MOST_BYTES = 6_000_000
"""Of one request."""
IDS_AT_ONCE = 100
"""That are taken out by one request, since they stand in its address."""
FIRST_LOOK = timedelta(seconds=5)
DOUBTED_AFTER = timedelta(days=1)
"""A job without an end, or of several of which some have failed: their people are sent again."""


class SendGridConnector(ResolvingConnector):
    """One account. Whatever changes a list is a job.

    People are looked up first: adding creates whoever is missing, and takes a contact only by all its identifiers.
    """

    config: SendGridSettings
    title = "SendGrid"
    settings_type = SendGridSettings
    audience_name_length = 100
    reads_back = ReadBack(lag=timedelta(hours=1))
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("api_key",)

    @classmethod
    def declare(cls, settings: SendGridSettings) -> Declared:
        """People by address; jobs count whom they did not take."""
        limits = settings.resolving_limits(
            settings.max_rows,
            verdicts=Verdicts.COUNT,
            asynchronous=True,
            asks_after=FIRST_LOOK,
            verdict_within=DOUBTED_AFTER,
        )
        return Declared(limits, address_identity("sendgrid"))

    def headers(self) -> Mapping[str, str]:
        """The key, and whose lists they are."""
        key = {"Authorization": f"Bearer {self.config.api_key.get_secret_value()}"}
        return key | ({"on-behalf-of": self.config.on_behalf_of} if self.config.on_behalf_of else {})

    def guard(self) -> ConsentGuard:
        """Lists, contacts, and reading suppressions."""
        return GUARD

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Upsert contacts with the list. Who is unknown is left out, unless they may be created."""
        addresses = {person.position: person.known_as["EMAIL"] for person in people}
        found = self._look_up_all(people)  # also whose id is remembered: they may have been deleted since
        # Who has the address as an alternate one is left out: what is sent to them goes to another address.
        known = {position: one for position, one in found.items() if is_own(one, addresses[position])}
        learned = {position: _id_of(known.get(position)) for position in addresses}
        if self.config.create_missing:
            known |= {p: {"email": address} for p, address in addresses.items() if p not in found}
        rejected = {position: UNKNOWN_PERSON for position in addresses if position not in known}
        contacts = [
            (person.position, self._contact(known[person.position], person))
            for person in people
            if person.position in known
        ]
        parts = portions_within(contacts, self.limits.max_rows, MOST_BYTES, _size)
        sent = in_turn(parts, lambda part: self._upsert(audience, dict(part)))
        for _, (_, refused) in sent:
            rejected |= refused
        return waiting_for([job for _, (job, _) in sent if job], batch, rejected, learned)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """By id, a hundred at a time. Ids that SendGrid does not know any more are looked up anew."""
        ids = self.ids_of(people)
        learned = {person.position: ids.get(person.position) for person in people if not person.id}

        def send(part: Sequence[Person]) -> str | None:
            try:
                return self._take_out(audience, [ids[person.position] for person in part])
            except AudienceGone:
                self.read_audience(audience.id)  # raises for a list that is gone; else ids were unknown
            anew = self.resolve(part)
            learned.update((person.position, anew.get(person.position)) for person in part)
            try:
                return self._take_out(audience, list(anew.values()))
            except AudienceGone:
                raise Uncertain("SendGrid: contacts went while they were taken out of the list") from None

        there = [person for person in people if person.position in ids]
        jobs = [job for _, job in in_turn(portions(there, IDS_AT_ONCE), send) if job]
        return waiting_for(jobs, batch, {}, learned)

    def resolve(self, people: Sequence[Person]) -> Mapping[int, str]:
        """Ids of the contacts who have the address, be it as an alternate one: they are to leave the list too."""
        found = ((position, _id_of(contact)) for position, contact in self._look_up(people).items())
        return {position: contact_id for position, contact_id in found if contact_id is not None}

    def requests_for(self, op: Op, rows: int) -> int:
        """Looking people up; one to add, one for each hundred to remove."""
        return self.resolving_requests(rows) + (1 if op == "add" else -(-rows // IDS_AT_ONCE))

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What became of the batch's jobs, once all have ended."""
        try:
            return verdict_on(self.title, reference, self._end)
        except JobFailed:
            self.read_audience(audience.id)  # raises for a list that is gone
            raise

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /v3/marketing/lists/{id}``."""
        found = object_of(self.ask("GET", f"{LISTS}/{audience_id}"))
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every list, page by page; ours by its name, which is unique."""
        for page in self.pages(LISTS, _following, page_size="1000"):
            for found in items_of(page.get("result")):
                ours = request.marker if found.get("name") == request.name else ""
                yield self.audience(found.get("id"), found.get("name")), ours

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A list has a name and nothing else."""
        return object_of(self.ask("POST", LISTS, {"name": request.name}, repeatable=False)).get("id")

    def read_back(self, audience: Audience) -> Reported:
        """Contacts of the list, whether or not anything is sent to them."""
        size = count_of(
            object_of(self.ask("GET", f"{LISTS}/{audience.id}/contacts/count")).get("contact_count")
        )
        return Reported(size, size)

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Global unsubscribes, bounces and spam reports."""
        yield from suppressed(lambda path, query: self.ask("GET", path, params=query, text=True), since)

    def fields(self) -> Mapping[str, FieldType]:
        """Custom fields, and reserved ones that may be written."""
        return self._fields.types

    def examine_account(self) -> Iterator[Finding]:
        """Lists, then suppressions."""
        self.ask("GET", LISTS, params={"page_size": "1"})
        yield Finding("marketing", True, "the key reads the account's lists")
        self.ask("GET", "/v3/suppression/unsubscribes", params={"limit": "1"}, text=True)
        yield Finding("suppressions", True, "the key reads who has unsubscribed")

    def told(self, answer: Answer) -> Told | None:
        """A status that is no success, or errors under one; SendGrid has no codes."""
        if answer.status < 400 and not object_of(answer).get("errors"):
            return None
        waits = [told.resets_in for told in left(answer.headers, self.http.clock.now()) if told.requests == 0]
        return Told((answer.status,), "; ".join(messages_in(answer)), wait=next(iter(waits), None))

    def judge(self, answer: Answer, sent: Iterable[str] = ()) -> None:
        """400 names addresses, which are needed to send the others; some 404 are a list of errors."""
        if answer.status == 400 and isinstance(answer.json, dict | list):
            messages = messages_in(answer)
            detail = redact("; ".join(messages), self.http.secrets, sent)
            raise NotValid(f"SendGrid: the request is not valid: {detail}", addresses_in(messages))
        if answer.status == 404 and isinstance(answer.json, list):
            raise AudienceGone("SendGrid: the list does not exist")
        super().judge(answer, sent)

    def _contact(self, known: Mapping[str, Any], person: Person) -> dict[str, Any]:
        """All identifiers that the contact has, and what is to be set."""
        contact = {name: known[name] for name in IDENTIFIERS if known.get(name)}
        return contact | (self._fields.of_contact(person.attributes) if person.attributes else {})

    def _end(self, job: str) -> Ended | None:
        try:
            told = object_of(self.ask("GET", f"{JOBS}/{job}"))
        except AudienceGone:
            raise Uncertain("SendGrid: it does not know the job") from None
        match told.get("status"):
            case "completed":
                return Ended()
            case "errored":
                return Ended(count_of(object_of(told.get("results")).get("errored_count")) or 0)
            case "failed":
                return Ended(failed=True)
        return None

    def _upsert(
        self, audience: Audience, contacts: dict[int, dict[str, Any]]
    ) -> tuple[str | None, dict[int, str]]:
        """The job, None when nobody is left, and whom SendGrid refuses by name: the others are sent without them."""
        refused: dict[int, str] = {}
        while contacts:
            addresses = [str(contact["email"]) for contact in contacts.values()]
            body = {"list_ids": [audience.id], "contacts": list(contacts.values())}
            try:
                return _job_of(self.ask("PUT", CONTACTS, body, sent=addresses)), refused
            except NotValid as error:
                named = {
                    p for p, contact in contacts.items() if contact["email"].casefold() in error.addresses
                }
                if not named:
                    self.read_audience(audience.id)
                    raise
                refused |= dict.fromkeys(named, INVALID_ADDRESS)
                contacts = {p: contact for p, contact in contacts.items() if p not in named}
        return None, refused

    def _take_out(self, audience: Audience, ids: Iterable[str]) -> str | None:
        together = ",".join(ids)
        if not together:
            return None
        path = f"{LISTS}/{audience.id}/contacts"
        return _job_of(self.ask("DELETE", path, params={"contact_ids": together}))

    def _look_up_all(self, people: Sequence[Person]) -> dict[int, dict[str, Any]]:
        known: dict[int, dict[str, Any]] = {}
        for part in portions(people, self.resolves_at_once):
            known |= self._look_up(part)
        return known

    def _look_up(self, people: Sequence[Person]) -> dict[int, dict[str, Any]]:
        """Contacts by position. Whose address SendGrid takes for invalid is not known to it."""
        if not people:
            return {}
        addresses = [person.known_as["EMAIL"] for person in people]
        try:
            answer = self.ask("POST", SEARCH, {"identifiers": addresses}, sent=addresses)
        except AudienceGone:  # 404: none of them
            return {}
        except NotValid as error:
            rest = [p for p in people if p.known_as["EMAIL"].casefold() not in error.addresses]
            if len(rest) < len(people):
                return self._look_up(rest)
            half = len(people) // 2
            return self._look_up(people[:half]) | self._look_up(people[half:]) if half else {}
        found = dict(contacts_in(answer))
        looked_for = ((person.position, found.get(person.known_as["EMAIL"].casefold())) for person in people)
        return {position: contact for position, contact in looked_for if contact is not None}

    @cached_property
    def _fields(self) -> Fields:
        return Fields.read(object_of(self.ask("GET", FIELDS)))


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    """An empty page is the last, whatever it links to."""
    return query_of(object_of(page.get("_metadata")).get("next")) if page.get("result") else {}


def _id_of(contact: Mapping[str, Any] | None) -> str | None:
    return None if contact is None else platform_id(contact.get("id"))


def _job_of(answer: Answer) -> str:
    job = platform_id(object_of(answer).get("job_id"))
    if job is None:
        raise Uncertain("SendGrid: the answer names no job")
    return job


def _size(contact: tuple[int, dict[str, Any]]) -> int:
    return len(orjson.dumps(contact[1])) + 1
