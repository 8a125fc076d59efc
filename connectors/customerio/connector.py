"""Customer.io as a destination: manual segments of a workspace, by its Track API and its App API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import requests

from connectors.account import count_of, items_of, object_of
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
    SyncOptions,
    Uncertain,
    Verdicts,
    Window,
)
from connectors.consent_guard import ConsentGuard
from connectors.customerio.answers import ERRORS, PARTLY, Reason, error_in, following, not_taken, suppressed
from connectors.customerio.guard import (
    BATCH,
    CUSTOMERS,
    REGION,
    SEGMENTS,
    SUPPRESSIONS,
    UNSUBSCRIBED,
    UPDATE_ONLY,
    guard,
)
from connectors.customerio.settings import CustomerioSettings
from connectors.email import EmailConnector, Person, address_identity
from connectors.http import Http
from connectors.identity import Column, Identity
from connectors.meanings import Told
from connectors.offsets import walk
from connectors.parts import in_turn, portions_within
from connectors.people import Present, Unreachable
from connectors.platform_ids import platform_id
from connectors.redact import redact
from connectors.rules import EMAIL, EXTERNAL_ID
from connectors.wire import Answer

MOST_BYTES = 480_000
"""Of the people in one batch request, which takes 500 KB."""
MOST_NAME_BYTES = 150
"""Of an identifier; a longer one would have the whole request refused."""
SUPPRESSED_FOR: Mapping[str, Reason] = {"bounces": "bounced", "spam_reports": "complained"}
"""Lists of the sending server; its blocks pass."""
SUPPRESSED_AT_ONCE, OVERLAP = 1_000, 50
"""Of a page of such a list, and of the page before."""
TOO_LONG = "identifier_too_long"
MOST_PAGES_OF_PEOPLE = 100_000


class CustomerioConnector(EmailConnector):
    """One workspace. Whoever has unsubscribed there stays so."""

    config: CustomerioSettings
    title = "Customer.io"
    settings_type = CustomerioSettings
    reads_back = ReadBack(lag=timedelta(minutes=15), matched_only=True)
    lists_members = timedelta(minutes=15)
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("site_id", "track_key", "api_key")

    def __init__(self, destination: str, settings: CustomerioSettings) -> None:
        super().__init__(destination, settings)
        self._state: Path | None = None

    @classmethod
    def declare(cls, settings: CustomerioSettings) -> Declared:
        """Nothing is said of single people: who is not known is passed over."""
        limits = settings.limits(settings.max_rows, verdicts=Verdicts.NONE)
        by_id = Identity("customerio_id", 1, (Column("ID", EXTERNAL_ID, "plain", identifies=True),))
        return Declared(limits, by_id if settings.identifier == "id" else address_identity("customerio"))

    def guard(self) -> ConsentGuard:
        """Members, attributes and reading."""
        return guard(create_missing=self.settings.create_missing)

    def headers(self) -> Mapping[str, str]:
        """The Track API's credential."""
        pair = f"{self.config.site_id.get_secret_value()}:{self.config.track_key.get_secret_value()}"
        return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}

    # --- two APIs --------------------------------------------------------------------------------------------

    @cached_property
    def app(self) -> Http:
        """Requests to the App API, which has a budget of its own."""
        windows = (Window(self.config.app_requests_per_second, timedelta(seconds=1)),)
        http = self.http_at(self.config.app_url, windows, self._sign_for_app)
        http.use_clock(self.http.clock)
        if self._state is not None:
            http.use_budget(self._state / f"{self.destination}.app.budget.sqlite")
        return http

    def http_for(self, path: str) -> Http:
        """Paths below ``/v1`` are the App API's."""
        return self.app if path.startswith("/v1/") else self.http

    def use_state(self, folder: Path) -> None:
        """Keep both budgets in this folder."""
        super().use_state(folder)
        self._state = folder
        self._close_app()

    def close(self) -> None:
        """Close the connections to both."""
        super().close()
        self._close_app()

    def _close_app(self) -> None:
        if "app" in self.__dict__:
            self.app.close()
            del self.app

    def judge(self, answer: Answer, sent: Any = ()) -> None:
        """A 401 comes without JSON."""
        super().judge(replace(answer, body=b"{}") if answer.status == 401 else answer, sent)

    def told(self, answer: Answer) -> Told | None:
        """Errors of either API."""
        return error_in(answer)

    def _sign_for_app(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.config.api_key.get_secret_value()}"
        return request

    # --- members ---------------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Whom Customer.io does not know it passes over silently; attributes, and new people, come before."""
        rejected = {person.position: TOO_LONG for person in people if not self._can_be_named(person)}
        named = [person for person in people if person.position not in rejected]
        rejected |= self._describe([one for one in named if one.attributes or self.config.create_missing])
        self._change("add", audience, [person for person in named if person.position not in rejected])
        return Receipt("applied", batch.id, rejected)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Out of the segment; the person stays."""
        self._change("remove", audience, [person for person in people if self._can_be_named(person)])
        return Receipt("applied", batch.id)

    def requests_for(self, op: Op, rows: int) -> int:
        """One, and for additions one before that says who they are; attributes of many bytes are more."""
        return 2 if op == "add" else 1

    def _change(self, op: Op, audience: Audience, people: Sequence[Person]) -> None:
        """One request. What a segment that is gone is told by is not documented, so the App API is asked then."""
        names = [self._name(person) for person in people]
        if not names:
            return
        path = f"/api/v1/segments/{audience.id}/{op}_customers"
        try:
            self.ask("POST", path, {"ids": names}, params={"id_type": self.config.identifier}, sent=names)
        except AudienceGone:
            self.read_audience(audience.id)
            raise ActionNeeded(
                f"Customer.io: the Track API does not know the segment; {self.prefix}SITE_ID is of another workspace"
            ) from None
        except Refused:
            self.read_audience(audience.id)
            raise

    def _describe(self, people: Sequence[Person]) -> dict[int, str]:
        """Set attributes, which creates whoever is missing only where that is wished; reasons by position."""
        items = [(person.position, self._described(person)) for person in people]
        rejected: dict[int, str] = {}
        parts = portions_within(
            items, self.config.max_rows, MOST_BYTES, lambda item: len(orjson.dumps(item[1])) + 1
        )
        sent = [
            text for person in people for text in (self._name(person), *map(str, person.attributes.values()))
        ]
        for part, answer in in_turn(
            parts, lambda part: self.ask("POST", BATCH, {"batch": [item for _, item in part]}, sent=sent)
        ):
            if answer.status == PARTLY:
                found = not_taken(answer)
                if not found or max(found) >= len(part):
                    raise Uncertain("Customer.io: the answer does not say whose attributes were not taken")
                rejected |= {part[index][0]: reason for index, reason in found.items()}
        return rejected

    def _described(self, person: Person) -> dict[str, object]:
        update_only = {} if self.config.create_missing else {UPDATE_ONLY: True}
        return {
            "type": "person",
            "action": "identify",
            "identifiers": {self.config.identifier: self._name(person)},
            "attributes": {**person.attributes, **update_only},
        }

    def _can_be_named(self, person: Person) -> bool:
        return len(self._name(person).encode()) <= MOST_NAME_BYTES

    def _name(self, person: Person) -> str:
        return person.known_as[self._column]

    @property
    def _column(self) -> str:
        return self.identity.columns[0].name

    # --- segments --------------------------------------------------------------------------------------------

    def read_audience(self, audience_id: str) -> Audience:
        """Raises ActionNeeded for a data-driven segment."""
        found = object_of(object_of(self.ask("GET", f"{SEGMENTS}/{audience_id}")).get("segment"))
        if found.get("type") != "manual":
            raise ActionNeeded("Customer.io: the segment is data-driven, so nobody can set its members")
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every manual segment of the workspace; ours has exactly the name."""
        for found in items_of(object_of(self.ask("GET", SEGMENTS)).get("segments")):
            if found.get("type") == "manual":
                name = str(found.get("name") or "")
                yield self.audience(found.get("id"), name), request.marker if name == request.name else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An empty manual segment, our mark in its description."""
        wanted = {"name": request.name, "description": request.marker}
        made = self.ask("POST", SEGMENTS, {"segment": wanted}, repeatable=False)
        return object_of(object_of(made).get("segment")).get("id")

    def read_back(self, audience: Audience) -> Reported:
        """The people in the segment: those whom Customer.io knew."""
        size = count_of(object_of(self.ask("GET", f"{SEGMENTS}/{audience.id}/customer_count")).get("count"))
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Everybody in the segment, whether they get marketing or not."""
        path, limit = f"{SEGMENTS}/{audience.id}/membership", str(self.config.page_size)
        for page in self.pages(path, following, most=MOST_PAGES_OF_PEOPLE, limit=limit):
            yield [self._present(found) for found in items_of(page.get("identifiers"))]

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Who has unsubscribed, of whom no moment is told, and whose mail bounced or was complained about."""
        for page in self._searched(UNSUBSCRIBED):
            for found in items_of(page.get("identifiers")):
                email = EMAIL.normalise(str(found.get("email") or ""))
                yield Unreachable(
                    "unsubscribed", None, email=email, external_id=str(found.get("id") or "") or None
                )
        for kind in SUPPRESSED_FOR if self.config.esp_suppressions else ():
            for one in self._suppressed(kind):
                if since is None or one.at is None or one.at >= since:
                    yield one

    def _searched(self, wanted: Mapping[str, object]) -> Iterator[dict[str, Any]]:
        """Pages of the people whom a filter describes."""
        limit = str(self.config.page_size)
        yield from self.pages(
            CUSTOMERS, following, most=MOST_PAGES_OF_PEOPLE, body={"filter": wanted}, limit=limit
        )

    def _suppressed(self, kind: str) -> Iterator[Unreachable]:
        """Addresses that the sending server does not write to, some of them twice."""

        def page_at(offset: int) -> Sequence[dict[str, Any]]:
            query = {"limit": str(SUPPRESSED_AT_ONCE), "offset": str(offset)}
            page = object_of(self.ask("GET", f"{SUPPRESSIONS}/{kind}", params=query))
            return [{**one, "id": one.get("email")} for one in items_of(page.get("suppressions"))]

        for page in walk(page_at, SUPPRESSED_AT_ONCE, OVERLAP, self.title):
            yield from (suppressed(one, SUPPRESSED_FOR[kind]) for one in page)

    def examine_account(self) -> Iterator[Finding]:
        """Both credentials, and the region of the workspace."""
        found = object_of(self.ask("GET", REGION))
        region = redact(str(found.get("data_center") or found.get("region") or "not told"), self.http.secrets)
        yield Finding("track API", True, f"site id and key are valid; region of the workspace: {region}")
        self.ask("GET", SEGMENTS)
        yield Finding("app API", True, "the key reads segments; whether it makes them, the first push tells")

    def _present(self, found: Mapping[str, Any]) -> Present:
        if self.config.identifier == "id":
            name = str(found.get("id") or "") or None
        else:
            name = EMAIL.normalise(str(found.get("email") or ""))
        return Present(platform_id(found.get("cio_id")), {self._column: name} if name else {})
