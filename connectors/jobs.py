"""One batch as several jobs of a platform: a receipt that waits for all, and a verdict when all have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.base import Batch, JobFailed, Receipt, Uncertain


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: with so many of its people not taken, or with nobody taken at all."""

    refused: int = 0
    failed: bool = False


def waiting_for(
    jobs: Sequence[str], batch: Batch, rejected: Mapping[int, str], learned: Mapping[int, str | None]
) -> Receipt:
    """The batch's receipt, its jobs in the reference; applied at once where there was nobody to send."""
    if not jobs:
        return Receipt("applied", batch.id, rejected, learned=learned)
    return Receipt("accepted", ",".join(jobs), rejected, learned=learned)


def verdict_on(title: str, reference: str, look: Callable[[str], Ended | None]) -> Receipt:
    """The verdict on a batch; ``look`` says how a job ended, None while it has not.

    Raises JobFailed when no job took anybody, Uncertain when only some did.
    """
    ends: list[Ended] = []
    for job in reference.split(","):
        end = look(job)
        if end is None:
            return Receipt("accepted", reference)
        ends.append(end)
    if all(end.failed for end in ends):
        raise JobFailed(f"{title}: the job failed; nothing was changed")
    if any(end.failed for end in ends):
        raise Uncertain(f"{title}: a part of the batch failed, the other was taken")
    return Receipt("applied", reference, rejected_unlocated=sum(end.refused for end in ends))
