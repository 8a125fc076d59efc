"""The sandboxed Criteo answers as its Marketing Solutions API does."""

from __future__ import annotations

import hashlib
import time
from typing import Any
from uuid import uuid4

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ADS_REFRESH_TOKEN
from connectors.sandbox.ads.criteo import ADVERTISER
from tests.sandbox.ad_caller import IN_FORM, AdCaller
from tests.sandbox.conftest import sha256

MARY, ZOE, ANN = (sha256(f"{name}@example.com") for name in ("mary", "zoe", "ann"))


class CriteoCaller(AdCaller):
    """One advertiser."""

    def __init__(self, sandbox: SandboxServer) -> None:
        super().__init__(sandbox, "criteo", "/oauth2/token")

    def post(self, path: str, *data: dict[str, Any], **options: Any) -> requests.Response:
        return self.call("POST", path, json={"data": list(data)}, **options)

    def create(self, *names: str) -> requests.Response:
        return self.post("/audience-segments/create", *(segment(name) for name in names))

    def made(self, name: str = "VIP") -> str:
        return str(self.create(name).json()["data"][0]["id"])

    def search(self, query: str = "", **attributes: object) -> requests.Response:
        body = {"data": {"type": "AudienceSegmentSearch", "attributes": attributes}}
        return self.call("POST", f"/audience-segments/search{query}", json=body)

    def amend(
        self, audience: str, identifiers: list[str], operation: str = "add", **more: object
    ) -> requests.Response:
        attributes = {
            "operation": operation,
            "identifierType": "email",
            "identifiers": identifiers,
            **more,
        }
        body = {"data": {"type": "ContactlistAmendment", "attributes": attributes}}
        return self.call("PATCH", f"/audience-segments/{audience}/contact-list", json=body)

    def counts(self, audience: str, identifiers: list[str], **more: Any) -> tuple[int, int, list[str]]:
        answer = self.amend(audience, identifiers, **more)
        assert answer.status_code == 200, answer.text
        told = answer.json()["data"]["attributes"]
        return told["nbValidIdentifiers"], told["nbInvalidIdentifiers"], told["sampleInvalidIdentifiers"]

    def emails(self, audience: str) -> set[str]:
        return {row["email"] for row in self.members(audience)}

    def statistics(self, audience: str) -> dict[str, Any]:
        answer = self.call("GET", f"/audience-segments/{audience}/contact-list/statistics")
        numbers: dict[str, Any] = answer.json()["data"]["attributes"]
        return numbers


def segment(name: str, **attributes: object) -> dict[str, Any]:
    """A segment of people as it is asked for."""
    asked = {"advertiserId": ADVERTISER, "name": name, "description": "", "contactList": {}, **attributes}
    return {"type": "AudienceSegment", "attributes": asked}


def error(answer: requests.Response) -> tuple[int, str, str]:
    """Status, type and code of a refused call, after checking the shape."""
    (first,) = answer.json()["errors"]
    assert set(first) == {"traceId", "type", "code", "instance", "title", "detail"}
    return answer.status_code, first["type"], first["code"]


def warnings(answer: requests.Response) -> list[tuple[str, str]]:
    """Place and code of the items that failed inside a success."""
    assert answer.status_code == 200
    assert answer.json()["errors"] == []
    return [(warning["instance"], warning["code"]) for warning in answer.json()["warnings"]]


@pytest.fixture
def criteo(sandbox: SandboxServer) -> CriteoCaller:
    """One advertiser."""
    return CriteoCaller(sandbox)


def test_segments_are_made_in_bulk(criteo: CriteoCaller) -> None:
    """HTTP 200 whatever fails; names are unique and not empty."""
    answer = criteo.create("VIP", "", "VIP", "Lapsed")
    assert warnings(answer) == [("@data/1", "name-must-not-be-empty"), ("@data/2", "name-must-be-unique")]
    assert [set(made) for made in answer.json()["data"]] == [{"id", "type", "attributes"}] * 2
    bare = {"attributes": segment("Bare")["attributes"]}
    assert warnings(criteo.post("/audience-segments/create", bare)) == []
    foreign = criteo.post("/audience-segments/create", segment("Other", advertiserId="1"))
    assert error(foreign) == (403, "access-control", "access-control")
    odd = criteo.post("/audience-segments/create", segment("Odd", colour="red"))
    assert error(odd) == (400, "validation", "invalid-request")


def test_segments_are_found_by_pages(criteo: CriteoCaller) -> None:
    """Fifty at first, a hundred at most; filters narrow."""
    criteo.create(*(f"segment {number}" for number in range(120)))
    filters: dict[str, Any] = {"advertiserIds": [ADVERTISER], "audienceSegmentTypes": ["ContactList"]}
    first = criteo.search(**filters).json()
    assert (len(first["data"]), first["meta"]) == (50, {"totalItems": 120, "limit": 50, "offset": 0})
    pages = [criteo.search(f"?limit=100&offset={start}", **filters).json()["data"] for start in (0, 100)]
    assert [len(page) for page in pages] == [100, 20]
    assert len({found["id"] for page in pages for found in page}) == 120
    assert criteo.search("?limit=101", **filters).status_code == 400
    assert criteo.search(audienceSegmentTypes=["Lookalike"]).json()["meta"]["totalItems"] == 0
    (found,) = criteo.search(audienceSegmentIds=[first["data"][0]["id"]]).json()["data"]
    dates = {found["attributes"].pop("createdAt"), found["attributes"].pop("updatedAt")}
    assert all(date.endswith("Z") for date in dates)
    assert found["attributes"] == {
        "advertiserId": ADVERTISER,
        "name": "segment 0",
        "description": "",
        "type": "ContactList",
        "contactList": {"isReadOnly": False},
    }


def test_a_segment_is_changed_and_deleted(criteo: CriteoCaller) -> None:
    """What is absent stays; unknown ids are warnings; an amendment of a deleted one is a 404."""
    audience, other = criteo.made(), criteo.made("Lapsed")

    def change(audience: str, **attributes: object) -> list[tuple[str, str]]:
        body = {"data": [{"id": audience, "type": "AudienceSegment", "attributes": attributes}]}
        return warnings(criteo.call("PATCH", "/audience-segments", json=body))

    assert change(audience, name="Best", description={"value": None}) == []
    assert change(other, name="Best") == [("@data/0", "name-must-be-unique")]
    assert change("1", name="Any") == [("@data/0", "segment-not-found")]
    (found,) = criteo.search(audienceSegmentIds=[audience]).json()["data"]
    assert (found["attributes"]["name"], found["attributes"]["description"]) == ("Best", None)
    answer = criteo.post("/audience-segments/delete", {"id": "1"}, {"id": audience})
    assert warnings(answer) == [("@data/0", "segment-not-found")]
    assert [gone["id"] for gone in answer.json()["data"]] == [audience]
    assert error(criteo.amend(audience, [MARY])) == (404, "validation", "segment-not-found")


def test_an_amendment_counts(criteo: CriteoCaller) -> None:
    """Counts at once, and a sample of what is no identifier."""
    audience = criteo.made()
    answer = criteo.amend(audience, [MARY, "nobody"]).json()
    assert (answer["errors"], answer["warnings"]) == ([], [])
    assert answer["data"]["attributes"].pop("requestDate").endswith("Z")
    assert answer["data"]["attributes"] == {
        "contactListId": int(audience),
        "operation": "add",
        "identifierType": "email",
        "nbValidIdentifiers": 1,
        "nbInvalidIdentifiers": 1,
        "sampleInvalidIdentifiers": ["nobody"],
    }
    assert criteo.counts(audience, ["nobody"] * 30)[1:] == (30, ["nobody"] * 10)
    assert criteo.emails(audience) == {MARY}


def test_each_form_of_an_address_is_an_identifier_of_its_own(criteo: CriteoCaller) -> None:
    """Plain ones are hashed by the platform; an MD5 leaves only when it is removed itself."""
    audience = criteo.made()
    md5 = hashlib.md5(b"mary@example.com").hexdigest()
    assert criteo.counts(audience, ["mary@example.com", md5, ZOE]) == (3, 0, [])
    assert criteo.emails(audience) == {MARY, md5, ZOE}
    criteo.amend(audience, [MARY], "remove")
    assert criteo.emails(audience) == {md5, ZOE}


def test_other_identifiers(criteo: CriteoCaller) -> None:
    """gum needs a caller's number, phoneNumber the newest version."""
    audience = criteo.made()
    assert criteo.counts(audience, [str(uuid4()), "x"], identifierType="madid")[:2] == (1, 1)
    assert criteo.counts(audience, ["XY1000"], identifierType="identityLink")[:2] == (1, 0)
    assert error(criteo.amend(audience, ["g"], identifierType="gum"))[0] == 400
    assert criteo.counts(audience, ["g"], identifierType="gum", gumCallerId=7)[:2] == (1, 0)
    assert error(criteo.amend(audience, ["33612345678"], identifierType="phoneNumber"))[0] == 400
    assert error(criteo.amend(audience, [MARY], identifierType="customerid"))[0] == 400


def test_limits_of_an_amendment(criteo: CriteoCaller) -> None:
    """Fifty thousand identifiers, at least one, an operation that exists and no other field."""
    audience = criteo.made()
    assert criteo.counts(audience, [f"{number:064x}" for number in range(50_000)]) == (50_000, 0, [])
    too_many = criteo.amend(audience, [f"{number:064x}" for number in range(50_001)])
    assert error(too_many) == (400, "validation", "validation")
    assert error(criteo.amend(audience, []))[0] == 400
    assert error(criteo.amend(audience, [MARY], "replace"))[0] == 400
    assert error(criteo.amend(audience, [MARY], internalIdentifiers=False))[0] == 400


def test_ordered_rejections_are_counted(criteo: CriteoCaller) -> None:
    """With a sample, or by their number alone."""
    audience = criteo.made()
    criteo.fault(effect="reject_rows", path="*/contact-list", positions=[1])
    assert criteo.counts(audience, [MARY, ZOE]) == (1, 1, [ZOE])
    criteo.fault(effect="reject_rows", path="*/contact-list", positions=[0], unnamed=True)
    assert criteo.counts(audience, [ZOE, ANN]) == (1, 1, [])
    assert criteo.emails(audience) == {MARY, ANN}


def test_a_list_is_emptied_and_read_back(criteo: CriteoCaller) -> None:
    """Matches and sizes follow the identifiers when the platform has computed them."""
    criteo.switch(ads_processing_seconds=5 * 3_600)
    audience = criteo.made()
    criteo.amend(audience, [MARY, ZOE])
    assert criteo.statistics(audience) == {"numberOfIdentifiers": 2, "numberOfMatches": 0, "matchRate": 0.0}
    asked = {"id": audience, "type": "AudienceSegment"}
    sizes = criteo.post("/audience-segments/compute-sizes", asked, {"id": "1"})
    assert warnings(sizes) == [("@data/1", "segment-not-found")]
    assert sizes.json()["data"][0]["attributes"] == {"size": None}
    criteo.sandbox.advance_clock(5 * 3_600)
    assert criteo.statistics(audience)["matchRate"] == 1.0
    assert criteo.post("/audience-segments/compute-sizes", asked).json()["data"][0]["attributes"]["size"] == 2
    emptied = criteo.call("DELETE", f"/audience-segments/{audience}/contact-list")
    assert emptied.json()["data"]["id"] == audience
    assert criteo.emails(audience) == set()


def test_audiences_are_expressions_over_segments(criteo: CriteoCaller) -> None:
    """They are found by the segments that they name, and go without them."""
    one, two = criteo.made("One"), criteo.made("Two")

    def create(name: str, algebra: dict[str, Any]) -> requests.Response:
        attributes = {"advertiserId": ADVERTISER, "name": name, "algebra": algebra}
        return criteo.post("/audiences/create", {"type": "Audience", "attributes": attributes})

    def found(**attributes: object) -> list[str]:
        body = {"data": {"attributes": attributes}}
        content = criteo.call("POST", "/audiences/search", json=body).json()
        assert content["meta"]["totalItems"] == len(content["data"])
        return [audience["attributes"]["name"] for audience in content["data"]]

    first = create("Only one", {"audienceSegmentId": one}).json()["data"][0]["id"]
    both = {"and": [{"audienceSegmentId": one}, {"not": {"audienceSegmentId": two}}]}
    assert warnings(create("Both", both)) == []
    assert warnings(create("Both", both)) == [("@data/0", "name-must-be-unique")]
    assert warnings(create("None", {"audienceSegmentId": "1"})) == [("@data/0", "segment-not-found")]
    assert create("Odd", {"or": [], "not": {}}).status_code == 400
    assert found(audienceSegmentIds=[two]) == ["Both"]
    assert found(advertiserIds=[ADVERTISER]) == ["Only one", "Both"]

    def change(audience: str, segment: str) -> list[tuple[str, str]]:
        attributes = {"algebra": {"audienceSegmentId": segment}}
        body = {"data": [{"id": audience, "type": "Audience", "attributes": attributes}]}
        return warnings(criteo.call("PATCH", "/audiences", json=body))

    assert change(first, two) == []
    assert found(audienceSegmentIds=[two]) == ["Only one", "Both"]
    assert change(first, "1") == [("@data/0", "segment-not-found")]
    assert change("1", two) == [("@data/0", "audience-invalid")]
    assert warnings(criteo.post("/audiences/delete", {"id": first})) == []
    assert warnings(criteo.post("/audiences/delete", {"id": first})) == [("@data/0", "audience-invalid")]
    assert found() == ["Both"]


def test_tokens_live_a_quarter_of_an_hour(criteo: CriteoCaller) -> None:
    """By the app's own id and secret; an app that people let in gets a new refresh token each time."""
    address = f"{criteo.sandbox.url}/criteo/oauth2/token"
    form = {"grant_type": "client_credentials", **IN_FORM}
    given = requests.post(address, data=form, timeout=30).json()
    assert (set(given), given["expires_in"]) == ({"access_token", "token_type", "expires_in"}, 900)
    criteo.use_token(given["access_token"])
    assert criteo.create("VIP").status_code == 200
    criteo.sandbox.advance_clock(900)
    assert error(criteo.create("Other")) == (401, "authorization", "authorization-token-expired")
    criteo.use_token("unknown")
    assert error(criteo.create("Other")) == (401, "authorization", "authorization-token-invalid")
    assert requests.post(address, data={**form, "client_secret": "no"}, timeout=30).status_code == 401
    assert criteo.refresh(IN_FORM).json()["refresh_token"] != SANDBOX_ADS_REFRESH_TOKEN
    criteo.switch(ads_token_revoked=True)
    assert requests.post(address, data=form, timeout=30).status_code == 400


def test_every_answer_counts_calls(criteo: CriteoCaller) -> None:
    """What is left of the minute, and when there is more, by the caller's clock."""
    assert criteo.create("VIP").headers["x-ratelimit-limit"] == "250"
    criteo.switch(ads_requests_per_minute=1)
    answers = [criteo.search() for _ in range(3)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {error(answer) for answer in refused} == {(429, "quota", "quota")}
    assert {answer.headers["x-ratelimit-remaining"] for answer in answers} == {"0"}
    assert 0 < int(answers[-1].headers["x-ratelimit-reset"]) - time.time() <= 61


def test_versions_are_served_for_a_time(criteo: CriteoCaller) -> None:
    """Former years' are gone, the candidate is there, others never were."""
    root = f"{criteo.sandbox.url}/criteo"
    body: dict[str, Any] = {"data": {"attributes": {}}}
    served = {}
    for version in ("2023-10", "2026-07", "2027-01", "2031-01"):
        address = f"{root}/{version}/marketing-solutions/audience-segments/search"
        served[version] = criteo.session.post(address, json=body, timeout=30).status_code
    assert served == {"2023-10": 410, "2026-07": 200, "2027-01": 200, "2031-01": 404}
