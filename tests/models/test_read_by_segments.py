"""Segments that read scores: checked when they are read, explained with the model's reasons, replayed on past days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.insight.backtesting import backtest
from pipelines.insight.explaining import explain
from pipelines.insight.previewing import preview, tune
from pipelines.project import Project
from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from tests.models.test_scores import rows
from tests.sources.conftest import YEAR_END

HEADER = """/*
title = "Asked"
description = "Of a test."
types = ["predictive"]
owner = "team:crm"
treatment = "None."
universe = "customers"

[goal]
metric = "orders"
direction = "up"
target = "+1 %"
by = 2018-03-31
*/
"""


@pytest.fixture
def asked(project: Project, tmp_path: Path) -> Project:
    """The project with a folder of segments of its own."""
    folder = tmp_path / "asked"
    folder.mkdir()
    return Project(project.settings.model_copy(update={"segment_defs": folder}))


def write(project: Project, name: str, sql: str) -> Segment | BrokenSegment:
    """A segment with this SQL, as it is read."""
    (project.settings.segment_folder / f"{name}.sql").write_text(HEADER + sql, encoding="utf-8")
    return Project(project.settings).definition(name)


def test_scores_of_no_model_are_refused(asked: Project) -> None:
    """The numbers of two models have nothing to do with each other: which one is meant must be said, and known."""
    unnamed = write(asked, "unnamed", "select person_no\nfrom scores\nwhere score > 0.5\n")
    assert isinstance(unnamed, BrokenSegment)
    assert str(unnamed.error) == (
        "asked/unnamed.sql:15: it reads scores without saying of which model; add a condition: "
        "where model = 'churn_60d'"
    )
    misspelt = write(asked, "misspelt", "select person_no\nfrom scores\nwhere model = 'chrun_60d'\n")
    assert isinstance(misspelt, BrokenSegment)
    assert "it reads scores of 'chrun_60d', and there is no such model; did you mean 'churn_60d'?" in str(
        misspelt.error
    )
    odd = write(asked, "odd", "select person_no\nfrom scores\nwhere model = 'zzz'\n")
    assert isinstance(odd, BrokenSegment)
    assert "expected one of churn_60d, clusters, coupon_60d" in str(odd.error)


def test_what_is_predicted_is_as_sensitive_as_itself(asked: Project) -> None:
    """A segment that reads the model of wine is about alcohol, whether its header says so or not; layers pass it on."""
    wine = "select person_no\nfrom scores\nwhere model = 'wine_60d'\n  and score_rank >= 0.9\n"
    below = write(asked, "tasting", wine)
    above = write(
        asked, "regular_tasting", "select person_no\nfrom features\nsemi join tasting\n  using (person_no)\n"
    )
    assert isinstance(below, Segment)
    assert isinstance(above, Segment)
    assert below.policy == above.policy == ("alcohol",)


@pytest.mark.requirement("AI-4")
def test_explain_tells_score_threshold_and_reasons(project: Project) -> None:
    """The condition with the value, then the model's word and what moved it most; the person is not named."""
    project.compute(YEAR_END, ["likely_to_churn_60d"])
    (person, score), *_ = rows(
        project,
        """
        select people.person_id, scores.score
        from scores join people using (person_no)
        where as_of = '2017-12-31' and model = 'churn_60d' order by score desc limit 1
        """,
    )
    answer = explain(project, person, "likely_to_churn_60d", YEAR_END)
    assert answer.is_member
    assert answer.since == YEAR_END
    assert answer.conditions is not None
    assert [(one.says, one.holds, one.values) for one in answer.conditions] == [
        ("score >= 0.15", True, {"score": score})
    ]
    (said,) = answer.scores
    assert (said.model, said.version, said.score, said.hindsight) == ("churn_60d", 1, score, False)
    assert said.rank > 0.99
    assert said.reasons is not None
    assert said.reasons.count("(usually ") == 3
    assert "raises it" in said.reasons


def test_somebody_of_whom_the_model_says_nothing(project: Project) -> None:
    """Who has not ordered for a month is not scored: not in, and no condition is answered for them."""
    ((person,),) = rows(
        project,
        "select people.person_id from features join people using (person_no)"
        " where as_of = '2017-12-31' and days_since_last_order > 60 limit 1",
    )
    answer = explain(project, person, "likely_to_churn_60d", YEAR_END)
    assert not answer.is_member
    assert answer.conditions == ()
    assert answer.scores == ()
    assert answer.sentence.endswith("no model speaks of them on that day.")


def test_a_day_without_scores_is_not_taken_for_nobody(project: Project) -> None:
    """Preview of a day that nobody scored says what to type, in place of a segment without people."""
    with project.warehouse() as con:
        con.execute("delete from score_runs where model = 'churn_60d'")
    with pytest.raises(
        SegmentError, match=r"there are no scores of churn_60d for 2017-12-31; .* turnout models score"
    ):
        preview(project, "likely_to_churn_60d", YEAR_END)


def test_bounds_on_scores_are_tuned(project: Project) -> None:
    """Other bounds give other sizes, the higher the fewer."""
    (tuned,) = tune(project, "likely_to_churn_60d", YEAR_END)
    sizes = [option.size for option in tuned.options]
    assert tuned.column == "score"
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 3


def test_past_days_are_replayed_in_hindsight(project: Project) -> None:
    """A backtest scores the days that it needs from the version in force."""
    first = YEAR_END - timedelta(days=3)
    found = backtest(project, "likely_to_churn_60d", first, YEAR_END)
    assert len(found.days) == 4
    assert all(100 < day.size < 250 for day in found.days)
