"""What became of pushes: read from the journal, at any time, also while one runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.base import Audience
from pipelines.delivery.applied import Application
from pipelines.delivery.entries import Decision, JournalledBatch, Moving, Rejected
from pipelines.delivery.holds import Hold
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery


@dataclass(frozen=True, slots=True)
class Pushed:
    """The last finished push of an audience."""

    delivery: Delivery
    ended_at: datetime


class Record:
    """The journal of a state folder, for looking back; empty while nothing was ever pushed."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir

    def status(self) -> list[Pushed]:
        """The last finished push of every audience; empty when nothing was ever pushed."""
        with self._journal() as journal:
            last = journal.logbook.last_pushes() if journal else []
        return [Pushed(Delivery.from_json(push.report), push.ended_at) for push in last]

    def under_way(self) -> list[Moving]:
        """How far pushes that have begun and not ended are."""
        with self._journal() as journal:
            return journal.logbook.under_way() if journal else []

    def batches(self, delivery: Delivery) -> list[JournalledBatch]:
        """The batches of one delivery with their receipts, oldest first."""
        with self._journal() as journal:
            if journal is None:
                return []
            return journal.batches_of_run(delivery.run_id, delivery.destination, delivery.segment)

    def decisions(self) -> list[Decision]:
        """What operators decided, newest first: guards overridden, plans applied, pushes undone, holds."""
        with self._journal() as journal:
            return journal.logbook.decisions() if journal else []

    def rejected(self) -> list[Rejected]:
        """The rows that platforms do not take, by audience and reason."""
        with self._journal() as journal:
            return journal.rejected() if journal else []

    def holds(self) -> list[Hold]:
        """Every audience that is on hold."""
        with self._journal() as journal:
            return journal.holds.all() if journal else []

    def hold(self, destination: str, segment: str | None) -> Hold | None:
        """The hold of one audience, None when it has none."""
        return next((h for h in self.holds() if (h.destination, h.segment) == (destination, segment)), None)

    def application(self, seal: str, destination: str, segment: str) -> Application | None:
        """How far a plan came with an audience, None when it was not begun."""
        with self._journal() as journal:
            return journal.applied.of(seal, destination, segment) if journal else None

    def opened_audiences(self, destination: str) -> dict[str, str]:
        """Segments with an audience at a destination, and the audience's name on the platform."""
        with self._journal() as journal:
            return journal.opened_audiences(destination) if journal else {}

    def known_audiences(self, destination: str) -> dict[str, Audience]:
        """The audiences of earlier runs at a destination, by segment."""
        with self._journal() as journal:
            if journal is None:
                return {}
            found = {
                segment: journal.audience(destination, segment) for segment in journal.audiences(destination)
            }
        return {segment: audience for segment, audience in found.items() if audience is not None}

    @contextmanager
    def _journal(self) -> Iterator[Journal | None]:
        path = self.state_dir / "journal.sqlite"
        if not path.exists():
            yield None
            return
        with Journal.open(path) as journal:
            yield journal
