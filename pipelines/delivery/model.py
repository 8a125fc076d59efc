"""What a push is told and what it answers, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import TypeAdapter

from connectors.base import ActionNeeded, AuthFailed, Connector, SyncOptions
from pipelines.delivery.guards import Bounds, Guard, Overrides
from pipelines.delivery.journal_file import Clock, utc_now
from pipelines.engine import Engine
from pipelines.segments.attributes import Attribute
from pipelines.segments.holdout import Holdout
from pipelines.segments.model import Sync

if TYPE_CHECKING:
    from pipelines.delivery.ledger import Ledger
    from pipelines.delivery.outbox import Outbox

Status = Literal["planned", "delivered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Account:
    """A destination account: its connector, how to reach the warehouse, and where its state lives."""

    connector: Connector
    open_engine: Callable[[], AbstractContextManager[Engine]]
    state_dir: Path
    lock_wait_seconds: float
    retry_rejected_after: timedelta
    keep_history: timedelta = timedelta(days=400)
    clock: Clock = utc_now
    """What time it is: the same for journal, ledger and every judgement by age."""
    duckdb_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.connector.destination


class Part(StrEnum):
    """What of a push is sent, most urgent first."""

    OPT_OUTS = "opt_outs"
    """Those who must go."""
    REMOVES = "removes"
    """Everybody who leaves."""
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Push:
    """One audience to bring up to date."""

    segment: str
    sync: Sync
    options: SyncOptions
    bounds: Bounds
    formerly: str | None = None
    only_opt_outs: str | None = None
    """Why nobody but those who must go may move in this run; None: nothing speaks against a full push."""
    forbidden: str | None = None
    """Why the platform takes no audience of this kind; None: it does."""
    despite_hold: bool = False
    """Also when an operator put the audience on hold; for those who decide about that hold."""
    reason: str | None = None
    """Why people move, for the history, when it is not the segment's rule."""
    part: Part = Part.EVERYTHING
    """Less than everything while the account's budget does not take it all."""
    attributes: tuple[Attribute, ...] = ()
    """What the tool is to know of the people besides."""
    people: People | None = None
    """Who is wanted in place of the segment's people, whatever its day; None: the segment's."""
    condition: Condition | None = None
    """What must hold when everything is prepared; None: nothing more than the guards."""
    holdouts: tuple[Holdout, ...] = ()
    """Whom this audience is never to have, the draw that counts first."""
    fitness: Fitness | None = None
    """What speaks against making the audience at all; asked only while it was never made. None: nothing is asked."""


@dataclass(frozen=True, slots=True)
class Run:
    """What holds for all audiences of one run."""

    id: str
    today: date
    overrides: Overrides = field(default_factory=Overrides)
    resync: bool = False
    """Doubt everything: send all desired people again, remove all others."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one run did with one audience, or would do (``status`` planned). Every person is in one number:

    ``desired`` = kept + added + rejected + uncertain_desired + the sum of withheld;
    ``held_before`` = kept + kept_back + removed + leaving + dropped + uncertain_held;
    ``held`` = kept + kept_back + added + leaving + the removals accepted but not finished + uncertain.

    While planned, ``adds`` stands where added, newly rejected and uncertain will, ``removes`` where removed will,
    and ``resends`` are those of the kept who are sent again.
    """

    destination: str
    segment: str
    audience: str
    run_id: str
    status: Status
    as_of: date | None = None
    desired: int = 0
    held_before: int = 0
    """Members that are on the platform, or may be."""
    kept: int = 0
    """Held before, desired, and there as far as receipts can tell."""
    kept_back: int = 0
    """Held before, not desired or not judged, and left alone by a guard."""
    adds: int = 0
    removes: int = 0
    resends: int = 0
    """Held and desired, and sent again: no receipt the last time, or the platform would soon drop them."""
    updates: int = 0
    """Of the resends: members whose attributes are others than were sent."""
    asserted: int = 0
    """Members for whom the last request is repeated, because a late copy of an earlier one may have undone it."""
    added: int = 0
    removed: int = 0
    rejected: int = 0
    awaited: int = 0
    """Of the kept and added: accepted by the platform, which has not said yet what became of them."""
    dropped: int = 0
    """Held before without a receipt; now the platform says that it does not have them."""
    leaving: int = 0
    """Held before; their earlier removal is not finished on the platform."""
    uncertain: int = 0
    """Members without a receipt, each once."""
    uncertain_desired: int = 0
    uncertain_held: int = 0
    held: int = 0
    must_go: int = 0
    requests: int = 0
    rejected_unnamed: int = 0
    """Rows of this run that the platform refused without saying which; they count as added."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    rejected_reasons: Mapping[str, int] = field(default_factory=dict)
    verdict: str = "fine"
    sentence: str = "fine"
    audience_id: str | None = None
    url: str | None = None
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What somebody should know, though nothing is wrong: a credential that ends soon, too few people to be used."""
    needs_person: bool = False
    """Trying again by itself is pointless: a credential, terms or a setting must be mended first."""

    @property
    def ok(self) -> bool:
        """Whether everything that was to be done is done and receipted; standing still, that is opt-outs alone."""
        return (self.status in ("planned", "delivered") or self.stands_still) and not self.errors

    @property
    def stands_still(self) -> bool:
        """Whether nobody may be sent: on hold, a kind that the platform refuses, or too few for the policy profile."""
        return self.verdict in (Guard.ON_HOLD, Guard.POLICY, Guard.CELL)

    def to_json(self) -> str:
        """For the journal and for machines; stable keys."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Delivery:
        """What ``to_json`` wrote."""
        return _ADAPTER.validate_json(text)


_ADAPTER: TypeAdapter[Delivery] = TypeAdapter(Delivery)


class CannotBeDone(Exception):
    """What an operator asked of an audience is not possible; the sentence says why."""


class NumbersDoNotClose(Exception):
    """People are unaccounted for: a bug, never to be passed over."""


def quiet(destination: str, segment: str, op: str, done: int, total: int) -> None:
    """No progress shown."""


People = Callable[["Ledger", int], pa.Table]
"""Called with the ledger and the audience's number when states are read; answers with ``person_no`` (int32).

May raise CannotBeDone."""

Condition = Callable[["Delivery", "Outbox"], str | None]
"""Called with what would be done and the filled outbox, before anything is written or sent; a sentence stops it."""

Fitness = Callable[[Engine, Connector], str | None]
"""Called with the warehouse and the account's connector before a new audience is made; a sentence stops it."""

Watch = Callable[[str, str, str, int, int], None]
"""Called with destination, segment, operation, batches done, batches in all."""


WAITS_FOR_BUDGET = "budget"
"""The verdict on an audience that waits for its account's budget, and the reason of the people who do."""

PERSON_NEEDED = (AuthFailed, ActionNeeded)
"""Errors that the next attempt meets again unless somebody acts."""


def failed(destination: str, push: Push, run: Run, why: Exception | str) -> Delivery:
    """A delivery that could not even begin, with the sentence that says why."""
    sentence = str(why)
    return Delivery(
        destination,
        push.segment,
        push.sync.audience,
        run.id,
        "failed",
        verdict="failed",
        sentence=sentence,
        errors=(sentence,),
        needs_person=isinstance(why, PERSON_NEEDED),
    )
