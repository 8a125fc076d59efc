"""What is pushed where: a project's audiences, planned and delivered account by account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ulid import ULID

from connectors.base import Connector, DeliveryError, SyncOptions
from connectors.registry import open_connector
from pipelines.delivery import delivery as engine
from pipelines.delivery import model
from pipelines.delivery.guards import Bounds, Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Account, Delivery, Push, Run, Watch, quiet
from pipelines.holding import left_behind, unread_opt_outs
from pipelines.names import unknown_name
from pipelines.quality.fitness import fitness
from pipelines.readiness import ends_soon, too_few
from pipelines.segments.holdout import Holdout
from pipelines.segments.model import Segment, Sync

if TYPE_CHECKING:
    from pipelines.project import Project


class Deliveries:
    """Planning and pushing a project's audiences; opens nothing until it is asked to."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def left_behind(self, destination: str) -> dict[str, tuple[Sync, str]]:
        """Audiences in which people are held though no segment asks for them, with the reason; opt-outs leave them."""
        opened = self.project.record.opened_audiences(destination)
        return left_behind(destination, opened, self.project.definitions)

    def select(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Segments to push by destination, from ``SEGMENT`` and ``DESTINATION/SEGMENT``; nothing means all."""
        everything = {
            d: [*(s.name for s, _ in self.project.audiences(d)), *self.left_behind(d)]
            for d in self.project.connector_types
        }
        if not names:
            return {d: segments for d, segments in everything.items() if segments}
        chosen: dict[str, list[str]] = {}
        for name in names:
            for destination, segment in self._matches(name, everything):
                chosen.setdefault(destination, []).append(segment)
        return {d: sorted(set(segments)) for d, segments in sorted(chosen.items())}

    def _matches(self, name: str, everything: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        audiences = [(d, s) for d, segments in everything.items() for s in segments]
        found = [(d, s) for d, s in audiences if name in (s, f"{d}/{s}", f"{d}/")]
        if not found:
            known = [f"{d}/{s}" for d, s in audiences] + [s for _, s in audiences]
            raise unknown_name("audience", name, known)
        return found

    def new_run(
        self, *, overrides: Overrides | None = None, resync: bool = False, run_id: str | None = None
    ) -> Run:
        """A run that begins now."""
        return Run(run_id or str(ULID()), self.project.settings.current_day, overrides or Overrides(), resync)

    def plan(self, destination: str, segments: Sequence[str], run: Run) -> list[Delivery]:
        """The difference of each audience of a destination; sends nothing and needs no credentials' rights."""
        pushes = self.pushes(destination, segments)
        return self.on_account(destination, pushes, run, lambda a, asked: engine.plan(a, asked, run))

    def sync(
        self, destination: str, segments: Sequence[str], run: Run, watch: Watch = quiet
    ) -> list[Delivery]:
        """Push each audience of a destination."""
        pushes = self.pushes(destination, segments)
        return self.on_account(
            destination, pushes, run, lambda a, asked: engine.deliver(a, asked, run, watch)
        )

    def on_account(
        self,
        destination: str,
        pushes: Sequence[Push],
        run: Run,
        act: Callable[[Account, Sequence[Push]], list[Delivery]],
    ) -> list[Delivery]:
        """What ``act`` makes of the pushes with the account open; failed deliveries when it can't be opened."""
        if not pushes:
            return []
        try:
            connector = self._connector(destination)
        except DeliveryError as error:
            return [model.failed(destination, push, run, error) for push in pushes]
        try:
            done = act(self.account(connector), pushes)
            soon = ends_soon(connector, datetime.now(UTC))
            return [
                replace(delivery, notes=tuple(filter(None, (soon, too_few(connector, delivery.desired)))))
                for delivery in done
            ]
        finally:
            connector.close()

    @contextmanager
    def connected(self, destination: str) -> Iterator[Account]:
        """A destination's account, its connector open. Raises DeliveryError when a setting is missing or unusable."""
        with closing(self._connector(destination)) as connector:
            yield self.account(connector)

    def _connector(self, destination: str) -> Connector:
        settings = self.project.settings
        return open_connector(destination, settings.destinations[destination], settings.state_dir)

    @contextmanager
    def books(self, account: Account) -> Iterator[tuple[Journal, Ledger]]:
        """The journal and an account's ledger, its lease taken. Raises StoreBusy, StoreDamaged, JournalError."""
        with (
            Journal.open(account.state_dir / "journal.sqlite", account.clock) as journal,
            Ledger.open(
                account.state_dir / f"{account.name}.duckdb",
                account.name,
                account.connector.identity,
                wait_seconds=account.lock_wait_seconds,
                config=dict(account.duckdb_config),
            ) as ledger,
        ):
            yield journal, ledger

    def account(self, connector: Connector) -> Account:
        """A destination account, opened by its connector, over this project's warehouse and state."""
        return Account(
            connector,
            lambda: self.project.engine(read_only=True),
            self.project.settings.state_dir,
            lock_wait_seconds=self.project.settings.lock_wait_seconds,
            retry_rejected_after=timedelta(days=self.project.settings.retry_rejected_after_days),
            keep_history=timedelta(days=self.project.settings.history_days_kept),
            duckdb_config=self.project.duckdb_config,
        )

    def pushes(self, destination: str, segments: Sequence[str]) -> list[Push]:
        """What the asked audiences of a destination are to become. Raises UnknownName for the destination."""
        if destination not in self.project.connector_types:
            raise unknown_name("destination", destination, list(self.project.connector_types))
        connector = self.project.connector_types[destination]
        unread = unread_opt_outs(self.project.sources, self.project.failed_sources())
        asked = [
            Push(
                s.name,
                sync,
                connector.options_type(**sync.options),
                replace(self.bounds(sync), min_cell=self.project.policing.min_cell(s)),
                s.formerly,
                unread,
                forbidden=self.forbidden(s, destination),
                attributes=sync.attributes,
                holdouts=self.holdouts(s),
                fitness=fitness(self.project, s),
            )
            for s, sync in self.project.audiences(destination)
        ]
        behind = [
            Push(name, sync, SyncOptions(), self.bounds(sync), only_opt_outs=why)
            for name, (sync, why) in self.left_behind(destination).items()
        ]
        return [push for push in (*asked, *behind) if push.segment in segments]

    def forbidden(self, segment: Segment, destination: str) -> str | None:
        """Why a destination's platform may not have a segment's audience; None when it may."""
        kind = self.project.connector_types[destination]
        connector = self.project.settings.destinations[destination]
        return self.project.policing.refusal(segment, connector, kind.title, kind.forbids)

    def holdouts(self, segment: Segment) -> tuple[Holdout, ...]:
        """Whom no audience of a segment has: the global holdout first, then its own."""
        share, salt = self.project.settings.global_holdout, self.project.settings.global_holdout_salt
        everywhere = Holdout(share, salt, "global_holdout") if share else None
        return tuple(one for one in (everywhere, segment.holdout) if one is not None)

    def bounds(self, sync: Sync) -> Bounds:
        """What one run may change of an audience."""
        own = sync.max_removed
        return Bounds(
            max_removed=self.project.settings.max_removed if own is None else own,
            max_growth=self.project.settings.max_growth,
            floor=self.project.settings.guard_floor,
            max_age_days=self.project.settings.max_segment_age_days,
        )
