"""Setting people aside by number finds exactly what comparing everybody by member finds."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from world import IDENTITY

from pipelines.delivery.ledger import Ledger, sql
from pipelines.delivery.unchanged import compare_everybody, set_aside

AUDIENCE, OTHER = 1, 2
PEOPLE = range(8)
STATES = {1: "on", 2: "on", 3: "maybe", 4: "leaving", 5: "gone", 6: "expiring"}
"""What the batches 1 to 6 say; batch 7 is not journalled."""

Delta = Counter[tuple[str, str | None, bool, UUID | None, int | None, int]]


@dataclass(frozen=True)
class Held:
    """A row of ``members``: under a member that need not be the person's any more."""

    member: int
    person: int | None
    batch: int
    rejected: bool


@dataclass(frozen=True)
class Situation:
    """A ledger in any condition that its rules allow, and the people its audience should hold."""

    identities: dict[int, tuple[int | None, str | None]]
    held: dict[int, list[Held]]
    wanted: set[int]
    moved_too: set[int]
    """People in ``moved`` without need: that must do no harm."""
    asserting: set[int]
    """Members whose last request is due once more."""
    drawn: frozenset[int] = frozenset()
    """People who are held out, with everybody who has the same member."""


members = st.integers(0, 9)
rows = st.lists(
    st.builds(Held, members, st.none() | st.sampled_from(PEOPLE), st.integers(1, 7), st.booleans()),
    max_size=10,
    unique_by=lambda row: row.member,
)
situations = st.builds(
    Situation,
    # Mostly a member of one's own, so that being unchanged is common; shared members, none, and refusals too.
    identities=st.fixed_dictionaries(
        {n: st.tuples(st.just(n) | members | st.none(), st.none() | st.just("no_consent")) for n in PEOPLE}
    ),
    held=st.fixed_dictionaries({AUDIENCE: rows, OTHER: rows}),
    wanted=st.sets(st.sampled_from(PEOPLE)),
    moved_too=st.sets(st.sampled_from(PEOPLE)),
    asserting=st.sets(members),
    drawn=st.frozensets(st.sampled_from(PEOPLE), max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(situations, st.booleans())
def test_the_delta_is_the_same_as_of_everybody(situation: Situation, most_stay: bool) -> None:
    """Shared identities, people moved, relinked, withheld, held out, rows refused or leaving: the delta is the same."""
    with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder)) as ledger:
        fill(ledger, situation, most_stay)
        wanted = pa.table({"person_no": pa.array(sorted(situation.wanted), pa.int32())})
        compare_everybody(ledger, AUDIENCE, wanted)
        expected = delta(ledger, 0)
        assert delta(ledger, set_aside(ledger, AUDIENCE, wanted)) == expected


@settings(max_examples=60, deadline=None)
@given(situations)
def test_whom_removal_cannot_wait_for_is_found_among_the_moved(situation: Situation) -> None:
    """Everybody held who is not permitted any more is in ``moved``, so looking there alone misses nobody."""
    with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder)) as ledger:
        fill(ledger, situation, most_stay=True)
        ledger.connection.execute(sql("must_go"), {"audience": AUDIENCE})
        found = ledger.connection.execute("select member from must_go").fetchall()
        permitted = {m for m, refused in situation.identities.values() if refused is None}
        expected = [
            (member_key(row.member),)
            for row in everybody(situation, most_stay=True)[AUDIENCE]
            if row.person is not None
            and situation.identities[row.person][1] is not None
            and row.member not in permitted
            and STATES.get(row.batch) not in ("gone", "leaving")
        ]
        assert sorted(found) == sorted(expected)


def test_people_who_stay_are_not_compared_by_member(tmp_path: Path) -> None:
    """Of an audience in which one joined and one left, those two are compared and nobody else."""
    own = {n: (n, None) for n in PEOPLE}
    held = {AUDIENCE: [Held(n, n, 1, rejected=False) for n in range(7)], OTHER: []}
    with open_ledger(tmp_path) as ledger:
        fill(ledger, Situation(own, held, set(), set(), set()), most_stay=False)
        kept = set_aside(ledger, AUDIENCE, pa.table({"person_no": pa.array(range(1, 8), pa.int32())}))
        assert kept == 6
        assert ledger.connection.execute("select person_no from wanted").fetchall() == [(7,)]
        assert ledger.connection.execute("select person_no from standing").fetchall() == [(0,)]


def open_ledger(folder: Path) -> AbstractContextManager[Ledger]:
    """A ledger of its own."""
    return Ledger.open(folder / "platform.duckdb", "platform", IDENTITY, wait_seconds=0, config={})


def everybody(situation: Situation, most_stay: bool) -> dict[int, list[Held]]:
    """The rows drawn; with ``most_stay`` also a standing row for each person whose member is not held yet."""
    audiences = {}
    for audience, drawn in situation.held.items():
        rows = {row.member: row for row in drawn}
        if most_stay:
            for person, (member, _) in situation.identities.items():
                if member is not None:
                    rows.setdefault(member, Held(member, person, 1, rejected=False))
        audiences[audience] = list(rows.values())
    return audiences


def fill(ledger: Ledger, situation: Situation, most_stay: bool) -> None:
    """Write the situation down, and let the ledger find out who has moved."""
    connection = ledger.connection
    for person, (member, refused) in situation.identities.items():
        connection.execute(
            "insert into identities values ($1, $2, $3)",
            [person, None if member is None else member_key(member), refused],
        )
    connection.execute("create temp table rejected (batch integer, member uuid, retried boolean)")
    connection.execute("create temp table asserting (member uuid)")
    for member in situation.asserting:
        connection.execute("insert into asserting values ($1)", [member_key(member)])
    for audience, rows in everybody(situation, most_stay).items():
        for row in rows:
            connection.execute(
                "insert into members (audience, member, person_no, batch) values ($1, $2, $3, $4)",
                [audience, member_key(row.member), row.person, row.batch],
            )
            if row.rejected and audience == AUDIENCE:
                connection.execute(
                    "insert into rejected values ($1, $2, $3)",
                    [row.batch, member_key(row.member), row.member % 2 == 0],
                )
    connection.execute("create temp table batch_states (batch integer, state varchar, renewing double)")
    for batch, state in STATES.items():
        renewing = 1.0 if state == "expiring" else None
        connection.execute("insert into batch_states values ($1, $2, $3)", [batch, state, renewing])
    held_members = {situation.identities[person][0] for person in situation.drawn} - {None}
    for person, (member, _) in situation.identities.items():
        if person in situation.drawn or member in held_members:
            connection.execute("insert into held_out values ($1, 'holdout')", [person])
    ledger.identities.find_moved("members")
    for person in situation.moved_too:
        connection.execute("insert into moved values ($1)", [person])


def member_key(member: int) -> UUID:
    """A member's key."""
    return UUID(int=member + 1)


def delta(ledger: Ledger, kept: int) -> Delta:
    """The delta, with the people who stay in one row however they were found."""
    ledger.connection.execute(sql("difference"), {"kept": kept})
    rows = ledger.connection.execute(
        """
        select
          change,
          withheld,
          is_desired,
          member,
          case when member is not null then min(person_no) end,
          cast(sum(people) as bigint)
        from delta
        group by change, withheld, is_desired, member
        """
    ).fetchall()
    return Counter(rows)
