"""What a push has to do, worked out person by person in plain Python: the reference that delivery is judged by."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date

from pipelines.delivery.guards import Bounds, Overrides
from tests.delivery.world import Person, World
from tests.histories.ledger_view import Standing
from tests.histories.platform import Handle

GONE = "gone_from_source"
"""Merely missing from the sources: no decision of that person."""

Members = dict[Handle, Standing]


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what one push of one audience has to do."""

    world: World
    segment: str
    members: Members
    today: date
    bounds: Bounds
    overrides: Overrides
    only_opt_outs: bool


@dataclass(slots=True)
class Expected:
    """Everybody's due, by handle: each member that is recorded or wanted is in exactly one of the sets."""

    verdict: str = "fine"
    trusted: bool = True
    """Whether the segment's people were looked at."""
    held: set[Handle] = field(default_factory=set)
    """Members that are, or may be, on the platform."""
    keep: set[Handle] = field(default_factory=set)
    add: set[Handle] = field(default_factory=set)
    resend: set[Handle] = field(default_factory=set)
    """Desired and held, and sent again: unsure, soon to expire, or perhaps undone by a late copy."""
    asserted: set[Handle] = field(default_factory=set)
    """Whose last request is repeated because of a late copy."""
    refused_before: set[Handle] = field(default_factory=set)
    remove: set[Handle] = field(default_factory=set)
    repeat: set[Handle] = field(default_factory=set)
    """Not held and not desired, but asked to be taken out once more: refused rows, and those asserted as gone."""
    must_go: set[Handle] = field(default_factory=set)
    leaving: set[Handle] = field(default_factory=set)
    left_alone: set[Handle] = field(default_factory=set)
    """Held, and not looked at because the segment can't be trusted."""
    desired: dict[int, str] = field(default_factory=dict)
    """What becomes of each desired person: a reason for withholding, or ``keep``, ``add``, ``resend``, …"""

    @property
    def stops(self) -> bool:
        """Whether only those who must go are moved."""
        return self.verdict not in ("fine", "overridden")

    @property
    def sent(self) -> set[Handle]:
        """Whom the platform is asked to take."""
        return set() if self.stops else self.add | self.resend

    @property
    def taken_out(self) -> set[Handle]:
        """Whom the platform is asked to remove."""
        return self.must_go | (self.repeat & self.asserted) if self.stops else self.remove | self.repeat

    @property
    def count(self) -> Counter[str]:
        """Desired people by what becomes of them."""
        return Counter(self.desired.values())


def refused(person: Person) -> str | None:
    """Why a person may not be sent."""
    return person.suppressed or (None if person.granted else "no_consent")


def relinked(world: World, members: Members) -> Members:
    """Members under the numbers of a new warehouse: found again by what was sent, the first where several share it."""
    first: dict[Handle, int] = {}
    for number, person in sorted(world.people.items()):
        first.setdefault(person.handle, number)
    return {handle: replace(standing, person=first.get(handle)) for handle, standing in members.items()}


def expect(situation: Situation) -> Expected:
    """Work out what the push has to do."""
    expected = Expected(held={handle for handle, known in situation.members.items() if known.held})
    expected.must_go = _must_go(situation)
    as_of = situation.world.latest(situation.segment)
    expected.verdict = _untrusted(situation, as_of)
    if as_of is None or expected.verdict != "fine":
        _only_must_go(situation, expected)
        return expected
    _compare(situation, situation.world.segments[situation.segment][as_of], expected)
    expected.verdict = _judge(situation, expected)
    return expected


def _only_must_go(situation: Situation, expected: Expected) -> None:
    expected.trusted = False
    expected.remove = expected.must_go & expected.held
    expected.asserted = {h for h, known in situation.members.items() if known.state == "gone" and known.due}
    expected.repeat = expected.asserted | (expected.must_go - expected.held)
    expected.left_alone = expected.held - expected.remove


def _must_go(situation: Situation) -> set[Handle]:
    """Members of people who said no, unless somebody who said yes is the same member."""
    people = situation.world.people
    permitted = {person.handle for person in people.values() if refused(person) is None}
    return {
        handle
        for handle, standing in situation.members.items()
        if standing.state not in ("leaving", "gone")
        and standing.person is not None
        and refused(people[standing.person]) not in (None, GONE)
        and handle not in permitted
    }


def _compare(situation: Situation, wanted: set[int], expected: Expected) -> None:
    wanting: defaultdict[Handle, list[int]] = defaultdict(list)
    for number in sorted(wanted):
        person = situation.world.people[number]
        if reason := refused(person):
            expected.desired[number] = reason
        elif not any(person.handle):
            expected.desired[number] = "no_identifier"
        else:
            wanting[person.handle].append(number)
    for handle, numbers in wanting.items():
        _desired(situation.members.get(handle), handle, numbers, expected)
    for handle, standing in situation.members.items():
        if handle not in wanting:
            _undesired(standing, handle, expected)


def _undesired(known: Standing, handle: Handle, expected: Expected) -> None:
    """A recorded member that nobody desires."""
    if known.state == "leaving":
        expected.leaving.add(handle)
    elif known.held:
        expected.remove.add(handle)
    elif known.state != "gone":
        expected.repeat.add(handle)
    elif known.due:
        expected.repeat.add(handle)
        expected.asserted.add(handle)


def _desired(known: Standing | None, handle: Handle, numbers: list[int], expected: Expected) -> None:
    """One member that is wanted, perhaps by several people who share it."""
    if known is not None and known.state == "leaving":
        expected.leaving.add(handle)
        expected.desired.update(dict.fromkeys(numbers, "pending_removal"))
        return
    due, group = _due(known, expected)
    group.add(handle)
    if group is expected.resend and known is not None and known.state == "on":
        expected.asserted.add(handle)
    expected.desired[numbers[0]] = due
    expected.desired.update(dict.fromkeys(numbers[1:], "same_identity"))


def _due(known: Standing | None, expected: Expected) -> tuple[str, set[Handle]]:
    if known is None or known.state in ("gone", "retry"):
        return "add", expected.add
    if known.state == "rejected":
        return "rejected", expected.refused_before
    if known.state == "coming" or (known.state == "on" and not known.due):
        return "keep", expected.keep
    return "resend", expected.resend


def _untrusted(situation: Situation, as_of: date | None) -> str:
    """Why the segment's people are not even looked at."""
    if situation.only_opt_outs:
        return "held_back"
    if as_of is None:
        return "never_computed"
    newest = situation.world.newest
    late = (situation.today - as_of).days > situation.bounds.max_age_days
    return "stale_segment" if late or (newest is not None and as_of < newest) else "fine"


def _judge(situation: Situation, expected: Expected) -> str:
    bounds, allowed = situation.bounds, situation.overrides
    leaving = len(expected.remove - expected.must_go)
    wanted = len(expected.desired)
    held = len(expected.held)
    if wanted == 0 and held > 0:
        return "overridden" if allowed.accept_removals else "empty_segment"
    if leaving >= bounds.floor and held and leaving / held > bounds.max_removed:
        return "overridden" if allowed.accept_removals else "too_many_removals"
    if held and held >= bounds.floor and wanted > bounds.max_growth * held:
        return "overridden" if allowed.accept_growth else "size_jump"
    return "fine"
