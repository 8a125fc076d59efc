"""What a connector is: what it declares, what it does, and how it says what happened.

Errors, grouped by what the engine must do next:

    DeliveryError
    ├── Refused           certainly not applied: the batch can be dropped or planned again
    │   ├── RowsRefused   … because of named rows: send the others again without them
    │   └── JobFailed     … after it was accepted: told by ``poll``
    ├── Uncertain         may have been applied: only a later receipt can tell
    ├── AudienceGone      the audience is not there any more: nobody is held in it
    └── DestinationError  nothing can be sent to this account until somebody acts
        ├── AuthFailed    the credential is missing, wrong, expired or lacks a permission
        ├── ActionNeeded  a person has to do something on the platform (accept terms, free the audience …)
        └── QuotaExhausted  the account's budget is spent until ``until``

Nothing in this package imports Dagster, DuckDB or the engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.identity import Identity
from connectors.people import FieldType, Present, Unreachable
from connectors.rooms import BudgetState

Op = Literal["add", "remove"]


class Kind(StrEnum):
    """What sort of tool a destination is; decides the wording of reports."""

    AD_PLATFORM = "ad_platform"
    EMAIL_TOOL = "email_tool"
    FILE = "file"


class Verdicts(StrEnum):
    """How precisely a platform says which rows it did not take."""

    PER_ROW = "per_row"
    WHOLE_REQUEST = "whole_request"
    COUNT_AND_SAMPLES = "count_and_samples"
    COUNT = "count"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``requests`` in any stretch of time as long as ``per``."""

    requests: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.requests < 1 or self.per <= timedelta(0):
            raise ValueError("a window takes at least one request in a time longer than nothing")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account of a destination can take. Every field has a reader in the engine."""

    max_rows: int
    """Rows in one request; batches are cut to exactly this size."""
    max_in_flight: int = 2
    """Requests of one account that may be under way at once."""
    windows: tuple[Window, ...] = ()
    """Requests that the account takes by the second, minute, day …; none where only answers tell."""
    verdicts: Verdicts = Verdicts.NONE
    asynchronous: bool = False
    """Receipts may be ``accepted``; the engine polls them, also in later runs."""
    asks_after: timedelta = timedelta(0)
    """How soon after sending a verdict can be expected; nobody asks earlier."""
    verdict_within: timedelta = timedelta(days=3)
    """An accepted batch without a verdict for so long is in doubt, and sent again."""
    can_remove: bool = True
    expires_after: timedelta | None = None
    """Members leave by themselves after this long; the engine sends unchanged members again in time."""
    settles_after: timedelta = timedelta(0)
    """How long after its last attempt a request, or a copy of it on the way, may still be applied. Members for whom
    opposite requests were sent within that time are sent once more after it."""
    ids_last: timedelta | None = None
    """The platform adds or removes people by its own ids: rows carry the column ``remote_id``, null where none is
    remembered or, to add, where it was learned longer ago than this. None: it goes by the identifiers."""
    exact_counts: bool = False
    """A count of refused rows is exact for the request that it answers, so that halves of a batch find the rows."""
    min_size: int = 0
    """Fewer members than this are useless (or refused) on the platform; shown, never enforced."""


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience as the platform knows it."""

    id: str
    name: str
    url: str | None = None
    created: bool = False


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How far the size that a platform reports can be believed."""

    lag: timedelta
    """How long after a push the platform may still report the size before it."""
    tolerance: float = 0.0
    """Share of the size by which it may be off though everything is right: rounding, people merged or split."""
    matched_only: bool = False
    """It counts only people whom the platform recognises, so fewer than sent is normal, and more never is."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a platform says of an audience: between ``lower`` and ``upper`` people; None where it does not say."""

    lower: int | None
    upper: int | None
    status: str = ""
    """Its own words on the audience's state, empty when it has none."""
    as_of: datetime | None = None
    """When the platform last changed the number, if it says so."""


@dataclass(frozen=True, slots=True)
class AudienceRequest:
    """What the engine wants opened: found by ``known_id``, else by ``marker`` and name, else created."""

    name: str
    """Name shown on the platform: neutral, within the platform's length."""
    marker: str
    """Our stable mark (``turnout:<segment>``) for platforms whose audiences carry a description."""
    known_id: str | None
    """The platform's id from an earlier run."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's worth of rows. ``id`` is a ULID, unique for ever: idempotency keys derive from it."""

    id: str
    op: Op
    number: int
    """1-based position among the run's batches of this operation."""
    of: int
    size: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A platform's answer to one batch.

    ``rejected`` maps 0-based row positions to reasons; ``rejected_unlocated`` counts rows the platform
    refused without saying which. ``accepted`` means that the verdict comes later by ``reference``.
    """

    status: Literal["applied", "accepted"]
    reference: str | None = None
    rejected: Mapping[int, str] = field(default_factory=dict)
    rejected_unlocated: int = 0
    learned: Mapping[int, str | None] = field(default_factory=dict)
    """The platform's own ids by 0-based row position, to be remembered; None: it does not know the person any more."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a connector declares before it has signed in anywhere."""

    limits: Limits
    identity: Identity


@dataclass(frozen=True, slots=True)
class Finding:
    """What an examination of an account found at one step."""

    step: str
    ok: bool
    says: str
    """What is so, or what a person has to do."""


class DeliveryError(Exception):
    """Base of everything a connector may raise. Its text never holds an identifier or a secret."""

    maybe_applied: bool = False
    """An earlier attempt at the same request had no answer: the batch may be applied, whatever came after."""


class Refused(DeliveryError):
    """The platform certainly did not apply the batch."""


class RowsRefused(Refused):
    """The whole batch was refused because of some rows; the others may be sent again at once.

    ``rows`` maps 0-based positions to reasons. Empty means that the platform did not name them.
    """

    def __init__(self, message: str, rows: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.rows: Mapping[int, str] = dict(rows or {})


class JobFailed(Refused):
    """An accepted batch was not applied in the end. Any other Refused of ``poll`` is about the question."""


class Uncertain(DeliveryError):
    """The batch may or may not have been applied (time-out after sending, reset, unreadable answer)."""

    maybe_applied = True


class AudienceGone(DeliveryError):
    """The audience does not exist any more, or not for us."""


class DestinationError(DeliveryError):
    """Nothing can be sent to this account until something outside this run changes."""


class AuthFailed(DestinationError):
    """The credential is missing, wrong, expired, or lacks a permission. Says which setting to look at."""


class ActionNeeded(DestinationError):
    """A person must act on the platform first. Says what to do and where."""


class QuotaExhausted(DestinationError):
    """The account's budget is spent; ``until`` is when it opens again, if the platform said so."""

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class ConnectorSettings(BaseSettings):
    """Settings of one destination account, read from ``TURNOUT_<DESTINATION>_*`` at push time."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)


class SyncOptions(BaseModel, extra="forbid", frozen=True):
    """What a ``[sync.<destination>]`` table may set besides the engine's own keys; empty by default."""


class AttributeOptions(SyncOptions, frozen=True):
    """Options of connectors that set fields about people: rows to add may then carry the column ``attributes``, a JSON
    object from the tool's field names to text, number, boolean or date (as text), null where nothing is to be set."""

    attributes: dict[str, str] = Field(
        default_factory=dict,
        description="A table from the tool's fields to columns of `features`; sent when they change.",
    )


class Connector(ABC):
    """One account of one platform.

    Contract, tested once for all: ``add`` and ``remove`` are idempotent, so a call may repeat a request that had no
    answer, a bounded number of times; when none has one, it is ``Uncertain``. A request that was answered is never
    repeated. A failure before connecting is retried and then ``Refused``; 429 honours Retry-After; creating an audience
    is never repeated without an answer. No error text holds an identifier or a credential; safe to call from threads.
    """

    kind: ClassVar[Kind]
    title: ClassVar[str]
    settings_type: ClassVar[type[ConnectorSettings]]
    options_type: ClassVar[type[SyncOptions]] = SyncOptions
    consent: tuple[str, ...]
    """Of the class, or of an account whose settings say otherwise: purposes a person must have granted, all of
    them, before any payload of theirs is built."""
    audience_name_length: ClassVar[int] = 100
    forbids: ClassVar[Mapping[str, str]] = {}
    """Sensitive categories (a segment's ``policy``) that the platform takes no audiences of, each with its rule."""
    reads_back: ClassVar[ReadBack | None] = None
    """How to judge the sizes of `read_back`; None: the platform does not report any."""
    lists_members: ClassVar[timedelta | None] = None
    """How late `members` may be: younger changes prove no drift; None: it cannot be asked who is in an audience."""
    tells_unreachable: ClassVar[bool] = False
    """Whether `unreachable` can be asked."""

    limits: Limits
    identity: Identity

    def __init__(self, destination: str, settings: Any) -> None:
        self.destination = destination
        self.settings = settings

    @classmethod
    def declare(cls, settings: Any) -> Declared:
        """Limits and identity under these settings; none of those without a default may be asked for."""
        return Declared(cls.limits, cls.identity)

    @abstractmethod
    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """Find the audience by id, then by marker or name; create it when missing.

        Raises AudienceGone when ``request.known_id`` is set and the platform does not know it any more.
        """

    @abstractmethod
    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Put ``rows`` (the identity's columns, in order, all text, null where unknown) into the audience."""

    @abstractmethod
    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Take ``rows`` (the identity's handle columns, as they were sent) out of the audience."""

    def lifetime(self, options: SyncOptions) -> timedelta | None:
        """How long a member stays in an audience with these options unless sent again; None: for ever."""
        return self.limits.expires_after

    def requests_for(self, op: Op, rows: int) -> int:
        """The most HTTP requests that a batch of so many rows takes when every request is answered."""
        return 1

    def use_state(self, folder: Path) -> None:  # noqa: B027 - optional
        """Keep in this folder what all processes that ask the account share: its budget, its tokens.

        Raises ActionNeeded when that cannot be done.
        """

    def budget_state(self) -> BudgetState | None:
        """What the account takes now, without asking it; None for an account without a budget."""
        return None

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """The verdict on an accepted batch; still ``accepted`` while there is none.

        Raises JobFailed when it was not applied; a question that is refused or not answered says nothing of it.
        """
        raise NotImplementedError(f"{self.title} answers at once")

    def read_back(self, audience: Audience) -> Reported:
        """How many people the platform says it holds. Raises AudienceGone and the other errors of a connector."""
        raise NotImplementedError(f"{self.title} reports no sizes")

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Everybody in the audience, page by page, the unsubscribed included. Raises AudienceGone and the others."""
        raise NotImplementedError(f"{self.title} does not list members")

    def knows(self, rows: pa.Table) -> frozenset[int] | None:
        """Which of these people (handle columns) the tool knows, by 0-based row; None: that cannot be asked."""
        return None

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Who has unsubscribed, bounced, complained or been suppressed, at least since then; None: ever."""
        raise NotImplementedError(f"{self.title} does not tell who cannot be reached")

    def fields(self) -> Mapping[str, FieldType] | None:
        """The fields about people that may be set, by name; None: the tool takes any name and type."""
        return None

    def examine(self) -> Iterator[Finding]:
        """Look at credential, permissions, terms and the account, step by step, without changing anything.

        Ends with the first step that fails and that others stand on. Raises nothing but what is a bug.
        """
        yield from ()

    def credential_ends(self) -> datetime | None:
        """When somebody has to sign in again, though the credential is used until then; None: never, or unknown."""
        return None

    def close(self) -> None:  # noqa: B027 - optional
        """Give back connections."""
