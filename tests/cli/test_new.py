"""``turnout new``: a segment exists only with what it is for and what is done with it."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from pipelines.cli.exits import Exit
from pipelines.project import Project
from pipelines.segments.model import Segment
from pipelines.settings import Settings
from tests.assets.shop import TODAY, Shop
from tests.cli.conftest import Turnout

ANSWERS = {
    "--title": "Winter visitors",
    "--description": "Ordered lately.",
    "--metric": "second_order_rate_60d",
    "--direction": "up",
    "--target": "+3 points",
    "--by": "2018-06-30",
    "--treatment": "A letter with what is new; the others get none.",
    "--type": "behavioural",
    "--owner": "team:crm",
}


def options(**changes: str | None) -> list[str]:
    """The answers as options, some of them changed or left out."""
    chosen = {**ANSWERS, **{f"--{name}": value for name, value in changes.items()}}
    return [word for name, value in chosen.items() if value is not None for word in (name, value)]


def written(name: str) -> Segment:
    """The segment as the project reads it now."""
    definition = Project(Settings()).definition(name)
    assert isinstance(definition, Segment), definition.error
    return definition


class Terminal(io.StringIO):
    """Standard input at which somebody sits and types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.mark.requirement("MIS-10", "DEF-1", "DEF-9")
def test_a_script_makes_a_segment(computed: Shop, turnout: Turnout) -> None:
    """By options alone: the file passes the check, has every answer, and is looked at again in a quarter."""
    ran = turnout("new", "winter", *options(), "--destination", "mail", "--json")
    assert ran.code == Exit.OK, ran.err
    assert ran.objects[0]["segment"] == "winter"
    made = written("winter")
    assert (made.title, made.owner, made.types) == ("Winter visitors", "team:crm", ("behavioural",))
    assert (made.goal.metric, made.goal.by) == ("second_order_rate_60d", date(2018, 6, 30))
    assert made.review_by == date(2018, 4, 2)
    assert [(sync.destination, sync.audience) for sync in made.syncs] == [("mail", "Winter visitors")]
    assert turnout("segments", "--check").code == Exit.OK
    assert turnout("preview", "winter").code == Exit.OK


@pytest.mark.requirement("MIS-10", "DEF-1", "DEF-2", "DEF-3", "DEF-9")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"treatment": None}, "treatment: How are these people treated differently"),
        ({"owner": None}, "owner: Who answers for it?"),
        ({"metric": None}, "metric: Which number is to move?"),
        ({"type": None}, "types: What do they share?"),
        (
            {"treatment": " "},
            "'treatment' is empty; expected an answer to: how are these people treated differently",
        ),
        ({"metric": "Second orders"}, "'metric' is not a metric's name"),
        ({"direction": "upp"}, "did you mean 'up'?"),
        ({"type": "behavioral"}, "did you mean 'behavioural'?"),
        ({"owner": "the crm people"}, "'owner' is neither a team nor an e-mail address"),
        ({"by": "soon"}, "'by' is no day; write YYYY-MM-DD"),
        ({"by": "2017-06-30"}, "'by' lies in the past"),
        ({"universe": "prospects"}, "'universe' is no known universe"),
    ],
    ids=str,
)
def test_a_wrong_answer_makes_nothing(
    computed: Shop, turnout: Turnout, changes: dict[str, str | None], sentence: str
) -> None:
    """What is missing is asked for, what is wrong is said in the header's own words; no file is left."""
    ran = turnout("new", "winter", *options(**changes))
    assert ran.code == Exit.USAGE
    assert sentence in ran.err
    assert not (computed.segment_defs / "winter.sql").exists()


@pytest.mark.requirement("MIS-10")
def test_a_person_is_asked_until_answers_will_do(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question says what it is about; a wrong answer is told and asked again; Enter takes what is offered."""
    typed = [
        "Winter visitors", "Ordered lately.", "second_order_rate_60d", "upp", "up", "+3 points", "",
        "", "A letter.", "nowhere", "mail, ads", "", "Visitors", "behavioural", "team:crm", "", "",
    ]  # fmt: skip
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(typed) + "\n"))
    ran = turnout("new", "winter")
    assert ran.code == Exit.OK, ran.err
    assert "Which number is to move?" in ran.out
    assert "'direction' is no 'upp'; did you mean 'up'?" in ran.err
    assert "nowhere: no such destination" in ran.err
    made = written("winter")
    assert {(sync.destination, sync.audience) for sync in made.syncs} == {
        ("mail", "Winter visitors"),
        ("ads", "Visitors"),
    }
    assert (made.goal.by, made.review_by) == (date(2018, 4, 2), date(2018, 4, 2))
    assert made.treatment == "A letter."
    assert "turnout preview winter" in ran.out


@pytest.mark.requirement("MIS-10")
def test_a_file_answers_with_a_header_s_keys(computed: Shop, turnout: Turnout, tmp_path: Path) -> None:
    """Everything that a header may hold, also what is never asked; options win; a misspelt key is told."""
    answers = tmp_path / "winter.toml"
    answers.write_text(
        """
title = 'Win*/ter "visitors"'
description = "Ordered lately."
types = ["lifecycle", "behavioural"]
owner = "team:crm"
treatment = "A letter."
min_size = 20
policy = ["alcohol"]
tags = { season = "winter" }

[goal]
metric = "orders_90d"
direction = "up"
target = "+5 %"
by = 2018-05-31

[sync.mail]
audience = "Visitors"
max_removed = 0.2
"""
    )
    ran = turnout("new", "winter", "--answers", str(answers), "--owner", "team:desk")
    assert ran.code == Exit.OK, ran.err
    made = written("winter")
    assert made.title == 'Win*/ter "visitors"'
    assert (made.owner, made.min_size, made.policy, dict(made.tags)) == (
        "team:desk",
        20,
        ("alcohol",),
        {"season": "winter"},
    )
    assert made.syncs[0].max_removed == 0.2
    answers.write_text('titel = "x"')
    wrong = turnout("new", "spring", "--answers", str(answers))
    assert (wrong.code, "unknown key 'titel'; did you mean 'title'?" in wrong.err) == (Exit.USAGE, True)
    assert turnout("new", "spring", "--answers", "nowhere.toml").code == Exit.USAGE


@pytest.mark.requirement("MIS-10")
def test_sql_is_copied_and_nothing_overwritten(computed: Shop, turnout: Turnout) -> None:
    """``--like`` takes another's SELECT; a name that is taken, or unusable, or an audience of another's, is refused."""
    assert turnout("new", "winter", *options(), "--like", "spenders").code == Exit.OK
    assert written("winter").sql == written("spenders").sql
    before = (computed.segment_defs / "winter.sql").read_text()
    again = turnout("new", "winter", *options())
    assert (again.code, "is there already" in again.err) == (Exit.USAGE, True)
    assert (computed.segment_defs / "winter.sql").read_text() == before
    assert turnout("new", "Winter 2", *options()).code == Exit.USAGE
    unknown = turnout("new", "spring", *options(), "--like", "spender")
    assert (unknown.code, "did you mean 'spenders'?" in unknown.err) == (Exit.USAGE, True)
    clash = turnout("new", "spring", *options(), "--destination", "mail=Buyers")
    assert (clash.code, "the same in buyers.sql and spring.sql" in clash.err) == (Exit.USAGE, True)
    nowhere = turnout("new", "spring", *options(), "--destination", "tv")
    assert (nowhere.code, "unknown destination 'tv'" in nowhere.err) == (Exit.USAGE, True)
    assert not (computed.segment_defs / "spring.sql").exists()
    assert turnout("segments", "--check").code == Exit.OK


@pytest.mark.requirement("ACT-9")
def test_a_channel_that_seldom_goes_by_these_types_is_told(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ads by age alone are warned of, and made; ads by behaviour are not."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "file", "mail": "file", "meta": "meta"}')
    assert date(2018, 6, 30) > TODAY
    odd = turnout("new", "families", *options(type="demographic"), "--destination", "meta", "--json")
    (warning,) = odd.objects[0]["warnings"]
    assert warning.startswith("meta is ads, which goes well with behavioural, intent, value")
    fine = turnout("new", "busy", *options(), "--destination", "meta=Busy", "--json")
    assert fine.objects[0]["warnings"] == []


@pytest.mark.requirement("MIS-10")
def test_there_is_nothing_new_outside_a_project(turnout: Turnout, bare: Path) -> None:
    """Where neither sources nor segments are, the way to begin is told."""
    ran = turnout("new", "winter", *options())
    assert (ran.code, "turnout init" in ran.err) == (Exit.USAGE, True)
    assert list(bare.iterdir()) == []
