"""Sending batches: journal, request, journal, with requests in flight bounded by the connector's limits.

Threads carry the network only; ledger and journal are written by the thread that called. A batch that fails
never stops the others, but when nothing gets through any more, the destination is left alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from threading import Thread

from connectors.base import (
    Audience,
    AudienceGone,
    Batch,
    Connector,
    DeliveryError,
    DestinationError,
    Op,
    Receipt,
    Refused,
    RowsRefused,
)
from pipelines.delivery.boundaries import reached
from pipelines.delivery.journal import Journal
from pipelines.delivery.outbox import Outbox
from pipelines.delivery.splitting import halves, repoint, split
from pipelines.delivery.verdicts import Verdicts

FAILURES_BEFORE_GIVING_UP = 3
"""Consecutive batches without a receipt after which the destination is left alone until the next run."""
MOST_SPLITS = 128
"""Batches that one audience may split in one run in search of bad rows: enough for nine among 10,000."""
NOT_NAMED = "refused_by_count"
"""The reason of a row that the platform counted as refused without naming it, found by halving its batch."""

Progress = Callable[[str, int, int], None]
"""Called with the operation, the batches done and their number."""


@dataclass(slots=True)
class Sender:
    """Sends one audience's outbox."""

    destination: str
    segment: str
    run_id: str
    as_of: date | None
    connector: Connector
    audience: Audience
    journal: Journal
    outbox: Outbox
    verdicts: Verdicts
    progress: Progress
    requests: int = 0
    unnamed: int = 0
    errors: list[str] = field(default_factory=list)
    stopped_by: DeliveryError | None = None
    _failures: int = 0
    _splits: int = 0

    def send(self, op: Op, batches: Sequence[Batch]) -> None:
        """Send planned batches; afterwards each is journalled as applied, accepted, refused or unknown.

        Batches that were not sent because the destination stopped answering stay ``planned``.
        Raises AudienceGone; everything else ends in ``errors`` and ``stopped_by``.
        """
        queue = deque(batches)
        under_way: dict[Future[Receipt], Batch] = {}
        done = 0
        while queue or under_way:
            while queue and not self.stopped_by and len(under_way) < self.connector.limits.max_in_flight:
                batch = queue.popleft()
                rows = self.outbox.rows(batch)
                self.journal.sent(batch)
                reached(f"platform.{op}.before")
                self.requests += 1
                call = self.connector.add if op == "add" else self.connector.remove
                under_way[_under_way(partial(call, self.audience, rows, batch))] = batch
            if not under_way:
                break
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                queue.extend(self._settle(under_way.pop(future), future))
                done += 1
                self.progress(op, done, done + len(queue) + len(under_way))
        if isinstance(self.stopped_by, AudienceGone):
            raise self.stopped_by

    def _settle(self, batch: Batch, future: Future[Receipt]) -> list[Batch]:
        """Journal the answer; returns batches that take this one's place."""
        reached(f"platform.{batch.op}.answered")
        try:
            receipt = future.result()
        except RowsRefused as refusal:
            return self._without_the_guilty(batch, refusal)
        except DeliveryError as error:
            self.journal.fail(batch.id, "unknown" if error.maybe_applied else "refused", str(error))
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - a connector's bug leaves doubt, never a lost batch
            sentence = f"{type(error).__name__} in the {self.connector.title} connector"
            self.journal.fail(batch.id, "unknown", sentence)
            self._failed(DeliveryError(sentence))
        else:
            self._failures = 0
            return self._take(batch, receipt)
        return []

    def _take(self, batch: Batch, receipt: Receipt) -> list[Batch]:
        """Journal a receipt; when it only counts refused rows, returns the halves that find them."""
        self.outbox.learn(batch, receipt.learned)
        guilty = dict(receipt.rejected)
        others = batch.size - len(guilty)
        unnamed = min(receipt.rejected_unlocated, others)
        searched = unnamed > 0 and batch.op == "add" and self.connector.limits.exact_counts
        if searched and unnamed == others:
            guilty |= {row: NOT_NAMED for row in range(batch.size) if row not in guilty}
        elif searched and self._splits < MOST_SPLITS:
            return self._search(batch, guilty, unnamed)
        else:
            self.unnamed += unnamed
            searched = False
        known = replace(receipt, rejected_unlocated=0) if searched else receipt
        complaint = self.verdicts.settle(batch.id, batch.op, known, self.outbox.members(batch, guilty))
        if complaint and complaint not in self.errors:
            self.errors.append(complaint)
        return []

    def _search(self, batch: Batch, guilty: Mapping[int, str], unnamed: int) -> list[Batch]:
        """Send the rows that may have been refused again by halves; the journal claims none of them meanwhile."""
        self._splits += 1
        parts = halves(self.outbox, batch, guilty)
        self.journal.refuse_rows(
            self.destination,
            self.segment,
            batch.id,
            f"{unnamed} rows were refused without being named; they are searched for",
            self.outbox.members(batch, guilty),
            taken_in_part=True,
        )
        self._replace(batch, parts)
        return parts

    def _failed(self, error: DeliveryError) -> None:
        self._failures += 1
        if str(error) not in self.errors:
            self.errors.append(str(error))
        if isinstance(error, AudienceGone | DestinationError):
            self.stopped_by = error
        elif self._failures >= FAILURES_BEFORE_GIVING_UP:
            self.stopped_by = DeliveryError(
                f"{self._failures} batches in a row had no receipt; the rest waits for the next run"
            )

    def _without_the_guilty(self, batch: Batch, refusal: RowsRefused) -> list[Batch]:
        """A batch refused for some of its rows: reject those, send the others again; unnamed ones are searched for."""
        guilty = dict(refusal.rows) or ({0: str(refusal)} if batch.size == 1 else {})
        self._splits += 1
        if self._splits > MOST_SPLITS:
            self.journal.fail(batch.id, "refused", str(refusal))
            self._failed(Refused(f"{refusal} (too many rows are refused to find them one by one)"))
            return []
        parts = split(self.outbox, batch, guilty)
        self.journal.refuse_rows(
            self.destination, self.segment, batch.id, str(refusal), self.outbox.members(batch, guilty)
        )
        self._replace(batch, parts)
        return parts

    def _replace(self, batch: Batch, parts: Sequence[Batch]) -> None:
        """Let the members of a batch follow its parts, which the journal learns of first."""
        if parts:
            self.journal.plan(self.destination, self.segment, self.run_id, self.as_of, parts)
            repoint(self.outbox, batch, parts)


def _under_way(call: Callable[[], Receipt]) -> Future[Receipt]:
    """A request in a thread of its own, which holds up nobody who is told to end: its batch is journalled as sent."""
    future: Future[Receipt] = Future()

    def answer() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)

    Thread(target=answer, name="turnout-send", daemon=True).start()
    return future
