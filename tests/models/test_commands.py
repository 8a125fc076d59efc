"""``turnout models``: training, choosing, showing and scoring, in words and for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.cli import tables
from pipelines.cli.exits import Exit
from pipelines.project import Project
from tests.cli.conftest import Turnout

CARD_KEYS = {
    "format", "model", "version", "status", "accepted", "kind", "title", "description", "unit", "as_of", "trained_at",
    "turnout", "libraries", "features", "windows", "measures", "gates", "sheets", "files",
}  # fmt: skip


@pytest.fixture
def home(project: Project, bare: object, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The environment that points at a home with trained models."""
    monkeypatch.setenv("TURNOUT_HOME", str(project.settings.home))
    monkeypatch.setenv("TURNOUT_SEGMENT_DEFS", str(project.settings.segment_folder))
    monkeypatch.setenv("COLUMNS", "150")
    return project


@pytest.mark.requirement("TYP-17")
def test_models_are_listed(home: Project, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the version in force, what it is worth against its baseline, and the segments that read it."""
    monkeypatch.setattr(tables.console, "width", 160)  # as wide a terminal wherever the test runs
    ran = turnout("models", "--json")
    assert ran.code == Exit.OK
    told = {one["model"]: one for one in ran.objects}
    assert sorted(told) == ["churn_60d", "clusters", "coupon_60d", "lifetime_26w", "wine_60d"]
    churn = told["churn_60d"]
    assert (churn["version"], churn["as_of"], churn["newest_status"]) == (1, "2017-12-01", "accepted")
    assert churn["measures"]["auc"] > churn["measures"]["auc_baseline"]
    assert churn["read_by"] == ["likely_to_churn_60d"]
    assert len(told["clusters"]["read_by"]) == 5
    shown = turnout("models")
    assert re.search(r"churn_60d +1 +2017-12-01 +0\.8\d\d +0\.70\d +likely_to_churn_60d", shown.out)


@pytest.mark.requirement("TYP-17", "AI-1")
def test_a_card_is_shown(home: Project, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows, measures, gates, calibration by tenth, gain and what it looks at; the same for machines."""
    monkeypatch.setattr(tables.console, "width", 160)  # as wide a terminal wherever the test runs
    (card,) = turnout("models", "show", "churn_60d", "--json").objects
    assert set(card) == CARD_KEYS
    assert [sheet["title"] for sheet in card["sheets"]] == [
        "Calibration, by tenth",
        "Gain",
        "What it looks at",
    ]
    assert sum(row[1] for row in card["sheets"][0]["rows"]) == card["windows"][-1]["people"]
    shown = turnout("models", "show", "churn_60d")
    for said in (
        "Churn within 60 days",
        "accepted",
        "ranks better",
        "Calibration, by tenth",
        "days since last order",
    ):
        assert said in shown.out
    groups = turnout("models", "show", "clusters")
    assert "baby orders in 90 days above" in groups.out


def test_training_and_choosing(home: Project, turnout: Turnout) -> None:
    """An accepted version is in force at once; the one before can be chosen again; a refused one cannot."""
    trained = turnout("models", "train", "coupon_60d", "--as-of", "2017-12-01")
    assert trained.code == Exit.OK
    assert "version 2" in trained.out
    assert turnout("models", "--json").objects[2]["version"] == 2
    assert "Version 1 of coupon_60d is in force." in turnout("models", "use", "coupon_60d", "1").out
    assert turnout("models", "--json").objects[2]["version"] == 1
    refused = turnout("models", "train", "wine_60d", "--as-of", "2017-12-31", "--json")
    assert refused.code == Exit.FAILED
    assert refused.objects[0]["status"] == "refused"
    chosen = turnout("models", "use", "wine_60d", "2")
    assert chosen.code == Exit.USAGE
    assert "version 2 of wine_60d was refused: it predicts" in chosen.err
    assert "wine_60d: version 2 was refused" in turnout("models").out


def test_a_day_is_scored(home: Project, turnout: Turnout) -> None:
    """One object a model; a day before the training is told to be hindsight; nobody is named."""
    ran = turnout("models", "score", "churn_60d", "--as-of", "2017-11-30", "--json")
    assert ran.code == Exit.OK
    assert ran.objects == [
        {
            "model": "churn_60d",
            "version": 1,
            "as_of": "2017-11-30",
            "people": 2061,
            "hindsight": True,
            "error": None,
        }
    ]
    assert "forecast" in turnout("models", "score").out


def test_mistakes_are_told(home: Project, turnout: Turnout) -> None:
    """An unknown model with the nearest, an unknown version, a day without data before it."""
    unknown = turnout("models", "train", "chrun_60d")
    assert (unknown.code, "did you mean 'churn_60d'?" in unknown.err) == (Exit.USAGE, True)
    assert turnout("models", "show", "churn_60d", "--version", "9").code == Exit.USAGE
    early = turnout("models", "train", "churn_60d", "--as-of", "2017-03-01")
    assert early.code == Exit.USAGE
    assert "too little history to train churn_60d" in early.err


@pytest.mark.requirement("AI-4")
def test_explain_shows_the_reasons(home: Project, turnout: Turnout) -> None:
    """Score, version, rank and three reasons; in JSON as an object."""
    with home.warehouse(read_only=True) as con:
        ((person,),) = con.execute(
            "select people.person_id from scores join people using (person_no)"
            " where as_of = '2017-12-31' and model = 'churn_60d' order by score desc limit 1"
        ).fetchall()
    shown = turnout("explain", person, "likely_to_churn_60d", "--as-of", "2017-12-31")
    assert shown.code == Exit.OK, shown.err
    assert re.search(
        r"churn_60d \(version 1\) says 0\.\d+, above 1?\d\d% of those it scored: .+ raises it", shown.out
    )
    (told,) = turnout("explain", person, "likely_to_churn_60d", "--as-of", "2017-12-31", "--json").objects
    assert told["scores"][0]["model"] == "churn_60d"
    assert told["scores"][0]["reasons"].count("usually") == 3
    assert "person_no" not in json.dumps(told)


def test_erased_people_have_no_scores(home: Project, turnout: Turnout) -> None:
    """What models said of somebody goes with them, reasons and all."""
    query = "select person_no, person_id from scores join people using (person_no) order by 1 limit 1"
    with home.warehouse(read_only=True) as con:
        ((number, person),) = con.execute(query).fetchall()
    Path("request.csv").write_text(f"customer_id\n{person}\n")
    assert turnout("erase", "--request", "request.csv", "--why", "asked").code == Exit.OK
    with home.warehouse(read_only=True) as con:
        assert con.execute("select count(*) from scores where person_no = ?", [number]).fetchall() == [(0,)]
