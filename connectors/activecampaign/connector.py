"""One ActiveCampaign account: contacts get a tag by imports in bulk, and lose it one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import orjson

from connectors.account import items_of, object_of
from connectors.activecampaign.answers import (
    ANY,
    BOUNCED,
    ERRORS,
    GUARD,
    IMPORT_INFO,
    IMPORTS,
    UNSUBSCRIBED,
    told_by,
)
from connectors.activecampaign.contacts import PAGE, Directory, contacts_in, following, total_of
from connectors.activecampaign.fields import Fields
from connectors.activecampaign.settings import ActiveCampaignSettings
from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    ReadBack,
    Receipt,
    Reported,
    RowsRefused,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.consent_guard import ConsentGuard
from connectors.email import UNKNOWN_PERSON, Person, ResolvingConnector, address_identity
from connectors.jobs import Ended, verdict_on, waiting_for
from connectors.meanings import Told
from connectors.parts import in_turn, portions_within
from connectors.people import FieldType, Present, Unreachable
from connectors.platform_ids import opaque_reference, platform_id
from connectors.wire import Answer

AROUND = 40
"""Bytes of an import besides its contacts."""
MOST_PAGES = 100_000
"""Of a listing; a longer one is a loop."""
SMALLEST_PAGE = 20
"""What a listing holds that was asked for no size."""
FIRST_LOOK = timedelta(seconds=30)
DOUBTED_AFTER = timedelta(days=1)
"""An import without an end, or of several of which some have failed: their people are sent again."""
LAG = timedelta(minutes=30)
"""Until an import can be seen."""

STATES: Mapping[str, Literal["unsubscribed", "bounced"]] = {UNSUBSCRIBED: "unsubscribed", BOUNCED: "bounced"}


class _NoContact(Uncertain):
    """The contact of an id went meanwhile."""


class ActiveCampaignConnector(ResolvingConnector):
    """One account. An import creates whoever is missing, so people are looked up before."""

    config: ActiveCampaignSettings
    title = "ActiveCampaign"
    settings_type = ActiveCampaignSettings
    reads_back = ReadBack(lag=LAG)
    lists_members = LAG
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("api_key",)
    resolves_at_once = 1

    def __init__(self, destination: str, settings: ActiveCampaignSettings) -> None:
        super().__init__(destination, settings)
        self._directory = Directory(self._page, self._pages)

    @classmethod
    def declare(cls, settings: ActiveCampaignSettings) -> Declared:
        """People by address; imports count whom they did not take."""
        limits = settings.resolving_limits(
            settings.max_rows,
            verdicts=Verdicts.COUNT,
            asynchronous=True,
            asks_after=FIRST_LOOK,
            verdict_within=DOUBTED_AFTER,
        )
        return Declared(limits, address_identity("activecampaign"))

    def headers(self) -> Mapping[str, str]:
        """The key."""
        return {"Api-Token": self.config.api_key.get_secret_value()}

    def guard(self) -> ConsentGuard:
        """Tags, imports without lists, and reading."""
        return GUARD

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Import contacts with the tag. Who is unknown is left out, unless they may be created."""
        # By its name of today: an import with the tag's old name, or that of a deleted one, would make another tag.
        tag = self.read_audience(audience.id).name
        learned: dict[int, str | None] = {}
        if not self.config.create_missing:
            self._directory.prepare(batch.of * len(people))
            # Also whose id is remembered: they may have been deleted since.
            learned = {person.position: self._directory.id_of(person.known_as["EMAIL"]) for person in people}
        rejected = {position: UNKNOWN_PERSON for position, known in learned.items() if known is None}
        contacts = [
            (person.position, self._contact(person, tag))
            for person in people
            if person.position not in rejected
        ]
        parts = portions_within(contacts, self.limits.max_rows, self.config.max_bytes - AROUND, _size)
        sent = in_turn(parts, self._import)
        for _, (_, refused) in sent:
            rejected |= refused
        return waiting_for([job for _, (job, _) in sent if job], batch, rejected, learned)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """One by one: what ties the tag to the contact is found, then deleted. Who has none is out."""
        self._directory.prepare(batch.of * sum(1 for person in people if not person.id))
        ids = self.ids_of(people)
        learned = {person.position: ids.get(person.position) for person in people if not person.id}

        def send(person: Person) -> bool:
            try:
                tie = self._tie(audience, ids[person.position])
            except _NoContact:
                anew = self.resolve([person]).get(person.position)
                learned[person.position] = anew
                tie = self._tie(audience, anew) if anew else None
            if tie:
                self._untie(tie)
            return bool(tie)

        outcomes = in_turn([person for person in people if person.position in ids], send)
        if not all(tied for _, tied in outcomes) or len(outcomes) < len(people):
            self.read_audience(audience.id)  # of a tag that is gone nobody has any
        return Receipt("applied", batch.id, learned=learned)

    def resolve(self, people: Sequence[Person]) -> Mapping[int, str]:
        """The contact's id."""
        found = ((person.position, self._directory.id_of(person.known_as["EMAIL"])) for person in people)
        return {position: contact_id for position, contact_id in found if contact_id is not None}

    def requests_for(self, op: Op, rows: int) -> int:
        """Three to take somebody out; one to add somebody, unless they may be created, and two for all."""
        if op == "remove":
            return 3 * rows + 1
        return 2 if self.config.create_missing else rows + 3

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What became of the batch's imports, once all have ended; nobody whom they did not take can be named."""
        return verdict_on(self.title, reference, self._end)

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /tags/{id}``."""
        tag = object_of(object_of(self.ask("GET", f"/tags/{audience_id}")).get("tag"))
        return self.audience(tag.get("id"), tag.get("tag"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """The tag of this name: exactly, else in another case, as names are unique whatever their case."""
        found = list(self._by_offset("/tags", "tags", {"filters[search][eq]": request.name}))
        tags = [tag for tag in found if tag.get("tagType", "contact") == "contact"]
        for tag in sorted(tags, key=lambda tag: tag.get("tag") != request.name):
            same = str(tag.get("tag")).casefold() == request.name.casefold()
            yield self.audience(tag.get("id"), tag.get("tag")), request.marker if same else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A tag of contacts, with our mark for those who read it."""
        tag = {"tag": request.name, "tagType": "contact", "description": request.marker}
        return object_of(object_of(self.ask("POST", "/tags", {"tag": tag}, repeatable=False)).get("tag")).get(
            "id"
        )

    def read_back(self, audience: Audience) -> Reported:
        """Contacts that have the tag, whatever they have agreed to."""
        self.read_audience(audience.id)
        size = total_of(self._page({"tagid": audience.id, "status": ANY, "limit": "1"}))
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Contacts that have the tag, by their ids; those without an address are none of ours."""
        self.read_audience(audience.id)
        for page in self._pages({"tagid": audience.id, "status": ANY}):
            yield [Present(contact_id, {"EMAIL": address}) for contact_id, address in contacts_in(page)]

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """All who have unsubscribed or bounced, from the lists that are set; ActiveCampaign does not say when."""
        for query in [{"listid": one} for one in self.config.lists] or [{}]:
            for state, reason in STATES.items():
                for page in self._pages({**query, "status": state}):
                    for _, address in contacts_in(page):
                        yield Unreachable(reason, None, email=address)

    def fields(self) -> Mapping[str, FieldType]:
        """Custom fields by their titles, and the names and phone number of a contact."""
        return self._fields.types

    def examine_account(self) -> Iterator[Finding]:
        """Tags, contacts, imports: what each run needs."""
        self.ask("GET", "/tags", params={"limit": "1"})
        yield Finding("tags", True, "the key reads the account's tags")
        total = total_of(self._page({"status": ANY, "limit": "1"}))
        yield Finding("contacts", True, f"the key reads contacts; there are {total or 0:,}")

    def told(self, answer: Answer) -> Told | None:
        """Errors come in several shapes, some under HTTP 200."""
        return told_by(answer.json, answer.status)

    def judge(self, answer: Answer, sent: Iterable[str] = ()) -> None:
        """A refused key may be answered with plain text; an import's refusal may name rows."""
        if answer.status in (401, 403) and not isinstance(answer.json, dict):
            answer = Answer(answer.status, answer.headers, b"{}")
        told = told_by(answer.json, answer.status)
        if told is not None and told.rows:
            raise RowsRefused("ActiveCampaign: rows of the import are not valid", told.rows)
        super().judge(answer, sent)

    def _contact(self, person: Person, tag: str) -> dict[str, Any]:
        contact = {"email": person.known_as["EMAIL"], "tags": [tag]}
        return contact | (self._fields.of_contact(person.attributes) if person.attributes else {})

    def _import(self, part: Sequence[tuple[int, dict[str, Any]]]) -> tuple[str | None, dict[int, str]]:
        """The import, None when nobody is left, and whom ActiveCampaign refuses: the others are sent without them."""
        refused: dict[int, str] = {}
        left = list(part)
        while left:
            contacts = [contact for _, contact in left]
            addresses = [str(contact["email"]) for contact in contacts]
            try:
                answer = object_of(self.ask("POST", IMPORTS, {"contacts": contacts}, sent=addresses))
            except RowsRefused as error:
                named = {at: reason for at, reason in error.rows.items() if at < len(left)}
                if not named:
                    raise
                refused |= {left[at][0]: reason for at, reason in named.items()}
                left = [row for at, row in enumerate(left) if at not in named]
                continue
            job = opaque_reference(answer.get("batchId"))
            if job is None:
                raise Uncertain("ActiveCampaign: the answer names no import")
            return job, refused
        return None, refused

    def _end(self, job: str) -> Ended | None:
        try:
            told = object_of(self.ask("GET", IMPORT_INFO, params={"batchId": job}))
        except AudienceGone:
            raise Uncertain("ActiveCampaign: it does not know the import") from None
        failures = told.get("failure")
        refused = len(failures) if isinstance(failures, list) else 0
        match told.get("status"):
            case "completed":
                return Ended(refused, failed=bool(refused) and not told.get("success"))
            case "failed":
                return Ended(failed=True)
        return None

    def _tie(self, audience: Audience, contact_id: str) -> str | None:
        """What ties the tag to a contact. Raises _NoContact for a contact that there is not."""
        tags = self._by_offset(f"/contacts/{contact_id}/contactTags", "contactTags")
        try:
            tie = next((tie for tie in tags if str(tie.get("tag")) == audience.id), None)
        except AudienceGone:
            raise _NoContact("ActiveCampaign: a contact went while the tag was taken") from None
        return platform_id(tie.get("id")) if tie else None

    def _untie(self, tie: str) -> None:
        try:
            self.ask("DELETE", f"/contactTags/{tie}")
        except AudienceGone:  # 404: it is gone already
            return

    @cached_property
    def _fields(self) -> Fields:
        return Fields.read(self._by_offset("/fields", "fields"))

    def _by_offset(
        self, path: str, name: str, query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Everything that a listing holds, though its pages are smaller than was asked for, or all of it is each."""
        seen, before = 0, None
        for _ in range(MOST_PAGES):
            page = {**(query or {}), "limit": str(PAGE), "offset": str(seen)}
            found = list(items_of(object_of(self.ask("GET", path, params=page)).get(name)))
            yield from found
            if len(found) < SMALLEST_PAGE or found == before:
                return
            seen, before = seen + len(found), found

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        return object_of(self.ask("GET", "/contacts", params=query, sent=query.values()))

    def _pages(self, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        return self.pages(
            "/contacts", following, most=MOST_PAGES, **query, **{"limit": str(PAGE), "orders[id]": "ASC"}
        )


def _size(row: tuple[int, dict[str, Any]]) -> int:
    return len(orjson.dumps(row[1])) + 1
