"""What the journal tells, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.base import Op

BatchState = Literal["planned", "sent", "applied", "accepted", "refused", "unknown", "doubted", "void"]


@dataclass(frozen=True, slots=True)
class JournalledBatch:
    """A batch as the journal knows it."""

    id: str
    segment: str
    op: Op
    state: BatchState
    size: int
    reference: str | None
    sent_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A member that the platform did not take; ``at`` is when it said so."""

    batch: str
    member: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows of an audience that the platform does not take, for one reason; ``since`` is when it first said so."""

    destination: str
    segment: str
    reason: str
    people: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LastPush:
    """The newest finished push of an audience; ``report`` is its delivery as JSON."""

    destination: str
    segment: str
    run_id: str
    ended_at: datetime
    report: str


@dataclass(frozen=True, slots=True)
class Moving:
    """A push that has begun and not ended: under way, or cut off."""

    destination: str
    segment: str
    run_id: str
    started_at: datetime
    batches: int
    settled: int


@dataclass(frozen=True, slots=True)
class Decision:
    """An operator's override, with who and why."""

    at: datetime
    destination: str
    segment: str
    decision: str
    who: str
    why: str
