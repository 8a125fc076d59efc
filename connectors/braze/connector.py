"""Braze's custom attributes as a destination: whoever has one set to true is in the audience."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connectors import rate_headers
from connectors.account import items_of, object_of
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    AuthFailed,
    Batch,
    Declared,
    Finding,
    Op,
    Receipt,
    Refused,
    SyncOptions,
    Uncertain,
)
from connectors.braze import answers, attributes, unreachable
from connectors.braze.guard import IDENTIFIERS, ONLY_EXISTING, guard
from connectors.braze.settings import COLUMNS, BrazeSettings
from connectors.consent_guard import ConsentGuard
from connectors.email import UNKNOWN_PERSON, EmailConnector, Person
from connectors.meanings import Told
from connectors.parts import portions
from connectors.people import Unreachable
from connectors.wire import Answer

LOOKED_UP_AT_ONCE = 50


class BrazeConnector(EmailConnector):
    """One workspace. Attributes are apart from what anybody subscribes to, which is never touched."""

    config: BrazeSettings
    title = "Braze"
    settings_type = BrazeSettings
    signs_with = ("api_key",)
    errors = answers.ERRORS
    audience_name_length = 200
    tells_unreachable = True

    def __init__(self, destination: str, settings: BrazeSettings) -> None:
        super().__init__(destination, settings)
        self._key = settings.identifier
        self._column = COLUMNS[settings.identifier]
        self._once = threading.Lock()
        self._known: Mapping[str, Mapping[str, object]] | None = None

    @classmethod
    def declare(cls, settings: BrazeSettings) -> Declared:
        """Whoever is not taken is told by position."""
        return Declared(settings.braze_limits, settings.identity)

    def headers(self) -> Mapping[str, str]:
        """The key as a bearer token."""
        return {"Authorization": f"Bearer {self.config.api_key.get_secret_value()}"}

    def guard(self) -> ConsentGuard:
        """Attributes only, of people who are there unless it is set otherwise."""
        return guard(self.config.identifier, create_missing=self.config.create_missing)

    def told(self, answer: Answer) -> Told | None:
        """A message without success, whatever the status; how long to wait stands in the headers of the limit."""
        message = str(object_of(answer).get("message") or "")
        if answer.status < 400:
            return None if message.lower() in ("", *answers.SUCCESSES) else Told(message=message)
        left = rate_headers.left(answer.headers, self.http.clock.now())
        waits = [one.resets_in for one in left if one.resets_in is not None]
        return Told((answer.status,), message, wait=max(waits, default=None))

    # --- people ----------------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """The attribute is true, and others with it; those aside whom Braze does not know."""
        self._require_attributes(audience, people)
        unknown = {} if not self.config.looks_up else self._unknown(people)
        taken = [person for person in people if person.position not in unknown]
        if not taken:
            return Receipt("applied", rejected=unknown)
        rejected, unlocated = self._track(audience, taken, member=True)
        return Receipt("applied", None, unknown | rejected, unlocated)

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """The attribute is false, so that it can still be asked for; nobody is made for it."""
        rejected, unlocated = self._track(audience, people, member=False)
        return Receipt("applied", None, rejected, unlocated)

    def requests_for(self, op: Op, rows: int) -> int:
        """One, besides looking up whom to add."""
        return 1 + (-(-rows // LOOKED_UP_AT_ONCE) if op == "add" and self.config.looks_up else 0)

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Addresses that unsubscribed from everything, or bounced."""
        yield from unreachable.unreachable(
            lambda path, query: self.ask("GET", path, params=query), since, self.http.clock.now()
        )

    # --- attributes that are audiences -----------------------------------------------------------------------

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The attribute's name is all there is: it comes into being with its first member, and is never gone."""
        found = super().open_audience(request, options)
        return replace(found, name=found.id)

    def read_audience(self, audience_id: str) -> Audience:
        """The attribute, looked at."""
        self._require_writable(audience_id)
        return self.audience(audience_id, audience_id)

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """The attribute of this name, where Braze has it already."""
        name = self._name_of(request)
        self._require_writable(name)
        if name in self._attributes():
            yield self.audience(name, name), request.marker

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """Nothing is made: only the name is chosen."""
        return self._name_of(request)

    def examine_account(self) -> Iterator[Finding]:
        """Whether the key may do what a push needs; nothing is changed."""
        try:
            self.ask("POST", "/users/track", {"attributes": []})
        except Refused as refusal:
            # Whoever may not write is told so before Braze says that there is nothing to write.
            if "code 400" not in str(refusal):
                raise
        yield Finding("users.track", True, "the key may write attributes")
        if self.config.looks_up:
            self._known_among(["turnout-doctor"])
            yield Finding("users.export.ids", True, "people can be looked up")
        if self.config.check_attributes:
            yield Finding(
                "custom_attributes.get", True, f"{len(self._attributes())} custom attributes are there"
            )

    # --- requests --------------------------------------------------------------------------------------------

    def _track(
        self, audience: Audience, people: Sequence[Person], *, member: bool
    ) -> tuple[dict[int, str], int]:
        """People who were not taken: reasons by position, and how many more."""
        only_existing = not (member and self.config.create_missing)
        objects = [
            {
                **person.attributes,
                self._key: person.known_as[self._column],
                audience.id: member,
                ONLY_EXISTING: only_existing,
            }
            for person in people
        ]
        path = "/users/track/bulk" if self.config.bulk_rows else "/users/track"
        answer = self.ask(
            "POST", path, {"attributes": objects}, sent=[str(one[self._key]) for one in objects]
        )
        return answers.not_taken(object_of(answer), people)

    def _unknown(self, people: Sequence[Person]) -> dict[int, str]:
        """Whom Braze does not know. A question: whatever happens to it, nothing was changed."""
        unknown: dict[int, str] = {}
        for portion in portions(people, LOOKED_UP_AT_ONCE):
            ids = [person.known_as[self._column] for person in portion]
            try:
                known = self._known_among(ids)
            except Uncertain as error:
                raise Refused(
                    f"Braze: people could not be looked up ({error}); nothing was changed"
                ) from None
            unknown |= {p.position: UNKNOWN_PERSON for p in portion if p.known_as[self._column] not in known}
        return unknown

    def _known_among(self, ids: Sequence[str]) -> set[str]:
        asked = {"external_ids": list(ids), "fields_to_export": ["external_id"]}
        answer = object_of(self.ask("POST", "/users/export/ids", asked, sent=ids))
        if not isinstance(answer.get("users"), list):
            raise Refused("Braze: the answer does not say whom it knows; nothing was changed")
        return {str(user.get("external_id")) for user in items_of(answer["users"])}

    def _attributes(self) -> Mapping[str, Mapping[str, object]]:
        """The workspace's custom attributes by name, asked once; none where they are not to be looked at."""
        with self._once:
            if self._known is None:
                listed = attributes.listed(self._page_of_attributes) if self.config.check_attributes else ()
                self._known = {str(one.get("name")): one for one in listed}
            return self._known

    def _page_of_attributes(self, query: Mapping[str, str]) -> Answer:
        try:
            return self.ask("GET", "/custom_attributes", params=query)
        except AuthFailed as error:
            raise AuthFailed(
                f"{error}; it needs custom_attributes.get, unless {self.prefix}CHECK_ATTRIBUTES is false"
            ) from None

    def _name_of(self, request: AudienceRequest) -> str:
        return attributes.name_of(self.config.attribute_prefix, request.name)

    def _require_writable(self, name: str) -> None:
        attributes.require_writable(name, self._attributes().get(name, {}))

    def _require_attributes(self, audience: Audience, people: Sequence[Person]) -> None:
        """Raise ActionNeeded for an attribute that would change who somebody is, or who is in the audience."""
        reserved = IDENTIFIERS | {audience.id, ONLY_EXISTING}
        wrong = sorted({name for person in people for name in person.attributes} & reserved)
        if wrong:
            raise ActionNeeded(f"Braze: {wrong[0]!r} cannot be set as an attribute")
