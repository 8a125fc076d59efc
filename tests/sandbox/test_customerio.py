"""Customer.io as the sandbox plays it: two APIs with two keys, empty answers, changes that come later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import (
    SANDBOX_CUSTOMERIO_KEY,
    SANDBOX_CUSTOMERIO_SITE,
    SANDBOX_CUSTOMERIO_TRACK_KEY,
)
from connectors.sandbox.wire import loggable_path
from tests.sandbox.email_caller import EmailCaller

APP = {"Authorization": f"Bearer {SANDBOX_CUSTOMERIO_KEY}"}
TRACK = (SANDBOX_CUSTOMERIO_SITE, SANDBOX_CUSTOMERIO_TRACK_KEY)


@dataclass
class Caller(EmailCaller):
    """Both APIs."""

    def track(self, method: str, path: str, **options: Any) -> requests.Response:
        address = self.sandbox.url_of("customerio") + "/api" + path
        return requests.request(method, address, auth=TRACK, timeout=30, **options)

    def segment(self, name: str = "vip") -> str:
        answer = self.call("POST", "/v1/segments", json={"segment": {"name": name}})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["segment"]["id"])

    def change(self, op: str, segment: str, *ids: str, **query: str) -> requests.Response:
        path = f"/v1/segments/{segment}/{op}_customers"
        return self.track("POST", path, json={"ids": list(ids)}, params=query)

    def batch(self, *items: object) -> requests.Response:
        return self.track("POST", "/v2/batch", json={"batch": list(items)})


@pytest.fixture
def customerio(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "customerio", APP)


def item(action: str = "identify", attributes: object = None, **identifiers: str) -> dict[str, object]:
    """One item of a batch."""
    content: dict[str, object] = {"type": "person", "action": action, "identifiers": identifiers}
    return content if attributes is None else {**content, "attributes": attributes}


def app_refusal(answer: requests.Response) -> int:
    """Status of an error of the App API, after checking its shape."""
    (error,) = answer.json()["errors"]
    assert set(error) == {"detail", "status"}
    assert error["status"] == str(answer.status_code)
    return answer.status_code


def track_refusal(answer: requests.Response) -> int:
    """Status of an error of the Track API, after checking its shape."""
    content = answer.json()
    (error,) = content["meta"]["errors"] if "meta" in content else content["errors"]
    assert isinstance(error, str) or set(error) == {"reason", "field", "message"}
    return answer.status_code


def test_a_segment_is_made_read_and_deleted(customerio: Caller) -> None:
    """A manual one, by the App API; two may have one name; all are listed at once."""
    wish = {"segment": {"name": "vip", "description": "synced"}}
    made = customerio.call("POST", "/v1/segments", json=wish).json()["segment"]
    assert made == {
        "id": made["id"],
        "deduplicate_id": made["deduplicate_id"],
        "name": "vip",
        "description": "synced",
        "state": "finished",
        "progress": None,
        "type": "manual",
        "tags": None,
    }
    again = int(customerio.segment("vip"))
    listed = customerio.call("GET", "/v1/segments").json()["segments"]
    assert [each["id"] for each in listed] == [made["id"], again]
    path = f"/v1/segments/{made['id']}"
    assert customerio.call("GET", path).json() == {"segment": made}
    assert set(customerio.call("GET", path + "/used_by").json()) == {"used_by"}
    assert customerio.call("DELETE", path).status_code == 204
    for gone in (path, path + "/membership", path + "/customer_count"):
        assert app_refusal(customerio.call("GET", gone)) == 404
    assert track_refusal(customerio.change("add", str(made["id"]), "u-1")) == 400
    wrong: list[dict[str, object]] = [{"segment": {}}, {"segment": {"name": ""}}, {"name": "x"}]
    for body in wrong:
        assert app_refusal(customerio.call("POST", "/v1/segments", json=body)) == 400


def test_members_come_and_go_without_a_word(customerio: Caller) -> None:
    """Of one kind a request; who is unknown or of another kind is passed over."""
    segment = customerio.segment()
    ada = customerio.put("ada@example.com", external_id="u-1")
    customerio.put("bob@example.com", external_id="u-2")
    for ids, query in (
        (["u-1", "nobody", "bob@example.com"], {}),
        (["BOB@example.com", "u-1"], {"id_type": "email"}),
        ([ada], {"id_type": "cio_id"}),
    ):
        answer = customerio.change("add", segment, *ids, **query)
        assert (answer.status_code, answer.json()) == (200, {})
    assert customerio.members(segment) == ["ada@example.com", "bob@example.com"]
    count = customerio.call("GET", f"/v1/segments/{segment}/customer_count").json()
    assert count == {"count": 2, "segment_id": int(segment)}
    shown = customerio.call("GET", f"/v1/segments/{segment}/membership").json()
    assert shown["ids"] == ["u-1", "u-2"]
    assert shown["identifiers"][0] == {"email": "ada@example.com", "id": "u-1", "cio_id": ada}
    assert shown["next"] == ""
    of_ada = customerio.call("GET", "/v1/customers/u-1/segments").json()["segments"]
    assert [each["id"] for each in of_ada] == [int(segment)]
    assert customerio.change("remove", segment, "u-1", "nobody").json() == {}
    assert customerio.members(segment) == ["bob@example.com"]


def test_members_are_paged(customerio: Caller) -> None:
    """A thousand a page at most, whatever is asked for; the last page names no next."""
    segment = customerio.segment()
    items = [item(id=f"u-{number}") for number in range(1_001)]
    customerio.batch(*items)
    ids = [f"u-{number}" for number in range(1_001)]
    assert track_refusal(customerio.change("add", segment, *ids)) == 400
    customerio.change("add", segment, *ids[1:])
    customerio.change("add", segment, ids[0])
    path = f"/v1/segments/{segment}/membership"
    first = customerio.call("GET", path, params={"limit": 5_000}).json()
    second = customerio.call("GET", path, params={"start": first["next"]}).json()
    assert (len(first["ids"]), second["ids"], second["next"]) == (1_000, ["u-0"], "")
    assert len(customerio.call("GET", path, params={"limit": 3}).json()["ids"]) == 3
    assert app_refusal(customerio.call("GET", path, params={"limit": 0})) == 400
    assert app_refusal(customerio.call("GET", path, params={"start": "?"})) == 400


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": [1]}, {"ids": [""]}, {"ids": ["x" * 151]}])
def test_ids_are_read_strictly(customerio: Caller, body: dict[str, object]) -> None:
    """Texts of 1 to 150 bytes, a thousand at most, of a kind that there is."""
    segment = customerio.segment()
    answer = customerio.track("POST", f"/v1/segments/{segment}/add_customers", json=body)
    assert track_refusal(answer) == 400
    assert track_refusal(customerio.change("add", segment, "u", id_type="phone")) == 400


def test_people_are_made_and_changed(customerio: Caller) -> None:
    """By id, e-mail or cio_id; an update makes nobody; somebody else's identifier is left alone with a 200."""
    answer = customerio.track("PUT", "/v1/customers/u-1", json={"email": "ada@example.com", "tier": "gold"})
    assert (answer.status_code, answer.json()) == (200, {})
    customerio.track("PUT", "/v1/customers/ada%40example.com", json={"age": 5, "tier": ""})
    customerio.track("PUT", "/v1/customers/u-2", json={"email": "ada@example.com"})
    customerio.track("PUT", "/v1/customers/u-3", json={"_update": True, "tier": "gold"})
    person = customerio.people()["ada@example.com"]
    assert (person.external_id, person.attributes, len(customerio.people())) == ("u-1", {"age": 5}, 2)
    customerio.track("PUT", f"/v1/customers/cio_{person.id}", json={"id": "u-9"})
    shown = customerio.call("GET", "/v1/customers/u-9/attributes").json()["customer"]
    assert shown["identifiers"] == {"email": "ada@example.com", "id": "u-9", "cio_id": person.id}
    assert (shown["attributes"]["age"], shown["unsubscribed"]) == (5, False)
    by_email = "/v1/customers/ada%40example.com/attributes"
    assert customerio.call("GET", by_email, params={"id_type": "email"}).status_code == 200
    assert app_refusal(customerio.call("GET", by_email)) == 404
    found = customerio.call("GET", "/v1/customers", params={"email": "ADA@example.com"}).json()
    assert found["results"] == [shown["identifiers"]]
    assert customerio.track("DELETE", "/v1/customers/u-9").json() == {}
    assert "ada@example.com" not in customerio.people()


def test_a_batch_is_taken_in_part(customerio: Caller) -> None:
    """200 when all is good; 207 with places otherwise; 400 when it is no batch or too large."""
    assert customerio.batch(item(id="u-1", attributes={"tier": "gold"})).json() == {}
    wrong: list[object] = [
        {"type": "object", "action": "identify", "identifiers": {"id": "u"}},
        item("dance", id="u"),
        item(),
        item(id="u", email="u@example.com"),
        item(id="x" * 151),
        item(id="u", attributes=[]),
        item(id="u", attributes={f"a{number}": 1 for number in range(301)}),
        item(id="u", attributes={"x" * 151: 1}),
        item(id="u", attributes={"x": "x" * 1_001}),
        item(id="u", attributes={f"a{number}": "x" * 999 for number in range(40)}),
        5,
    ]
    answer = customerio.batch(*wrong, item(email="good@example.com", attributes={"_update": False}))
    assert answer.status_code == 207
    errors = answer.json()["errors"]
    assert [error["batch_index"] for error in errors] == list(range(len(wrong)))
    assert set(errors[0]) == {"batch_index", "reason", "field", "message"}
    assert set(customerio.people()) == {None, "good@example.com"}
    assert track_refusal(customerio.batch()) == 400
    items = [item(id=f"u{n}", attributes={"x": "x" * 900}) for n in range(600)]
    assert track_refusal(customerio.batch(*items)) == 400
    assert customerio.track("POST", "/v2/entity", json=item(id="u-7")).status_code == 200
    assert track_refusal(customerio.track("POST", "/v2/entity", json={"type": "person"})) == 400


@pytest.mark.parametrize(
    ("attributes", "channel"),
    [
        ({"unsubscribed": False}, "email"),
        ({"unsubscribed": ""}, "email"),
        ({"cio_subscription_preferences": {"topics": {"topic_1": True}}}, "topic_1"),
        ({"cio_subscription_preferences.topics.topic_1": True}, "topic_1"),
    ],
)
def test_consent_is_an_attribute(customerio: Caller, attributes: dict[str, object], channel: str) -> None:
    """Whatever is not true or 1 subscribes; being in a segment touches nothing."""
    person = customerio.put("ada@example.com", "unsubscribed", external_id="u-1")
    segment = customerio.segment()
    customerio.change("add", segment, "u-1")
    customerio.batch(item(id="u-1", attributes={"tier": "gold", "_update": True}))
    assert (customerio.widened(), customerio.consent(person)) == ([], "unsubscribed")
    customerio.batch(item(id="u-1", attributes=attributes))
    assert [change.channel for change in customerio.widened()] == [channel]
    preferences = customerio.call("GET", "/v1/customers/u-1/subscription_preferences").json()["customer"]
    assert preferences["unsubscribed"] is (channel == "topic_1")
    assert [topic["subscribed"] for topic in preferences["topics"]] == [True] * (channel == "topic_1")
    customerio.track("PUT", "/v1/customers/u-1", json={"unsubscribed": 1})
    assert customerio.consent(person) == "unsubscribed"


def test_who_is_suppressed_is_ignored(customerio: Caller) -> None:
    """The profile is gone and every call passes over it, until somebody lifts it: that widens."""
    customerio.put("ada@example.com")
    segment = customerio.segment()
    assert customerio.track("POST", "/v1/customers/ada%40example.com/suppress").json() == {}
    assert customerio.people() == {}
    customerio.track("PUT", "/v1/customers/ada%40example.com", json={"tier": "gold"})
    assert customerio.change("add", segment, "ada@example.com", id_type="email").json() == {}
    assert (customerio.people(), customerio.members(segment), customerio.widened()) == ({}, [], [])
    customerio.track("POST", "/v1/customers/ada%40example.com/unsuppress")
    assert len(customerio.widened()) == 1
    customerio.track("PUT", "/v1/customers/ada%40example.com", json={})
    assert set(customerio.people()) == {"ada@example.com"}


def test_changes_come_later(customerio: Caller) -> None:
    """People and members wait together, in the order in which they were sent."""
    segment = customerio.segment()
    customerio.switch(email_processing_seconds=5)
    customerio.batch(item(id="u-1", attributes={"email": "ada@example.com"}))
    customerio.change("add", segment, "u-1")
    assert (customerio.people(), customerio.members(segment)) == ({}, [])
    customerio.sandbox.advance_clock(5)
    assert customerio.members(segment) == ["ada@example.com"]
    customerio.fault(path="*/remove_customers", effect="job_never_ends")
    customerio.change("remove", segment, "u-1")
    customerio.sandbox.advance_clock(5_000)
    assert customerio.members(segment) == ["ada@example.com"]


def test_each_api_has_its_key(customerio: Caller) -> None:
    """401 for the other's; the Track API tells the region."""
    region = customerio.track("GET", "/v1/accounts/region")
    assert region.json()["data_center"] == "us"
    base = customerio.sandbox.url_of("customerio")
    assert app_refusal(requests.get(base + "/v1/segments", auth=TRACK, timeout=30)) == 401
    assert track_refusal(customerio.call("GET", "/api/v1/accounts/region")) == 401
    wrong = requests.get(base + "/api/v1/accounts/region", auth=("site", "key"), timeout=30)
    assert track_refusal(wrong) == 401
    customerio.switch(email_token_revoked=True)
    assert app_refusal(customerio.call("GET", "/v1/segments")) == 401
    assert track_refusal(customerio.track("POST", "/v2/batch", json={})) == 401


def test_faults_and_rates(customerio: Caller) -> None:
    """Refused members are not told of, refused items are; only the App API says how long to wait."""
    segment = customerio.segment()
    customerio.batch(item(email="ada@example.com"), item(email="bob@example.com"))
    customerio.fault(path="*/add_customers", effect="reject_rows", positions=[0])
    answer = customerio.change("add", segment, "ada@example.com", "bob@example.com", id_type="email")
    assert (answer.json(), customerio.members(segment)) == ({}, ["bob@example.com"])
    customerio.fault(path="/api/v2/batch", effect="reject_rows", positions=[0])
    assert customerio.batch(item(id="u-1")).json()["errors"][0]["batch_index"] == 0
    customerio.fault(path="*/membership", effect="audience_deleted")
    assert app_refusal(customerio.call("GET", f"/v1/segments/{segment}/membership")) == 404
    customerio.allow(1)
    customerio.call("GET", "/v1/segments")
    limited = customerio.call("GET", "/v1/segments")
    assert (app_refusal(limited), limited.headers["Retry-After"]) == (429, "1")
    limited = customerio.track("GET", "/v1/accounts/region")
    assert (track_refusal(limited), "Retry-After" in limited.headers) == (429, False)


def test_the_log_keeps_no_address() -> None:
    """Four characters of whoever is named in a path."""
    assert (
        loggable_path("/api/v1/customers/adalovelace@example.com/suppress")
        == "/api/v1/customers/adal…/suppress"
    )
    assert loggable_path("/contacts/adalovelace@example.com") == "/contacts/adal…"
    assert loggable_path("/contacts/lists/36/contacts/add") == "/contacts/lists/36/contacts/add"
