"""Iterable as the sandbox plays it: static lists, every row's fate in the answer, text to read members."""

from __future__ import annotations

import hashlib

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ITERABLE_EMAIL_KEY, SANDBOX_ITERABLE_KEY
from tests.sandbox.email_caller import EmailCaller

ADA = "ada@example.com"
WISHES = [{"email": ADA, "subscribedMessageTypeIds": [9]}, {"email": "no@example.com"}]
KINDS = ("invalid", "notFound", "forgotten", "conflict", "invalidData")


class Caller(EmailCaller):
    """The API of one project."""

    def new_list(self, name: str = "vip") -> int:
        return int(self.call("POST", "/api/lists", json={"name": name}).json()["listId"])

    def change(self, op: str, list_id: int, *rows: dict[str, object], **more: object) -> requests.Response:
        if op == "unsubscribe":
            more = {"channelUnsubscribe": False, **more}
        body = {"listId": list_id, "subscribers": list(rows), **more}
        return self.call("POST", f"/api/lists/{op}", json=body)

    def lines(self, list_id: int, **query: object) -> list[str]:
        answer = self.call("GET", "/api/lists/getUsers", params={"listId": str(list_id), **query})
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text.splitlines()

    def user(self, email: str) -> dict[str, object]:
        return dict(self.call("GET", f"/api/users/{email}").json()["user"])


@pytest.fixture
def iterable(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "iterable", {"Api-Key": SANDBOX_ITERABLE_KEY})


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, after checking its shape."""
    content = answer.json()
    assert set(content) == {"msg", "code", "params"}
    return answer.status_code, content["code"]


def failures(answer: requests.Response) -> dict[str, list[str]]:
    """The failed rows by reason, after checking the answer's shape."""
    content = answer.json()
    assert answer.status_code == 200, answer.text
    assert set(content) == {
        "successCount",
        "failCount",
        "createdFields",
        "filteredOutFields",
        "failedUpdates",
    }
    updates = content["failedUpdates"]
    assert set(updates) == {f"{kind}{what}" for kind in KINDS for what in ("Emails", "UserIds")}
    assert sum(len(rows) for rows in updates.values()) == content["failCount"]
    return {name: rows for name, rows in updates.items() if rows}


def test_lists_are_made_listed_and_deleted(iterable: Caller) -> None:
    """Static ones; two may have one name; a missing one is a bad parameter."""
    first, second = iterable.new_list(), iterable.new_list()
    shown = iterable.call("GET", "/api/lists").json()["lists"]
    assert [each["id"] for each in shown] == [first, second]
    assert set(shown[0]) == {"id", "name", "description", "createdAt", "listType"}
    assert shown[0]["listType"] == "Standard"
    assert iterable.call("DELETE", f"/api/lists/{first}").json()["code"] == "Success"
    for answer in (
        iterable.call("DELETE", f"/api/lists/{first}"),
        iterable.change("subscribe", first, {"email": "ada@example.com"}),
        iterable.change("unsubscribe", first, {"email": "ada@example.com"}),
        iterable.call("GET", f"/api/lists/{first}/size"),
        iterable.call("GET", "/api/lists/getUsers"),
        iterable.call("POST", "/api/lists", json={"name": ""}),
    ):
        assert refusal(answer) == (400, "BadParams")


def test_members_come_and_go(iterable: Caller) -> None:
    """By e-mail in any case or by user id; who is there already, or is not, is a success."""
    vip = iterable.new_list()
    iterable.put("ada@example.com")
    iterable.put("bob@example.com", external_id="u-2")
    rows: list[dict[str, object]] = [{"email": "ADA@example.com"}, {"userId": "u-2"}, {"userId": "u-2"}]
    answer = iterable.change("subscribe", vip, *rows, updateExistingUsersOnly=True)
    assert (failures(answer), answer.json()["successCount"]) == ({}, 3)
    assert (iterable.lines(vip), iterable.lines(vip, preferUserId="true")) == (
        ["ada@example.com", "bob@example.com"],
        ["ada@example.com", "u-2"],
    )
    assert iterable.call("GET", f"/api/lists/{vip}/size").text == "2"
    preview = iterable.call("GET", "/api/lists/previewUsers", params={"listId": str(vip)})
    assert preview.text.splitlines() == iterable.lines(vip)
    gone = iterable.change("unsubscribe", vip, {"email": "ada@example.com"}, {"email": "no@example.com"})
    assert failures(gone) == {"notFoundEmails": ["no@example.com"]}
    assert iterable.members(str(vip)) == ["bob@example.com"]
    assert failures(iterable.change("unsubscribe", vip, {"email": "ada@example.com"})) == {}


def test_every_failed_row_is_named(iterable: Caller) -> None:
    """By its value, addresses in lower case, each under its reason; the others are in."""
    vip = iterable.new_list()
    iterable.put("ada@example.com", external_id="u-1")
    iterable.put("bob@example.com", external_id="u-2")
    iterable.call("POST", "/api/users/forget", json={"email": "gone@example.com"})
    iterable.change("subscribe", vip, {"email": "ada@example.com", "dataFields": {"age": 5}})
    answer = iterable.change(
        "subscribe",
        vip,
        {"email": "Bad@"},
        {"userId": " u"},
        {"userId": "x" * 53},
        {"email": "Nobody@example.com"},
        {"userId": "nobody"},
        {"email": "GONE@example.com"},
        {"email": "ada@example.com", "userId": "u-2"},
        {"userId": "u-2", "dataFields": {"age": "five"}},
        {"email": "bob@example.com", "userId": "u-2"},
        updateExistingUsersOnly=True,
    )
    assert failures(answer) == {
        "invalidEmails": ["bad@"],
        "invalidUserIds": [" u", "x" * 53],
        "notFoundEmails": ["nobody@example.com"],
        "notFoundUserIds": ["nobody"],
        "forgottenEmails": ["gone@example.com"],
        "conflictEmails": ["ada@example.com"],
        "invalidDataUserIds": ["u-2"],
    }
    assert iterable.members(str(vip)) == ["ada@example.com", "bob@example.com"]


def test_users_are_made_unless_a_project_heeds_the_wish(iterable: Caller, sandbox: SandboxServer) -> None:
    """A hybrid project does; one that knows users by e-mail makes them whatever the call says."""
    vip = iterable.new_list()
    iterable.change("subscribe", vip, {"email": "ada@example.com"}, {"userId": "u-1"})
    assert len(iterable.people()) == 2
    other = Caller(sandbox, "iterable", {"Api-Key": SANDBOX_ITERABLE_EMAIL_KEY})
    rows: list[dict[str, object]] = [
        {"email": "bob@example.com"},
        {"userId": "u-8"},
        {"userId": "u-9", "preferUserId": True},
    ]
    answer = other.change("subscribe", vip, *rows, updateExistingUsersOnly=True)
    assert failures(answer) == {"notFoundUserIds": ["u-8"]}
    assert len(iterable.people()) == 3
    assert {person.external_id for person in iterable.sandbox.state.email.people("iterable")} == {
        None,
        "u-1",
        "u-9",
    }
    assert all(iterable.consent(person.id) == "unknown" for person in iterable.people().values())


def test_fields_are_made_and_keep_their_type(iterable: Caller) -> None:
    """New names are told; they can be left out instead; objects are merged on demand; a thousand is too many."""
    user = {"email": "ada@example.com", "dataFields": {"tier": "gold", "o": {"a": 1}}}
    assert iterable.call("POST", "/api/users/bulkUpdate", json={"users": [user]}).json()["createdFields"] == [
        "o",
        "tier",
    ]
    more = {"email": "ada@example.com", "dataFields": {"new": 1, "o": {"b": 2}}, "mergeNestedObjects": True}
    answer = iterable.call("POST", "/api/users/bulkUpdate", json={"users": [more], "createNewFields": False})
    assert answer.json()["filteredOutFields"] == ["new"]
    assert iterable.people()["ada@example.com"].attributes == {"tier": "gold", "o": {"a": 1, "b": 2}}
    known = iterable.call("GET", "/api/users/getFields").json()["fields"]
    assert known == {"tier": "string", "o": "object"}
    update = "/api/users/update"
    wrong = {"email": "ada@example.com", "dataFields": {"tier": 5}}
    assert refusal(iterable.call("POST", update, json=wrong)) == (400, "RequestFieldsTypesMismatched")
    crowd = {"email": "ada@example.com", "dataFields": {f"f{number}": 1 for number in range(999)}}
    assert refusal(iterable.call("POST", update, json=crowd)) == (400, "UniqueFieldsLimitExceeded")
    assert iterable.call("POST", update, json=user).json()["code"] == "Success"
    only = {"users": [{"email": "new@example.com"}], "updateOnlyExisting": True}
    assert failures(iterable.call("POST", "/api/users/bulkUpdate", json=only)) == {
        "notFoundEmails": ["new@example.com"]
    }


def test_requests_have_limits(iterable: Caller) -> None:
    """A thousand subscribers and 4 MB; rows without a name and unknown fields are refused."""
    vip = iterable.new_list()
    rows: list[dict[str, object]] = [{"email": f"u{number}@example.com"} for number in range(1_001)]
    assert refusal(iterable.change("subscribe", vip, *rows)) == (400, "BatchTooLarge")
    assert iterable.change("subscribe", vip, *rows[1:]).json()["successCount"] == 1_000
    large: dict[str, object] = {"email": "a@example.com", "dataFields": {"x": "x" * 4_000_000}}
    assert refusal(iterable.change("subscribe", vip, large)) == (413, "BatchTooLarge")
    for op in ("subscribe", "unsubscribe"):
        wrong: list[list[dict[str, object]]] = [[], [{}], [{"email": 5}], [{"email": "a@b.co", "x": 1}]]
        for each in wrong:
            assert refusal(iterable.change(op, vip, *each)) == (400, "BadParams")


@pytest.mark.parametrize(
    ("method", "path", "body", "channel"),
    [
        ("POST", "/users/updateSubscriptions", {"email": ADA, "unsubscribedChannelIds": []}, "email"),
        ("POST", "/users/bulkUpdateSubscriptions", {"updateSubscriptionsRequests": WISHES}, "type 9"),
        ("POST", "/users/update", {"email": ADA, "dataFields": {"unsubscribedChannelIds": []}}, "email"),
        ("PUT", "/subscriptions/messageChannel/1?action=subscribe", {"users": [ADA]}, "email"),
        ("POST", "/users/unforget", {"email": "gone@example.com"}, "forgotten"),
    ],
)
def test_some_calls_resubscribe(
    iterable: Caller, method: str, path: str, body: dict[str, object], channel: str
) -> None:
    """The calls that a sync must never make; being in a list touches no consent."""
    person = iterable.put("ada@example.com", "unsubscribed")
    iterable.call("POST", "/api/users/forget", json={"email": "gone@example.com"})
    vip = iterable.new_list()
    iterable.change("subscribe", vip, {"email": "ada@example.com", "dataFields": {"tier": "gold"}})
    assert (iterable.widened(), iterable.consent(person)) == ([], "unsubscribed")
    fields = iterable.user("ada@example.com")["dataFields"]
    assert fields == {
        "tier": "gold",
        "emailListIds": [vip],
        "unsubscribedChannelIds": [1],
        "unsubscribedMessageTypeIds": [],
    }
    assert iterable.call(method, "/api" + path, json=body).status_code == 200
    assert [change.channel for change in iterable.widened()] == [channel]


def test_leaving_a_list_can_mean_leaving_the_channel(iterable: Caller) -> None:
    """Unless the call says no: documents differ on silence, which does harm here."""
    person = iterable.put("ada@example.com", "subscribed")
    vip = iterable.new_list()
    iterable.change("subscribe", vip, {"email": "ada@example.com"})
    iterable.change("unsubscribe", vip, {"email": "ada@example.com"})
    assert iterable.consent(person) == "subscribed"
    silent = {"listId": vip, "subscribers": [{"email": "ada@example.com"}]}
    iterable.call("POST", "/api/lists/unsubscribe", json=silent)
    assert iterable.consent(person) == "unsubscribed"
    put = f"/api/subscriptions/emailList/{vip}?action=subscribe"
    iterable.call("PUT", put, json={"users": ["ada@example.com"]})
    assert iterable.members(str(vip)) == ["ada@example.com"]
    assert refusal(iterable.call("PUT", put + "d", json={})) == (400, "BadParams")


def test_users_are_deleted_or_forgotten(iterable: Caller) -> None:
    """Deletion comes later and is not for good; who is forgotten is known by a digest."""
    iterable.put("ada@example.com", external_id="u-1")
    iterable.switch(email_processing_seconds=10)
    assert iterable.call("DELETE", "/api/users/byUserId/u-1").json()["code"] == "Success"
    assert iterable.user("ada@example.com")["userId"] == "u-1"
    asked = iterable.call("GET", "/api/users/getByEmail", params={"email": "Ada@example.com"})
    assert asked.json()["user"] == iterable.user("ada@example.com")
    iterable.sandbox.advance_clock(10)
    assert iterable.call("GET", "/api/users/byUserId/u-1").json() == {}
    assert refusal(iterable.call("DELETE", "/api/users/ada@example.com")) == (404, "UnknownEmailError")
    iterable.call("POST", "/api/users/forget", json={"email": "Ada@example.com"})
    hashed = hashlib.sha256(b"ada@example.com").hexdigest()
    assert iterable.call("GET", "/api/users/forgotten").json() == {"hashedEmails": [hashed]}
    answer = iterable.call("POST", "/api/users/update", json={"email": "ada@example.com"})
    assert refusal(answer) == (400, "ForgottenUserError")


def test_faults_and_rates(iterable: Caller) -> None:
    """Refused rows are invalid ones; members can be read five times a minute where requests are limited."""
    vip = iterable.new_list()
    for op in ("subscribe", "unsubscribe"):
        iterable.fault(path=f"*/{op}", effect="reject_rows", positions=[0])
        answer = iterable.change(op, vip, {"email": "ada@example.com"}, {"email": "bob@example.com"})
        assert failures(answer) == {"invalidEmails": ["ada@example.com"]}
    iterable.fault(path="*/getUsers", effect="audience_deleted")
    gone = iterable.call("GET", "/api/lists/getUsers", params={"listId": str(vip)})
    assert refusal(gone) == (400, "BadParams")
    iterable.sandbox.faults.replace([])
    vip = iterable.new_list()
    iterable.allow(8)
    answers = [iterable.call("GET", f"/api/lists/{vip}/size") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert refusal(answers[5]) == (429, "RateLimitExceeded")
    assert set(answers[5].json()["params"]) == {"rateLimitLimit", "rateLimitRemaining", "rateLimitReset"}
    iterable.call("GET", "/api/lists")
    iterable.call("GET", "/api/lists")
    assert refusal(iterable.call("GET", "/api/lists")) == (429, "RateLimitExceeded")
    iterable.switch(email_requests_per_minute=0, email_token_revoked=True)
    assert refusal(iterable.call("GET", "/api/lists")) == (401, "BadApiKey")
    iterable.switch(email_token_revoked=False)
    assert refusal(iterable.call("GET", "/api/nothing")) == (404, "NotFound")
