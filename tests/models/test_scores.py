"""The table of scores: frozen versions, days, replays, and what becomes of them when features or people go."""

from __future__ import annotations

import shutil
import sys
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.models.errors import ModelError
from pipelines.project import Project, unseen
from pipelines.segments.run import Computed, Failed
from tests.sources.conftest import TRAINED_AS_OF, YEAR_END

SIZES = {
    "likely_to_churn_60d": 157,
    "coupon_propensity": 378,
    "wine_upsell_propensity": 161,
    "cluster_family_baby": 197,
    "cluster_fresh_organic": 212,
    "cluster_full_range": 538,
    "cluster_light": 474,
    "cluster_frequent": 624,
}
"""At the end of the year, by models trained on 1 December.

Published with other models: 143, 368 and 162, and groups of 116, 210, 438, 641 and 664."""
OF_LIBRARIES = 3
"""People by whom sizes may differ with another version of scikit-learn or of its arithmetic."""


def rows(project: Project, query: str) -> list[tuple[Any, ...]]:
    """What the warehouse holds."""
    with project.warehouse(read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.mark.requirement("TYP-16", "TYP-17", "AI-3", "DEF-4")
def test_the_shipped_segments_of_models_have_their_sizes(project: Project) -> None:
    """Plain SQL over the table of scores; close to the sizes that were published with other models."""
    outcomes = project.compute(YEAR_END, list(SIZES))
    sizes = {one.profile.segment: one.profile.size for one in outcomes if isinstance(one, Computed)}
    assert sizes.keys() == SIZES.keys()
    assert all(abs(sizes[name] - size) <= OF_LIBRARIES for name, size in SIZES.items()), sizes
    scored = rows(project, "select count(*) from scores where model = 'clusters' and as_of = '2017-12-31'")[
        0
    ][0]
    assert sum(size for name, size in sizes.items() if name.startswith("cluster_")) == scored


def test_everybody_in_the_population_is_scored_once(project: Project) -> None:
    """One row a person and model, ranks from 0 to 1 in the order of the scores, reasons for all."""
    found = rows(
        project,
        """
        select model, count(*), count(distinct person_no), min(score_rank), max(score_rank),
          max(score_rank) filter (where score_rank < 0.9), bool_and(reasons <> ''), bool_or(hindsight)
        from scores where as_of = '2017-12-31' group by model order by model
        """,
    )
    assert [one[0] for one in found] == ["churn_60d", "clusters", "coupon_60d", "lifetime_26w", "wine_60d"]
    for model, count, people, least, most, below, told, hindsight in found:
        assert count == people > 1_500, model
        assert least == 0
        assert 0.99 < most < 1
        assert below < 0.9
        assert told
        assert not hindsight
    active = "select count(*) from features where as_of = '2017-12-31' and orders_30d >= 1"
    assert rows(project, active)[0][0] == found[0][1]


@pytest.mark.requirement("TYP-16")
def test_a_version_is_frozen(project: Project) -> None:
    """Scored again from the same version: the same to the last digit; a new version scores the day anew."""
    query = "select * from scores where as_of = '2017-12-31' order by model, person_no"
    before = rows(project, query)
    assert not project.models.score(YEAR_END, project.models.read(), anew=True).faults
    assert rows(project, query) == before
    project.models.train("churn_60d", TRAINED_AS_OF, unseen)
    (done,) = project.models.score(YEAR_END, ["churn_60d"]).done
    assert done.version == 2
    found = rows(
        project, "select distinct version from scores where model = 'churn_60d' and as_of = '2017-12-31'"
    )
    assert found == [(2,)]
    project.models.use("churn_60d", 1)
    assert project.models.score(YEAR_END, ["churn_60d"]).done[0].version == 1


def test_a_day_before_training_is_a_replay(project: Project) -> None:
    """Scores of a day that the version has seen the outcome of are marked; the day of training itself is no replay."""
    early = TRAINED_AS_OF - timedelta(days=1)
    for day, hindsight in ((early, True), (TRAINED_AS_OF, False)):
        (done,) = project.models.score(day, ["churn_60d"]).done
        assert done.hindsight is hindsight
        found = rows(
            project, f"select distinct hindsight from scores where as_of = '{day}' and model = 'churn_60d'"
        )
        assert found == [(hindsight,)]


def test_features_that_are_built_anew_are_scored_anew(project: Project) -> None:
    """Scores never outlive the features that they rest on; other days stay."""
    project.models.score(TRAINED_AS_OF, ["churn_60d"])
    project.build_features(YEAR_END)
    assert rows(project, "select distinct as_of from scores") == [(TRAINED_AS_OF,)]
    outcome = project.compute(YEAR_END, ["likely_to_churn_60d"])[0]
    assert isinstance(outcome, Computed)


def test_old_days_are_forgotten(project: Project) -> None:
    """Days further back than those kept go when a newer one is scored."""
    project.models.score(date(2017, 11, 30), ["churn_60d"])
    settings = project.settings.model_copy(update={"days_kept": 20})
    Project(settings).models.score(YEAR_END, ["churn_60d"], anew=True)
    assert rows(project, "select distinct as_of from scores where model = 'churn_60d'") == [(YEAR_END,)]
    assert rows(project, "select count(*) from score_runs where as_of < '2017-12-11'") == [(0,)]


@pytest.mark.requirement("DEF-4")
def test_a_segment_without_a_model_fails_and_keeps_its_last_good_day(project: Project) -> None:
    """It says what to type; its neighbours are computed, and what it held yesterday stays."""
    yesterday = YEAR_END - timedelta(days=1)
    names = ["likely_to_churn_60d", "coupon_propensity", "young_families"]
    assert all(isinstance(one, Computed) for one in project.compute(yesterday, names))
    shutil.rmtree(project.settings.state_dir / "models" / "churn_60d")
    project.build_features(YEAR_END)
    failed, *others = project.compute(YEAR_END, names)
    assert isinstance(failed, Failed)
    assert str(failed.error) == (
        "segment_defs/likely_to_churn_60d.sql: no version of the model churn_60d is in force; train it: turnout models "
        "train churn_60d"
    )
    assert [type(one) for one in others] == [Computed, Computed]
    with project.engine(read_only=True) as engine:
        assert engine.latest("likely_to_churn_60d") == yesterday


def test_a_refused_version_scores_nobody(project: Project) -> None:
    """At the end of the year wine's model is refused: the one before stays in force, and says so of itself."""
    card = project.models.train("wine_60d", YEAR_END, unseen)
    assert card.status == "refused"
    assert project.models.score(YEAR_END, ["wine_60d"]).done[0].version == 1
    (project.settings.state_dir / "models" / "wine_60d" / "current").unlink()
    fault = project.models.score(YEAR_END, ["wine_60d"]).faults["wine_60d"]
    assert "version 2 was refused (it predicts 0.60 times what happened" in str(fault)


def test_a_version_that_was_put_out_of_force_is_offered(project: Project) -> None:
    """An accepted version is there, and nobody chose it: which command chooses it."""
    (project.settings.state_dir / "models" / "clusters" / "current").unlink()
    fault = project.models.score(YEAR_END, ["clusters"]).faults["clusters"]
    assert str(fault).endswith("is in force; choose one: turnout models use clusters 1")


def test_a_missing_package_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra nothing is trained, and the sentence names it; a logistic model is scored all the same."""
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ModelError, match=r"pip install 'turnout\[models\]'"):
        project.models.train("churn_60d", TRAINED_AS_OF, unseen)
    assert project.models.score(YEAR_END, ["churn_60d"], anew=True).done
