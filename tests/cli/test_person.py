"""``turnout person``: which segments somebody is in, was in, and what became of them everywhere."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop, customer, ordered_on
from tests.cli.conftest import Turnout


@pytest.mark.requirement("SUR-2")
def test_a_person_s_segments_are_told(pushed: Shop, turnout: Turnout) -> None:
    """Segments on the newest day, the audiences by receipt, consents; by number, the key is not repeated."""
    ran = turnout("person", customer(3), "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert {one["segment"]: (one["member"], one["since"]) for one in told["segments"]} == {
        "browsers": (True, NEWEST.isoformat()),
        "buyers": (True, NEWEST.isoformat()),
    }
    assert {one["audience"]: one["held"] for one in told["audiences"]} == {
        "ads/buyers": "yes",
        "mail/browsers": "yes",
        "mail/buyers": "yes",
    }
    assert {(move["op"], move["why"]) for one in told["audiences"] for move in one["moves"]} == {
        ("add", "entered_rule")
    }
    assert {one["purpose"]: one["granted"] for one in told["consents"]}["email_marketing"] is True
    assert (told["suppressed"], told["suppressions"]) == (None, [])
    shown = turnout("person", customer(3))
    assert "In 2 segments and 3 audiences" in shown.out
    assert customer(3) not in shown.out + ran.out


@pytest.mark.requirement("SUR-2")
def test_a_person_s_past_is_told_by_computed_days(shop: Shop, turnout: Turnout) -> None:
    """In for the days after their order and out again: entered and left are the days that were computed."""
    shop.segment(
        "just_bought",
        "select distinct person_no\nfrom orders\nwhere ordered_at >= $window_end - interval 3 day",
        [],
    )
    assert turnout("sources").code == Exit.OK
    for back in range(9, -1, -1):
        as_of = (NEWEST - timedelta(days=back)).isoformat()
        assert turnout("segments", "just_bought", "--as-of", as_of).code == Exit.OK
    bought = ordered_on(17)
    assert NEWEST - timedelta(days=9) <= bought < NEWEST - timedelta(days=3), "within the computed days"
    (told,) = turnout("person", customer(17), "--json").objects
    assert [(one["segment"], one["member"], one["stays"]) for one in told["segments"]] == [
        (
            "just_bought",
            False,
            [{"entered": bought.isoformat(), "left": (bought + timedelta(days=3)).isoformat()}],
        )
    ]
    before = turnout("person", customer(17), "--as-of", bought.isoformat(), "--json").objects[0]
    assert before["segments"][0]["since"] == bought.isoformat()
    assert date.fromisoformat(before["segments"][0]["as_of"]) == bought
    assert "formerly in 1 other segment" in turnout("person", customer(17)).out


@pytest.mark.requirement("SUR-2")
def test_a_suppressed_person_is_told_as_such(pushed: Shop, turnout: Turnout) -> None:
    """An opt-out: since when and from where, out of every audience with the reason, still in the segments."""
    pushed.opt_out(3)
    turnout("sources")
    turnout("sync")
    (told,) = turnout("person", customer(3), "--json").objects
    assert told["suppressed"] == "unsubscribed"
    assert [one["reason"] for one in told["suppressions"]] == ["unsubscribed"]
    assert {one["held"] for one in told["audiences"]} == {"no"}
    assert {one["withheld"] for one in told["audiences"]} == {"unsubscribed"}
    shown = turnout("person", customer(3)).out
    assert "not to be contacted: unsubscribed" in shown
    assert "suppressed since 2017-12-02: unsubscribed" in shown


@pytest.mark.requirement("SUR-2")
def test_somebody_nobody_knows_is_not_repeated(pushed: Shop, turnout: Turnout) -> None:
    """A key may be an address by mistake."""
    ran = turnout("person", "ada@example.com")
    assert (ran.code, "ada" in ran.out + ran.err) == (Exit.USAGE, False)


@pytest.mark.requirement("SUR-2")
def test_a_person_before_anything_was_computed(shop: Shop, turnout: Turnout) -> None:
    """Known from the sources alone: no segment, no audience."""
    assert turnout("sources").code == Exit.OK
    (told,) = turnout("person", customer(1), "--json").objects
    assert (told["segments"], told["audiences"]) == ([], [])
    assert "In 0 segments and 0 audiences" in turnout("person", customer(1)).out


@pytest.mark.requirement("SUR-2")
def test_consents_are_those_in_force(computed: Shop, turnout: Turnout) -> None:
    """A withdrawal counts from its own day; a grant that is dated in the future does not count yet."""
    said = [
        ("email_marketing", "yes", "2017-05-01 00:00:00"),
        ("email_marketing", "no", "2017-06-01 00:00:00"),
        ("ads_user_data", "no", "2017-05-01 00:00:00"),
        ("ads_user_data", "yes", "2030-01-01 00:00:00"),
        ("profiling", "yes", "2017-05-01 00:00:00"),
    ]
    computed.write(
        "consents",
        ["customer_id", "purpose", "granted", "changed_at"],
        [(customer(3), *one) for one in said],
    )
    assert turnout("sources").code == Exit.OK
    (told,) = turnout("person", customer(3), "--json").objects
    assert [(one["purpose"], one["granted"], one["changed_at"][:10]) for one in told["consents"]] == [
        ("ads_user_data", False, "2017-05-01"),
        ("email_marketing", False, "2017-06-01"),
        ("profiling", True, "2017-05-01"),
    ]
