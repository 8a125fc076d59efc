"""Klaviyo as the sandbox plays it: lists and their members, profiles, headers, limits, errors with pointers."""

from __future__ import annotations

import json

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.klaviyo_caller import KlaviyoCaller, klaviyo_caller, refusal

DAY = 86_400


@pytest.fixture
def klaviyo(sandbox: SandboxServer) -> KlaviyoCaller:
    return klaviyo_caller(sandbox)


def test_a_list_is_created_read_renamed_and_deleted(klaviyo: KlaviyoCaller) -> None:
    """JSON:API resources; a name may be used twice; the number of members is told only on demand."""
    first, second = klaviyo.new_list("vip"), klaviyo.new_list("vip")
    assert len({first, second}) == 2
    assert len(first) == 6
    read = klaviyo.call("GET", f"/api/lists/{first}").json()["data"]
    assert (read["id"], read["attributes"]["name"]) == (first, "vip")
    assert "profile_count" not in read["attributes"]
    klaviyo.add(first, klaviyo.put("ada@example.com"))
    counted = klaviyo.call("GET", f"/api/lists/{first}?additional-fields[list]=profile_count")
    assert counted.json()["data"]["attributes"]["profile_count"] == 1
    assert counted.headers["RateLimit-Limit"] == "15"
    renamed = {"data": {"type": "list", "id": first, "attributes": {"name": "new"}}}
    assert klaviyo.send("PATCH", f"/api/lists/{first}", renamed).json()["data"]["attributes"]["name"] == "new"
    assert klaviyo.call("DELETE", f"/api/lists/{first}").status_code == 204
    assert refusal(klaviyo.call("GET", f"/api/lists/{first}")) == (404, "not_found", "/data")
    assert klaviyo.call("GET", "/api/profiles").json()["data"] != []


def test_lists_are_found_by_name_ten_a_page(klaviyo: KlaviyoCaller) -> None:
    """Exact names; the next page is a whole address, which the last page has not."""
    made = [klaviyo.new_list(f"list {number}") for number in range(12)]
    first = klaviyo.call("GET", "/api/lists").json()
    second = klaviyo.session.get(first["links"]["next"], timeout=30).json()
    assert [one["id"] for one in first["data"] + second["data"]] == made
    assert (len(first["data"]), "next" in second["links"]) == (10, False)

    def named(text: str) -> list[str]:
        found = klaviyo.call("GET", "/api/lists", params={"filter": text}).json()["data"]
        return [str(one["attributes"]["name"]) for one in found]

    assert named('equals(name,"list 3")') == ["list 3"]
    assert named('any(name,["list 3","list 4","x"])') == ["list 3", "list 4"]
    assert named('equals(name,"list")') == []
    assert named(f'equals(id,"{made[2]}")') == ["list 2"]
    assert len(named("greater-than(created,2020-01-01T00:00:00Z)")) == 10
    assert named("greater-than(created,2090-01-01T00:00:00Z)") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"page[size]": "11"}, "page[size]"),
        ({"page[size]": "0"}, "page[size]"),
        ({"page[cursor]": "x"}, "page[cursor]"),
        ({"filter": "contains(name,'x')"}, "filter"),
        ({"filter": 'equals(email,"x")'}, "filter"),
        ({"filter": "equals(name"}, "filter"),
        ({"filter": 'any(name,"x")'}, "filter"),
        ({"filter": 'equals(name,["x","y"])'}, "filter"),
        ({"filter": 'greater-than(created,"soon")'}, "filter"),
        ({"sort": "size"}, "sort"),
        ({"fields[list]": "size"}, "fields[list]"),
        ({"limit": "1"}, "limit"),
    ],
)
def test_queries_are_read_strictly(klaviyo: KlaviyoCaller, query: dict[str, str], parameter: str) -> None:
    """400 that names the parameter."""
    answer = klaviyo.call("GET", "/api/lists", params=query)
    assert refusal(answer) == (400, "invalid", parameter)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "not_authenticated"),
        ({"Authorization": "Bearer sandbox-klaviyo-key-not-a-secret"}, 401, "not_authenticated"),
        ({"Authorization": "Klaviyo-API-Key other"}, 401, "not_authenticated"),
        ({"revision": ""}, 400, "invalid"),
        ({"revision": "yesterday"}, 400, "invalid"),
        ({"revision": "2030-01-01"}, 400, "invalid"),
        ({"revision": "2023-02-22"}, 410, "revision_retired"),
        ({"Accept": "text/html"}, 406, "not_acceptable"),
        ({"Content-Type": "application/json"}, 415, "unsupported_media_type"),
    ],
)
def test_every_call_brings_its_headers(
    klaviyo: KlaviyoCaller, headers: dict[str, str], status: int, code: str
) -> None:
    """Key with its own scheme, revision, and the JSON:API media type both ways."""
    body = json.dumps({"data": {"type": "list", "attributes": {"name": "x"}}})
    answer = klaviyo.call("POST", "/api/lists", data=body, headers=headers)
    assert refusal(answer)[:2] == (status, code)
    assert klaviyo.call("GET", "/api/lists").json()["data"] == []


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({}, "/data/attributes/name"),
        ({"name": ""}, "/data/attributes/name"),
        ({"name": 5}, "/data/attributes/name"),
        ({"name": "x", "opt_in_process": "none"}, "/data/attributes/opt_in_process"),
        ({"name": "x", "more": 1}, "/data/attributes/more"),
    ],
)
def test_bodies_are_read_strictly(
    klaviyo: KlaviyoCaller, attributes: dict[str, object], pointer: str
) -> None:
    """A pointer to each member that is wrong."""
    answer = klaviyo.send("POST", "/api/lists", {"data": {"type": "list", "attributes": attributes}})
    assert refusal(answer) == (400, "invalid", pointer)


def test_members_come_and_go_by_profile_ids(klaviyo: KlaviyoCaller) -> None:
    """Adding a member again and removing one who is none is harmless; nobody's consent changes."""
    vip = klaviyo.new_list("vip")
    ada, bob = klaviyo.put("ada@example.com"), klaviyo.put("bob@example.com", consent="unsubscribed")
    for _ in range(2):
        assert klaviyo.add(vip, ada, bob).status_code == 204
    assert klaviyo.ids(vip) == [ada, bob]
    for _ in range(2):
        assert klaviyo.remove(vip, ada).status_code == 204
    assert klaviyo.ids(vip) == [bob]
    assert klaviyo.consent(bob) == "unsubscribed"
    assert klaviyo.widened() == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_one_wrong_profile_refuses_all_of_them(klaviyo: KlaviyoCaller, method: str) -> None:
    """400 with a pointer to each; also for rows that a fault refuses; 1,000 at most, and ids only."""
    vip, ada = klaviyo.new_list("vip"), klaviyo.put("ada@example.com")
    if method == "DELETE":
        klaviyo.add(vip, ada)
    before = klaviyo.ids(vip)
    answer = klaviyo.change(method, vip, ada, "01UNKNOWN")
    assert refusal(answer) == (400, "invalid", "/data/1/id")
    assert refusal(klaviyo.change(method, vip, "ada@example.com")) == (400, "invalid", "/data/0/id")
    assert refusal(klaviyo.change(method, vip, *[ada] * 1_001)) == (400, "invalid", "/data")
    assert refusal(klaviyo.change(method, vip)) == (400, "invalid", "/data")
    assert refusal(klaviyo.change(method, "Xxxxxx", ada))[:2] == (404, "not_found")
    klaviyo.fault(path="*/relationships/profiles", effect="reject_rows", positions=[0])
    assert refusal(klaviyo.change(method, vip, ada)) == (400, "invalid", "/data/0/id")
    assert klaviyo.ids(vip) == before


def test_members_are_read_by_pages(klaviyo: KlaviyoCaller) -> None:
    """Twenty unless asked for up to a hundred, in the order they came or backwards, or the ones with an address."""
    vip = klaviyo.new_list("vip")
    ids = [klaviyo.put(f"p{number}@example.com") for number in range(23)]
    klaviyo.add(vip, *ids)
    path = f"/api/lists/{vip}/profiles"
    first = klaviyo.call("GET", path, params={"fields[profile]": "email,joined_group_at"}).json()
    second = klaviyo.session.get(first["links"]["next"], timeout=30).json()
    assert [one["id"] for one in first["data"] + second["data"]] == ids
    assert set(first["data"][0]["attributes"]) == {"email", "joined_group_at"}
    assert set(second["data"][0]["attributes"]) == {"email", "joined_group_at"}
    wanted = {"filter": 'any(email,["P3@example.com","p9@example.com","x@example.com"])'}
    assert [one["id"] for one in klaviyo.call("GET", path, params=wanted).json()["data"]] == [ids[3], ids[9]]
    back = klaviyo.call("GET", path, params={"sort": "-joined_group_at", "page[size]": "22"}).json()
    rest = klaviyo.session.get(back["links"]["next"], timeout=30).json()
    assert [one["id"] for one in back["data"] + rest["data"]] == ids[::-1]
    later = {"filter": "greater-than(joined_group_at,2090-01-01T00:00:00Z)"}
    assert klaviyo.call("GET", path, params=later).json()["data"] == []
    assert refusal(klaviyo.call("GET", path, params={"page[size]": "101"}))[0] == 400


def test_profiles_are_found_by_identifiers(klaviyo: KlaviyoCaller) -> None:
    """A hundred values in one question; addresses without case; who is unknown is left out."""
    ada = klaviyo.put("ada@example.com", phone="+15005550006", external_id="u-1")
    for text in (
        'any(email,["ADA@example.com","x@example.com"])',
        'equals(phone_number,"+15005550006")',
        'equals(external_id,"u-1")',
        f"equals(id,'{ada}')",
    ):
        (found,) = klaviyo.call("GET", "/api/profiles", params={"filter": text}).json()["data"]
        assert (found["id"], found["attributes"]["email"]) == (ada, "ada@example.com")
    for count, status in ((100, 200), (101, 400)):
        many = ",".join(f'"{number}@example.com"' for number in range(count))
        assert klaviyo.call(
            "GET", "/api/profiles", params={"filter": f"any(email,[{many}])"}
        ).status_code == (status)
    assert refusal(klaviyo.call("GET", "/api/profiles/01X"))[:2] == (404, "not_found")


def test_profiles_are_upserted(klaviyo: KlaviyoCaller) -> None:
    """201 and 200; null clears, absence leaves; properties merge; one profile's address is not another's."""
    made = klaviyo.profile(email="Ada@Example.com", first_name="Ada", properties={"ltv": 1, "tags": ["a"]})
    assert made.status_code == 201
    ada = made.json()["data"]["id"]
    assert len(ada) == 26
    patch = {"append": {"tags": ["b"]}, "unset": "ltv"}
    changed = klaviyo.profile(
        {"patch_properties": patch}, email="ada@example.com", external_id="u-1", first_name=None
    )
    shown = changed.json()["data"]["attributes"]
    assert (changed.status_code, shown["first_name"], shown["external_id"]) == (200, None, "u-1")
    assert (shown["email"], shown["properties"]) == ("ada@example.com", {"tags": ["a", "b"]})
    klaviyo.profile(email="bob@example.com")
    conflict = klaviyo.profile(email="bob@example.com", external_id="u-1")
    assert refusal(conflict)[:2] == (409, "duplicate_profile")
    there = {"data": {"type": "profile", "attributes": {"email": "ada@example.com"}}}
    again = klaviyo.send("POST", "/api/profiles", there)
    assert (again.status_code, again.json()["errors"][0]["meta"]) == (409, {"duplicate_profile_id": ada})
    for wrong, pointer in (
        ({"email": "no address"}, "/data/attributes/email"),
        ({"phone_number": "555 0100"}, "/data/attributes/phone_number"),
        ({"first_name": "Ada"}, "/data/attributes"),
        ({"email": "c@example.com", "subscriptions": {}}, "/data/attributes/subscriptions"),
        ({"email": "c@example.com", "age": 5}, "/data/attributes/age"),
    ):
        assert refusal(klaviyo.profile(**wrong)) == (400, "invalid", pointer)
    assert klaviyo.profile(email="c@example.com", properties={"x": "y" * 102_400}).status_code == 413
    assert klaviyo.consent(ada) == "unknown"


def test_a_profile_is_changed_by_its_id(klaviyo: KlaviyoCaller) -> None:
    """The id stands twice; lists of a profile are told with and without their fields."""
    ada, vip = klaviyo.put("ada@example.com"), klaviyo.new_list("vip")
    klaviyo.add(vip, ada)
    body = {"data": {"type": "profile", "id": ada, "attributes": {"email": "new@example.com"}}}
    changed = klaviyo.send("PATCH", f"/api/profiles/{ada}", body)
    assert changed.json()["data"]["attributes"]["email"] == "new@example.com"
    body["data"]["id"] = "01X"
    assert refusal(klaviyo.send("PATCH", f"/api/profiles/{ada}", body)) == (400, "invalid", "/data/id")
    (shown,) = klaviyo.call("GET", f"/api/profiles/{ada}/lists").json()["data"]
    ids = klaviyo.call("GET", f"/api/profiles/{ada}/relationships/lists")
    assert (shown["attributes"]["name"], ids.json()["data"]) == ("vip", [{"type": "list", "id": vip}])
    assert ids.headers["RateLimit-Limit"] == "60"


def test_limits_are_told_and_kept(klaviyo: KlaviyoCaller) -> None:
    """What is left stands in each success; a refusal says only when to come back; 150 lists a day."""
    klaviyo.allow(2)
    for left in ("1", "0"):
        answer = klaviyo.call("GET", "/api/lists")
        assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (200, left)
    answer = klaviyo.call("GET", "/api/lists")
    assert refusal(answer)[:2] == (429, "throttled")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "RateLimit-Limit" not in answer.headers
    klaviyo.switch(email_requests_per_minute=0)
    klaviyo.sandbox.advance_clock(DAY - klaviyo.sandbox.state.now() % DAY)
    for _ in range(150):
        klaviyo.new_list("x")
    body = {"data": {"type": "list", "attributes": {"name": "x"}}}
    assert refusal(klaviyo.send("POST", "/api/lists", body))[:2] == (429, "throttled")
    klaviyo.sandbox.advance_clock(DAY)
    klaviyo.new_list("x")


def test_keys_can_be_revoked(klaviyo: KlaviyoCaller) -> None:
    """401 from then on."""
    klaviyo.switch(email_token_revoked=True)
    assert refusal(klaviyo.call("GET", "/api/lists"))[:2] == (401, "not_authenticated")


def test_who_is_suppressed_since_when_is_found(klaviyo: KlaviyoCaller) -> None:
    """By the moment of the suppression, the longest first, page by page."""
    klaviyo.put("ann@example.com", "unsubscribed")
    klaviyo.put("dan@example.com", "subscribed")
    for name in ("bob", "cleo"):
        klaviyo.put(f"{name}@example.com")
        klaviyo.sandbox.state.email.suppress("klaviyo", f"{name}@example.com", "HARD_BOUNCE")
    field = "subscriptions.email.marketing.suppression.timestamp"
    wanted = {"additional-fields[profile]": "subscriptions", "page[size]": "2", "sort": field}
    past = {**wanted, "filter": f"greater-or-equal({field},2020-01-01T00:00:00+00:00)"}
    first = klaviyo.call("GET", "/api/profiles", params=past).json()
    second = klaviyo.session.get(first["links"]["next"], timeout=30).json()
    found = [one["attributes"] for one in first["data"] + second["data"]]
    assert sorted(one["email"] for one in found) == ["ann@example.com", "bob@example.com", "cleo@example.com"]
    reasons = [one["subscriptions"]["email"]["marketing"]["suppression"][0]["reason"] for one in found]
    assert sorted(reasons) == ["HARD_BOUNCE", "HARD_BOUNCE", "UNSUBSCRIBE"]
    future = {**wanted, "filter": f"greater-or-equal({field},2100-01-01T00:00:00+00:00)"}
    assert klaviyo.call("GET", "/api/profiles", params=future).json()["data"] == []
    assert refusal(klaviyo.call("GET", "/api/profiles", params={"sort": "email"}))[2] == "sort"
