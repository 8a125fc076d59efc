"""What an operator learns of destinations before anything is sent there."""

from __future__ import annotations

import shutil

import pytest

from connectors.base import Finding
from connectors.file import FileConnector
from connectors.registry import available
from pipelines.cli.exits import Exit
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout

KEYS = {
    "name", "title", "kind", "adds", "removes", "identifiers", "batch", "verdicts", "asynchronous", "expiry_days",
    "min_size", "read_back", "tells_unreachable", "forbids",
}  # fmt: skip


def test_every_connector_with_its_capabilities(shop: Shop, turnout: Turnout) -> None:
    """One object a connector, read without any credential; scripts rely on the keys."""
    ran = turnout("connectors", "--json")
    assert ran.code == Exit.OK
    assert {frozenset(one) for one in ran.objects} == {frozenset(KEYS)}
    assert [one["name"] for one in ran.objects] == list(available())
    meta = next(one for one in ran.objects if one["name"] == "meta")
    assert (meta["kind"], meta["batch"], meta["verdicts"]) == ("ad_platform", 10_000, "count_and_samples")
    assert meta["identifiers"][0] == "EMAIL"
    assert all(one["adds"] and one["removes"] for one in ran.objects)


def test_connectors_for_people(shop: Shop, turnout: Turnout) -> None:
    """The same as a table."""
    ran = turnout("connectors")
    assert ran.code == Exit.OK
    assert all(name in ran.out for name in available())


def test_a_ready_account(computed: Shop, turnout: Turnout) -> None:
    """Every step is named; audiences of earlier runs are counted on the platform itself."""
    turnout("sync", "ads/")
    ran = turnout("doctor", "ads", "--json")
    assert ran.code == Exit.OK, ran.out
    found = {one["step"]: one for one in ran.objects}
    assert list(found)[:2] == ["settings", "folder"]
    assert found["audience buyers"] == {"step": "audience buyers", "ok": True, "says": "about 59 people"}
    assert "Ready" in turnout("doctor", "ads").out


def test_what_a_person_has_to_do(computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing setting, an audience that is gone and a forbidden category: each with the way on, exit 1."""
    turnout("sync", "ads/")
    shutil.rmtree(computed.destination_folder("ads") / "spenders")
    monkeypatch.setattr(FileConnector, "forbids", {"alcohol": "this folder is dry"})
    computed.segment("buyers", "select distinct person_no\nfrom orders", ("ads",), policy=("alcohol",))
    ran = turnout("doctor", "ads", "--json")
    assert ran.code == Exit.FAILED
    says = {one["step"]: one["says"] for one in ran.objects if not one["ok"]}
    assert "the next push makes a new one" in says["audience spenders"]
    assert "this folder is dry" in says["segment buyers"]
    assert "to do" in turnout("doctor", "ads").out


def test_an_account_without_its_settings(
    shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables are named, and nothing is asked of the platform."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "meta", "mail": "file"}')
    ran = turnout("doctor", "ads", "--json")
    assert ran.code == Exit.FAILED
    [finding] = ran.objects
    assert Finding(**finding) == Finding(
        "settings",
        False,
        "ads: set TURNOUT_ADS_TOKEN and TURNOUT_ADS_AD_ACCOUNT in the environment or in .env",
    )


def test_an_unknown_destination(shop: Shop, turnout: Turnout) -> None:
    """A mistake of the command's, with the names that there are."""
    ran = turnout("doctor", "adds")
    assert ran.code == Exit.USAGE
    assert "did you mean 'ads'?" in ran.err


def test_a_forbidden_segment_is_not_sent(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform that takes no audiences of a category gets none, with its rule named; others get theirs."""
    monkeypatch.setattr(FileConnector, "forbids", {"alcohol": "this folder is dry"})
    computed.segment("buyers", "select distinct person_no\nfrom orders", ("ads", "mail"), policy=("alcohol",))
    ran = turnout("sync", "ads/", "--json")
    assert ran.code == Exit.OK, "nobody waits for anything"
    pushed = {one["segment"]: one for one in ran.objects}
    assert (pushed["buyers"]["verdict"], pushed["buyers"]["requests"]) == ("refused_by_policy", 0)
    assert pushed["buyers"]["sentence"] == (
        "JSON Lines files takes no audiences about alcohol (this folder is dry); take its sync out of the "
        "segment's file"
    )
    assert pushed["buyers"]["audience_id"] is None, "not even an audience was made"
    assert pushed["spenders"]["verdict"] == "fine"


def test_a_category_that_is_none(shop: Shop, turnout: Turnout) -> None:
    """A slip in a segment's policy is answered with file, line and what may stand there."""
    shop.segment("buyers", "select distinct person_no\nfrom orders", ("ads",), policy=("wine",))
    ran = turnout("segments", "--check")
    assert ran.code == Exit.USAGE
    assert "buyers.sql" in ran.err
    assert "health, alcohol, gambling" in ran.err
