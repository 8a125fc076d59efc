"""Entry and exit rules on a real warehouse, against the definition taken word for word, on histories made up at random."""

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
        con.execute("create table features (as_of date, person_no integer, spend decimal(18, 2), baskets integer)")
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
