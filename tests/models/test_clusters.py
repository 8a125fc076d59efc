"""Five ways to shop: stable, rightly named, told in words, and the same from month to month while frozen."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import pytest

from pipelines.models import registry
from pipelines.models.clusters import Clusters, Group, labelled, thawed
from pipelines.models.errors import ModelError
from pipelines.models.examples import read
from pipelines.models.model import Trained
from tests.sources.conftest import YEAR_END

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def declared() -> Clusters:
    """The shipped groups."""
    model = registry.load("clusters")
    assert isinstance(model, Clusters)
    return model


@pytest.fixture(scope="module")
def trained(declared: Clusters, past: duckdb.DuckDBPyConnection) -> Trained:
    """Fitted at the end of November, asked again at the end of December."""
    return declared.train(past, YEAR_END)


@pytest.mark.requirement("TYP-16", "AI-2")
def test_groups_last_and_are_no_accident(trained: Trained) -> None:
    """Published: 79 % keep their group for a month with the frozen model, bootstrap ARI 0.63, silhouette 0.1 (weak)."""
    found = {one.name: one.value for one in trained.measures}
    assert trained.accepted, [gate.says for gate in trained.gates]
    assert found["same_group"] == pytest.approx(0.79, abs=0.03)
    assert found["same_group"] > 3 * found["same_group_by_chance"]
    assert found["bootstrap_ari"] > 0.63
    assert 0.1 < found["silhouette"] < 0.25


@pytest.mark.requirement("TYP-16")
def test_a_frozen_version_answers_the_same(
    declared: Clusters, trained: Trained, past: duckdb.DuckDBPyConnection
) -> None:
    """Trained twice: the same bytes. Scored: everybody in the nearest group, by hand."""
    assert declared.train(past, YEAR_END).files == trained.files
    scored = declared.score(past, YEAR_END, trained.files)
    frozen = thawed(trained.files)
    found = read(past, YEAR_END, declared.features, declared.population)
    points = (np.log1p(np.maximum(np.nan_to_num(found.values), 0)) - frozen.mean) / frozen.spread
    away = np.sqrt(((points[:, None] - np.array(frozen.centres)) ** 2).sum(axis=2))
    assert scored.column("person_no").to_pylist() == found.people.tolist()
    assert scored.column("label").to_pylist() == [frozen.names[place] for place in away.argmin(axis=1)]
    assert np.allclose(scored.column("score").to_numpy(), away.min(axis=1))


@pytest.mark.requirement("AI-2", "AI-4")
def test_groups_are_described(trained: Trained) -> None:
    """Each by what it stands out in and by rules in words, which put most people where they are."""
    sheets = {sheet.title: sheet for sheet in trained.sheets}
    names = {"family_baby", "fresh_organic", "light", "frequent", "full_range"}
    assert {row[0] for row in sheets["Groups"].rows} == names
    assert {row[0] for row in sheets["What groups stand out in"].rows} == names
    assert {row[0] for row in sheets["Who is in which"].rows} == names
    assert {one.name: one.value for one in trained.measures}["rule_agreement"] > 0.75
    assert any("baby orders in 90 days above" in str(row[1]) for row in sheets["Who is in which"].rows)
    assert all(isinstance(row[2], int) and row[2] >= 20 for row in sheets["Who is in which"].rows)


@pytest.mark.requirement("AI-4")
def test_each_person_has_reasons(
    declared: Clusters, trained: Trained, past: duckdb.DuckDBPyConnection
) -> None:
    """Everybody has at least one; a family's is the baby, mostly."""
    told = declared.score(past, YEAR_END, trained.files).to_pylist()
    assert all(one["reasons"] for one in told)
    families = [one["reasons"] for one in told if one["label"] == "family_baby"]
    assert sum(reasons.startswith("baby orders") for reasons in families) > 0.9 * len(families)


def test_groups_that_are_not_what_they_are_called_are_refused(
    declared: Clusters, past: duckdb.DuckDBPyConnection
) -> None:
    """The last name falls to a group that has less than others of what it is named for."""
    groups = (*declared.groups[:4], Group("fresh_organic_too", "organic_share_90d"))
    misnamed = replace(declared, groups=groups)
    found = misnamed.train(past, YEAR_END)
    assert [gate.name for gate in found.gates if not gate.passed] == ["rightly named"]


def test_too_few_people_are_no_groups(declared: Clusters, past: duckdb.DuckDBPyConnection) -> None:
    """Groups of a handful are accidents."""
    few = replace(declared, population="orders_30d >= 25")
    with pytest.raises(ModelError, match="too few people to train clusters"):
        few.train(past, YEAR_END)


def test_labels_are_the_nearest_centre(trained: Trained) -> None:
    """A centre itself is in its own group."""
    frozen = thawed(trained.files)
    at_centre = np.expm1(np.array(frozen.centres) * frozen.spread + frozen.mean)
    assert labelled(frozen, np.maximum(at_centre, 0)).tolist() == [0, 1, 2, 3, 4]
