"""The verdict on a run and on the state between runs: nobody lost, nobody claimed, everybody accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.delivery.model import Delivery
from tests.histories.expectation import Expected, Members
from tests.histories.ledger_view import View
from tests.histories.platform import Handle, Request, UnrulyPlatform

OUT = ("gone", "leaving")
OUT_OF_QUOTA = "budget"


class Broken(AssertionError):
    """A promise of delivery does not hold."""


def holds(condition: object, promise: str, *evidence: object) -> None:
    """Raise Broken with the evidence unless the condition is true."""
    if not condition:
        raise Broken(": ".join([promise, *map(str, evidence)]))


# --- between runs ------------------------------------------------------------------------------------------------


def nobody_lost(platform: UnrulyPlatform, view: View) -> None:
    """Everybody on the platform through us is in the ledger, or is found by nothing but others' identifiers."""
    for audience, held in platform.audiences.items():
        known = view.recorded_for(audience)
        there = {
            h
            for h, standing in known.items()
            if standing.state != "gone" or (audience, h) in platform.revived
        }
        lost = [handle for handle in held if handle not in there and not covered(handle, there)]
        holds(not lost, "nobody on the platform is missing from the ledger", audience, lost)


def nobody_claimed(platform: UnrulyPlatform, view: View) -> None:
    """Whoever is recorded as ``on`` is there, but for those whom the platform itself let go."""
    for segment, audience in view.opened.items():
        if audience not in platform.audiences:
            continue  # Deleted behind our back: the next run finds out.
        held = platform.audiences[audience]
        excused = platform.dropped | platform.undone
        claimed = [
            handle
            for handle, standing in view.of(segment).items()
            if standing.state == "on" and handle not in held and (audience, handle) not in excused
        ]
        holds(not claimed, "nobody recorded as on is absent from the platform", segment, claimed)


def covered(handle: Handle, others: Iterable[Handle]) -> bool:
    """Whether each identifier of a handle is one of somebody else's."""
    identifiers = identifiers_of(others)
    return all(one in identifiers for one in enumerate(handle) if one[1] is not None)


def identifiers_of(handles: Iterable[Handle]) -> set[tuple[int, str | None]]:
    """Column and value of every identifier."""
    return {one for handle in handles for one in enumerate(handle) if one[1] is not None}


def as_desired(
    platform: UnrulyPlatform, view: View, segment: str, desired: set[Handle], *, settled: bool
) -> None:
    """The platform holds the desired people, less the refused ones, and nobody else.

    Until it is ``settled``, a late copy may have undone a request or brought somebody back.
    """
    audience = view.opened.get(segment)
    held = platform.audiences.get(audience or "", {})
    known = view.of(segment)
    refused = {handle for handle, standing in known.items() if standing.state in ("rejected", "retry")}
    excused = platform.dropped if settled else platform.dropped | platform.undone
    missing = desired - set(held) - refused - {handle for place, handle in excused if place == audience}
    holds(not missing, "every desired person is on the platform", segment, missing)
    late = set() if settled else {handle for place, handle in platform.revived if place == audience}
    extra = [h for h in held if h not in desired and h not in late and not covered(h, desired)]
    holds(not extra, "nobody but the desired is on the platform", segment, extra)


# --- a finished run ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finished:
    """One audience's finished push, with all that is needed to judge it."""

    expected: Expected
    before: Members
    after: Members
    requests: list[Request]
    delivery: Delivery
    exact_counts: bool
    """Whether a count of refused rows is exact, so that the rows are searched for."""

    @property
    def complete(self) -> bool:
        """Whether everything due was asked for: nothing failed, and the account's quota did not run out."""
        return self.delivery.status in ("delivered", "stopped") and self.delivery.verdict != OUT_OF_QUOTA

    @property
    def adds(self) -> list[Request]:
        """Requests that add."""
        return [r for r in self.requests if r.op == "add"]

    @property
    def removes(self) -> list[Request]:
        """Requests that remove."""
        return [r for r in self.requests if r.op == "remove"]


def judge(finished: Finished) -> None:
    """A finished push asked for what it should, believes what it was told, and says what it did."""
    _asked_for_the_right_people(finished)
    _believes_the_answers(finished)
    _others_stay(finished)
    _accounts_for_everybody(finished)


def _asked_for_the_right_people(run: Finished) -> None:
    added = {handle for request in run.adds for handle in request.handles}
    wrong = added - run.expected.sent
    holds(not wrong, "nobody is added who need not or must not be", wrong)
    allowed = Counter(removal_row(run, handle) for handle in run.expected.taken_out)
    wrong_rows = {row for request in run.removes for row in request.handles if row not in allowed}
    holds(not wrong_rows, "nobody is removed who need not be, nor by another's identifier", wrong_rows)
    if run.complete:
        holds(added == run.expected.sent, "everybody due is added", run.expected.sent - added)
        removed = {row for request in run.removes for row in request.handles}
        due = {row for row in allowed if any(row)}
        holds(removed == due, "everybody due is removed", due - removed)


def removal_row(run: Finished, handle: Handle) -> Handle:
    """What removes a member and nobody else: its identifiers less those of whoever stays or joins."""
    staying = [
        h for h, known in run.before.items() if known.state not in OUT and h not in run.expected.taken_out
    ]
    others = identifiers_of([*staying, *run.expected.sent])
    email, phone = (None if one in others else one[1] for one in enumerate(handle))
    return email, phone


def _believes_the_answers(run: Finished) -> None:
    for handle in run.expected.sent:
        known, told = run.after.get(handle), _told_of_add(run, handle)
        holds(
            known is not None and known.state == told, "an add is recorded as answered", handle, known, told
        )
    for handle in run.expected.taken_out:
        state, told_of = _state(run.after, handle), _told_of_removal(run, handle)
        holds(state in told_of, "a removal is recorded as answered", handle, state, told_of)


def _state(members: Members, handle: Handle) -> str:
    return members[handle].state if handle in members else "gone"


def _told_of_add(run: Finished, handle: Handle) -> str:
    asked = [request for request in run.adds if handle in request.handles]
    if not asked or asked[-1].answer == "none":
        return "maybe"
    last = asked[-1]
    if last.answer == "accepted":
        return "coming"
    if handle in last.named or (last.counts_all and run.exact_counts):
        return "rejected"
    return "on" if last.answer == "applied" else "maybe"


def _told_of_removal(run: Finished, handle: Handle) -> set[str]:
    """Two members may leave by the same row: then either's answer will do."""
    row = removal_row(run, handle)
    if not any(row):
        return {"gone"}
    answers = {request.answer for request in run.removes if row in request.handles}
    if not answers or not run.complete:
        answers.add("none")
    return {{"applied": "gone", "accepted": "leaving"}.get(answer, "maybe") for answer in answers}


def _others_stay(run: Finished) -> None:
    touched = run.expected.sent | run.expected.taken_out
    for handle, known in run.before.items():
        if handle not in touched:
            state = _state(run.after, handle)
            holds(state == known.state, "who is not moved stays as recorded", handle, known.state, state)
    new = set(run.after) - set(run.before) - run.expected.sent
    holds(not new, "nobody is recorded who was not sent", new)


def _accounts_for_everybody(run: Finished) -> None:
    """Every figure is worked out from where each member stands, and both sums close over people."""
    due, told = run.expected, run.delivery
    became = {handle: _state(run.after, handle) for handle in due.sent | due.taken_out}
    added, resent = (
        Counter(became[h] for h in due.add & due.sent),
        Counter(became[h] for h in due.resend & due.sent),
    )
    stuck = {h for h in due.taken_out if became[h] not in OUT}
    removed = (due.remove & due.taken_out) - stuck
    unsure_held = resent["maybe"] + (len(due.resend) if due.stops else 0)
    figures = {
        "verdict": OUT_OF_QUOTA if told.verdict == OUT_OF_QUOTA else due.verdict,
        "desired": len(due.desired),
        "held_before": len(due.held),
        "kept": len(due.keep) + resent["on"] + resent["coming"],
        "kept_back": len(due.left_alone) + (len(due.remove - due.must_go) if due.stops else 0),
        "adds": len(due.add),
        "resends": len(due.resend),
        "asserted": len(due.asserted),
        "removes": len(due.remove),
        "must_go": len(due.must_go & due.remove),
        "leaving": len(due.leaving),
        "added": added["on"] + added["coming"],
        "removed": len(removed),
        "rejected": len(due.refused_before) + added["rejected"] + resent["rejected"],
        "dropped": resent["rejected"],
        "uncertain": unsure_held + added["maybe"] + len(stuck),
        "uncertain_desired": unsure_held + added["maybe"],
        "uncertain_held": unsure_held + len(stuck & due.remove),
        "awaited": sum(known.state == "coming" for known in run.after.values()),
        "held": sum(known.held for known in run.after.values()),
        "withheld": _withheld(due),
    }
    wrong = {
        name: (getattr(told, name), true) for name, true in figures.items() if getattr(told, name) != true
    }
    holds(not wrong, "the figures are true (told, true)", wrong)
    desired = told.kept + told.added + told.rejected + told.uncertain_desired + sum(told.withheld.values())
    holds(desired == told.desired, "the sum of the desired closes", told.desired, desired)
    held = told.kept + told.kept_back + told.removed + told.leaving + told.dropped + told.uncertain_held
    holds(held == told.held_before, "the sum of the held closes", told.held_before, held)


def _withheld(due: Expected) -> dict[str, int]:
    sent = ("keep", "add", "resend", "rejected")
    reasons = {why: number for why, number in due.count.items() if why not in sent}
    if due.stops and due.add:
        reasons["guard"] = len(due.add)
    return reasons
