"""Entry and exit rules on a real warehouse, against the definition word for word, on histories made up at random."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine import Members
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.errors import SegmentError
from pipelines.segments.looking_back import looks_back
from pipelines.segments.model import Segment
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.damping import Damped
from tests.engine.conftest import CATALOG, segment

START = date(2017, 11, 1)
PEOPLE = (1, 2, 3)


@dataclass(frozen=True)
class Row:
    """One person's features of one day."""

    meets: bool
    """Whether the SQL takes them."""
    leaves: bool | None
    """Whether ``exit_when`` is true of them, as far as that is known."""


History = Sequence[Mapping[int, Row]]
"""For each day from START, the people who have features on it."""


@dataclass(frozen=True)
class Definition:
    """The definition of entry and exit, word for word, looking at every day of the window each time."""

    history: History
    rules: EntryExit

    def row(self, person: int, day: int) -> Row | None:
        """Their features of a day; before the first there was nobody."""
        return self.history[day].get(person) if 0 <= day < len(self.history) else None

    def meets(self, person: int, day: int) -> bool:
        """Q: the SQL of the day."""
        row = self.row(person, day)
        return row is not None and row.meets

    def held(self, person: int, day: int) -> bool:
        """B: the SQL held on some day of the band, and nothing sent them away since."""
        if self.rules.exit_when is None:
            return self.meets(person, day)
        for entry in range(day - self.rules.stay_days, day + 1):
            since = [self.row(person, later) for later in range(entry + 1, day + 1)]
            if self.meets(person, entry) and all(row is not None and row.leaves is not True for row in since):
                return True
        return False

    def kept(self, person: int, day: int) -> bool:
        """G: held on the day, or on one of the days of grace before it."""
        return any(self.held(person, day - back) for back in range(self.rules.grace_days + 1))

    def member(self, person: int, day: int) -> bool:
        """Kept, there on the day, and nobody who stopped being kept within the cool-down."""
        left = any(
            self.kept(person, day - back - 1) and not self.kept(person, day - back)
            for back in range(self.rules.cooldown_days)
        )
        return self.row(person, day) is not None and self.kept(person, day) and not left

    def members(self, day: int) -> list[int]:
        """Everybody who is in on a day, in order."""
        return [person for person in PEOPLE if self.member(person, day)]


def day(number: int) -> date:
    """The day of so many days after the first."""
    return START + timedelta(days=number)


def damped(rules: EntryExit, name: str = "damped") -> Segment:
    """Who spends something, with these rules."""
    return replace(segment("select person_no from features where spend > 0", name=name), entry_exit=rules)


def engine_of(folder: Path, history: History) -> DuckDBEngine:
    """A warehouse with the features of a history."""
    rows = [
        (day(number), person, int(row.meets), None if row.leaves is None else int(row.leaves))
        for number, people in enumerate(history)
        for person, row in people.items()
    ]
    path = folder / "warehouse.duckdb"
    with duckdb.connect(path) as con:
        con.execute(
            "create table features (as_of date, person_no integer, spend decimal(18, 2), baskets integer)"
        )
        if rows:
            con.executemany("insert into features values (?, ?, ?, ?)", rows)
    return DuckDBEngine(path, catalog=CATALOG, threads=1)


def computed(engine: DuckDBEngine, name: str, as_of: date) -> list[int]:
    """Who is in a segment that was computed."""
    return sorted(engine.export(Members(name, as_of)).read_all().column("person_no").to_pylist())


ROWS = st.builds(Row, st.booleans(), st.sampled_from([True, False, False, None]))
HISTORIES = st.lists(st.dictionaries(st.sampled_from(PEOPLE), ROWS), min_size=2, max_size=16).map(
    # Somebody is there from the first day to the last, so that each of them has features.
    lambda days: [{99: Row(False, None)} | people for people in days]
)
RULES = st.one_of(
    st.builds(
        EntryExit,
        exit_when=st.just("baskets = 1"),
        stay_days=st.integers(1, 6),
        grace_days=st.integers(0, 3),
        cooldown_days=st.integers(0, 4),
    ),
    st.builds(EntryExit, grace_days=st.integers(0, 5), cooldown_days=st.integers(0, 5)),
)


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, RULES, st.data())
def test_any_order_gives_the_definition(history: History, rules: EntryExit, data: st.DataObject) -> None:
    """Days computed in any order, some of them never and some twice, hold whom the definition says."""
    order = data.draw(st.lists(st.integers(0, len(history) - 1), min_size=1, max_size=8))
    expected = Definition(history, rules)
    with tempfile.TemporaryDirectory() as folder, engine_of(Path(folder), history) as engine:
        for number in order:
            engine.run_segment(damped(rules), day(number))
        for number in order:
            assert computed(engine, "damped", day(number)) == expected.members(number)


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, RULES, RULES)
def test_a_damped_layer_is_damped_where_it_is_read(
    history: History, below: EntryExit, above: EntryExit
) -> None:
    """A segment on a damped one sees its members on each day of its own window, not those of its SQL."""
    layer = damped(below, name="below")
    top = replace(
        segment("select person_no from below semi join features using (person_no)", name="above"),
        layers=("below",),
        builds_on=(layer,),
        entry_exit=above,
    )
    last = len(history) - 1
    beneath = Definition(history, below)
    # What the layer held on each day, as a history of its own.
    read = [
        {person: replace(row, meets=beneath.member(person, number)) for person, row in people.items()}
        for number, people in enumerate(history)
    ]
    with tempfile.TemporaryDirectory() as folder, engine_of(Path(folder), history) as engine:
        engine.run_segment(top, day(last))
        assert computed(engine, "above", day(last)) == Definition(read, above).members(last)
    assert looks_back(top) == below.days_back + above.days_back


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
def test_the_example_of_the_page(tmp_path: Path) -> None:
    """Ann of docs/segments.md: out of the segment from 23 January to 5 February, and on no other day of these."""
    january = date(2018, 1, 1)
    rules = EntryExit(exit_when="spend < 450", stay_days=60, grace_days=3, cooldown_days=14)
    spenders = replace(segment("select person_no from features where spend >= 500"), entry_exit=rules)
    spends = [500] * 10 + [470] * 9 + [440] * 10 + [520] * 20
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as con:
        con.execute("create table features (as_of date, person_no integer, spend decimal(18, 2))")
        con.executemany(
            "insert into features values (?, 1, ?)",
            [(january + timedelta(days=n), spend) for n, spend in enumerate(spends)],
        )
    with DuckDBEngine(path, catalog=CATALOG) as engine:
        days = [january + timedelta(days=n) for n in range(len(spends))]
        replayed = engine.replay(spenders, days, [rules])
        out = [day for day, people in zip(days, replayed, strict=True) if not people.members[0]]
        assert (out[0], out[-1], len(out)) == (date(2018, 1, 23), date(2018, 2, 5), 14)
        told = [engine.judge(spenders, date(2018, 1, on), [1])[0].damped for on in (10, 19, 22, 23, 30)]
    assert told == [
        Damped("rule", date(2018, 1, 10), None),
        Damped("band", date(2018, 1, 10), date(2018, 3, 15)),
        Damped("grace", date(2018, 1, 10), date(2018, 1, 23)),
        None,
        Damped("cooldown", date(2018, 1, 30), date(2018, 2, 6)),
    ]


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, RULES)
def test_explained_and_replayed_as_computed(history: History, rules: EntryExit) -> None:
    """Who is judged to be in is a member, with the reason that the definition has; so is who is replayed."""
    expected = Definition(history, rules)
    last = len(history) - 1
    with tempfile.TemporaryDirectory() as folder, engine_of(Path(folder), history) as engine:
        days = [day(number) for number in range(len(history))]
        for number, people in enumerate(engine.replay(damped(rules), days, [None, rules])):
            assert sorted(people.members[1]) == expected.members(number)
            assert people.members[0] == people.by_rule
        judged = engine.judge(damped(rules), day(last), PEOPLE)
    assert [one.person_no for one in judged if one.is_member] == expected.members(last)
    for one in judged:
        person = one.person_no
        if one.damped is None:
            assert not expected.kept(person, last) or expected.row(person, last) is None
            continue
        held_on = max(number for number in range(last + 1) if expected.meets(person, number))
        assert one.damped.held_on == day(held_on)
        why = "rule" if held_on == last else "band" if expected.held(person, last) else "grace"
        assert one.damped.by == (why if one.is_member else "cooldown")


@pytest.mark.requirement("DAMP-1", "DAMP-2")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, RULES)
def test_the_day_that_is_told_is_their_last(history: History, rules: EntryExit) -> None:
    """If the SQL never holds again and nothing sends them away, people leave on the very day that was told."""
    last = len(history) - 1
    staying = {person: Row(False, None) for person in (*PEOPLE, 99)}
    later = [*history, *[staying] * (rules.days_back + 1)]
    expected = Definition(later, rules)
    with tempfile.TemporaryDirectory() as folder, engine_of(Path(folder), history) as engine:
        judged = engine.judge(damped(rules), day(last), PEOPLE)
    for one in judged:
        if one.is_member and one.damped is not None and one.damped.until is not None:
            leaves = (one.damped.until - START).days
            assert expected.member(one.person_no, leaves - 1)
            assert not expected.kept(one.person_no, leaves)


def test_a_day_without_features_is_not_a_day_without_people(tmp_path: Path) -> None:
    """A hole in the window is an error that names it; days before the first simply have nobody."""
    rules = EntryExit(grace_days=3)
    people = {1: Row(True, None)}
    with engine_of(tmp_path, [people, {}, people]) as engine:
        assert engine.run_segment(damped(rules), day(0)).size == 1
        with pytest.raises(
            SegmentError, match="no features for 2017-11-02, one of the 3 days on which it looks back"
        ):
            engine.run_segment(damped(rules), day(2))


def test_faults_of_the_rule_are_told_as_ever(tmp_path: Path) -> None:
    """Rows that come out twice are counted; strangers and people without a number are errors."""
    rules = EntryExit(grace_days=1)
    people = {1: Row(True, None), 2: Row(False, None)}
    with engine_of(tmp_path, [people, people]) as engine:
        twice = replace(
            segment("select person_no from features, (values (1), (2)) as twice (n) where spend > 0"),
            entry_exit=rules,
        )
        profile = engine.run_segment(twice, day(1))
        assert (profile.size, profile.duplicates) == (1, 1)
        nobody = replace(segment("select null::integer as person_no from features"), entry_exit=rules)
        with pytest.raises(SegmentError, match="have no person_no"):
            engine.run_segment(nobody, day(1))
        stranger = replace(segment("select person_no + 5 as person_no from features"), entry_exit=rules)
        with pytest.raises(SegmentError, match="not in the universe"):
            engine.run_segment(stranger, day(1))


def test_an_exit_that_fails_is_told_at_its_line(tmp_path: Path) -> None:
    """A condition that cannot be worked out on real values names the header's line and repeats no value."""
    rules = EntryExit(exit_when="cast('x' || baskets as integer) > 1", exit_line=7, stay_days=2)
    with (
        engine_of(tmp_path, [{1: Row(True, True)}]) as engine,
        pytest.raises(
            SegmentError,
            match=r"damped\.sql.*: a value could not be converted",
        ),
    ):
        engine.run_segment(damped(rules), day(0))
