"""Whatever the world, a plan that is applied does what a push would have done."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.delivery.guards import Bounds
from tests.delivery.world import Person
from tests.review.office import BOLD, Office

PEOPLE = range(9)
EMAILS = st.sampled_from(
    [None, "a@x.example", "b@x.example", "C@x.example ", "not an address", "d@x.example"]
)
PHONES = st.sampled_from([None, "1", "2", "(3) 3"])
SOMEBODY = st.builds(
    Person,
    email=EMAILS,
    phone=PHONES,
    granted=st.booleans() | st.just(True),
    suppressed=st.none() | st.none() | st.just("unsubscribed"),
)
EVERYBODY = st.fixed_dictionaries(dict.fromkeys(PEOPLE, SOMEBODY))
SOME = st.sets(st.sampled_from(PEOPLE))
FAULTS = st.lists(st.sampled_from(["none", "refuse", "lost_before", "lost_after"]), max_size=3)


def office_of(folder: Path, before: dict[int, Person], wanted: set[int], faults: list[str]) -> Office:
    """A world after one night, with small batches and guards that never speak."""
    folder.mkdir()
    office = Office(folder, bounds=Bounds(max_removed=1, max_growth=99, floor=999, max_age_days=2))
    office.platform.limits = type(office.platform.limits)(max_rows=2, max_in_flight=1)
    for number, person in before.items():
        office.world.put(number, Person(person.email, person.phone, None, person.granted, person.suppressed))
    office.want("vip", *wanted)
    office.platform.faults = list(faults)
    office.sync()
    office.platform.faults = []
    return office


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=EVERYBODY, wanted=SOME, faults=FAULTS, after=EVERYBODY, wanted_then=SOME)
def test_plan_and_apply_is_sync(
    before: dict[int, Person],
    wanted: set[int],
    faults: list[str],
    after: dict[int, Person],
    wanted_then: set[int],
) -> None:
    """In any two days of any world, planning and applying ends where a push ends, in as many requests."""
    with tempfile.TemporaryDirectory() as folder:
        planned = office_of(Path(folder, "planned"), before, wanted, faults)
        for number, person in after.items():
            planned.world.put(number, person)
        planned.want("vip", *wanted_then)
        pushed = planned.copy(Path(folder, "pushed"))
        pushed.platform.limits = planned.platform.limits
        [done] = pushed.sync(overrides=BOLD.overrides)
        start = planned.mutations()
        plan = planned.plan()
        [applied] = planned.apply(plan, BOLD)
        assert applied.outcome == "applied", applied.sentence
        assert planned.platform.audiences == pushed.platform.audiences
        assert planned.mutations() - start == pushed.mutations()
        assert applied.delivery is not None
        assert (applied.delivery.added, applied.delivery.removed) == (done.added, done.removed)
        assert sum(b.size for b in plan.audiences[0].batches) == sum(
            n for _, n in planned.platform.calls[start:]
        )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(people=EVERYBODY, wanted=SOME, wanted_then=SOME, faults=FAULTS)
def test_undo_is_the_membership_before(
    people: dict[int, Person], wanted: set[int], wanted_then: set[int], faults: list[str]
) -> None:
    """In any world whose people stay as they are and share nothing, undoing a push ends with the members before it,
    whatever answers were lost.

    An identifier that two people share stays on the platform for whoever stays, so a world of those is not judged by
    comparing rows.
    """
    people = {
        n: replace(p, email=p.email and f"p{n}@x.example", phone=p.phone and f"{n}")
        for n, p in people.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        office = office_of(Path(folder, "office"), people, wanted, [])
        before = set(office.platform.members("vip"))
        office.want("vip", *wanted_then)
        changes = office.plan().audiences[0]
        office.platform.faults = list(faults)
        office.sync(overrides=BOLD.overrides)
        office.platform.faults = []
        if changes.adds or changes.removes:
            office.undo("vip", BOLD)
            assert office.platform.members("vip") == before
