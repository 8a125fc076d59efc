"""The model of value on the demo, from training to the segments that read it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.demo import as_demo
from pipelines.models.store import Card
from pipelines.project import Project, unseen
from pipelines.segments.run import Computed
from pipelines.settings import Settings
from tests.sources.conftest import YEAR_END

pytest.importorskip("lightgbm", reason="the extra turnout[models] is not installed")

PUBLISHED_MEANS = (3_112, 919)
"""Mean value of 26 weeks in the top tenth and of everybody, as published for a model of other features."""


@pytest.fixture(scope="module")
def project(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo, loaded, with the shipped segments."""
    home = tmp_path_factory.mktemp("value")
    shutil.copyfile(demo_file, home / "warehouse.duckdb")
    return Project(as_demo(Settings(home=home)))


@pytest.fixture(scope="module")
def card(project: Project) -> Card:
    """The card of a version trained at the end of 2017."""
    return project.models.train("lifetime_26w", YEAR_END, unseen)


@pytest.mark.requirement("TYP-17", "TYP-11")
def test_the_value_of_groceries_is_nearer_than_the_last_half_year(card: Card) -> None:
    """A line through two rates beats the baseline on the last quarter of 2017; BG/NBD is refused, with its reason."""
    assert (card.status, card.kind) == ("accepted", "linear regression")
    found = {one.name: one.value for one in card.measures}
    assert found["error"] == pytest.approx(171.2, abs=0.5)
    assert found["error_baseline"] == pytest.approx(177.5, abs=0.5)
    assert found["top_tenth"] > found["top_tenth_baseline"]
    tried = {str(row[0]): str(row[2]) for row in card.sheets[0].rows}
    assert "P(alive) has no spread" in tried["BG/NBD and Gamma-Gamma"]
    assert [window.as_of for window in card.windows] == [date(2017, 6, 30), date(2017, 9, 30)]


def members(project: Project, segment: str) -> set[int]:
    """The people of a computed segment."""
    with project.warehouse(read_only=True) as con:
        query = f"select person_no from segment.{segment} where as_of = ?"
        return {number for (number,) in con.execute(query, [YEAR_END]).fetchall()}


@pytest.mark.requirement("TYP-11", "TYP-17", "TYP-19")
def test_the_best_tenth_and_the_seed(project: Project, card: Card) -> None:
    """246 people as published, worth what was published within 5 %; the seed is those of one country."""
    outcomes = project.compute(YEAR_END, ["predicted_clv_top10", "lookalike_seed_best"])
    assert all(isinstance(one, Computed) for one in outcomes), outcomes
    best, seed = members(project, "predicted_clv_top10"), members(project, "lookalike_seed_best")
    assert (len(best), len(seed)) == (246, 228)
    assert seed < best
    with project.warehouse(read_only=True) as con:
        query = "select avg(score) filter (score_rank >= 0.9), avg(score) from scores where as_of = ? and model = ?"
        found = con.execute(query, [YEAR_END, card.model]).fetchall()[0]
        countries = con.execute(
            "select distinct country from features semi join segment.lookalike_seed_best using (as_of, person_no)"
        ).fetchall()
    assert found == pytest.approx(PUBLISHED_MEANS, rel=0.05)
    assert countries == [("US",)]


@pytest.mark.requirement("TYP-19")
def test_a_seed_has_the_least_that_platforms_take(project: Project) -> None:
    """The header asks for 100 people, the least a platform makes a lookalike of."""
    (seed,) = (one for one in project.segments if one.name == "lookalike_seed_best")
    assert seed.min_size == 100
    assert dict(seed.tags) == {"use": "lookalike_seed"}
