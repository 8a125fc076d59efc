"""What connectors to email and CRM tools share: people in clear, the tool's own ids, attributes, and consent kept.

Whoever gets here has agreed to e-mail (``consent``), so a tool's own default for people it has just come to know is
never more than they said; nothing else about consent is ever sent (`connectors.consent_guard`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

import orjson
import pyarrow as pa
from pydantic import Field

from connectors.account import AccountConnector, AccountSettings
from connectors.base import (
    AttributeOptions,
    Audience,
    Batch,
    Kind,
    Limits,
    Op,
    Receipt,
    SyncOptions,
    Window,
)
from connectors.consent_guard import ConsentGuard
from connectors.identity import Column, Identity
from connectors.parts import portions
from connectors.rules import EMAIL

REMOTE_ID = "remote_id"
ATTRIBUTES = "attributes"
UNKNOWN_PERSON = "unknown_person"
"""The tool does not know the person, and none is to be created."""
CONSENT_BLOCKED = "consent_blocked"
"""The tool takes no data of the person, because of what they said there: final, and no fault."""

Value = str | int | float | bool
"""Of an attribute; dates are text (``2026-11-22``)."""


class EmailSettings(AccountSettings):
    """What is set for every account of an email tool."""

    create_missing: bool = Field(
        False, description="Create people whom the tool does not know; off: they are reported and left out."
    )


class ResolvingSettings(EmailSettings):
    """What is set where the tool's own ids of people are needed."""

    ids_last_days: int = Field(
        30,
        ge=1,
        description="Days for which the tool's own id of a person is remembered before it is asked again.",
    )

    def resolving_limits(self, max_rows: int, *more: Window, **particular: Any) -> Limits:
        """The account's limits, its people's ids remembered."""
        return self.limits(max_rows, *more, ids_last=timedelta(days=self.ids_last_days), **particular)


@dataclass(frozen=True, slots=True)
class Person:
    """One row of a batch."""

    position: int
    """0-based."""
    known_as: Mapping[str, str] = field(repr=False)
    """Identifiers by column, those that are known."""
    id: str | None = None
    """The tool's own, where it is remembered."""
    attributes: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """To be set, by the tool's field names; empty: none."""


def people_of(rows: pa.Table) -> list[Person]:
    """The rows of a batch as people."""
    return [
        Person(
            position,
            {name: value for name, value in row.items() if value and name not in (REMOTE_ID, ATTRIBUTES)},
            row.get(REMOTE_ID),
            orjson.loads(row[ATTRIBUTES]) if row.get(ATTRIBUTES) else {},
        )
        for position, row in enumerate(rows.to_pylist())
    ]


def address_identity(name: str, version: int = 1) -> Identity:
    """People by their address in clear, normalised; the column is ``EMAIL``."""
    return Identity(name, version, (Column("EMAIL", EMAIL, "plain", identifies=True),))


class EmailConnector(AccountConnector):
    """One account of an email tool."""

    kind = Kind.EMAIL_TOOL
    consent: tuple[str, ...] = ("email_marketing",)
    options_type: ClassVar[type[SyncOptions]] = AttributeOptions

    @abstractmethod
    def guard(self) -> ConsentGuard:
        """All that may leave; every request is held against it."""

    @abstractmethod
    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """People into the audience, with their attributes; whom the tool does not know is `UNKNOWN_PERSON`."""

    @abstractmethod
    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """People out of the audience; whom the tool does not know, or does not find there, is out."""

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """The batch into the audience."""
        return self.put(audience, people_of(rows), batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """The batch out of the audience."""
        return self.take_out(audience, people_of(rows), batch)


class ResolvingConnector(EmailConnector):
    """One account of a tool that adds or removes people by its own ids. Its limits say how long they last."""

    resolves_at_once: int = 100
    """People asked for in one request; of the class or of an account."""

    @abstractmethod
    def resolve(self, people: Sequence[Person]) -> Mapping[int, str]:
        """The tool's ids of these people, in one request: by position, none for whom it does not know."""

    def ids_of(self, people: Sequence[Person]) -> dict[int, str]:
        """The tool's ids by position, asking for those that are not remembered. Changes nothing."""
        known = {person.position: person.id for person in people if person.id}
        asked = [person for person in people if not person.id]
        # Nothing is changed yet, so a refusal is just that.
        for portion in portions(asked, self.resolves_at_once):
            known |= self.resolve(portion)
        return known

    def knows(self, rows: pa.Table) -> frozenset[int]:
        """Whoever has an id there now; no remembered one is believed."""
        people = [replace(person, id=None) for person in people_of(rows)]
        return frozenset(self.ids_of(people))

    def resolving_requests(self, rows: int) -> int:
        """The most requests that `ids_of` makes for so many people."""
        return -(-rows // self.resolves_at_once)

    def requests_for(self, op: Op, rows: int) -> int:
        """Asking for ids, and one request."""
        return self.resolving_requests(rows) + 1
