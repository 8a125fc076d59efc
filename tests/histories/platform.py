"""A platform in plain Python that takes requests in three ways, tells of bad rows in six, and misbehaves on demand.

It keeps what it holds (handles, with the moment each was last added), what it was asked (every request, with the
answer it gave) and what it has not processed yet. Time is the history's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

import pyarrow as pa

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Batch,
    Connector,
    JobFailed,
    Kind,
    Limits,
    Op,
    QuotaExhausted,
    Receipt,
    Refused,
    RowsRefused,
    SyncOptions,
    Uncertain,
)
from tests.delivery.world import IDENTITY, PURPOSE
from tests.histories.clock import Clock

Handle = tuple[str | None, str | None]
"""What a person is found by: the digests of e-mail and phone."""

MAX_ROWS = 2
"""Rows in one request: so few that a handful of people fill several batches."""


class Killed(BaseException):
    """The process died here."""


class Way(StrEnum):
    """How a platform processes what it is sent."""

    DIRECT = "direct"
    SESSION = "session"
    JOB = "job"


class Style(StrEnum):
    """How a platform tells which rows it did not take."""

    PER_ROW = "per_row"
    NAMED = "whole_request_naming_rows"
    WHOLE = "whole_request"
    SAMPLES = "count_and_samples"
    COUNT = "count"
    NONE = "none"


COUNTING = (Style.SAMPLES, Style.COUNT)
"""Styles that say how many rows were not taken."""


@dataclass(slots=True)
class Request:
    """One request as it reached the platform, and what became of it."""

    op: Op
    audience: str
    batch: Batch
    handles: tuple[Handle, ...]
    at: datetime
    answer: str = "none"
    """``applied``, ``accepted``, ``refused``, or ``none`` when Turnout got no answer."""
    named: frozenset[Handle] = frozenset()
    """Rows that the platform refused by name."""
    silent: frozenset[Handle] = frozenset()
    """Rows that it did not take without saying which."""
    state: str = "waiting"
    """``waiting``, ``processed``, ``failed``, or ``late``: answered, and still on its way."""

    @property
    def counts_all(self) -> bool:
        """Whether all of its rows that were not named were refused."""
        return bool(self.silent) and len(self.silent) == len(self.handles) - len(self.named)


@dataclass(slots=True)
class Faults:
    """What goes wrong next: taken one by one by requests, openings and polls; afterwards all is well."""

    requests: deque[str] = field(default_factory=deque)
    openings: deque[str] = field(default_factory=deque)
    polls: deque[str] = field(default_factory=deque)
    met: list[str] = field(default_factory=list)

    def take(self, queue: deque[str]) -> str:
        """The next fault, noted; ``none`` when no more are due."""
        fault = queue.popleft() if queue else "none"
        if fault != "none":
            self.met.append(fault)
        return fault


class RetriedThenRefused(Refused):
    """An attempt had no answer, the next one was refused."""

    maybe_applied = True


BEFORE: dict[str, Callable[[], BaseException]] = {
    "refuse": lambda: Refused("the platform said no"),
    "lost_before": lambda: Uncertain("no answer"),
    "quota": lambda: QuotaExhausted("the quota of the day is spent"),
    "auth": lambda: AuthFailed("the token has expired"),
    "action": lambda: ActionNeeded("the terms must be accepted first"),
    "die_before": Killed,
}
"""Raised before anything is applied."""

AFTER: dict[str, Callable[[], BaseException]] = {
    "lost_after": lambda: Uncertain("no answer"),
    "retried_then_refused": lambda: RetriedThenRefused("refused at the second attempt"),
    "connector_bug": lambda: KeyError("answer"),
    "die_after": Killed,
}
"""Raised although the request was taken."""


class UnrulyPlatform(Connector):
    """One account; its audiences match a removal by any identifier, as ad platforms do."""

    kind = Kind.AD_PLATFORM
    title = "Unruly platform"
    consent = (PURPOSE,)
    identity = IDENTITY

    def __init__(
        self,
        clock: Clock,
        way: Way = Way.DIRECT,
        style: Style = Style.PER_ROW,
        stays: timedelta | None = None,
        settles_after: timedelta = timedelta(0),
        *,
        exact_counts: bool = False,
    ) -> None:
        super().__init__("platform", None)
        self.limits = Limits(
            max_rows=MAX_ROWS,
            max_in_flight=1,
            asynchronous=way != Way.DIRECT,
            expires_after=stays,
            settles_after=settles_after,
            exact_counts=exact_counts and style in COUNTING,
        )
        self.clock, self.way, self.style, self.stays = clock, way, style, stays
        self.audiences: dict[str, dict[Handle, datetime]] = {}
        self.markers: dict[str, str] = {}
        self.requests: list[Request] = []
        self.bad: set[str] = set()
        """Digests of e-mails that the platform does not take at present."""
        self.dropped: set[tuple[str, Handle]] = set()
        """Whom the platform itself let go or never took, without telling."""
        self.undone: set[tuple[str, Handle]] = set()
        """Who is not there (any more) because a request, or a copy of one, comes late."""
        self.revived: set[tuple[str, Handle]] = set()
        """Who is there (again) because of such."""
        self.faults = Faults()
        self._ids = count(1)

    # --- the connector's calls -----------------------------------------------------------------------------

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """Found by id, else by marker, else created."""
        fault = self.faults.take(self.faults.openings)
        if fault in BEFORE:
            raise BEFORE[fault]()
        if request.known_id and request.known_id not in self.audiences:
            self.faults.met.append("deleted")
            raise AudienceGone("the audience is not there any more")
        found = request.known_id or self.markers.get(request.marker) or f"audience-{next(self._ids)}"
        self.markers.setdefault(request.marker, found)
        self.audiences.setdefault(found, {})
        if fault in AFTER:
            raise AFTER[fault]()
        return Audience(found, request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Take rows in."""
        return self._take("add", audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Take rows out."""
        return self._take("remove", audience, rows, batch)

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """The verdict on an accepted request."""
        fault = self.faults.take(self.faults.polls)
        if fault in BEFORE:
            raise BEFORE[fault]()
        request = next(r for r in self.requests if r.batch.id == reference)
        if request.state == "failed":
            request.answer = "refused"
            raise JobFailed("the job failed")
        if request.state == "waiting":
            return Receipt("accepted", reference=reference)
        request.answer = "applied"
        return self._receipt("applied", request)

    # --- what happens inside -------------------------------------------------------------------------------

    def _take(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        assert rows.num_rows == batch.size <= self.limits.max_rows, "a batch is as large as it says"
        handles = tuple(zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True))
        assert all(any(handle) for handle in handles), "every row has something to be found by"
        request = Request(op, audience.id, batch, handles, self.clock.now())
        self.requests.append(request)
        fault = self.faults.take(self.faults.requests)
        if fault in BEFORE:
            self._not_taken(request, fault)
            raise BEFORE[fault]()
        if fault == "deleted":
            self.delete(audience.id)
        if audience.id not in self.audiences:
            self.faults.met.append("deleted")
            self._not_taken(request, "deleted")
            raise AudienceGone("the audience is not there any more")
        self._judge(request)
        self._arrive(request, late=fault == "late")
        if fault == "twice" and request.state == "processed":
            self._effect(request)
        if fault in AFTER:
            raise AFTER[fault]()
        return self._answer(request)

    def _not_taken(self, request: Request, fault: str) -> None:
        request.state = "failed"
        request.answer = "none" if fault in ("lost_before", "die_before") else "refused"

    def _judge(self, request: Request) -> None:
        """Which rows are bad, and how that is told; a whole request is refused at once."""
        bad = [h for h in request.handles if h[0] in self.bad] if request.op == "add" else []
        if not bad:
            return
        positions = {request.handles.index(handle): "malformed" for handle in bad}
        if self.style in (Style.NAMED, Style.WHOLE):
            self._not_taken(request, "rows")
            request.named = (
                frozenset(bad) if self.style == Style.NAMED or len(request.handles) == 1 else frozenset()
            )
            raise RowsRefused("rows are not acceptable", positions if self.style == Style.NAMED else None)
        told = {Style.PER_ROW: bad, Style.SAMPLES: bad[:1]}.get(self.style, [])
        request.named = frozenset(told)
        request.silent = frozenset(bad) - request.named

    def _arrive(self, request: Request, *, late: bool) -> None:
        """Direct requests are processed at once; a session with its last batch; jobs when `process` says so.

        Where requests settle later, an answered one may still be on its way.
        """
        if self.way == Way.DIRECT and late and self.limits.settles_after:
            request.state = "late"
            self._expect_late(request)
        elif self.way == Way.DIRECT:
            self._process(request)
        elif self.way == Way.SESSION and request.batch.number == request.batch.of:
            for waiting in self.waiting(request.audience):
                self._process(waiting)

    def _expect_late(self, request: Request) -> None:
        held = self.audiences[request.audience]
        for handle in request.handles:
            if request.op == "add" and handle not in held:
                self.undone.add((request.audience, handle))
            elif request.op == "remove":
                self.revived |= {(request.audience, gone) for gone in matched(held, handle)}

    def _answer(self, request: Request) -> Receipt:
        status = "accepted" if request.state == "waiting" else "applied"
        request.answer = status
        return self._receipt(status, request)

    def _receipt(self, status: str, request: Request) -> Receipt:
        if status == "accepted":
            return Receipt("accepted", reference=request.batch.id)
        named = {i: "malformed" for i, handle in enumerate(request.handles) if handle in request.named}
        told = len(request.silent) if self.style in COUNTING else 0
        return Receipt("applied", reference=request.batch.id, rejected=named, rejected_unlocated=told)

    def _process(self, request: Request) -> None:
        request.state = "processed"
        self._effect(request)

    def _effect(self, request: Request, *, late: bool = False) -> None:
        """Once or again: what a request does to its audience, if that is still there."""
        held = self.audiences.get(request.audience)
        if held is None:
            return
        for handle in request.handles:
            if request.op == "remove":
                self._take_out(request.audience, held, handle, late)
            elif handle in request.silent:
                if handle not in held:
                    self.dropped.add((request.audience, handle))
            elif handle not in request.named:
                self._put_in(request.audience, held, handle, late)

    def _put_in(self, audience: str, held: dict[Handle, datetime], handle: Handle, late: bool) -> None:
        if late and handle not in held:
            self.revived.add((audience, handle))
        elif not late:
            self.revived.discard((audience, handle))
        held[handle] = self.clock.now()
        self.dropped.discard((audience, handle))
        self.undone.discard((audience, handle))

    def _take_out(self, audience: str, held: dict[Handle, datetime], handle: Handle, late: bool) -> None:
        for gone in matched(held, handle):
            del held[gone]
            self.revived.discard((audience, gone))
            if late:
                self.undone.add((audience, gone))
        for place, undone in list(self.undone):
            if not late and place == audience and matched([undone], handle):
                self.undone.discard((place, undone))

    # --- what a history does to it -------------------------------------------------------------------------

    def waiting(self, audience: str | None = None) -> list[Request]:
        """Requests that were taken and not processed yet, oldest first."""
        return [r for r in self.requests if r.state == "waiting" and audience in (None, r.audience)]

    def process(self, fates: Sequence[bool] = (), *, newest_first: bool = False) -> None:
        """Process what waits, in order or against it; a fate of False lets that job fail. Without fates all succeed."""
        waiting = self.waiting()
        for number, request in enumerate(waiting):
            if number < len(fates) and not fates[number]:
                request.state = "failed"
        there = [request for request in waiting if request.state == "waiting"]
        for request in reversed(there) if newest_first else there:
            request.state = "processed"
            self._effect(request, late=newest_first and request is not there[-1])

    def may_come_late(self) -> list[Request]:
        """Requests still on their way, or of which a copy may be, that would change something."""
        since = self.clock.now() - self.limits.settles_after
        recent = [r for r in self.requests if r.at > since and r.state in ("processed", "late")]
        return [r for r in recent if self._would_change(r)]

    def _would_change(self, request: Request) -> bool:
        held = self.audiences.get(request.audience, {})
        if request.op == "remove":
            return any(matched(held, handle) for handle in request.handles)
        return not set(request.handles) - request.named - request.silent <= set(held)

    def comes_late(self, request: Request) -> None:
        """A request that was answered, or another copy of it, is processed now."""
        request.state = "processed"
        self._effect(request, late=True)

    def land(self, before: datetime) -> None:
        """What is on its way arrives within its time, the latest first."""
        for request in reversed([r for r in self.requests if r.state == "late"]):
            if request.at + self.limits.settles_after <= before:
                self.comes_late(request)

    def delete(self, audience: str) -> None:
        """Somebody deletes an audience on the platform's pages."""
        self.audiences.pop(audience, None)
        self.markers = {marker: id_ for marker, id_ in self.markers.items() if id_ != audience}
        for request in self.waiting(audience):
            request.state = "failed"

    def expire(self) -> None:
        """Members whose lifetime is over leave by themselves."""
        if self.stays is None:
            return
        for audience, held in self.audiences.items():
            for handle in [h for h, at in held.items() if self.clock.now() - at >= self.stays]:
                del held[handle]
                self.dropped.add((audience, handle))


def matched(held: Iterable[Handle], handle: Handle) -> list[Handle]:
    """Held rows that share an identifier with a handle."""
    return [h for h in held if any(a == b is not None for a, b in zip(h, handle, strict=True))]
