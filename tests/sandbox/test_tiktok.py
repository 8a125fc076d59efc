"""TikTok in the sandbox, called by plain HTTP: the shapes, limits and refusals of its documents."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.ads import tiktok as played
from connectors.sandbox.ads.tiktok import ADVERTISER, SISTER_ADVERTISER
from tests.sandbox.conftest import sha256
from tests.sandbox.tiktok_caller import TikTokCaller, code_of, data_of, people, to


@pytest.fixture
def tiktok(sandbox: SandboxServer) -> TikTokCaller:
    return TikTokCaller(sandbox.url_of("tiktok"))


def test_an_audience_is_made_found_and_deleted(tiktok: TikTokCaller) -> None:
    """The streaming API makes and deletes, the audience API shows."""
    audience = tiktok.audience("seg_high_value")
    details = tiktok.details(audience)["audience_details"]
    assert set(details) == {
        "audience_id", "name", "cover_num", "is_valid", "is_expiring", "expired_time", "create_time",
        "audience_type", "calculate_type",
    }  # fmt: skip
    assert (details["name"], details["cover_num"], details["is_valid"]) == ("seg_high_value", 0, False)
    assert data_of(tiktok.change(action="delete", delete_audience_id=audience)) == {}
    assert code_of(tiktok.change(action="delete", delete_audience_id=audience)) == 40002
    assert code_of(tiktok.dmp("get", custom_audience_ids=json.dumps([audience]))) == 40007
    assert code_of(tiktok.map(people(audience, 1))) == 40002


@pytest.mark.parametrize(("length", "shown"), [(70, "x" * 70), (71, "x" * 67 + "...")])
def test_a_long_name_is_cut_silently(tiktok: TikTokCaller, length: int, shown: str) -> None:
    """Seventy characters stay whole."""
    details = tiktok.details(tiktok.audience("x" * length))
    assert details["audience_details"]["name"] == shown


def test_a_list_goes_by_pages(tiktok: TikTokCaller) -> None:
    """Ten a page unless asked for more, a hundred at most; ids can be named; other advertisers' are not shown."""
    made = [tiktok.audience(f"Segment {number}") for number in range(12)]
    tiktok.audience("Theirs", SISTER_ADVERTISER)
    first = data_of(tiktok.dmp("list"))
    assert first["page_info"] == {"page": 1, "page_size": 10, "total_number": 12, "total_page": 2}
    second = data_of(tiktok.dmp("list", page=2))
    assert [found["audience_id"] for page in (first, second) for found in page["list"]] == made
    assert len(data_of(tiktok.dmp("list", page_size=100))["list"]) == 12
    assert data_of(tiktok.dmp("list", page=3))["list"] == []
    named = data_of(tiktok.dmp("list", custom_audience_ids=json.dumps(made[3:5])))
    assert [found["name"] for found in named["list"]] == ["Segment 3", "Segment 4"]


@pytest.mark.parametrize(
    ("which", "query", "code"),
    [
        ("list", {"page_size": 101}, 40002),
        ("list", {"page": 0}, 40002),
        ("list", {"cursor": "x"}, 40002),
        ("list", {"advertiser_id": "1"}, 40001),
        ("get", {}, 40002),
        ("get", {"custom_audience_ids": "240000001"}, 40002),
        ("get", {"custom_audience_ids": "[]"}, 40002),
        ("get", {"custom_audience_ids": json.dumps(["1"] * 101)}, 40002),
        ("get", {"custom_audience_ids": '["1"]', "history_size": 101}, 40002),
    ],
)
def test_wrong_questions_are_refused(
    tiktok: TikTokCaller, which: str, query: dict[str, object], code: int
) -> None:
    """HTTP 200 all the same, with a code."""
    assert code_of(tiktok.dmp(which, **query)) == code


def test_an_id_is_mapped_and_unmapped_by_itself(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """People with fewer ids leave their places empty; a removal of the e-mail leaves the phone."""
    audience = tiktok.audience()
    rows = [[to(audience, "a@example.com"), to(audience, "+15559876543")], [{}, to(audience, "+15551112222")]]
    for _ in range(2):
        assert data_of(tiktok.map(rows, ["email_sha256", "PHONE_SHA256"], action="add")) == {}
    held = sandbox.state.members("tiktok", audience)
    assert [sum(kind in member for member in held) for kind in ("EMAIL_SHA256", "PHONE_SHA256")] == [1, 2]
    assert tiktok.details(audience)["audience_details"]["cover_num"] == 2
    data_of(tiktok.map([[to(audience, "a@example.com")]], action="delete"))
    assert all("PHONE_SHA256" in member for member in sandbox.state.members("tiktok", audience))
    history = tiktok.details(audience)["audience_history"]
    assert [entry["action"] for entry in history if "0 added, 0 removed" not in entry["action_detail"]] == [
        "Remove",
        "Append",
    ]


def test_one_call_fills_several_audiences(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """Also of several advertisers, as long as all of them are named."""
    ours, theirs = tiktok.audience(), tiktok.audience("Theirs", SISTER_ADVERTISER)
    rows = [[{"id": sha256("a@example.com"), "audience_ids": [ours, theirs]}]]
    assert code_of(tiktok.map(rows)) == 40001
    data_of(tiktok.map(rows, advertiser_ids=[ADVERTISER, SISTER_ADVERTISER]))
    assert [sandbox.state.audience("tiktok", audience).size for audience in (ours, theirs)] == [1, 1]


def test_a_left_out_id_shifts_the_others(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """Nobody notices that a phone stands where the e-mail belongs."""
    audience = tiktok.audience()
    data_of(tiktok.map([[to(audience, "+15559876543")]], ["EMAIL_SHA256", "PHONE_SHA256"]))
    assert sandbox.state.members("tiktok", audience) == [{"EMAIL_SHA256": sha256("+15559876543")}]


def test_device_ids_may_be_md5(tiktok: TikTokCaller) -> None:
    """Of devices only."""
    audience = tiktok.audience()
    digest = hashlib.md5(b"38400000-8cf0-11bd-b23e-10b96e40000d").hexdigest()
    row = [[{"id": digest, "audience_ids": [audience]}]]
    data_of(tiktok.map(row, ["AAID_MD5"]))
    assert code_of(tiktok.map(row, ["EMAIL_SHA256"])) == 40002
    assert code_of(tiktok.map(row, ["EMAIL_MD5"])) == 40002


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"advertiser_ids": []}, 40002),
        ({"advertiser_ids": ["1"]}, 40001),
        ({"action": "replace"}, 40002),
        ({"id_schema": []}, 40002),
        ({"id_schema": ["EMAIL_SHA256", "email_sha256"]}, 40002),
        ({"id_schema": ["NAME_SHA256"]}, 40002),
        ({"batch_data": []}, 40002),
        ({"batch_data": [[{}, {}]]}, 40002),
        ({"batch_data": [[{}]] * 10_001}, 40002),
        ({"batch_data": [[{"id": sha256("a")}]]}, 40002),
        ({"batch_data": [[{"id": "mary@example.com", "audience_ids": ["1"]}]]}, 40002),
        ({"batch_data": [[{"id": sha256("a").upper(), "audience_ids": ["1"]}]]}, 40002),
        ({"batch_data": [[{"id": sha256("a"), "audience_ids": ["1"]}]]}, 40002),
        ({"is_test": True}, 40002),
    ],
)
def test_a_wrong_mapping_is_refused(tiktok: TikTokCaller, change: dict[str, object], code: int) -> None:
    """HTTP 200 with a code, and no value in the text."""
    body = {"advertiser_ids": [ADVERTISER], "id_schema": ["EMAIL_SHA256"], "batch_data": [[{}]], **change}
    answer = tiktok.call("POST", "/segment/mapping/", json=body)
    assert code_of(answer) == code
    assert "mary" not in answer.text


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "create"}, 40002),
        ({"action": "delete"}, 40002),
        ({"action": "create", "custom_audience_name": "x", "delete_audience_id": "1"}, 40002),
        ({"action": "rename", "custom_audience_name": "x"}, 40002),
        ({"action": "create", "custom_audience_name": "x", "advertiser_id": 7}, 40002),
        ({"action": "create", "custom_audience_name": "x", "advertiser_id": "7"}, 40001),
    ],
)
def test_a_wrong_creation_is_refused(tiktok: TikTokCaller, fields: dict[str, Any], code: int) -> None:
    """An action needs its own object and no other's."""
    assert code_of(tiktok.change(**fields)) == code


def test_an_advertiser_has_room_for_so_many(tiktok: TikTokCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted by advertiser; 400 in truth."""
    assert played.MAX_AUDIENCES == 400
    monkeypatch.setattr(played, "MAX_AUDIENCES", 2)
    tiktok.audience("One")
    tiktok.audience("Two")
    assert code_of(tiktok.change(action="create", custom_audience_name="Three")) == 40002
    tiktok.audience("Theirs", SISTER_ADVERTISER)
