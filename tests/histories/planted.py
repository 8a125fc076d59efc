"""Bugs that delivery could have, each put in by a patch: histories that do not find them prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from connectors.base import Batch
from pipelines.delivery import desk, guards, removing, states
from pipelines.delivery.guards import Change, Guard
from pipelines.delivery.identity_table import IdentityTable
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.outbox import Outbox
from pipelines.delivery.sending import Sender
from pipelines.delivery.states import Times

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def shared_identifiers_are_not_left_out(patch: Patch) -> None:
    """Removing one of two people with one phone removes both."""
    patch.setattr(removing, "_leave_out_shared", lambda *_: None)


def an_unknown_batch_counts_as_applied(patch: Patch) -> None:
    """No answer is taken for a yes."""
    original = Journal.fail

    def fail(self: Journal, batch_id: str, state: Literal["refused", "unknown"], error: str) -> None:
        original(self, batch_id, state, error)
        if state == "unknown":
            self._db.execute("update batches set state = 'applied' where id = ?", (batch_id,))

    patch.setattr(Journal, "fail", fail)


def maybe_counts_as_on(patch: Patch) -> None:
    """A batch that was refused, or never sent, claims its people."""
    sure = {("add", state): "on" for state in ("planned", "sent", "refused", "unknown", "doubted")}
    patch.setattr(states, "STATES", states.STATES | sure)


def guards_hold_back_opt_outs(patch: Patch) -> None:
    """When a guard stops the push, those who must go stay too."""
    original = Outbox.put_removes

    def put_removes(self: Outbox, *, only_must_go: bool) -> list[Batch]:
        return [] if only_must_go else original(self, only_must_go=False)

    patch.setattr(Outbox, "put_removes", put_removes)


def members_are_dropped_before_the_receipt(patch: Patch) -> None:
    """Whoever is about to be removed is forgotten at once."""
    original = Outbox.point

    def point(self: Outbox) -> None:
        original(self)
        self.connection.execute(
            "delete from members where audience = $a and batch in (select batch from outbox where op = 'remove')",
            {"a": self.audience},
        )

    patch.setattr(Outbox, "point", point)


def opposite_requests_are_not_asserted(patch: Patch) -> None:
    """A late copy of an earlier request has the last word."""
    patch.setattr(Outbox, "_note_opposites", lambda _: None)


def removed_members_are_dropped_while_copies_may_come(patch: Patch) -> None:
    """The settle window is ignored: a copy of the add brings back somebody whom nobody knows any more."""
    original = states._closes_at

    def closes_at(batch: Any, *_: Any) -> Any:

        return original(batch, timedelta(0))

    patch.setattr(states, "_closes_at", closes_at)


def rejected_rows_are_ignored(patch: Patch) -> None:
    """A batch of which rows were refused counts as taken whole."""
    patch.setattr(Outbox, "members", lambda *_: {})


def one_bad_row_fails_the_batch(patch: Patch) -> None:
    """All people of a batch are rejected because one was."""

    def members(self: Outbox, batch: Batch, positions: Mapping[int, str]) -> dict[str, str]:
        return original(self, batch, dict.fromkeys(range(batch.size), "malformed") if positions else {})

    original = Outbox.members
    patch.setattr(Outbox, "members", members)


def verdicts_are_off_by_one(patch: Patch) -> None:
    """The neighbour of a bad row is rejected in its place."""

    def members(self: Outbox, batch: Batch, positions: Mapping[int, str]) -> dict[str, str]:
        return original(self, batch, {(row + 1) % batch.size: why for row, why in positions.items()})

    original = Outbox.members
    patch.setattr(Outbox, "members", members)


def the_last_batch_is_not_sent(patch: Patch) -> None:
    """One batch too few."""
    original = Sender.send

    def send(self: Sender, op: Any, batches: Sequence[Batch]) -> None:
        original(self, op, batches[:-1] if len(batches) > 1 else batches)

    patch.setattr(Sender, "send", send)


def the_receipt_is_written_before_the_request(patch: Patch) -> None:
    """A process that dies in between has claimed what it never sent."""
    original = Journal.sent

    def sent(self: Journal, batch: Batch) -> None:
        original(self, batch)
        self._db.execute("update batches set state = 'applied' where id = ?", (batch.id,))

    patch.setattr(Journal, "sent", sent)


def members_point_at_their_batch_after_the_requests(patch: Patch) -> None:
    """State saved at the end: whoever was sent by a process that died is unknown."""

    def send(self: Any, push: Any, prepared: Any, sender: Sender) -> None:
        planned = [*prepared.removes, *prepared.adds]
        self.journal.plan(self.account.name, push.segment, self.run.id, prepared.as_of, planned)
        sender.send("remove", prepared.removes)
        if not sender.stopped_by:
            sender.send("add", prepared.adds)
        prepared.outbox.point()

    patch.setattr(desk.Desk, "_send", send)


def an_empty_segment_empties_the_audience(patch: Patch) -> None:
    """The guard against a query that suddenly finds nobody is missing."""
    original = guards._tripped

    def tripped(change: Change, bounds: Any) -> Any:
        found = original(change, bounds)
        return None if found and found[0] == Guard.EMPTY else found

    patch.setattr(guards, "_tripped", tripped)


def a_resync_doubts_nothing(patch: Patch) -> None:
    """A full resync sends nobody again."""
    patch.setattr(Journal, "doubt", lambda *_: None)


def a_renamed_segment_starts_anew(patch: Patch) -> None:
    """The members stay under the old name."""
    patch.setattr(Ledger, "rename", lambda *_: None)


def a_deleted_audience_is_still_believed(patch: Patch) -> None:
    """Nobody forgets the members of an audience that is gone on the platform."""

    def forget(self: Any, push: Any, _: int) -> None:
        self.journal._db.execute("delete from audiences where segment = ?", (push.segment,))

    patch.setattr(desk.Desk, "_forget", forget)


def people_of_a_new_warehouse_keep_old_numbers(patch: Patch) -> None:
    """Numbers given anew are taken for the people who had them before."""
    patch.setattr(IdentityTable, "_relink", lambda _: None)


def expiring_members_are_not_renewed(patch: Patch) -> None:
    """The platform drops them and nobody notices."""
    original = states._state

    def state(batch: Any, times: Times) -> str:
        return original(batch, replace(times, expires_after=None))

    patch.setattr(states, "_state", state)


def refused_rows_are_there_after_a_while(patch: Patch) -> None:
    """A rejection that is old counts for nothing, and its batch for applied."""
    original = states._stage_rejections

    def stage(ledger: Ledger, rejections: Any, times: Times) -> None:
        original(ledger, [r for r in rejections if r.at >= times.now - times.retry_after], times)

    patch.setattr(states, "_stage_rejections", stage)


def verdicts_of_jobs_name_nobody(patch: Patch) -> None:
    """Rows that a job refuses in the end are claimed for ever."""
    patch.setattr(Ledger, "members_at", lambda *_: {})


def a_job_that_fails_is_taken_for_done(patch: Patch) -> None:
    """Its people are claimed though nothing was applied."""
    original = Journal.fail

    def fail(self: Journal, batch_id: str, state: Literal["refused", "unknown"], error: str) -> None:
        original(self, batch_id, state, error)
        if error == "the job failed":
            self._db.execute("update batches set state = 'applied' where id = ?", (batch_id,))

    patch.setattr(Journal, "fail", fail)


BUGS: tuple[Plant, ...] = (
    shared_identifiers_are_not_left_out,
    an_unknown_batch_counts_as_applied,
    maybe_counts_as_on,
    guards_hold_back_opt_outs,
    members_are_dropped_before_the_receipt,
    opposite_requests_are_not_asserted,
    removed_members_are_dropped_while_copies_may_come,
    rejected_rows_are_ignored,
    one_bad_row_fails_the_batch,
    verdicts_are_off_by_one,
    the_last_batch_is_not_sent,
    the_receipt_is_written_before_the_request,
    members_point_at_their_batch_after_the_requests,
    an_empty_segment_empties_the_audience,
    a_resync_doubts_nothing,
    a_renamed_segment_starts_anew,
    a_deleted_audience_is_still_believed,
    people_of_a_new_warehouse_keep_old_numbers,
    expiring_members_are_not_renewed,
    refused_rows_are_there_after_a_while,
    verdicts_of_jobs_name_nobody,
    a_job_that_fails_is_taken_for_done,
)

COPIES = ("a_request_comes_late", "somebody_joins_or_leaves", "a_run_without_faults")
REFUSALS = ("an_address_turns_bad_or_good", "days_pass", "a_run_without_faults")
OFTEN: dict[Plant, tuple[str, ...]] = {
    opposite_requests_are_not_asserted: COPIES,
    removed_members_are_dropped_while_copies_may_come: COPIES,
    refused_rows_are_there_after_a_while: REFUSALS,
}
"""Bugs that need several rare steps in a row are looked for where these steps are common."""
