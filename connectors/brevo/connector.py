"""Brevo's lists as a destination: contacts by their address, each request with a verdict for everybody in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connectors.account import count_of, items_of, object_of
from connectors.base import (
    ActionNeeded,
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
    Refused,
    Reported,
    RowsRefused,
    SyncOptions,
    Verdicts,
    Window,
)
from connectors.brevo.answers import ERRORS, FIELD_TYPES, SETTABLE, left, told_of
from connectors.brevo.contacts import LISTS, WRITTEN_AT_ONCE, Contacts
from connectors.brevo.guard import guard
from connectors.brevo.settings import BrevoSettings
from connectors.consent_guard import ConsentGuard
from connectors.email import UNKNOWN_PERSON, EmailConnector, Person, address_identity
from connectors.meanings import Told
from connectors.parts import in_turn, portions
from connectors.people import FieldType, Present, Unreachable
from connectors.platform_ids import platform_id
from connectors.rules import EMAIL
from connectors.wire import Answer

FOLDERS = "/contacts/folders"
LISTS_A_PAGE = 50
LAG = timedelta(minutes=15)
PROCESS_ASKED_AFTER = timedelta(minutes=1)
"""A process may be asked about a hundred times an hour, all of the account's together."""
INVALID, REFUSED = "invalid", "refused"

Step = Callable[[], None]


class BrevoConnector(EmailConnector):
    """One account. Contacts are added and removed by address."""

    config: BrevoSettings
    title = "Brevo"
    settings_type = BrevoSettings
    reads_back = ReadBack(LAG, tolerance=0.02)
    lists_members = LAG
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("api_key",)

    def __init__(self, destination: str, settings: BrevoSettings) -> None:
        super().__init__(destination, settings)
        self.http.what_is_left = partial(left, windows=self.limits.windows)
        self._contacts = Contacts(self.ask)
        self._fields: Mapping[str, FieldType] | None = None

    @classmethod
    def declare(cls, settings: BrevoSettings) -> Declared:
        """Everybody has a verdict, unless they are imported."""
        imports = settings.import_rows is not None
        limits = settings.limits(
            settings.import_rows or settings.max_rows,
            Window(settings.requests_per_hour, timedelta(hours=1)),
            verdicts=Verdicts.NONE if imports else Verdicts.PER_ROW,
            asynchronous=imports,
            asks_after=PROCESS_ASKED_AFTER if imports else timedelta(0),
        )
        return Declared(limits, address_identity("brevo"))

    def headers(self) -> Mapping[str, str]:
        """The key."""
        return {"api-key": self.config.api_key.get_secret_value()}

    def guard(self) -> ConsentGuard:
        """Contacts are made, and imported, only where that is set."""
        return guard(self.config)

    def told(self, answer: Answer) -> Told | None:
        """An error by its code."""
        return told_of(answer)

    def requests_for(self, op: Op, rows: int) -> int:
        """One for the list, one for everybody who could not be moved, and those that write attributes."""
        if op == "add" and self.config.import_rows is not None:
            return 3
        written = -(-rows // WRITTEN_AT_ONCE) + 1 if op == "add" else 0
        return -(-rows // self.config.max_rows) + rows + written

    # --- people in and out -------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Add to the list, look at those whom Brevo did not add, then write attributes; or all as one import."""
        self._check_names({name for person in people for name in person.attributes})
        if self.config.import_rows is not None:
            return Receipt("accepted", self._import(audience, people))
        rejected: dict[int, str] = {}
        in_turn(self._adding(audience, people, rejected), lambda step: step())
        return Receipt("applied", batch.id, rejected)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Remove from the list; whom Brevo did not remove is looked at, since they may be in it still."""
        rejected: dict[int, str] = {}
        in_turn(self._removing(audience, people, rejected), lambda step: step())
        return Receipt("applied", batch.id, rejected)

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What has become of an import."""
        try:
            found = object_of(self.ask("GET", f"/processes/{reference}"))
        except AudienceGone:
            raise Refused("Brevo: the import is not known any more") from None
        match str(found.get("status", "")).lower():
            case "completed":
                return Receipt("applied", reference)
            case "failed" | "cancelled":
                raise JobFailed("Brevo: the import was not carried out")
        return Receipt("accepted", reference)

    def _import(self, audience: Audience, people: Sequence[Person]) -> str:
        """The process that imports people into the list. Raises AudienceGone without the list."""
        try:
            return self._contacts.load(audience.id, people)
        except RowsRefused:  # by the same code whether a row or the list is not right
            self.read_audience(audience.id)
            raise

    def _adding(
        self, audience: Audience, people: Sequence[Person], rejected: dict[int, str]
    ) -> Iterator[Step]:
        created: set[int] = set()
        left_over: list[Person] = []
        yield partial(self._move, "add", audience, people, left_over)
        for person in left_over:
            if self.config.create_missing:
                created.add(person.position)
                yield partial(self._create, audience, person, rejected)
            else:
                yield partial(self._look_at, audience, person, rejected)
        told = [p for p in people if p.attributes and p.position not in rejected.keys() | created]
        for part in portions(told, WRITTEN_AT_ONCE):
            yield partial(self._contacts.write, part)

    def _removing(
        self, audience: Audience, people: Sequence[Person], rejected: dict[int, str]
    ) -> Iterator[Step]:
        left_over: list[Person] = []
        for part in portions(people, self.config.max_rows):
            yield partial(self._move, "remove", audience, part, left_over)
        for person in left_over:
            yield partial(self._look_after, audience, person, rejected)

    def _move(self, op: Op, audience: Audience, people: Sequence[Person], left_over: list[Person]) -> None:
        left_over += self._contacts.move(op, audience.id, people)

    def _create(self, audience: Audience, person: Person, rejected: dict[int, str]) -> None:
        if not self._contacts.upsert(audience.id, person):
            rejected[person.position] = INVALID

    def _look_at(self, audience: Audience, person: Person, rejected: dict[int, str]) -> None:
        """Why somebody was not added."""
        lists = self._contacts.lists_of(person)
        if lists is None:
            rejected[person.position] = UNKNOWN_PERSON
        elif audience.id not in lists:
            rejected[person.position] = REFUSED

    def _look_after(self, audience: Audience, person: Person, rejected: dict[int, str]) -> None:
        """Whether somebody is out who was not removed."""
        if audience.id in (self._contacts.lists_of(person) or ()):
            rejected[person.position] = REFUSED

    def _check_names(self, names: set[str]) -> None:
        """Raises ActionNeeded for an attribute that the account does not have, or that is not to be set."""
        missing = sorted(names - self.fields().keys()) if names else []
        if missing:
            raise ActionNeeded(
                f"Brevo: contacts have no attribute {', '.join(map(repr, missing))} that may be set; create it in"
                " Brevo (Contacts, Settings, Contact attributes), or leave it out"
            )

    # --- the list ----------------------------------------------------------------------------------------------

    def read_audience(self, audience_id: str) -> Audience:
        """The list by its id."""
        found = object_of(self.ask("GET", f"{LISTS}/{audience_id}"))
        if found.get("dynamicList"):
            raise ActionNeeded("Brevo: the list follows rules; rename it, so that one without rules is made")
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every list, the oldest first, whatever folder it lies in."""
        for found in self._all(LISTS, "lists"):
            name = str(found.get("name", ""))
            yield self.audience(found.get("id"), name), request.marker if name == request.name else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A list in the folder that is set."""
        named = (
            one.get("id") for one in self._all(FOLDERS, "folders") if one.get("name") == self.config.folder
        )
        folder = next(named, None)
        if folder is None:
            wanted = {"name": self.config.folder}
            folder = object_of(self.ask("POST", FOLDERS, wanted, repeatable=False)).get("id")
        made = self.ask("POST", LISTS, {"name": request.name, "folderId": folder}, repeatable=False)
        return object_of(made).get("id")

    def _all(self, path: str, kind: str) -> Iterator[dict[str, Any]]:
        seen = 0

        def following(page: Mapping[str, Any]) -> dict[str, str]:
            nonlocal seen
            shown = len(list(items_of(page.get(kind))))
            seen += shown
            return {"offset": str(seen)} if shown == LISTS_A_PAGE else {}

        for page in self.pages(path, following, limit=str(LISTS_A_PAGE), offset="0", sort="asc"):
            yield from items_of(page.get(kind))

    # --- what Brevo tells --------------------------------------------------------------------------------------

    def read_back(self, audience: Audience) -> Reported:
        """Contacts in the list, the blocklisted included."""
        query = {"limit": "1", "offset": "0"}
        size = count_of(
            object_of(self.ask("GET", f"{LISTS}/{audience.id}/contacts", params=query)).get("count")
        )
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Contacts in the list page by page, the blocklisted included."""
        for page in self._contacts.every(f"{LISTS}/{audience.id}/contacts"):
            yield [
                Present(platform_id(one.get("id")), {"EMAIL": address} if (address := _address(one)) else {})
                for one in page
            ]

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Contacts that are blocklisted for e-mail and have changed since: they left, bounced or complained."""
        moment = {} if since is None else {"modifiedSince": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"}
        for page in self._contacts.every("/contacts", **moment):
            for one in page:
                if one.get("emailBlacklisted") is True and (address := _address(one)):
                    yield Unreachable("unsubscribed", None, address)

    def fields(self) -> Mapping[str, FieldType]:
        """Attributes of contacts that may be set, asked for once."""
        if self._fields is None:
            guarded = self.guard()
            listed = object_of(self.ask("GET", "/contacts/attributes")).get("attributes")
            self._fields = {
                str(one.get("name")): FIELD_TYPES.get(str(one.get("type")), FieldType.ANY)
                for one in items_of(listed)
                if one.get("category") in SETTABLE and not guarded.forbids_field(str(one.get("name")))
            }
        return self._fields

    def examine_account(self) -> Iterator[Finding]:
        """Lists, and what attributes may be set."""
        self.ask("GET", LISTS, params={"limit": "1", "offset": "0"})
        yield Finding("lists", True, "the key reads lists")
        yield Finding("attributes", True, f"{len(self.fields())} attributes of contacts may be set")


def _address(contact: Mapping[str, Any]) -> str | None:
    return EMAIL.normalise(str(contact.get("email") or ""))
