"""Pinterest as the sandbox plays it: lists of records in one string, audiences around them, tokens that rotate."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from tests.sandbox.ad_caller import BASIC, IN_FORM, AdCaller
from tests.sandbox.conftest import sha256
from tests.sandbox.pinterest_openapi import pinterest_description

ACCOUNT = "/ad_accounts/549755885175"
LISTS, AUDIENCES = f"{ACCOUNT}/customer_lists", f"{ACCOUNT}/audiences"
DAY = 86_400


class Caller(AdCaller):
    """The ads API; requests and answers are held against the official description where it is at hand."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        description = pinterest_description()
        if description is not None:
            description.check(method, path, options.get("json"), answer)
        return answer

    def make_list(self, *records: str, **fields: object) -> str:
        wish = {"name": "seg_high_value", "list_type": "EMAIL", "records": ",".join(records), **fields}
        answer = self.call("POST", LISTS, json=wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def patch(self, list_id: str, op: str, *records: str) -> requests.Response:
        body = {"operation_type": op, "records": ",".join(records)}
        return self.call("PATCH", f"{LISTS}/{list_id}", json=body)

    def wrap(self, list_id: str, name: str = "seg_high_value") -> requests.Response:
        rule = {"customer_list_id": list_id}
        wish = {"name": name, "audience_type": "CUSTOMER_LIST", "description": "synced", "rule": rule}
        return self.call("POST", AUDIENCES, json=wish)

    def digests(self, list_id: str) -> set[str]:
        return {value for member in self.members(list_id) for value in member.values()}


@pytest.fixture
def pinterest(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "pinterest", "/v5/oauth/token")


def people(*names: object) -> list[str]:
    return [sha256(str(name)) for name in names]


def refusal(answer: requests.Response) -> tuple[int, int]:
    """Status and the application's code, after checking the body's shape."""
    content = answer.json()
    assert set(content) == {"code", "message"}
    return answer.status_code, content["code"]


def test_the_official_description_is_used(pinterest: Caller) -> None:
    """Every test here checks against it; this one says when it does not."""
    if pinterest_description() is None:
        pytest.skip("Pinterest's OpenAPI description is not at hand")
    account = pinterest.call("GET", ACCOUNT).json()
    assert (account["id"], account["permissions"]) == ("549755885175", ["ADMIN"])


def test_a_list_is_made_of_records_and_an_audience_wraps_it(pinterest: Caller) -> None:
    """Two objects, each read back as it was made; the audience follows its list."""
    list_id = pinterest.make_list(*people("a", "b"))
    made = pinterest.call("GET", f"{LISTS}/{list_id}").json()
    assert {name: made[name] for name in made if not name.endswith("_time")} == {
        "id": list_id,
        "ad_account_id": "549755885175",
        "type": "customerlist",
        "name": "seg_high_value",
        "status": "TOO_SMALL",
        "num_batches": 1,
        "num_uploaded_user_records": 2,
        "num_removed_user_records": 0,
        "exceptions": {},
    }
    audience = pinterest.wrap(list_id).json()
    assert {name: audience[name] for name in audience if not name.endswith("_timestamp")} == {
        "id": audience["id"],
        "ad_account_id": "549755885175",
        "type": "audience",
        "audience_type": "CUSTOMER_LIST",
        "name": "seg_high_value",
        "description": "synced",
        "rule": {"customer_list_id": list_id},
        "size": 2,
        "status": "TOO_SMALL",
    }
    pinterest.patch(list_id, "ADD", *people(*range(98)))
    shown = pinterest.call("GET", f"{AUDIENCES}/{audience['id']}").json()
    assert (shown["size"], shown["status"]) == (100, "READY")
    assert pinterest.call("GET", f"{LISTS}/{list_id}").json()["status"] == "READY"


def test_audiences_are_changed_and_removed_but_lists_are_not(pinterest: Caller) -> None:
    """The list stays when its audience goes; a list can't be deleted."""
    list_id = pinterest.make_list(*people("a"))
    path = f"{AUDIENCES}/{pinterest.wrap(list_id).json()['id']}"
    changed = pinterest.call("PATCH", path, json={"operation_type": "UPDATE", "name": "other"})
    assert (changed.json()["name"], changed.json()["description"]) == ("other", "synced")
    assert pinterest.call("PATCH", path, json={"operation_type": "REMOVE"}).status_code == 200
    assert refusal(pinterest.call("GET", path)) == (404, 404)
    assert refusal(pinterest.call("PATCH", path, json={"name": "x"})) == (404, 404)
    assert pinterest.call("DELETE", f"{LISTS}/{list_id}").status_code == 404
    assert pinterest.digests(list_id) == set(people("a"))


def test_records_come_and_go(pinterest: Caller) -> None:
    """Counters count records, doubles and absent ones included; a comma at the end is as good as none."""
    list_id = pinterest.make_list(*people("a", "b"))
    added = pinterest.patch(list_id, "ADD", *people("b", "c"), "").json()
    removed = pinterest.patch(list_id, "REMOVE", *people("a", "nobody")).json()
    counters = ("num_batches", "num_uploaded_user_records", "num_removed_user_records")
    assert [tuple(answer[name] for name in counters) for answer in (added, removed)] == [(2, 4, 0), (3, 4, 2)]
    assert pinterest.digests(list_id) == set(people("b", "c"))


def test_addresses_are_known_by_their_digest(pinterest: Caller) -> None:
    """Plain text and three digests are permitted, e-mails and devices mixed; what can't match is passed over."""
    device = sha256("38400000-8cf0-11bd-b23e-10b96e40000d")
    md5, sha1 = hashlib.md5(b"a").hexdigest(), hashlib.sha1(b"a").hexdigest()
    list_id = pinterest.make_list("mary@example.com", device, md5, sha1, "Mary@example.com", "1555", "A" * 64)
    assert pinterest.digests(list_id) == {sha256("mary@example.com"), device, md5, sha1}
    pinterest.patch(list_id, "REMOVE", sha256("mary@example.com"))
    assert pinterest.digests(list_id) == {device, md5, sha1}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "list_type": "EMAIL"},
        {"name": "x", "records": ""},
        {"name": "x", "records": " , ,"},
        {"name": "", "records": "a@b.cc"},
        {"name": "x", "records": ["a@b.cc"]},
        {"name": "x", "records": "a@b.cc", "list_type": "PHONE"},
        {"name": "x", "records": "a@b.cc", "more": 1},
        [],
    ],
)
def test_lists_are_read_strictly(pinterest: Caller, body: object) -> None:
    """No list without records; unknown fields and kinds are refused, and nothing is made."""
    answer = pinterest.call("POST", LISTS, json=body)
    assert refusal(answer) == (400, 1)
    assert "a@b" not in answer.text
    assert pinterest.call("GET", LISTS).json() == {"items": [], "bookmark": None}


def test_updates_and_audiences_are_read_strictly(pinterest: Caller) -> None:
    """One operation a call; an audience wraps a list that exists."""
    list_id = pinterest.make_list(*people("a"))
    assert refusal(pinterest.patch(list_id, "REPLACE", *people("b"))) == (400, 1)
    assert refusal(pinterest.patch(list_id, "ADD")) == (400, 1)
    assert refusal(pinterest.patch("1", "ADD", *people("b"))) == (404, 404)
    assert refusal(pinterest.wrap("1")) == (400, 1)
    wrong = {"name": "x", "audience_type": "VISITOR", "rule": {"customer_list_id": list_id}}
    assert refusal(pinterest.call("POST", AUDIENCES, json=wrong)) == (400, 1)
    assert refusal(pinterest.call("GET", LISTS.replace("549755885175", "1"))) == (403, 7)
    assert pinterest.digests(list_id) == set(people("a"))


def test_lists_and_audiences_are_paged(pinterest: Caller) -> None:
    """By id, 25 a page, at most 250, either way; the last page has no bookmark."""
    made = [pinterest.make_list("a@b.cc", name=f"list {number}") for number in range(27)]
    wrapped = [pinterest.wrap(list_id).json()["id"] for list_id in made[:3]]
    first = pinterest.call("GET", LISTS).json()
    second = pinterest.call("GET", LISTS, params={"bookmark": first["bookmark"]}).json()
    assert [[shown["id"] for shown in page["items"]] for page in (first, second)] == [made[:25], made[25:]]
    assert second["bookmark"] is None
    last = pinterest.call("GET", AUDIENCES, params={"page_size": "2", "order": "DESCENDING"}).json()
    assert [shown["id"] for shown in last["items"]] == wrapped[:0:-1]
    assert len(pinterest.call("GET", LISTS, params={"page_size": "250"}).json()["items"]) == 27
    for wrong in ({"page_size": "251"}, {"page_size": "0"}, {"bookmark": "x"}, {"order": "UP"}):
        assert refusal(pinterest.call("GET", LISTS, params=wrong)) == (400, 1)


def test_refused_records_are_told_by_nothing(pinterest: Caller) -> None:
    """Counters and exceptions are as if they were taken; they are not in the list."""
    list_id = pinterest.make_list(*people("a"))
    pinterest.fault(path="*/customer_lists/*", effect="reject_rows", positions=[0])
    answer = pinterest.patch(list_id, "ADD", *people("b", "c")).json()
    assert (answer["num_uploaded_user_records"], answer["exceptions"]) == (3, {})
    assert pinterest.digests(list_id) == set(people("a", "c"))


def test_sizes_and_statuses_lag(pinterest: Caller) -> None:
    """Processing and initializing first; later the size before the upload is shown until it is worked on."""
    pinterest.switch(ads_processing_seconds=600)
    list_id = pinterest.make_list(*people(*range(100)))
    audience = pinterest.wrap(list_id).json()

    def shown() -> tuple[str, str, int | None]:
        content = pinterest.call("GET", f"{AUDIENCES}/{audience['id']}").json()
        return (
            pinterest.call("GET", f"{LISTS}/{list_id}").json()["status"],
            content["status"],
            content["size"],
        )

    assert shown() == ("PROCESSING", "INITIALIZING", None)
    pinterest.sandbox.advance_clock(600)
    assert shown() == ("READY", "READY", 100)
    pinterest.patch(list_id, "REMOVE", *people(1))
    assert shown() == ("PROCESSING", "READY", 100)
    pinterest.sandbox.advance_clock(600)
    assert shown() == ("TOO_SMALL", "TOO_SMALL", 99)


def test_terms_hold_back_uploads(pinterest: Caller) -> None:
    """403 until they are accepted; reading works."""
    list_id = pinterest.make_list(*people("a"))
    pinterest.switch(ads_terms_accepted=False)
    assert refusal(pinterest.patch(list_id, "ADD", *people("b"))) == (403, 3)
    assert refusal(pinterest.call("POST", LISTS, json={"name": "x", "records": "a@b.cc"})) == (403, 3)
    assert pinterest.call("GET", f"{LISTS}/{list_id}").status_code == 200


def test_a_refresh_token_works_once(pinterest: Caller) -> None:
    """Each refresh gives a new one for sixty days, and the old one ends; the client is in a header."""
    first = pinterest.refresh(BASIC, continuous_refresh="true", scope="ads:read,ads:write")
    description = pinterest_description()
    if description is not None:
        description.check("POST", "/oauth/token", {"grant_type": "refresh_token"}, first)
    assert (first.json()["scope"], first.json()["token_type"]) == ("ads:read ads:write", "bearer")
    assert refusal(pinterest.refresh(BASIC)) == (400, 1)
    second = pinterest.refresh(BASIC, refresh_token=first.json()["refresh_token"])
    pinterest.use_token(second.json()["access_token"])
    assert pinterest.call("GET", ACCOUNT).status_code == 200
    pinterest.sandbox.advance_clock(second.json()["expires_in"])
    assert refusal(pinterest.call("GET", ACCOUNT)) == (401, 2)
    assert refusal(pinterest.refresh(IN_FORM)) == (401, 2)
    pinterest.sandbox.advance_clock(60 * DAY)
    assert refusal(pinterest.refresh(BASIC, refresh_token=second.json()["refresh_token"])) == (400, 1)


def test_every_answer_tells_what_is_left(pinterest: Caller) -> None:
    """Limit, what remains of it, and seconds until it is whole again; one too many is 429 with code 8."""
    free = pinterest.call("GET", ACCOUNT).headers
    assert (free["X-RateLimit-Limit"], free["X-RateLimit-Reset"]) == ("100", "1")
    pinterest.allow(2)
    answers = [pinterest.call("GET", path) for path in (ACCOUNT, f"{LISTS}/1", ACCOUNT)]
    assert [answer.status_code for answer in answers] == [200, 404, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert refusal(answers[-1]) == (429, 8)
    assert 0 < int(answers[-1].headers["X-RateLimit-Reset"]) <= 60
    pinterest.sandbox.advance_clock(60)
    assert pinterest.call("GET", ACCOUNT).status_code == 200
