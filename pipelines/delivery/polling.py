"""Asking for the verdicts that earlier runs left open, so that this run knows where everybody stands."""

from __future__ import annotations

from datetime import datetime

from connectors.base import (
    Audience,
    AudienceGone,
    Connector,
    DeliveryError,
    DestinationError,
    JobFailed,
    Receipt,
)
from pipelines.delivery.boundaries import request
from pipelines.delivery.connector_bugs import told_by_kind
from pipelines.delivery.entries import JournalledBatch
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.verdicts import Verdicts


def settle_accepted(
    journal: Journal,
    ledger: Ledger,
    connector: Connector,
    audience: Audience,
    verdicts: Verdicts,
    now: datetime,
) -> list[str]:
    """Poll every accepted batch of an audience once, if its verdict can be expected; returns what needs to be told.

    A batch without a verdict stays accepted, until it has been without one for longer than the connector declares:
    then it is in doubt. A question that is not answered is asked again by the next run; it never stops this one.
    Raises AudienceGone, and DestinationError since nothing else would be answered either.
    """
    sentences = []
    if connector.limits.asynchronous:
        for batch in journal.waiting(ledger.destination, verdicts.segment):
            if batch.sent_at is None or now - batch.sent_at >= connector.limits.asks_after:
                sentences += _settle(journal, ledger, connector, audience, verdicts, now, batch)
    return list(dict.fromkeys(sentences))


def _settle(
    journal: Journal,
    ledger: Ledger,
    connector: Connector,
    audience: Audience,
    verdicts: Verdicts,
    now: datetime,
    batch: JournalledBatch,
) -> list[str]:
    assert batch.reference is not None
    unread: list[str] = []
    try:
        with request("poll"), told_by_kind(connector):
            receipt = connector.poll(audience, batch.reference)
    except JobFailed as error:
        journal.fail(batch.id, "refused", str(error))
        return []
    except (AudienceGone, DestinationError):
        raise
    except DeliveryError as error:
        receipt = Receipt("accepted", batch.reference)
        unread = [f"a verdict could not be read, the next run asks again: {error}"]
    overdue = batch.sent_at is not None and now - batch.sent_at > connector.limits.verdict_within
    if receipt.status == "accepted" and overdue:
        sentence = (
            f"{connector.title} has not said what became of a request of {batch.sent_at:%Y-%m-%d}; "
            "its people are in doubt from now on, and sent again"
        )
        journal.fail(batch.id, "unknown", sentence)
        return [sentence]
    if unread:
        return unread
    complaint = verdicts.settle(batch.id, batch.op, receipt, ledger.members_at(batch.id, receipt.rejected))
    return [complaint] if complaint else []
