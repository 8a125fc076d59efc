"""Braze as the sandbox plays it: profiles with attributes, errors within a success, exports that come later."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_BRAZE_KEY
from tests.sandbox.email_caller import EmailCaller

FIELDS = ["external_id", "email", "email_subscribe", "custom_attributes"]


class Caller(EmailCaller):
    """The REST API."""

    def track(self, *rows: dict[str, object], path: str = "/users/track") -> requests.Response:
        return self.call("POST", path, json={"attributes": list(rows)})

    def told(self, *external_ids: str) -> list[dict[str, object]]:
        body = {"external_ids": list(external_ids), "fields_to_export": FIELDS}
        answer = self.call("POST", "/users/export/ids", json=body)
        assert answer.status_code == 201, answer.text
        return list(answer.json()["users"])


@pytest.fixture
def braze(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "braze", {"Authorization": f"Bearer {SANDBOX_BRAZE_KEY}"})


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and message of an error, after checking its shape."""
    content = answer.json()
    assert set(content) == {"message", "errors"}
    return answer.status_code, content["message"]


def test_a_boolean_attribute_is_an_audience(braze: Caller) -> None:
    """True puts in, false takes out and stays to be seen; profiles are made unless the call says otherwise."""
    one, two = braze.put("ada@example.com", external_id="u-1"), braze.put("bob@example.com")
    answer = braze.track(
        {"external_id": "u-1", "aud_vip": True, "_update_existing_only": True},
        {"email": "BOB@example.com", "aud_vip": True, "_update_existing_only": True},
        {"external_id": "nobody", "aud_vip": True, "_update_existing_only": True},
        {"braze_id": "f" * 24, "aud_vip": True},
    )
    assert (answer.status_code, answer.json()) == (201, {"message": "success", "attributes_processed": 4})
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0
    assert braze.members("aud_vip") == ["ada@example.com", "bob@example.com"]
    assert len(braze.people()) == 2
    braze.track({"braze_id": two, "aud_vip": False}, {"external_id": "u-3", "aud_vip": True})
    assert braze.told("u-1", "u-3") == [
        {
            "external_id": "u-1",
            "email": "ada@example.com",
            "email_subscribe": "subscribed",
            "custom_attributes": {"aud_vip": True},
        },
        {"external_id": "u-3", "email_subscribe": "subscribed", "custom_attributes": {"aud_vip": True}},
    ]
    assert braze.people()["bob@example.com"].attributes == {"aud_vip": False}
    assert (len(one), len(braze.sandbox.state.email.people("braze"))) == (24, 3)
    braze.track({"external_id": "u-1", "aud_vip": None})
    assert braze.told("u-1")[0].get("custom_attributes") is None


def test_people_are_found_by_any_identifier(braze: Caller) -> None:
    """An alias only finds unless told to make; of several with one address the one with an external id is meant."""
    alias = {"alias_name": "a", "alias_label": "crm"}
    braze.track({"user_alias": alias, "vip": True})
    assert braze.people() == {}
    braze.track({"user_alias": alias, "vip": True, "_update_existing_only": False})
    braze.track({"user_alias": alias, "vip": True, "phone": "+15550001"})
    braze.track({"phone": "+15550001", "first_name": "Ada"})
    (person,) = braze.sandbox.state.email.people("braze")
    assert person.attributes == {"vip": True, "first_name": "Ada"}
    braze.put("ada@example.com")
    braze.track({"external_id": "u-1", "email": "ada@example.com"}, {"email": "ada@example.com", "vip": True})
    assert braze.told("u-1")[0]["custom_attributes"] == {"vip": True}
    braze.call("POST", "/users/delete", json={"user_aliases": [alias]})
    unknown = {
        "external_ids": ["u-1", "x"],
        "email_address": "ada@example.com",
        "fields_to_export": ["email"],
    }
    content = braze.call("POST", "/users/export/ids", json=unknown).json()
    assert (len(content["users"]), content["invalid_user_ids"]) == (3, ["x"])


def test_attributes_have_operations(braze: Caller) -> None:
    """Increments, arrays, merged objects; long arrays are cut; null deletes."""
    braze.track(
        {"external_id": "u", "n": 1, "list": ["a"], "o": {"x": 1}, "long": list(range(501)), "gone": "x"}
    )
    braze.track(
        {
            "external_id": "u",
            "n": {"inc": 2},
            "list": {"add": ["b", "a"], "remove": []},
            "o": {"y": 2},
            "_merge_objects": True,
            "gone": None,
        }
    )
    braze.track({"external_id": "u", "list": {"remove": ["a"]}})
    shown = braze.told("u")[0]["custom_attributes"]
    assert isinstance(shown, dict)
    assert len(shown.pop("long")) == 500
    assert shown == {"n": 3, "list": ["b"], "o": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    "row",
    [
        {"aud_vip": True},
        {"external_id": "u", "braze_id": "f" * 24, "aud_vip": True},
        {"external_id": 5, "aud_vip": True},
        {"external_id": "u" * 988, "aud_vip": True},
        {"user_alias": {"alias_name": "a"}, "aud_vip": True},
        {"email": "mary", "aud_vip": True},
        {"external_id": "u", "x" * 256: 1},
        {"external_id": "u", "name": "x" * 256},
        {"external_id": "u", "known": "yes"},
        {"external_id": "u", "email_subscribe": "maybe"},
    ],
)
def test_wrong_objects_are_named_within_a_success(braze: Caller, row: dict[str, object]) -> None:
    """By array and place; the others are taken, and no value is repeated."""
    braze.track({"external_id": "first", "known": True})
    answer = braze.track({"external_id": "good", "aud_vip": True}, row)
    assert answer.status_code == 201
    (error,) = answer.json()["errors"]
    assert (error["input_array"], error["index"], answer.json()["attributes_processed"]) == (
        "attributes",
        1,
        1,
    )
    assert "mary" not in answer.text
    assert len(braze.sandbox.state.email.members("braze", "aud_vip")) == 1


def test_events_and_purchases_count_too(braze: Caller) -> None:
    """They need their fields, and make profiles as attributes do."""
    events = [{"external_id": "e", "name": "seen", "time": "2026-01-01T00:00:00Z"}, {"external_id": "e"}]
    purchases = [{"external_id": "p", "product_id": "1", "currency": "EUR", "price": 1, "time": "2026-01-01"}]
    answer = braze.call("POST", "/users/track", json={"events": events, "purchases": purchases}).json()
    assert (answer["events_processed"], answer["purchases_processed"]) == (1, 1)
    assert [(error["input_array"], error["index"]) for error in answer["errors"]] == [("events", 1)]
    assert len(braze.sandbox.state.email.people("braze")) == 2


def test_requests_have_limits(braze: Caller) -> None:
    """75 objects of all arrays together and 4 MB; in bulk 1,000, 2 MB, and 100 for one person."""
    rows = [{"external_id": f"u{number}", "vip": True} for number in range(1_001)]
    event = {"external_id": "e", "name": "seen", "time": "2026-01-01"}
    too_many = {"attributes": rows[:75], "events": [event]}
    assert refusal(braze.call("POST", "/users/track", json=too_many)) == (400, "Max Input Length Exceeded")
    assert braze.track(*rows[:75]).status_code == 201
    bulk = "/users/track/bulk"
    assert braze.track(*rows, path=bulk).status_code == 400
    assert braze.track(*rows[1:], path=bulk).json()["attributes_processed"] == 1_000
    assert braze.track(*rows[:1] * 101, path=bulk).status_code == 400
    assert braze.track({"external_id": "u", "x": "x" * 4_000_000}).status_code == 413
    assert braze.track({"external_id": "u", "x": "x" * 2_000_000}, path=bulk).status_code == 400
    bodies: list[dict[str, object]] = [{}, {"attributes": [1]}, {"attributes": [{}], "more": 1}]
    for body in bodies:
        assert braze.call("POST", "/users/track", json=body).status_code == 400
    assert braze.call("POST", "/users/track", data="{").status_code == 400


def test_what_is_queued_takes_its_time(braze: Caller) -> None:
    """The answer comes before the change."""
    braze.switch(email_processing_seconds=60)
    braze.track({"external_id": "u", "vip": True})
    assert braze.sandbox.state.email.members("braze", "vip") == []
    braze.sandbox.advance_clock(60)
    assert len(braze.sandbox.state.email.members("braze", "vip")) == 1


def test_a_segment_is_exported(braze: Caller) -> None:
    """One at a time, as a ZIP of lines of JSON at an address that needs no key once it is there."""
    braze.track(
        {"external_id": "a", "vip": True},
        {"external_id": "b", "vip": True},
        {"external_id": "c", "vip": False},
    )
    (segment,) = braze.call("GET", "/segments/list", params={"page": 0}).json()["segments"]
    assert segment["name"] == "vip is true"
    assert braze.call("GET", "/segments/list", params={"page": 1}).json()["segments"] == []
    braze.switch(email_processing_seconds=60)
    wish = {"segment_id": segment["id"], "fields_to_export": ["external_id"]}
    answer = braze.call("POST", "/users/export/segment", json=wish)
    assert (answer.status_code, set(answer.json())) == (201, {"message", "object_prefix", "url"})
    assert refusal(braze.call("POST", "/users/export/segment", json=wish))[0] == 400
    assert refusal(braze.call("POST", "/users/export/segment", json={**wish, "segment_id": "x"}))[0] == 400
    assert requests.get(answer.json()["url"], timeout=30).status_code == 404
    braze.sandbox.advance_clock(60)
    packed = requests.get(answer.json()["url"], timeout=30).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"external_id": "a"}, {"external_id": "b"}]
    assert braze.call("POST", "/users/export/segment", json=wish).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "channel"),
    [
        ("/users/track", {"attributes": [{"external_id": "u", "email_subscribe": "opted_in"}]}, "email"),
        ("/users/track", {"attributes": [{"external_id": "u", "push_subscribe": "opted_in"}]}, "push"),
        ("/email/status", {"email": "ada@example.com", "subscription_state": "subscribed"}, "email"),
        (
            "/users/track",
            {
                "attributes": [
                    {
                        "external_id": "u",
                        "subscription_groups": [
                            {"subscription_group_id": "g", "subscription_state": "subscribed"}
                        ],
                    }
                ]
            },
            "g",
        ),
        (
            "/subscription/status/set",
            {"subscription_group_id": "g", "subscription_state": "subscribed", "email": ["ada@example.com"]},
            "g",
        ),
        (
            "/v2/subscription/status/set",
            {
                "subscription_groups": [
                    {"subscription_group_id": "g", "subscription_state": "subscribed", "external_ids": ["u"]}
                ]
            },
            "g",
        ),
    ],
)
def test_consent_is_changed_where_a_call_says_so(
    braze: Caller, path: str, body: dict[str, object], channel: str
) -> None:
    """The calls that a sync must never make; groups reach everybody with the address; attributes reach nobody."""
    person = braze.put("ada@example.com", "unsubscribed", external_id="u")
    braze.put("ada@example.com", "unsubscribed")
    listed = braze.call("GET", "/email/unsubscribes", params={"limit": 1}).json()
    assert [set(entry) for entry in listed["emails"]] == [{"email", "unsubscribed_at"}]
    braze.track({"external_id": "u", "vip": True, "first_name": "Ada"})
    assert (braze.widened(), braze.consent(person)) == ([], "unsubscribed")
    assert braze.call("POST", path, json=body).status_code == 201
    changes = braze.widened()
    assert {change.channel for change in changes} == {channel}
    assert len(changes) == (2 if channel == "g" or path == "/email/status" else 1)


def test_people_are_deleted(braze: Caller) -> None:
    """By one kind of identifier, fifty at a time."""
    braze.track({"external_id": "u", "vip": True})
    for body in ({}, {"external_ids": ["u"], "braze_ids": ["x"]}, {"external_ids": ["u"] * 51}):
        assert refusal(braze.call("POST", "/users/delete", json=body))[0] == 400
    answer = braze.call("POST", "/users/delete", json={"external_ids": ["u", "x"]})
    assert answer.json() == {"deleted": 1, "message": "success"}
    assert braze.sandbox.state.audience("braze", "vip").size == 0


def test_faults_speak_as_braze_does(braze: Caller) -> None:
    """Refused rows by their places, lost members, the key, the rate."""
    braze.fault(path="/users/track", effect="reject_rows", positions=[1])
    answer = braze.track({"external_id": "a", "vip": True}, {"external_id": "b", "vip": True}).json()
    assert [error["index"] for error in answer["errors"]] == [1]
    braze.fault(path="/users/track", effect="members_lost", share=1.0)
    braze.track({"external_id": "b", "vip": True})
    assert "custom_attributes" not in braze.told("a")[0]
    braze.sandbox.faults.replace([])
    braze.allow(1)
    assert braze.call("GET", "/segments/list").headers["X-RateLimit-Remaining"] == "0"
    answer = braze.call("GET", "/segments/list")
    assert (refusal(answer)[0], answer.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert "Retry-After" not in answer.headers
    braze.switch(email_requests_per_minute=0, email_token_revoked=True)
    assert refusal(braze.call("GET", "/segments/list")) == (401, "Invalid API key")
    braze.switch(email_token_revoked=False)
    assert refusal(braze.call("GET", "/nothing")) == (404, "Invalid URL")
    assert requests.get(braze.sandbox.url_of("braze") + "/segments/list", timeout=30).status_code == 401


def test_attributes_and_bounces_are_listed_in_pages(braze: Caller) -> None:
    """Fifty attributes a page, the next by a link; addresses by limit and offset."""
    braze.track({"external_id": "u", **{f"flag_{number:02}": True for number in range(51)}})
    first = braze.call("GET", "/custom_attributes")
    assert [one["name"] for one in first.json()["attributes"]] == [
        f"flag_{number:02}" for number in range(50)
    ]
    cursor = {"cursor": first.links["next"]["url"].partition("cursor=")[2]}
    last = braze.call("GET", "/custom_attributes", params=cursor)
    assert (last.json()["attributes"][0]["data_type"], len(last.json()["attributes"])) == ("Boolean", 1)
    assert not last.links
    for email in ("ann@example.com", "bob@example.com"):
        braze.sandbox.state.email.suppress("braze", email, "bounced")
    (second,) = braze.call("GET", "/email/hard_bounces", params={"offset": 1}).json()["emails"]
    assert set(second) == {"email", "hard_bounced_at"}
