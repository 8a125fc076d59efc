"""A tool that goes by one address and lists its members, by address or by its own ids alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Connector,
    Kind,
    Limits,
    Receipt,
    SyncOptions,
    Uncertain,
)
from connectors.identity import Column, Identity
from connectors.people import Present
from pipelines.delivery.delivery import deliver
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.listing import Drift, compare_listing, drift, stage_listing
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.delivery.repair import repair
from pipelines.delivery.states import Times, read_states
from pipelines.segments.model import DriftPolicy, Sync
from tests.delivery.world import BOUNDS, EMAIL, PURPOSE, TODAY, World, account

BOLD = Overrides(accept_removals=True, accept_growth=True)
SEGMENT = "vip"


class ListingTool(Connector):
    """Remembers addresses, and gives everybody an id."""

    kind = Kind.EMAIL_TOOL
    title = "Listing tool"
    consent = (PURPOSE,)
    identity = Identity("listing", 1, (Column("EMAIL", EMAIL, "plain", identifies=True),))
    lists_members = timedelta(0)

    def __init__(self, *, ids_alone: bool = False, page: int = 3) -> None:
        super().__init__("platform", None)
        self.limits = Limits(max_rows=4, max_in_flight=1, ids_last=timedelta(days=30) if ids_alone else None)
        self.ids_alone = ids_alone
        self.page = page
        self.there: set[str] = set()
        self.faults: list[str] = []

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        return Audience("1", request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._apply(self.there.update, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._apply(self.there.difference_update, rows, batch)

    def _apply(self, change: object, rows: pa.Table, batch: Batch) -> Receipt:
        fault = self.faults.pop(0) if self.faults else "none"
        emails = rows.column("EMAIL").to_pylist()
        if fault != "lost_before":
            change(emails)  # type: ignore[operator]
        if fault != "none":
            raise Uncertain("no answer")
        learned = {n: f"id-{email}" for n, email in enumerate(emails)} if self.ids_alone else {}
        return Receipt("applied", batch.id, learned=learned)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """In no order, and the last of each page again on the next, as lists do that are changed meanwhile."""
        everybody = list(self.there)
        for start in range(0, len(everybody), self.page):
            yield [self._present(email) for email in everybody[max(0, start - 1) : start + self.page]]

    def _present(self, email: str) -> Present:
        return Present(f"id-{email}", {} if self.ids_alone else {"EMAIL": email})


def push(world: World, tool: ListingTool, folder: Path) -> Delivery:
    """Deliver the segment, whatever the guards say."""
    wanted = Push(SEGMENT, Sync("platform", "Vip"), SyncOptions(), BOUNDS)
    return deliver(account(world, tool, folder), [wanted], Run("run", TODAY, BOLD))[0]  # type: ignore[arg-type]


def compare(world: World, tool: ListingTool, folder: Path, policy: DriftPolicy = "ours_wins") -> Drift:
    """Hold the tool's list against the ledger, and repair by policy."""
    opened: Account = replace(account(world, tool, folder))  # type: ignore[arg-type]
    with (
        Journal.open(folder / "journal.sqlite") as journal,
        Ledger.open(
            folder / "platform.duckdb", "platform", tool.identity, wait_seconds=0, config={}
        ) as ledger,
    ):
        number = ledger.audience(SEGMENT)
        ledger.identities.follow(world, tool.consent)  # type: ignore[arg-type]
        began = opened.clock()
        stage_listing(ledger, tool.members(Audience("1", "Vip")))
        times = Times(opened.clock(), None, opened.retry_rejected_after, opened.keep_history, timedelta(0))
        read_states(ledger, journal, number, SEGMENT, times)
        compare_listing(ledger, number, timedelta(0), timedelta(0), began)
        found = drift(ledger)
        repair(journal, ledger, number, SEGMENT, "run", policy)
    return found
