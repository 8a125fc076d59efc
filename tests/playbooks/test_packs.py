"""Every pack runs from the first command to the pushed audience, on its sample."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from connectors.sandbox import connection_settings
from pipelines.cli.exits import Exit
from pipelines.playbooks import playbook, playbooks
from pipelines.project import Project
from pipelines.settings import Settings
from tests.cli.conftest import Turnout

SIZES: dict[str, dict[str, int]] = {
    "clinic": {
        "asked_never_came": 60,
        "away_half_a_year": 105,
        "due_for_check_up": 90,
        "first_visit_follow_up": 75,
        "long_with_us": 91,
        "regular_visitors": 150,
        "reminder_readers": 184,
        "reminders_unread": 236,
    },
    "local_services": {
        "after_work": 19,
        "asked_never_came": 20,
        "away_half_a_year": 35,
        "best_customers": 28,
        "due_again": 30,
        "first_visit_follow_up": 25,
        "north_location": 79,
        "regulars": 50,
        "south_location": 53,
    },
    "saas": {
        "b2b_high_intent_accounts": 48,
        "blog_readers": 56,
        "enterprise_fit": 84,
        "expansion_ready": 120,
        "new_customers_onboarding": 24,
        "power_users": 40,
        "pricing_three_in_a_week": 54,
        "silent_accounts": 60,
        "trial_active": 84,
        "trial_inactive": 73,
    },
    "shop": {
        "cart_left_behind": 74,
        "cooling_31_60": 60,
        "deal_hunters": 45,
        "first_time_browsers": 65,
        "lapsed_61_180": 65,
        "loyal_regulars": 84,
        "no_coffee_yet": 60,
        "second_purchase_nudge": 65,
        "sunset_subscribers": 115,
        "vip_top_tenth": 41,
    },
}
"""People in each segment of each pack's sample."""
LARGEST = 600 * 1024
"""Bytes of a sample's file: small enough to be looked at."""


def begin(turnout: Turnout, monkeypatch: pytest.MonkeyPatch, bare: Path, name: str) -> Path:
    """The pack's project as ``turnout init`` makes it, and this process in it."""
    ran = turnout("init", "--playbook", name, "--json")
    assert ran.code == Exit.OK, ran.err
    folder = bare / name
    assert ran.objects[0]["folder"] == name
    monkeypatch.chdir(folder)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    """A sample's table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.requirement("SIZ-2", "DEF-1", "MIS-4", "IDEA-7")
@pytest.mark.parametrize("name", [pack.name for pack in playbooks()])
def test_a_pack_runs_from_end_to_end(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Load, check, compute, lint, plan, push: nothing fails, nobody is forgotten, and twice sends nothing."""
    begin(turnout, monkeypatch, bare, name)
    loaded = turnout("sources")
    assert loaded.code == Exit.OK, loaded.err
    assert "not read" not in loaded.out, "a column beyond its contract"
    assert turnout("segments", "--check").code == Exit.OK
    computed = turnout("segments", "--json")
    assert computed.code == Exit.OK, computed.err
    assert {one["name"]: one["size"] for one in computed.objects} == SIZES[name]
    linted = turnout("lint", "--json")
    assert linted.code == Exit.OK, [one for one in linted.objects if one["severity"] == "error"]
    planned = turnout("plan", "--json")
    assert planned.code == Exit.OK, planned.err
    pushed = turnout("sync", "--json")
    assert pushed.code == Exit.OK, pushed.err
    assert {(p["destination"], p["segment"]): p["added"] for p in pushed.objects} == {
        (p["destination"], p["segment"]): p["adds"] for p in planned.objects
    }
    assert min(p["added"] for p in pushed.objects) >= 10
    again = turnout("sync", "--json")
    assert sum(p["requests"] for p in again.objects) == 0


@pytest.mark.requirement("SIZ-2", "DEF-2", "DEF-9")
@pytest.mark.parametrize("name", [pack.name for pack in playbooks()])
def test_definitions_say_what_they_are_for(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Eight to ten segments, each with goal, owner, treatment of its own, a review in a quarter and a sync."""
    monkeypatch.setenv("TURNOUT_TODAY", "2027-05-01")
    begin(turnout, monkeypatch, bare, name)
    project = Project(Settings())
    assert not project.broken
    assert 8 <= len(project.segments) <= 10
    assert {one.review_by for one in project.segments} == {date(2027, 7, 31)}
    assert {one.goal.by for one in project.segments} == {date(2027, 7, 31)}
    assert len({one.treatment for one in project.segments}) == len(project.segments)
    assert all(one.syncs for one in project.segments)
    told = (playbook(name).folder / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in project.segments if f"`{one.name}`" not in told] == []
    assert "holdout plan" in told


@pytest.mark.requirement("SIZ-2")
@pytest.mark.parametrize("name", [pack.name for pack in playbooks()])
def test_sizes_do_not_depend_on_the_day(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A sample is drawn to the day on which a project is begun: whenever that is, segments have the same sizes."""
    monkeypatch.setenv("TURNOUT_TODAY", "2031-03-01")
    begin(turnout, monkeypatch, bare, name)
    assert turnout("sources").code == Exit.OK
    assert {one["name"]: one["size"] for one in turnout("segments", "--json").objects} == SIZES[name]


@pytest.mark.parametrize("name", [pack.name for pack in playbooks()])
def test_nobody_in_a_sample_exists(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Addresses at reserved domains, numbers reserved for fiction, files small enough to be looked at."""
    folder = begin(turnout, monkeypatch, bare, name)
    people = read(folder / "data" / "customers.csv")
    assert len(people) >= 150
    assert len({one["email"] for one in people}) == len(people)
    assert [one for one in people if not one["email"].endswith("@example.com")] == []
    assert [one for one in people if not re.fullmatch(r"\+1 \d{3} 555 01\d\d", one["phone"])] == []
    assert max(path.stat().st_size for path in (folder / "data").iterdir()) < LARGEST


@pytest.mark.requirement("SIZ-2")
def test_a_clinic_cannot_send_to_ads(turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every segment says that it is about health: an ad platform is refused with its rule, and e-mail is not."""
    monkeypatch.setenv("TURNOUT_POLICY_PROFILE", "default")  # what the segments say of themselves is enough
    folder = begin(turnout, monkeypatch, bare, "clinic")
    project = Project(Settings())
    assert {one.policy for one in project.segments} == {("health",)}
    assert {sync.destination for one in project.segments for sync in one.syncs} == {"email"}
    assert min(one.min_size or 0 for one in project.segments) >= 50, "no small groups"
    assert turnout("sources").code == Exit.OK
    assert turnout("segments").code == Exit.OK
    path = folder / "segment_defs" / "due_for_check_up.sql"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("*/", '\n[sync.google]\naudience = "Book a date"\n*/'), encoding="utf-8")
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"email": "file", "google": "google"}')
    monkeypatch.setenv("TURNOUT_GOOGLE_ACCEPT_CUSTOMER_MATCH_TERMS", "true")
    for variable, value in connection_settings("http://127.0.0.1:9").items():
        monkeypatch.setenv(variable, value)
    ran = turnout("plan", "due_for_check_up", "--json")
    told = {one["destination"]: one for one in ran.objects}
    assert (told["google"]["adds"], told["email"]["adds"] > 0) == (0, True)
    assert "takes no audiences about health" in str(told["google"]["sentence"])


@pytest.mark.requirement("TYP-9")
def test_an_account_brings_all_its_consented_contacts(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people of a company with 50 employees look at prices: all its contacts are in the segment, and those who
    agreed to e-mail and did not opt out are in the audience."""
    folder = begin(turnout, monkeypatch, bare, "saas")
    for command in ("sources", "segments", "sync"):
        assert turnout(command).code == Exit.OK
    data = folder / "data"
    company = {one["customer_id"]: one["account_id"] for one in read(data / "account_members.csv")}
    looked = {one["customer_id"] for one in read(data / "web_events.csv") if one["page"] == "/pricing"}
    paying = {company[one["customer_id"]] for one in read(data / "orders.csv")}
    meant = {
        one["account_id"]
        for one in read(data / "accounts.csv")
        if int(one["employees"]) >= 50
        and sum(company[person] == one["account_id"] for person in looked) >= 2
        and one["account_id"] not in paying
    }
    everybody = {person for person, account in company.items() if account in meant}
    (computed,) = turnout("segments", "b2b_high_intent_accounts", "--json").objects
    assert computed["size"] == len(everybody)
    agreed = {
        one["customer_id"]
        for one in read(data / "consents.csv")
        if (one["purpose"], one["granted"]) == ("email_marketing", "yes")
    }
    left = {one["customer_id"] for one in read(data / "suppressions.csv")}
    pushed = {
        one["segment"]: one["held"]
        for one in turnout("status", "--json").objects
        if one["destination"] == "email"
    }
    assert pushed["b2b_high_intent_accounts"] == len((everybody & agreed) - left)
    assert everybody - agreed, "somebody did not agree, or the test shows nothing"


def test_nothing_is_overwritten(turnout: Turnout, bare: Path) -> None:
    """A folder that holds anything, or a file in its place, is left alone; an unknown pack is told its nearest."""
    (bare / "shop").mkdir()
    (bare / "shop" / "notes.txt").write_text("mine")
    taken = turnout("init", "--playbook", "shop")
    assert (taken.code, "not empty" in taken.err) == (Exit.USAGE, True)
    assert [path.name for path in (bare / "shop").iterdir()] == ["notes.txt"]
    unknown = turnout("init", "--playbook", "shopp", "there")
    assert (unknown.code, "did you mean 'shop'?" in unknown.err) == (Exit.USAGE, True)
    assert not (bare / "there").exists()


def test_packs_are_listed(turnout: Turnout, bare: Path) -> None:
    """Without a name there is nothing to begin, so the names are told."""
    listed = turnout("init", "--json").objects
    assert [one["playbook"] for one in listed] == ["clinic", "local_services", "saas", "shop"]
    assert "turnout init --playbook" in turnout("init").out
    assert list(bare.iterdir()) == []
