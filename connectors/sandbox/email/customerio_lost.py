"""Customer.io's people who left, and the addresses that its sending server does not write to."""

from __future__ import annotations

import sqlite3
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from connectors.sandbox.email import people, suppressions
from connectors.sandbox.email.customerio_people import CUSTOMERIO
from connectors.sandbox.email.people import Known
from connectors.sandbox.wire import Json

KINDS: Final = frozenset({"bounces", "blocks", "spam_reports", "invalid_emails"})


class Strict(BaseModel):
    """A part of a search, which knows its fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Attribute(Strict):
    """An attribute that has a value."""

    field: str
    operator: Literal["eq"]
    value: str | int | float | bool


class Filter(Strict):
    """What is searched for."""

    attribute: Attribute


class Search(Strict):
    """``POST /v1/customers``."""

    filter: Filter


def who_have(db: sqlite3.Connection, wanted: Attribute) -> list[Known]:
    """Everybody who has the attribute's value, by id; ``unsubscribed`` is what they said themselves."""
    if wanted.field == "unsubscribed":
        left = people.with_consent(db, CUSTOMERIO, "unsubscribed")
        return left if str(wanted.value).lower() in ("true", "1") else []
    everybody = people.listed(db, CUSTOMERIO)
    return [person for person in everybody if person.attributes.get(wanted.field) == wanted.value]


def suppressed(db: sqlite3.Connection, kind: str) -> list[Json]:
    """Addresses of a kind, oldest first."""
    return [
        {"created": int(at), "email": email, "reason": "", "status": ""}
        for email, at in suppressions.listed(db, CUSTOMERIO, kind)
    ]
