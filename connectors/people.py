"""What tools that know people tell of them: their fields, who is in a list, whom they write to no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class FieldType(StrEnum):
    """What a tool's field about people holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Somebody whom a tool writes to no more, by whatever it names them with."""

    reason: Literal["unsubscribed", "bounced", "complained", "suppressed"]
    at: datetime | None
    """When, as the tool says; None: it does not."""
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Present:
    """A member as the tool lists them: its own id, and identifiers by the names of the identity's handle columns."""

    remote_id: str | None
    identifiers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Normalised as they are sent; empty where the tool lists ids alone."""
