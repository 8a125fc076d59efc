"""Iterable's static lists as a destination: users of one project, by the API that a server-side key opens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from connectors.account import count_of, items_of, object_of, texts_of
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    RowsRefused,
    SyncOptions,
    Verdicts,
)
from connectors.consent_guard import ConsentGuard
from connectors.email import CONSENT_BLOCKED, UNKNOWN_PERSON, EmailConnector, Person
from connectors.identity import encode
from connectors.iterable import answers
from connectors.iterable.guard import guard
from connectors.iterable.settings import NAMED, IterableSettings
from connectors.meanings import NO_SUCH_CALL, Told
from connectors.parts import portions
from connectors.people import FieldType, Present
from connectors.wire import Answer

PAGE = 1_000
"""Members handed on at a time; Iterable lists all in one text."""


class IterableConnector(EmailConnector):
    """One project. Static lists are apart from what anybody subscribes to, which is never touched."""

    config: IterableSettings
    title = "Iterable"
    settings_type = IterableSettings
    signs_with = ("api_key",)
    errors = answers.ERRORS
    reads_back = ReadBack(lag=timedelta(hours=1))
    lists_members = timedelta(hours=1)

    def __init__(self, destination: str, settings: IterableSettings) -> None:
        super().__init__(destination, settings)
        self._column = self.identity.columns[0]
        self._once = threading.Lock()
        self._forgotten: frozenset[str] | None = None
        self._fields: Mapping[str, FieldType] | None = None

    @classmethod
    def declare(cls, settings: IterableSettings) -> Declared:
        """Every user who was not taken is named."""
        return Declared(settings.limits(settings.max_rows, verdicts=Verdicts.PER_ROW), settings.identity)

    def headers(self) -> Mapping[str, str]:
        """The key, in a header of Iterable's own."""
        return {"Api-Key": self.config.api_key.get_secret_value()}

    def guard(self) -> ConsentGuard:
        """Nobody's subscriptions are changed, and nobody is created unless that is set."""
        return guard(self.config.create_missing)

    def told(self, answer: Answer) -> Told | None:
        """The error in an answer."""
        return answers.told(answer)

    # --- people ----------------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Into the list, but for those who asked to be forgotten and those whom the project does not know."""
        self._require_fields(people)
        rejected = {person.position: CONSENT_BLOCKED for person in people if self._is_forgotten(person)}
        if self.config.looks_up:
            asked = [person for person in people if person.position not in rejected]
            rejected |= {person.position: UNKNOWN_PERSON for person in asked if not self._knows(person)}
        taken = [person for person in people if person.position not in rejected]
        if not taken:
            return Receipt("applied", rejected=rejected)
        only = {"updateExistingUsersOnly": not self.config.create_missing}
        refused, unlocated = self._change("subscribe", audience, taken, only)
        return Receipt("applied", None, rejected | refused, unlocated)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Out of the list. Whom the project does not know, or has forgotten, is in none."""
        refused, unlocated = self._change("unsubscribe", audience, people, {"channelUnsubscribe": False})
        absent = (UNKNOWN_PERSON, CONSENT_BLOCKED)
        left = {position: reason for position, reason in refused.items() if reason not in absent}
        return Receipt("applied", None, left, unlocated)

    def requests_for(self, op: Op, rows: int) -> int:
        """One; to add also one for each person to look up, and those that the first batch makes for all."""
        if op == "remove":
            return 1
        return 3 + (rows if self.config.looks_up else 0)

    def fields(self) -> Mapping[str, FieldType]:
        """User fields of the project, without those that say who somebody is or what they agreed to."""
        with self._once:
            if self._fields is None:
                found = object_of(object_of(self.ask("GET", "/api/users/getFields")).get("fields"))
                held = self.guard()
                self._fields = {
                    name: answers.TYPES.get(str(kind), FieldType.ANY)
                    for name, kind in found.items()
                    if name not in NAMED.values() and not held.forbids_field(name)
                }
            return self._fields

    # --- lists -----------------------------------------------------------------------------------------------

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Everybody in the list, one a line."""
        by_id = str(self._column.name == "EXTERNAL_ID").lower()
        query = {"listId": audience.id, "preferUserId": by_id}
        answer = self._question(audience, "/api/lists/getUsers", query)
        if answer.body.lstrip().startswith((b"<", b"{")):
            raise Refused("Iterable: the answer is no list of members")
        values = map(self._column.rule.normalise, answer.body.decode("utf-8", "replace").splitlines())
        yield from portions([Present(None, {self._column.name: value}) for value in values if value], PAGE)

    def read_back(self, audience: Audience) -> Reported:
        """How many users the list has."""
        size = count_of(self._question(audience, f"/api/lists/{audience.id}/size").json)
        return Reported(size, size)

    def read_audience(self, audience_id: str) -> Audience:
        """The list, which Iterable shows only among all. Raises AudienceGone."""
        for audience, _ in self._lists():
            if audience.id == audience_id:
                return audience
        raise AudienceGone("Iterable: the list does not exist")

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Static lists: ours have our mark as description, or the name."""
        for audience, description in self._lists():
            yield audience, request.marker if audience.name == request.name else description

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A static list."""
        wanted = {"name": request.name, "description": request.marker}
        return object_of(self.ask("POST", "/api/lists", wanted, repeatable=False)).get("listId")

    def examine_account(self) -> Iterator[Finding]:
        """Whether the key reads lists and, where people go by address, those whom the project has forgotten."""
        count = sum(1 for _ in self._lists())
        yield Finding("lists", True, f"the key reads the project's static lists ({count})")
        if self._column.name == "EMAIL":
            self._load_forgotten()
            yield Finding("forgotten people", True, "they can be read, so none of them is sent")

    # --- requests --------------------------------------------------------------------------------------------

    def _lists(self) -> Iterator[tuple[Audience, str]]:
        """Lists that may be written to, each with its description."""
        try:
            found = object_of(self.ask("GET", "/api/lists"))
        except AudienceGone:
            raise ActionNeeded(f"Iterable: {NO_SUCH_CALL.says.format(prefix=self.prefix)}") from None
        for one in items_of(found.get("lists")):
            if one.get("listType") == "Standard" and one.get("isGlobalSuppressionEnabled") is not True:
                yield self.audience(one.get("id"), one.get("name")), str(one.get("description") or "")

    def _change(
        self, call: str, audience: Audience, people: Sequence[Person], more: Mapping[str, bool]
    ) -> tuple[dict[int, str], int]:
        """Users who were not taken: reasons by position, and how many more."""
        named = {person.known_as[self._column.name]: person.position for person in people}
        body = {"listId": int(audience.id), **more, "subscribers": [self._subscriber(p) for p in people]}
        try:
            answer = self.ask("POST", f"/api/lists/{call}", body, sent=named)
        except Refused as refusal:
            raise self._gone_or(refusal, audience) from None
        return answers.not_taken(object_of(answer), named)

    def _question(self, audience: Audience, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """What a list answers as plain text."""
        try:
            return self.ask("GET", path, params=query, text=True)
        except Refused as refusal:
            raise self._gone_or(refusal, audience) from None

    def _gone_or(self, refusal: Refused, audience: Audience) -> Refused:
        """The refusal, unless it is of a list that is not there. Raises AudienceGone then."""
        if answers.MISSING_OR_WRONG in str(refusal):
            self.read_audience(audience.id)
        return refusal

    def _subscriber(self, person: Person) -> dict[str, object]:
        named = {NAMED[self._column.name]: person.known_as[self._column.name]}
        return {**named, "dataFields": dict(person.attributes)} if person.attributes else {**named}

    def _knows(self, person: Person) -> bool:
        email = person.known_as["EMAIL"]
        try:
            found = self.ask("GET", "/api/users/getByEmail", params={"email": email}, sent=[email])
        except (AudienceGone, RowsRefused):  # 404, or the code of an unknown address
            return False
        return bool(object_of(found).get("user"))

    def _is_forgotten(self, person: Person) -> bool:
        """Whether the person asked for it; ids that were forgotten are told by the answer alone."""
        email = person.known_as.get("EMAIL")
        return email is not None and encode(email, "sha256_hex") in self._load_forgotten()

    def _load_forgotten(self) -> frozenset[str]:
        """Digests of the addresses that the project must not take again; asked once."""
        with self._once:
            if self._forgotten is None:
                found = object_of(self.ask("GET", "/api/users/forgotten"))
                self._forgotten = frozenset(digest.lower() for digest in texts_of(found.get("hashedEmails")))
            return self._forgotten

    def _require_fields(self, people: Sequence[Person]) -> None:
        """Raise ActionNeeded for an attribute without a field: it would be dropped, or stay in the project for ever."""
        wanted = {name for person in people for name in person.attributes}
        missing = sorted(wanted - set(self.fields())) if wanted else []
        if missing:
            raise ActionNeeded(f"Iterable: the project has no user field {missing[0]!r}; add it there first")
