"""Writing a platform's verdict down, whether it came with the answer or in a later run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ulid import ULID

from connectors.base import Batch, Op, Receipt
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Where the receipts of one audience's run go."""

    journal: Journal
    ledger: Ledger
    audience: int
    segment: str
    run_id: str
    as_of: date | None

    def settle(self, batch_id: str, op: Op, receipt: Receipt, rejected: Mapping[str, str]) -> str | None:
        """Journal a receipt and the members it rejected (member to reason).

        A rejected add is somebody who is not there. A rejected removal is somebody who may still be: they are set
        apart under a refused batch of their own, so that the next run asks again. Returns a sentence when there
        are such, since nobody may be left behind silently.
        """
        sentence = None
        if op == "remove" and rejected:
            reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(Counter(rejected.values()).items()))
            sentence = f"the platform refused to take some people out ({reasons}); the next run asks again"
            self._set_apart(batch_id, list(rejected), sentence)
            rejected = {}
        self.journal.settle(self.ledger.destination, self.segment, batch_id, receipt, rejected)
        return sentence

    def _set_apart(self, batch_id: str, members: list[str], why: str) -> None:
        apart = Batch(str(ULID()), "remove", 1, 1, len(members))
        self.journal.plan(self.ledger.destination, self.segment, self.run_id, self.as_of, [apart])
        self.ledger.set_apart(self.audience, batch_id, members, apart.id)
        self.journal.fail(apart.id, "refused", why)
