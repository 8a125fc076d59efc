"""``--json``: one object a line on standard output, with keys that stay."""

from __future__ import annotations

import re

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop
from tests.cli.conftest import Turnout

PLAN_KEYS = {
    "destination", "segment", "as_of", "desired", "adds", "removes", "held", "withheld", "withheld_by_reason",
    "rejected", "rejected_by_reason", "verdict", "sentence", "kept", "kept_back", "resends", "updates", "asserted",
}  # fmt: skip
PUSH_KEYS = PLAN_KEYS | {
    "status", "added", "removed", "uncertain", "rejected_unnamed", "requests", "run_id", "audience",
    "audience_id", "url", "errors", "held_before", "leaving", "dropped", "awaited", "uncertain_desired",
    "uncertain_held", "notes",
}  # fmt: skip
"""Written out on purpose: scripts rely on them, so a key that goes is a breaking change."""


def test_sources(shop: Shop, turnout: Turnout) -> None:
    """One object a source: what was loaded, how long it took, what was wrong."""
    ran = turnout("sources", "--json")
    assert ran.code == Exit.OK
    assert {frozenset(one) for one in ran.objects} == {
        frozenset({"source", "contract", "rows", "seconds", "error"})
    }
    rows = {one["source"]: one["rows"] for one in ran.objects}
    assert rows["customers"] == shop.people
    assert rows["consents"] == 4 * shop.people
    assert [one["error"] for one in ran.objects] == [None] * 5


def test_segments(computed: Shop, turnout: Turnout) -> None:
    """One object a segment: its day, the definition that made it, its size, and its share of the universe."""
    ran = turnout("segments", "--json")
    assert ran.code == Exit.OK
    keys = frozenset({"name", "as_of", "definition", "size", "share", "error"})
    assert {frozenset(one) for one in ran.objects} == {keys}
    buyers = next(one for one in ran.objects if one["name"] == "buyers")
    assert re.fullmatch("[0-9a-f]{12}", buyers.pop("definition"))
    assert buyers == {
        "name": "buyers", "as_of": NEWEST.isoformat(), "size": 60, "share": 0.5, "error": None,
    }  # fmt: skip


def test_segments_as_of_an_earlier_day(computed: Shop, turnout: Turnout) -> None:
    """``--as-of`` is the last whole day that counts: orders of later days are not seen."""
    ran = turnout("segments", "buyers", "--as-of", "2017-12-25", "--json")
    [buyers] = ran.objects
    assert buyers["as_of"] == "2017-12-25"
    assert buyers["size"] == len(computed.buyers(NEWEST.replace(day=25)) | {"c0119"}), (
        "opted out, still a buyer"
    )
    assert buyers["size"] < 60


def test_plan(computed: Shop, turnout: Turnout) -> None:
    """One object an audience, counted and judged; nothing is sent."""
    ran = turnout("plan", "--json")
    assert ran.code == Exit.OK
    assert {frozenset(one) for one in ran.objects} == {frozenset(PLAN_KEYS)}
    plans = {(one["destination"], one["segment"]): one for one in ran.objects}
    assert set(plans) == {("ads", "buyers"), ("ads", "spenders"), ("mail", "browsers"), ("mail", "buyers")}
    buyers = plans["mail", "buyers"]
    assert (buyers["desired"], buyers["adds"], buyers["removes"], buyers["held"]) == (60, 59, 0, 0)
    assert (buyers["withheld"], buyers["withheld_by_reason"]) == (1, {"unsubscribed": 1})
    assert buyers["verdict"] == "fine"
    assert not computed.destination_folder("mail").exists()


def test_sync_then_status(computed: Shop, turnout: Turnout) -> None:
    """A push says what it did; status says the same of the last push, and when it ended."""
    synced = turnout("sync", "--json")
    assert synced.code == Exit.OK
    assert {frozenset(one) for one in synced.objects} == {frozenset(PUSH_KEYS)}
    assert {one["status"] for one in synced.objects} == {"delivered"}
    assert computed.members("mail", "buyers") == computed.buyers()
    looked = turnout("status", "--json")
    assert looked.code == Exit.OK
    assert {frozenset(one) for one in looked.objects} == {frozenset(PUSH_KEYS | {"ended_at"})}
    assert [{k: v for k, v in one.items() if k != "ended_at"} for one in looked.objects] == synced.objects


def test_second_sync_sends_nothing(pushed: Shop, turnout: Turnout) -> None:
    """Nothing changed: no request to anybody."""
    again = turnout("sync", "--json").objects
    assert [(one["added"], one["removed"], one["requests"]) for one in again] == [(0, 0, 0)] * 4


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["buyers"], [("ads", "buyers"), ("mail", "buyers")]),
        (["mail/buyers"], [("mail", "buyers")]),
        (["mail/"], [("mail", "browsers"), ("mail", "buyers")]),
        (["spenders", "mail/buyers"], [("ads", "spenders"), ("mail", "buyers")]),
    ],
)
def test_names_choose_audiences(
    computed: Shop, turnout: Turnout, names: list[str], chosen: list[tuple[str, str]]
) -> None:
    """SEGMENT, DESTINATION/SEGMENT and DESTINATION/ choose what is pushed; the others are left alone."""
    ran = turnout("sync", "--json", *names)
    assert [(one["destination"], one["segment"]) for one in ran.objects] == chosen
    held = {
        (destination, segment)
        for destination in ("ads", "mail")
        for segment in ("buyers", "spenders", "browsers")
        if computed.members(destination, segment)
    }
    assert held == set(chosen)


def test_status_before_any_push(shop: Shop, turnout: Turnout) -> None:
    """Nothing was pushed: no object, and that is no error."""
    assert turnout("status", "--json").objects == []
    said = turnout("status")
    assert said.code == Exit.OK
    assert "Nothing was pushed yet" in said.out
