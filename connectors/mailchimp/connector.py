"""Mailchimp tags as a destination. A tag is a static segment of the list; its id is the segment's."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import ClassVar

import pyarrow as pa
import requests

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    ConnectorSettings,
    Declared,
    DeliveryError,
    Finding,
    Kind,
    Limits,
    Op,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.http import Http, HttpConnector, Timing
from connectors.identity import Column, Identity, encode
from connectors.mailchimp import bulk
from connectors.mailchimp.answers import (
    ALREADY_THERE,
    TRY_LATER,
    UNKNOWN_PERSON,
    Node,
    RowProblem,
    judge,
    judge_person,
    removal_errors,
    row_errors,
)
from connectors.mailchimp.guard import guard
from connectors.mailchimp.listing import EVERYBODY, pages
from connectors.mailchimp.settings import MailchimpSettings
from connectors.mailchimp.unreachable import unreachable
from connectors.people import Present, Unreachable
from connectors.platform_ids import platform_id
from connectors.redact import redact
from connectors.rules import EMAIL, FIRST_NAME_AS_WRITTEN, LAST_NAME_AS_WRITTEN
from connectors.wire import Answer


class MailchimpConnector(HttpConnector):
    """One list. Contacts are found by address in clear; whoever is in the list keeps their status, always."""

    kind: ClassVar[Kind] = Kind.EMAIL_TOOL
    title: ClassVar[str] = "Mailchimp"
    settings_type: ClassVar[type[ConnectorSettings]] = MailchimpSettings
    consent = ("email_marketing",)
    audience_name_length: ClassVar[int] = 100
    reads_back = ReadBack(lag=timedelta(minutes=15), tolerance=0.02)
    tells_unreachable: ClassVar[bool] = True
    lists_members = timedelta(minutes=15)

    def __init__(self, destination: str, settings: MailchimpSettings) -> None:
        super().__init__(destination, settings)
        self.config = settings
        declared = self.declare(settings)
        self.limits, self.identity = declared.limits, declared.identity
        key = settings.api_key.get_secret_value()
        self._authorization = "Basic " + b64encode(f"turnout:{key}".encode()).decode()
        self.http = Http(
            settings.address,
            self._authorise,
            in_flight=settings.max_in_flight,
            name=self.title,
            timing=Timing(
                read=settings.timeout_seconds,
                answer=settings.timeout_seconds,
                longest_throttle=settings.max_wait_seconds,
            ),
            secrets=(key, self._authorization.removeprefix("Basic ")),
            guard=guard(settings.status_if_new),
        )
        self._list = f"/lists/{settings.list_id}"

    @classmethod
    def declare(cls, settings: MailchimpSettings) -> Declared:
        """Verdicts by address."""
        limits = Limits(
            max_rows=settings.max_rows,
            max_in_flight=settings.max_in_flight,
            verdicts=Verdicts.PER_ROW,
            settles_after=timedelta(minutes=settings.settles_after_minutes),
        )
        return Declared(limits, mailchimp_identity(settings))

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The tag by its id, else by its exact name, else a new one.

        Raises AudienceGone for a deleted tag, ActionNeeded when the list is missing or the id is a saved segment.
        """
        if request.known_id is not None:
            return self._known(request.known_id)
        found = self._ask("GET", f"{self._list}/tag-search", "list", params={"name": request.name})
        tags = found.get("tags")
        for tag in tags if isinstance(tags, list) else []:
            if isinstance(tag, dict) and str(tag.get("name", "")).lower() == request.name.lower():
                return _audience(tag)
        made = self._ask(
            "POST",
            f"{self._list}/segments",
            "list",
            body={"name": request.name, "static_segment": []},
            repeatable=False,
        )
        audience_id = platform_id(made.get("id"))
        if audience_id is None:
            raise Uncertain("Mailchimp: the answer to creating a tag names no id; it is looked for next time")
        return Audience(audience_id, request.name, created=True)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Tag the people. Those whom the list does not have are reported, or created first if the setting says so."""
        addresses = rows.column("EMAIL").to_pylist()
        rejected, unlocated = self._tag(audience, addresses)
        unknown = [position for position, reason in rejected.items() if reason == UNKNOWN_PERSON]
        if self.config.create_missing and unknown:
            problems = self._create_contacts({position: _contact(rows, position) for position in unknown})
            created = [position for position, problem in problems.items() if problem is None]
            again, more = self._tag(audience, [addresses[position] for position in created])
            for position in created:
                del rejected[position]
            rejected |= {position: problem for position, problem in problems.items() if problem is not None}
            rejected |= {created[index]: reason for index, reason in again.items()}
            unlocated += more
        return Receipt("applied", batch.id, rejected, unlocated)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Untag the people. Whoever is not in the list, or not tagged, is removed already."""
        addresses = rows.column("EMAIL").to_pylist()
        body = self._edit(audience, {"members_to_remove": addresses})
        refused = dict(removal_errors(body))
        left = {i: refused[a.lower()] for i, a in enumerate(addresses) if a.lower() in refused}
        return Receipt("applied", batch.id, left)

    def requests_for(self, op: Op, rows: int) -> int:
        """One to tag; where contacts are created, two, and at most what creating everybody takes."""
        if op == "remove" or not self.config.create_missing:
            return 1
        if rows <= self.config.create_singly:
            return 2 + rows
        looks = ceil(self.config.batch_wait_seconds / self.config.batch_poll_seconds)
        return 2 + max(self.config.create_singly, 1 + looks)

    def examine(self) -> Iterator[Finding]:
        """The key and the list."""
        try:
            found = self._ask("GET", self._list, "list")
            yield Finding("list", True, f"the key reads the list {redact(str(found.get('name', '')))!r}")
        except DeliveryError as error:
            yield Finding("list", False, str(error))

    def read_back(self, audience: Audience) -> Reported:
        """Contacts that have the tag, the unsubscribed included, as the tag holds them too."""
        path = f"{self._list}/segments/{audience.id}"
        found = self._ask("GET", path, "segment", params={"fields": "id,member_count", **EVERYBODY})
        counted = found.get("member_count")
        size = counted if isinstance(counted, int) and not isinstance(counted, bool) else None
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Contacts that have the tag, the unsubscribed included, by their addresses."""
        path = f"{self._list}/segments/{audience.id}/members"
        return pages(lambda page: self._ask("GET", path, "segment", params=page))

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Contacts of the list that are unsubscribed or cleaned; an archived one is not told, whatever it was."""
        path = f"{self._list}/members"
        return unreachable(lambda page: self._ask("GET", path, "list", params=page), since)

    def _known(self, segment_id: str) -> Audience:
        try:
            found = self._ask("GET", f"{self._list}/segments/{segment_id}", "segment")
        except AudienceGone:
            self._ask("GET", self._list, "list", params={"fields": "id"})  # a missing list is another matter
            raise
        if found.get("type") != "static":
            raise ActionNeeded("Mailchimp: the audience is a saved segment, whose members nobody can set")
        return _audience(found)

    def _tag(self, audience: Audience, addresses: Sequence[str]) -> tuple[dict[int, str], int]:
        """Rejected positions with reasons, and how many more were refused without a name."""
        if not addresses:
            return {}, 0
        body = self._edit(audience, {"members_to_add": list(addresses)})
        positions: dict[str, list[int]] = defaultdict(list)
        for position, address in enumerate(addresses):
            positions[address.lower()].append(position)
        errors = list(row_errors(body))
        rejected = {
            i: reason for address, reason in errors if reason != ALREADY_THERE for i in positions[address]
        }
        nameless = sum(1 for address, _ in errors if not positions[address])
        counted = body.get("error_count")
        unlisted = max(0, counted - len(errors)) if isinstance(counted, int) else 0
        return rejected, nameless + unlisted

    def _edit(self, audience: Audience, change: dict[str, object]) -> dict[str, object]:
        """Change the tag; raises Uncertain when a fault that passes hit some rows, so that all are sent again."""
        body = self._ask("POST", f"{self._list}/segments/{audience.id}", "segment", body=change)
        if any(reason == TRY_LATER for _, reason in row_errors(body)):
            raise Uncertain("Mailchimp: some people met a fault that passes; the batch is sent again")
        return body

    def _create_contacts(self, contacts: dict[int, dict[str, object]]) -> dict[int, str | None]:
        """Put contacts into the list; reasons of those whom Mailchimp refuses, by position, None for the others."""
        if len(contacts) <= self.config.create_singly:
            return {position: self._create_contact(contact) for position, contact in contacts.items()}
        operations = [
            bulk.operation(position, self._member(contact), self._upsert(contact), self._validation)
            for position, contact in contacts.items()
        ]
        for portion in bulk.batches_of(operations):
            bulk.wait_for(
                self._ask("POST", "/batches", "list", body={"operations": portion}),
                lambda batch: self._ask("GET", f"/batches/{batch}", "list"),
                self.http.clock,
                pause_seconds=self.config.batch_poll_seconds,
                longest_seconds=self.config.batch_wait_seconds,
            )
        return dict.fromkeys(contacts)

    def _member(self, contact: dict[str, object]) -> str:
        return f"{self._list}/members/{encode(str(contact['email_address']), 'md5_hex')}"

    def _upsert(self, contact: dict[str, object]) -> dict[str, object]:
        return {**contact, "status_if_new": self.config.status_if_new}

    @property
    def _validation(self) -> dict[str, str]:
        return {"skip_merge_validation": "true"} if self.config.skip_merge_validation else {}

    def _create_contact(self, contact: dict[str, object]) -> str | None:
        """Put one contact into the list; the reason if Mailchimp refuses them."""
        try:
            answer = self._send(
                "PUT",
                self._member(contact),
                lambda a: judge_person(a, self.destination, self.http.secrets),
                params=self._validation,
                body=self._upsert(contact),
            )
        except RowProblem as problem:
            return problem.reason
        kept = answer.json
        # Whoever was archived stays archived: bringing them back is the person's own decision.
        return "archived" if isinstance(kept, dict) and kept.get("status") == "archived" else None

    def _ask(
        self,
        method: str,
        path: str,
        node: Node,
        *,
        params: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
        repeatable: bool = True,
    ) -> dict[str, object]:
        def judged(answer: Answer) -> None:
            judge(answer, node, self.destination, self.http.secrets)

        found = self._send(method, path, judged, params=params, body=body, repeatable=repeatable).json
        return found if isinstance(found, dict) else {}

    def _send(
        self,
        method: str,
        path: str,
        judged: Callable[[Answer], None],
        *,
        params: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        made = None if body is None else (lambda _: body)
        return self.http.send(method, path, judged, params=params, body=made, repeatable=repeatable)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._authorization
        return request


def mailchimp_identity(settings: MailchimpSettings) -> Identity:
    """The address in clear, and names only where contacts may be created."""
    address = Column("EMAIL", EMAIL, "plain", identifies=True)
    names = (
        Column("FNAME", FIRST_NAME_AS_WRITTEN, "plain", in_handle=False),
        Column("LNAME", LAST_NAME_AS_WRITTEN, "plain", in_handle=False),
    )
    return Identity("mailchimp", 1, (address, *names) if settings.create_missing else (address,))


def _audience(found: dict[str, object]) -> Audience:
    audience_id = platform_id(found.get("id"))
    if audience_id is None:
        raise Refused("Mailchimp: the answer about the tag names no id; nothing was sent")
    return Audience(audience_id, str(found.get("name", "")))


def _contact(rows: pa.Table, position: int) -> dict[str, object]:
    row = rows.slice(position, 1).to_pylist()[0]
    fields = {name: row[name] for name in ("FNAME", "LNAME") if row.get(name)}
    return {"email_address": row["EMAIL"], "merge_fields": fields}
