"""Braze's attributes as audiences, what the doctor says, and who cannot be reached."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    AuthFailed,
    Refused,
    SyncOptions,
)
from connectors.people import Unreachable
from connectors.testing import FastTime
from tests.connectors.braze_workspace import attribute, opened, took, workspace
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted, Seen

OURS = Audience("aud_lapsed", "aud_lapsed")
NEW = Audience("aud_lapsed", "aud_lapsed", created=True)
NOTHING_TO_WRITE = Reply(400, {"message": "Valid data must be provided", "errors": []})


@pytest.fixture
def braze(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def named(name: str) -> AudienceRequest:
    """A request for an audience of this name."""
    return AudienceRequest(name, "turnout:x", None)


@pytest.mark.parametrize(
    ("name", "attribute_name"),
    [
        ("VIP", "aud_vip"),
        ("Spring sale", "aud_spring_sale"),
        ("  Élan – Été 2026! ", "aud_elan_ete_2026"),
        ("email_subscribe", "aud_email_subscribe"),
    ],
)
def test_an_attribute_is_named_after_its_audience(
    server: Scripted, braze: Any, name: str, attribute_name: str
) -> None:
    """In small Latin letters and digits, after the prefix."""
    workspace(server, took())
    assert braze().open_audience(named(name), SyncOptions()).id == attribute_name
    shown = braze(attribute_prefix="our_").open_audience(named("VIP"), SyncOptions())
    assert (shown.id, shown.name) == ("our_vip", "our_vip")


@pytest.mark.parametrize("name", ["日本", "!!", "x" * 125])
def test_a_name_that_makes_no_attribute_needs_a_person(server: Scripted, braze: Any, name: str) -> None:
    """Nothing is guessed, and nothing is cut off."""
    workspace(server, took())
    with pytest.raises(ActionNeeded, match="128"):
        braze().open_audience(named(name), SyncOptions())


def test_nothing_is_made_and_nothing_is_gone(server: Scripted, braze: Any) -> None:
    """An attribute that is not there comes with its first member; one that is there is taken over."""
    workspace(server, took(), attributes=[attribute("aud_other"), attribute("aud_lapsed_2")])
    assert braze().open_audience(REQUEST, SyncOptions()) == NEW
    assert braze().open_audience(known("aud_lapsed"), SyncOptions()) == OURS
    workspace(server, took(), attributes=[attribute("aud_lapsed")])
    assert braze().open_audience(REQUEST, SyncOptions()) == OURS
    assert {(seen.method, seen.path) for seen in server.seen} == {("GET", "/custom_attributes")}


def test_attributes_are_listed_page_by_page_once(server: Scripted, braze: Any) -> None:
    """A link in a header leads on; only its query is believed."""
    following = '<https://elsewhere.invalid/custom_attributes?cursor=c2tpcDow>; rel="next"'

    def script(seen: Seen) -> Reply:
        if "cursor=c2tpcDow" in seen.path:
            return Reply(body={"message": "success", "attributes": [attribute("aud_lapsed")]})
        first = {"message": "success", "attributes": [attribute("a")]}
        return Reply(body=first, headers={"Link": following})

    server.script = script
    made = braze()
    assert made.open_audience(REQUEST, SyncOptions()) == OURS
    assert made.open_audience(known("aud_lapsed"), SyncOptions()) == OURS
    assert [urlsplit(seen.path).path for seen in server.seen] == ["/custom_attributes"] * 2


def test_a_listing_without_end_is_given_up(server: Scripted, braze: Any) -> None:
    """A link that leads to itself."""
    link = {"Link": '<https://x.invalid/custom_attributes?cursor=1>; rel="next"'}
    server.answers(Reply(body={"message": "success", "attributes": []}, headers=link))
    with pytest.raises(ActionNeeded, match="does not end"):
        braze().open_audience(REQUEST, SyncOptions())


@pytest.mark.parametrize(
    "unusable",
    [
        attribute("aud_lapsed", kind) for kind in ("String", "Number", "Array", "Time", "Date", "Object Array")
    ]
    + [attribute("aud_lapsed", status=status) for status in ("Blocklisted", "Blacklisted", "Trash")],
)  # fmt: skip
@pytest.mark.parametrize("wanted", [REQUEST, known("aud_lapsed")])
def test_an_attribute_that_takes_nothing_needs_a_person(
    server: Scripted, braze: Any, unusable: dict[str, object], wanted: AudienceRequest
) -> None:
    """Braze would refuse everybody, or drop what it is told without a word."""
    workspace(server, took(), attributes=[unusable])
    with pytest.raises(ActionNeeded, match="aud_lapsed"):
        braze().open_audience(wanted, SyncOptions())


def test_attributes_need_not_be_looked_at(server: Scripted, braze: Any) -> None:
    """For a key without the permission; the error names it."""
    server.answers(Reply(401, {"message": "Invalid API key"}))
    with pytest.raises(AuthFailed, match=r"custom_attributes\.get.*TURNOUT_BRAZE_CHECK_ATTRIBUTES"):
        braze().open_audience(REQUEST, SyncOptions())
    made = braze(check_attributes=False)
    assert made.open_audience(REQUEST, SyncOptions()) == NEW
    assert made.open_audience(known("aud_lapsed"), SyncOptions()) == OURS
    assert len(server.seen) == 1


def test_the_doctor_tries_each_permission(server: Scripted, braze: Any) -> None:
    """Without writing: a request that holds nobody is refused only to whoever may write."""
    workspace(server, NOTHING_TO_WRITE, attributes=[attribute("a"), attribute("b")])
    found = list(braze().examine())
    assert [(one.step, one.ok) for one in found] == [
        ("users.track", True),
        ("users.export.ids", True),
        ("custom_attributes.get", True),
    ]
    assert server.seen[0].json == {"attributes": []}
    few = braze(look_up=False, check_attributes=False).examine()
    assert [one.step for one in few] == ["users.track"]
    for answer, variable in (
        (Reply(401, {"message": "Invalid API key"}), "TURNOUT_BRAZE_API_KEY"),
        (Reply(401, {"message": "Invalid API key"}), "TURNOUT_BRAZE_BASE_URL"),
        (Reply(404, {"message": "Invalid URL"}), "TURNOUT_BRAZE_BASE_URL"),
    ):
        server.answers(answer)
        (refused,) = braze().examine()
        assert not refused.ok
        assert variable in refused.says
    server.answers(Reply(how="reset"))
    assert [one.ok for one in braze().examine()] == [False]


def gone(server: Scripted, unsubscribed: list[Any], bounced: list[Any]) -> None:
    """What the workspace lists, by limit and offset."""

    def script(seen: Seen) -> Reply:
        parts = urlsplit(seen.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        emails = unsubscribed if parts.path == "/email/unsubscribes" else bounced
        start = int(query["offset"])
        return Reply(body={"message": "success", "emails": emails[start : start + int(query["limit"])]})

    server.script = script


def test_who_cannot_be_reached_is_listed(server: Scripted, braze: Any) -> None:
    """Since the day of the last time, to the end of today, in either way of writing a moment."""
    gone(
        server,
        [
            {"email": "ann@example.com", "unsubscribed_at": "2026-11-20 15:24:32 +0000"},
            {"email": "bob@example.com", "unsubscribed_at": "sometime"},
            {"email": None, "unsubscribed_at": "2026-11-20 15:24:32 +0000"},
        ],
        [{"email": "eve@example.com", "hard_bounced_at": "2026-11-21T10:00:00Z"}],
    )
    since = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    assert list(braze().unreachable(since)) == [
        Unreachable("unsubscribed", datetime(2026, 11, 20, 15, 24, 32, tzinfo=UTC), "ann@example.com"),
        Unreachable("unsubscribed", None, "bob@example.com"),
        Unreachable("bounced", datetime(2026, 11, 21, 10, 0, tzinfo=UTC), "eve@example.com"),
    ]
    days = {"limit": ["500"], "offset": ["0"], "start_date": ["2026-11-20"]}
    tomorrow = (braze().http.clock.now()).date().toordinal() + 1
    for seen, more in zip(server.seen, ({"sort_direction": ["asc"]}, {}), strict=True):
        asked = parse_qs(urlsplit(seen.path).query)
        assert datetime.fromisoformat(asked.pop("end_date")[0]).toordinal() == tomorrow
        assert asked == days | more


def test_all_pages_are_read_from_the_first_day(server: Scripted, braze: Any) -> None:
    """Until one is not full; without a last time, since Braze began."""
    everybody = [{"email": f"p{n}@example.com", "unsubscribed_at": None} for n in range(1_000)]
    gone(server, everybody, [])
    assert len({one.email for one in braze().unreachable(None)}) == 1_000
    offsets = [parse_qs(urlsplit(seen.path).query)["offset"][0] for seen in server.seen]
    assert offsets == ["0", "500", "1000", "0"]
    assert "start_date=2011-01-01" in server.seen[0].path


def test_a_listing_that_is_none_is_refused(server: Scripted, braze: Any) -> None:
    """Nobody is taken for reachable because an answer was odd."""
    server.answers(Reply(body={"message": "success"}))
    with pytest.raises(Refused):
        list(braze().unreachable(None))
