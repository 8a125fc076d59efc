"""How a segment's people differ from everybody, held against pandas over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.profiling import FEWEST, Trait, _hidden
from tests.sources.test_explained import KNOWN, SEGMENTS
from tests.sources.test_features import YEAR_END

NAMES = ("baby_households", "home_store_367", "affluent_households")


@pytest.fixture(scope="module")
def features(demo_file: Path) -> pd.DataFrame:
    """The features of the day, as pandas has them."""
    with duckdb.connect(str(demo_file), read_only=True) as con:
        return con.execute("select * from features where as_of = $day", {"day": YEAR_END}).df()


@pytest.fixture(scope="module")
def engine(demo_file: Path) -> Iterator[DuckDBEngine]:
    """The demo's warehouse, only read."""
    opened = DuckDBEngine(demo_file, catalog=KNOWN, read_only=True)
    yield opened
    opened.close()


@pytest.mark.requirement("DAT-16")
@pytest.mark.parametrize("name", NAMES)
def test_traits_are_what_pandas_counts(engine: DuckDBEngine, features: pd.DataFrame, name: str) -> None:
    """Means of numbers, shares of words, their ratio, and the effect in standard deviations."""
    members = set(engine.measure(SEGMENTS[name], YEAR_END).people.column("person_no").to_pylist())
    inside = features[features["person_no"].isin(members)]
    found = engine.traits(SEGMENTS[name], YEAR_END).shown
    assert [abs(one.effect) for one in found] == sorted((abs(one.effect) for one in found), reverse=True)
    for one in found:
        here, universe, spread = _by_pandas(one, inside, features)
        assert one.here == pytest.approx(here)
        assert one.universe == pytest.approx(universe)
        assert one.index == (pytest.approx(here / universe) if universe else None)
        assert one.effect == pytest.approx((here - universe) / spread if spread else 0.0, abs=1e-9)
        assert one.known == pytest.approx(inside[one.feature].notna().mean())
    numbers = {column for column in features.columns if features[column].dtype.kind in "if"} - {"person_no"}
    known = {column for column in numbers if inside[column].notna().sum() >= FEWEST}
    assert {one.feature for one in found if one.value is None} >= known - {"spend_90d", "spend_prior_90d"}


@pytest.mark.requirement("PRI-3")
def test_values_of_few_people_are_not_shown(engine: DuckDBEngine, features: pd.DataFrame) -> None:
    """A store with fewer than twenty of the segment's people is not among the traits; the others are."""
    members = engine.measure(SEGMENTS["baby_households"], YEAR_END).people.column("person_no").to_pylist()
    inside = features[features["person_no"].isin(members)]
    counts = inside["home_store"].value_counts()
    found = engine.traits(SEGMENTS["baby_households"], YEAR_END)
    shown = {one.value for one in found.shown if one.feature == "home_store"}
    assert shown == set(counts[counts >= FEWEST].index)
    assert len(counts) > len(shown)
    unshown = {one.feature: one.values for one in found.unshown}
    assert unshown["home_store"] == len(counts) - len(shown)


@pytest.mark.requirement("PRI-3")
@given(counts=st.lists(st.integers(1, 60), max_size=8).map(sorted), floor=st.integers(1, 30))
def test_what_is_hidden_cannot_be_reckoned(counts: list[int], floor: int) -> None:
    """Nothing below the floor is shown, and the hidden people together are none or at least as many as the floor.

    Where everything is hidden there is nothing to reckon from."""
    hidden = _hidden(counts, floor)
    assert all(count >= floor for count in counts[hidden:])
    if hidden < len(counts):
        assert sum(counts[:hidden]) == 0 or sum(counts[:hidden]) >= floor


@pytest.mark.requirement("PRI-3")
def test_the_floor_is_the_operators(demo_file: Path, features: pd.DataFrame) -> None:
    """With another floor other values are shown."""
    with DuckDBEngine(demo_file, catalog=KNOWN, read_only=True, cell_floor=60) as strict:
        found = strict.traits(SEGMENTS["baby_households"], YEAR_END)
    members = SEGMENTS["baby_households"]
    with DuckDBEngine(demo_file, catalog=KNOWN, read_only=True) as usual:
        people = usual.measure(members, YEAR_END).people.column("person_no").to_pylist()
    languages = features[features["person_no"].isin(people)]["language"].value_counts()
    shown = {one.value for one in found.shown if one.feature == "language"}
    assert shown < set(languages.index)


def _by_pandas(one: Trait, inside: pd.DataFrame, everybody: pd.DataFrame) -> tuple[float, float, float]:
    if one.value is None:
        theirs, all_of_them = inside[one.feature].astype(float), everybody[one.feature].astype(float)
        return theirs.mean(), all_of_them.mean(), all_of_them.std(ddof=0)
    here = (inside[one.feature].dropna().astype(str) == one.value).mean()
    universe = (everybody[one.feature].dropna().astype(str) == one.value).mean()
    return here, universe, (universe * (1 - universe)) ** 0.5
