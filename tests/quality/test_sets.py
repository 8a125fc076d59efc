"""A set of segments: alike within, different between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality import homogeneous
from pipelines.quality.evidence import Together, Unknown
from pipelines.quality.sets import set_of, standardised
from tests.quality.found import found


@pytest.mark.requirement("QUA-6")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(2, 30), min_size=2, max_size=4))
def test_silhouettes_are_scikit_learns(seed: int, sizes: list[int]) -> None:
    """The mean silhouette of random groups, held against another implementation."""
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra turnout[models] is not installed")
    rng = np.random.default_rng(seed)
    groups = {str(n): rng.normal(n, 1, (size, 3)) for n, size in enumerate(sizes)}
    labels = np.repeat(np.arange(len(sizes)), sizes)
    expected = metrics.silhouette_score(np.concatenate(list(groups.values())), labels)
    assert homogeneous.silhouette(groups) == pytest.approx(expected)


@pytest.mark.requirement("QUA-6")
def test_eta_squared_goes_from_nothing_to_everything() -> None:
    """Groups of one point each explain all of the variance, equal groups none."""
    apart = {"a": np.zeros((10, 2)), "b": np.ones((10, 2))}
    same = {"a": np.array([[0.0], [1.0]]), "b": np.array([[0.0], [1.0]])}
    assert homogeneous.between(apart) == pytest.approx(1.0)
    assert homogeneous.between(same) == pytest.approx(0.0)


@pytest.mark.requirement("QUA-6")
def test_groups_that_run_into_one_another_are_a_warning() -> None:
    """Below 0.2; and a segment of no set has no verdict, with the reason."""
    rng = np.random.default_rng(1)
    mixed = Together(
        "tiers", ("spend_90d",), {"a": rng.normal(0, 1, (50, 1)), "b": rng.normal(0, 1, (50, 1))}, 3
    )
    clear = Together(
        "tiers", ("spend_90d",), {"a": rng.normal(0, 1, (50, 1)), "b": rng.normal(20, 1, (50, 1))}, 0
    )
    assert homogeneous.judge(found(together=mixed)).verdict == "warn"
    assert "3 people are in several" in homogeneous.judge(found(together=mixed)).sentence
    assert homogeneous.judge(found(together=clear)).verdict == "pass"
    alone = homogeneous.judge(found(together=Unknown("it belongs to no set")))
    assert (alone.verdict, alone.sentence) == ("unknown", "it belongs to no set")


@pytest.mark.requirement("QUA-6")
def test_large_sets_are_judged_by_people_evenly_taken() -> None:
    """The figure of a part is about that of the whole, and always the same."""
    rng = np.random.default_rng(3)
    groups = {"a": rng.normal(0, 1, (900, 2)), "b": rng.normal(2, 1, (900, 2))}
    part = homogeneous.silhouette(groups, most=400)
    assert part == pytest.approx(homogeneous.silhouette(groups), abs=0.05)
    assert part == homogeneous.silhouette(groups, most=400)


@pytest.mark.requirement("QUA-6")
def test_a_segments_set() -> None:
    """Its tag, the template whose part it is, else all clusters together, else none."""
    assert (
        set_of(found(segment_path=Path("segment_defs/store.sql"), segment_name="store_367").segment)
        == "store"
    )
    assert set_of(found(segment_tags={"set": "tiers"}).segment) == "tiers"
    assert set_of(found(segment_types=("cluster",)).segment) == "clusters"
    assert set_of(found().segment) is None


def test_features_are_standardised_among_those_chosen() -> None:
    """Logarithm, mean 0, deviation 1; whoever is unknown stands in the middle."""
    column = np.array([0.0, np.e - 1, np.nan, 99.0])
    rows = standardised([column], np.array([True, True, True, False]))
    assert rows[:3, 0] == pytest.approx([-1.0, 1.0, 0.0])
