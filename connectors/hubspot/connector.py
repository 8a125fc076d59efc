"""HubSpot lists as a destination: static segments of contacts, who are added and removed by their record ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.account import count_of, items_of, object_of
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Batch,
    Declared,
    Finding,
    Op,
    ReadBack,
    Receipt,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
    Window,
)
from connectors.consent_guard import ConsentGuard
from connectors.email import UNKNOWN_PERSON, Person, ResolvingConnector, address_identity
from connectors.hubspot.answers import ERRORS, FIELD_TYPES, TEN_SECONDS, left, told_of
from connectors.hubspot.contacts import AT_ONCE, Contacts
from connectors.hubspot.course import Course
from connectors.hubspot.guard import CONTACTS, MANUAL, guard
from connectors.hubspot.settings import HubSpotSettings
from connectors.meanings import Told
from connectors.parts import in_turn
from connectors.people import FieldType, Present, Unreachable
from connectors.wire import Answer

MEMBERS_A_PAGE = 250
MOST_MEMBER_PAGES = 100_000
"""Of a list; more are a loop."""
LAG = timedelta(minutes=15)
"""Reading a list lags behind changing it, by seconds to minutes."""


class HubSpotConnector(ResolvingConnector):
    """One account. Contacts are looked up by address; lists take record ids."""

    config: HubSpotSettings
    title = "HubSpot"
    settings_type = HubSpotSettings
    reads_back = ReadBack(LAG, tolerance=0.02)
    lists_members = LAG
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("access_token",)
    resolves_at_once = AT_ONCE

    def __init__(self, destination: str, settings: HubSpotSettings) -> None:
        super().__init__(destination, settings)
        self.http.what_is_left = left
        self._lists = settings.api("lists")
        self._contacts = Contacts(self.ask, settings.api("objects") + "/contacts")
        self._fields: Mapping[str, FieldType] | None = None

    @classmethod
    def declare(cls, settings: HubSpotSettings) -> Declared:
        """Answers name every contact that was not taken."""
        window = Window(settings.requests_per_ten_seconds, timedelta(seconds=TEN_SECONDS))
        limits = settings.resolving_limits(settings.max_rows, window, verdicts=Verdicts.PER_ROW)
        return Declared(limits, address_identity("hubspot"))

    def headers(self) -> Mapping[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {self.config.access_token.get_secret_value()}"}

    def guard(self) -> ConsentGuard:
        """Contacts are made only where that is set."""
        return guard(self.config)

    def told(self, answer: Answer) -> Told | None:
        """An error envelope."""
        return told_of(answer, self.http.clock.now())

    def requests_for(self, op: Op, rows: int) -> int:
        """Looking up, the list, and for outdated ids both again; each add may write what is known of the contact."""
        looks = self.resolving_requests(rows) + 1
        return looks + 2 if op == "remove" else 3 * looks + 3

    # --- people in and out -------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Look up, create or write the contacts where that is wanted, then add them to the list."""
        course = self._in_rounds(people, lambda part, course: self._bring_in(audience, part, course))
        return Receipt("applied", batch.id, course.rejected, learned=course.learned(people))

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Look up and remove from the list; whom HubSpot does not know is in no list."""

        def leave(part: Sequence[Person], course: Course) -> None:
            course.ids |= self.ids_of(part)
            going = {p.position: course.ids[p.position] for p in part if p.position in course.ids}
            course.rejected |= dict.fromkeys(self._change("remove", audience, going), UNKNOWN_PERSON)

        course = self._in_rounds(people, leave)
        return Receipt("applied", batch.id, learned=course.learned(people))

    def resolve(self, people: Sequence[Person]) -> Mapping[int, str]:
        """Record ids by address."""
        positions = {person.known_as["EMAIL"]: person.position for person in people}
        found = self._contacts.ids(list(positions))
        return {position: found[address] for address, position in positions.items() if address in found}

    def _in_rounds(
        self, people: Sequence[Person], change: Callable[[Sequence[Person], Course], None]
    ) -> Course:
        """Change all, then once more those whose ids HubSpot did not know. Raises as ``in_turn``."""
        course = Course()

        def rounds() -> Iterator[Sequence[Person]]:
            yield people
            again = list(course.again(people))
            if any(person.position in course.created for person in again):
                self.http.clock.sleep(self.config.new_contacts_after_seconds)
            for person in again:
                course.forget(person)
            if again:
                yield again

        in_turn(rounds(), lambda part: change(part, course))
        return course

    def _bring_in(self, audience: Audience, people: Sequence[Person], course: Course) -> None:
        course.ids |= self.ids_of(people)
        unknown = [person for person in people if person.position not in course.ids]
        told = {course.ids[p.position]: p for p in people if p.attributes and p.position in course.ids}
        self._check_names({name for person in people for name in person.attributes})
        if self.config.create_missing:
            made = self._contacts.write("upsert", {person.known_as["EMAIL"]: person for person in unknown})
            course.created |= made.ids.keys()
            course.ids |= made.ids
            course.rejected |= made.rejected
        else:
            course.rejected |= {person.position: UNKNOWN_PERSON for person in unknown}
        course.rejected |= self._contacts.write("update", told).rejected
        taken = [p.position for p in people if p.position in course.ids and p.position not in course.rejected]
        missing = self._change("add", audience, {position: course.ids[position] for position in taken})
        course.rejected |= dict.fromkeys(missing, UNKNOWN_PERSON)

    def _check_names(self, names: set[str]) -> None:
        """Raises ActionNeeded for a property that the account does not have, or that is not to be set."""
        missing = sorted(names - self.fields().keys()) if names else []
        if missing:
            raise ActionNeeded(
                f"HubSpot: contacts have no property {', '.join(map(repr, missing))} that may be set; create it in"
                " HubSpot (Settings, Properties), or leave the attribute out"
            )

    def _change(self, op: Op, audience: Audience, ids: Mapping[int, str]) -> set[int]:
        """Add contacts to the list, or remove them; the positions of those whom HubSpot does not know."""
        records = list(dict.fromkeys(ids.values()))
        if not records:
            return set()
        path = f"{self._lists}/{audience.id}/memberships/{op}"
        answer = object_of(self.ask("PUT", path, records, sent=records))
        told = answer.get("recordIdsMissing")
        if not isinstance(told, list):
            raise Uncertain("HubSpot: the answer does not say whom it does not know")
        missing = {str(record) for record in told}
        return {position for position, record in ids.items() if record in missing}

    # --- the list ----------------------------------------------------------------------------------------------

    def read_audience(self, audience_id: str) -> Audience:
        """The list by its id; a deleted one can still be restored, but not filled."""
        return self._list_of(self.ask("GET", f"{self._lists}/{audience_id}"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """The list of this very name: names are unique in an account."""
        try:
            named = f"{self._lists}/object-type-id/{CONTACTS}/name/{quote(request.name, safe='')}"
            found = self._list_of(self.ask("GET", named))
        except AudienceGone:
            return
        yield found, request.marker if found.name == request.name else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A static list of contacts."""
        wanted = {"name": request.name, "objectTypeId": CONTACTS, "processingType": MANUAL}
        made = object_of(self.ask("POST", self._lists, wanted, repeatable=False))
        return object_of(made.get("list")).get("listId")

    def _list_of(self, answer: Answer) -> Audience:
        found = object_of(object_of(answer).get("list"))
        if found.get("deletedAt"):
            raise AudienceGone("HubSpot: the list is deleted")
        if found.get("processingType") == "DYNAMIC" or found.get("objectTypeId", CONTACTS) != CONTACTS:
            raise ActionNeeded(
                "HubSpot: the list is filled by filters, or not of contacts; rename it, so that a static one is made"
            )
        return self.audience(found.get("listId"), found.get("name"))

    # --- what HubSpot tells ------------------------------------------------------------------------------------

    def read_back(self, audience: Audience) -> Reported:
        """Contacts in the list."""
        page = object_of(self.ask("GET", self._members_of(audience), params={"limit": "1"}))
        size = count_of(page.get("total"))
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Record ids page by page, each page's addresses read after it."""
        path = self._members_of(audience)
        for page in self.pages(path, _following, most=MOST_MEMBER_PAGES, limit=str(MEMBERS_A_PAGE)):
            records = [str(one.get("recordId")) for one in items_of(page.get("results"))]
            known = self._contacts.addresses(records)
            yield [Present(r, {"EMAIL": known[r][0]} if known.get(r) else {}) for r in records]

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Whoever opted out of all e-mail, bounced or is quarantined."""
        yield from self._contacts.unreachable(since)

    def fields(self) -> Mapping[str, FieldType]:
        """Contact properties that may be set, asked for once."""
        if self._fields is None:
            guarded = self.guard()
            listed = object_of(self.ask("GET", self.config.api("properties") + "/contacts")).get("results")
            self._fields = {
                str(one.get("name")): FIELD_TYPES.get(str(one.get("type")), FieldType.ANY)
                for one in items_of(listed)
                if not object_of(one.get("modificationMetadata")).get("readOnlyValue")
                and not guarded.forbids_field(str(one.get("name")))
                and one.get("name") != "email"
            }
        return self._fields

    def examine_account(self) -> Iterator[Finding]:
        """Lists and contacts, which every sync needs; properties, which attributes need."""
        query = {
            "query": "",
            "processingTypes": [MANUAL],
            "offset": 0,
            "count": 1,
            "additionalProperties": [],
        }
        self.ask("POST", f"{self._lists}/search", query)
        yield Finding("lists", True, "the token reads lists")
        self._contacts.addresses(["1"])
        yield Finding("contacts", True, "the token reads contacts")
        try:
            yield Finding("properties", True, f"{len(self.fields())} contact properties may be attributes")
        except AuthFailed:
            yield Finding(
                "properties", True, "cannot be read: attributes need the scope crm.schemas.contacts.read"
            )

    def _members_of(self, audience: Audience) -> str:
        return f"{self._lists}/{audience.id}/memberships"


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    after = object_of(object_of(page.get("paging")).get("next")).get("after")
    return {"after": str(after)} if after else {}
