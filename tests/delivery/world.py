"""A small world for delivery: people and segments in plain Python behind the engine interface, and a platform
that remembers members, can lose answers, refuse batches and name bad rows. Both are second implementations of
public contracts, so that tests judge delivery against something simpler than itself."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Connector,
    Kind,
    Limits,
    Receipt,
    Refused,
    RowsRefused,
    SyncOptions,
    Uncertain,
)
from connectors.identity import Column, FastPath, Identity, Rule
from pipelines.delivery.delivery import deliver, plan
from pipelines.delivery.guards import Bounds, Overrides
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.engine import EngineInfo, Export, HeldOut, Members, PeopleByNumber, PeopleChanged, Profile
from pipelines.segments.holdout import Holdout, bucket
from pipelines.segments.model import Segment, Sync

DAY = date(2017, 12, 31)
TODAY = date(2018, 1, 1)
PURPOSE = "ads"

EMAIL = Rule(
    "test_email",
    1,
    ("email",),
    lambda raw: raw.strip().lower() or None,
    FastPath("regexp_full_match(email, '[a-z0-9@.]+')", "email"),
)
PHONE = Rule("test_phone", 1, ("phone",), lambda raw: "".join(filter(str.isdigit, raw)) or None)
CITY = Rule("test_city", 1, ("city",), str.lower)

IDENTITY = Identity(
    "test",
    1,
    (
        Column("EMAIL", EMAIL, "sha256_hex", identifies=True),
        Column("PHONE", PHONE, "sha256_hex", identifies=True),
        Column("CITY", CITY, "plain", in_handle=False),
    ),
)

HASHED = replace(
    IDENTITY, columns=(*IDENTITY.columns[:2], Column("CITY", CITY, "sha256_hex", in_handle=False))
)
"""The same without a plain column: what is hashed for the ledger may be kept for the payloads of the run."""


def digest(text: str | None) -> str | None:
    """The digest a platform would be sent for a normalised value."""
    return hashlib.sha256(text.encode()).hexdigest() if text else None


@dataclass
class Person:
    """One row of ``people``, as the sources would have made it."""

    email: str | None
    phone: str | None = None
    city: str | None = "Springfield"
    granted: bool = True
    suppressed: str | None = None
    revision: int = 1
    email_sha256: str | None = None

    @property
    def handle(self) -> tuple[str | None, str | None]:
        """What the platform is sent to find this person by."""
        email = self.email.strip().lower() if self.email else None
        phone = "".join(filter(str.isdigit, self.phone)) if self.phone else None
        return digest(email), digest(phone)

    @property
    def allowed(self) -> bool:
        """Whether a payload of this person may exist."""
        return self.granted and self.suppressed is None and any(self.handle)


@dataclass
class World:
    """People and segments; an engine over them."""

    people: dict[int, Person] = field(default_factory=dict)
    segments: dict[str, dict[date, set[int]]] = field(default_factory=dict)
    revision: int = 1
    newest: date | None = DAY
    identity: str = "warehouse-1"

    def put(self, number: int, person: Person) -> None:
        """Add or replace a person."""
        self.revision += 1
        person.revision = self.revision
        self.people[number] = person

    def change(self, number: int, **fields: object) -> None:
        """Change a person's row."""
        for name, value in fields.items():
            setattr(self.people[number], name, value)
        self.put(number, self.people[number])

    def erase(self, number: int) -> None:
        """A person is erased: the row stays, empty and suppressed."""
        self.put(number, Person(None, None, None, granted=False, suppressed="erased"))

    def want(self, segment: str, numbers: set[int], as_of: date = DAY) -> None:
        """The segment of a day is exactly these people."""
        self.segments.setdefault(segment, {})[as_of] = set(numbers)

    def desired(self, segment: str) -> set[tuple[str | None, str | None]]:
        """The handles that should be on the platform."""
        days = self.segments[segment]
        return {self.people[n].handle for n in days[max(days)] if self.people[n].allowed}

    # --- the engine ---

    def check(self) -> EngineInfo:
        return EngineInfo("world", "1", "memory", self.identity)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        yield

    def latest(self, segment: str) -> date | None:
        return max(self.segments.get(segment, {}), default=None)

    def newest_day(self) -> date | None:
        return self.newest

    def run_segment(self, segment: Segment, as_of: date) -> Profile:
        raise NotImplementedError

    def run_together(self, segments: Sequence[Segment], as_of: date) -> Sequence[Profile]:
        raise NotImplementedError

    def profile(self, segment: str, as_of: date) -> Profile | None:
        raise NotImplementedError

    def close(self) -> None: ...

    def export(self, export: Export) -> pa.RecordBatchReader:
        match export:
            case Members(segment, as_of):
                numbers = sorted(self.segments[segment][as_of])
                return pa.table({"person_no": pa.array(numbers, pa.int32())}).to_reader()
            case PeopleByNumber(numbers, columns):
                return self._people([n for n in numbers.to_pylist() if n in self.people], columns)
            case HeldOut(draws, numbers):
                return self._held_out(draws, numbers.to_pylist())
            case PeopleChanged(since, columns):
                return self._people([n for n, p in self.people.items() if p.revision > since], columns)

    def held_out(self, number: int, draws: Sequence[Holdout]) -> str | None:
        """Why a person is held out, by their key."""
        return next((d.reason for d in draws if bucket(d.salt, f"key-{number}") < d.below), None)

    def _held_out(self, draws: Sequence[Holdout], numbers: list[int]) -> pa.RecordBatchReader:
        drawn = {n: reason for n in numbers if (reason := self.held_out(n, draws)) is not None}
        table = {"person_no": pa.array(drawn, pa.int32()), "reason": pa.array(drawn.values(), pa.string())}
        return pa.table(table).to_reader()

    def _people(self, numbers: list[int], columns: tuple[str, ...]) -> pa.RecordBatchReader:
        people = [self.people[n] for n in numbers]
        table = {
            "person_no": pa.array(numbers, pa.int32()),
            "revision": pa.array([p.revision for p in people], pa.int64()),
            "granted": pa.array([[PURPOSE] if p.granted else [] for p in people], pa.list_(pa.string())),
            "suppressed": pa.array([p.suppressed for p in people], pa.string()),
        }
        for column in columns:
            table[column] = pa.array([getattr(p, column) for p in people], pa.string())
        return pa.table(table).to_reader(max_chunksize=7)


class Platform(Connector):
    """Remembers handles; matches a removal by any identifier, as ad platforms do."""

    kind = Kind.AD_PLATFORM
    title = "Test platform"
    consent = (PURPOSE,)
    identity = IDENTITY

    def __init__(self, max_rows: int = 10, max_in_flight: int = 3) -> None:
        super().__init__("platform", None)
        self.limits = Limits(max_rows=max_rows, max_in_flight=max_in_flight)
        self.audiences: dict[str, set[tuple[str | None, str | None]]] = {}
        self.bad_rows: dict[str, str] = {}
        self.faults: list[str] = []
        self.calls: list[tuple[str, int]] = []
        self.payload_cities: list[str | None] = []
        self._lock = threading.Lock()

    def members(self, segment: str) -> set[tuple[str | None, str | None]]:
        """Who is in the audience of a segment."""
        return self.audiences.get(f"turnout:{segment}", set())

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        if request.known_id and request.known_id not in self.audiences:
            raise AudienceGone("the audience is not there any more")
        known = request.known_id or request.marker
        self.audiences.setdefault(known, set())
        return Audience(known, request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        with self._lock:
            self.payload_cities += rows.column("CITY").to_pylist()
            return self._apply(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        with self._lock:
            return self._apply(audience, rows, batch)

    def _apply(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        assert rows.num_rows == batch.size <= self.limits.max_rows
        self.calls.append((batch.op, rows.num_rows))
        fault = self.faults.pop(0) if self.faults else "none"
        handles = list(zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True))
        bad = {
            i: self.bad_rows[e]
            for i, (e, _) in enumerate(handles)
            if e in self.bad_rows and batch.op == "add"
        }
        if fault == "refuse":
            raise Refused("the platform said no")
        if fault == "lost_before":
            raise Uncertain("no answer")
        if fault == "poison" and bad:
            raise RowsRefused("a row is not acceptable")
        if fault == "named" and bad:
            raise RowsRefused("rows are not acceptable", bad)
        members = self.audiences[audience.id]
        for i, handle in enumerate(handles):
            if batch.op == "add" and i not in bad:
                members.add(handle)
            if batch.op == "remove":
                members -= {
                    m for m in members if any(a == b is not None for a, b in zip(m, handle, strict=True))
                }
        if fault == "lost_after":
            raise Uncertain("no answer")
        return Receipt("applied", reference=batch.id, rejected=bad)


BOUNDS = Bounds(max_removed=0.5, max_growth=3.0, floor=5, max_age_days=2)


def account(world: World, platform: Platform, folder: Path) -> Account:
    """The platform's account over the world's warehouse."""

    @contextmanager
    def open_engine() -> Iterator[World]:
        yield world

    return Account(platform, open_engine, folder, lock_wait_seconds=0, retry_rejected_after=timedelta(days=7))


def audience_push(segment: str, *, bounds: Bounds = BOUNDS, formerly: str | None = None) -> Push:
    """A push of one segment."""
    return Push(segment, Sync("platform", segment.title()), SyncOptions(), bounds, formerly)


def push_all(
    world: World,
    platform: Platform,
    folder: Path,
    *segments: str,
    resync: bool = False,
    overrides: Overrides | None = None,
    today: date = TODAY,
    bounds: Bounds = BOUNDS,
) -> list[Delivery]:
    """Deliver segments and return what happened."""
    run = Run("run", today, overrides or Overrides(), resync)
    return deliver(account(world, platform, folder), [audience_push(s, bounds=bounds) for s in segments], run)


def plan_all(world: World, platform: Platform, folder: Path, *segments: str) -> list[Delivery]:
    """Plan segments without sending."""
    return plan(account(world, platform, folder), [audience_push(s) for s in segments], Run("run", TODAY))
