"""The sandboxed Microsoft Advertising answers as its Campaign Management API's REST form does."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ADS_REFRESH_TOKEN, SANDBOX_MICROSOFT_DEVELOPER_TOKEN
from connectors.sandbox.ads.microsoft import ACCOUNT, CUSTOMER
from tests.sandbox.ad_caller import IN_FORM, AdCaller
from tests.sandbox.conftest import sha256

DAY = 86_400
ITEM_ERROR = {"Index", "Code", "ErrorCode", "Message", "FieldPath", "Details", "Type"}
PEOPLE = [sha256(f"{name}@example.com") for name in ("mary", "zoe", "ann")]


class MicrosoftCaller(AdCaller):
    """One account, with the headers that every call needs."""

    def __init__(self, sandbox: SandboxServer) -> None:
        super().__init__(sandbox, "microsoft", "/common/oauth2/v2.0/token")
        account = {"CustomerAccountId": ACCOUNT, "CustomerId": CUSTOMER}
        self.session.headers.update({"DeveloperToken": SANDBOX_MICROSOFT_DEVELOPER_TOKEN, **account})

    def create(self, name: str = "VIP", **fields: object) -> requests.Response:
        return self.call("POST", "/Audiences", json={"Audiences": [wish(name, **fields)]})

    def made(self, name: str = "VIP", **fields: object) -> str:
        answer = self.create(name, **fields)
        assert answer.json()["PartialErrors"] == []
        return str(answer.json()["AudienceIds"][0])

    def apply(
        self, audience: str, items: list[str], action: str = "Add", **more: object
    ) -> requests.Response:
        data = {
            "ActionType": action,
            "AudienceId": audience,
            "CustomerListItemSubType": "Email",
            "CustomerListItems": items,
            **more,
        }
        return self.call("POST", "/CustomerListUserData/Apply", json={"CustomerListUserData": data})

    def read(self, *ids: str) -> dict[str, Any]:
        asked = {"Type": "CustomerList", "AudienceIds": list(ids) or None}
        content: dict[str, Any] = self.call("POST", "/Audiences/QueryByIds", json=asked).json()
        return content

    def emails(self, audience: str) -> set[str]:
        return {row["Email"] for row in self.members(audience)}

    def renew(self, token: str) -> requests.Response:
        scope = "https://ads.microsoft.com/msads.manage offline_access"
        return self.refresh(IN_FORM, refresh_token=token, scope=scope)


def wish(name: str, **fields: object) -> dict[str, object]:
    """A list as it is asked for."""
    asked = {"Type": "CustomerList", "Name": name, "Scope": "Account", "ParentId": ACCOUNT, **fields}
    return {key: value for key, value in asked.items() if value is not None}


def error_code(answer: requests.Response) -> str:
    """The ErrorCode of a refused call, after checking the shape of the fault."""
    fault = answer.json()
    assert answer.status_code >= 400
    if fault["Type"] == "AdApiFaultDetail":
        assert set(fault) == {"TrackingId", "Type", "Errors"}
        assert set(fault["Errors"][0]) == {"Code", "ErrorCode", "Message", "Detail"}
        return str(fault["Errors"][0]["ErrorCode"])
    assert set(fault) == {"TrackingId", "Type", "BatchErrors", "OperationErrors"}
    return str(fault["OperationErrors"][0]["ErrorCode"])


def item_codes(answer: requests.Response) -> list[tuple[int, str]]:
    """Position and ErrorCode of the items that are refused inside a success."""
    assert answer.status_code == 200
    errors = answer.json()["PartialErrors"]
    assert all(set(error) == ITEM_ERROR for error in errors)
    return [(error["Index"], error["ErrorCode"]) for error in errors]


@pytest.fixture
def microsoft(sandbox: SandboxServer) -> MicrosoftCaller:
    """One account."""
    return MicrosoftCaller(sandbox)


def test_a_list_is_made_and_read(microsoft: MicrosoftCaller) -> None:
    """Ids are strings; thirty days unless said otherwise; Name and Type alone are enough."""
    audience = microsoft.made(Description="of the shop")
    assert microsoft.read(audience) == {
        "Audiences": [
            {
                "Id": audience,
                "Name": "VIP",
                "Type": "CustomerList",
                "Description": "of the shop",
                "Scope": "Account",
                "ParentId": ACCOUNT,
                "MembershipDuration": 30,
                "SearchSize": "0",
                "AudienceNetworkSize": "0",
                "SupportedCampaignTypes": ["Audience", "Search"],
                "CustomerShare": None,
                "ForwardCompatibilityMap": [],
            }
        ],
        "PartialErrors": [],
    }
    other = microsoft.made("Lapsed", Scope=None, ParentId=None, MembershipDuration=390)
    assert [found["Id"] for found in microsoft.read()["Audiences"]] == [audience, other]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Name": "VIP"}, "CampaignServiceDuplicateAudienceName"),
        ({"Name": "n" * 129}, "CampaignServiceInvalidAudienceName"),
        ({"Description": "d" * 1_025}, "CampaignServiceInvalidAudienceDescription"),
        ({"MembershipDuration": 391}, "CampaignServiceInvalidMembershipDuration"),
        ({"MembershipDuration": 0}, "CampaignServiceInvalidMembershipDuration"),
        ({"Scope": "Customer"}, "CampaignServiceInvalidParentId"),
    ],
)
def test_a_refused_list_is_an_error_inside_a_success(
    microsoft: MicrosoftCaller, fields: dict[str, object], code: str
) -> None:
    """HTTP 200, no id in its place, and the others are made."""
    microsoft.made()
    wishes = [wish("Other", **fields), wish("Good")]
    answer = microsoft.call("POST", "/Audiences", json={"Audiences": wishes})
    assert item_codes(answer) == [(0, code)]
    assert answer.json()["AudienceIds"][0] is None
    assert answer.json()["AudienceIds"][1] is not None


def test_a_list_is_changed_and_deleted(microsoft: MicrosoftCaller) -> None:
    """What is absent stays; a scope is widened, never narrowed; unknown ids are errors of their own."""
    audience = microsoft.made(Description="of the shop")

    def change(**fields: object) -> list[tuple[int, str]]:
        body = {"Audiences": [{"Type": "CustomerList", "Id": audience, **fields}]}
        return item_codes(microsoft.call("PUT", "/Audiences", json=body))

    assert change(Name="Best", Scope="Customer", ParentId=CUSTOMER, MembershipDuration=390) == []
    (found,) = microsoft.read(audience)["Audiences"]
    assert (found["Name"], found["ParentId"], found["Description"]) == ("Best", CUSTOMER, "of the shop")
    assert found["MembershipDuration"] == 390
    assert change(Scope="Account") == [(0, "CampaignServiceInvalidScope")]
    answer = microsoft.call("DELETE", "/Audiences", json={"AudienceIds": [audience, "1"]})
    assert item_codes(answer) == [(1, "CampaignServiceInvalidAudienceId")]
    assert microsoft.read(audience)["Audiences"] == [None]
    assert change(Name="Gone") == [(0, "CampaignServiceInvalidAudienceId")]
    assert error_code(microsoft.apply(audience, PEOPLE)) == "CampaignServiceInvalidAudienceId"


def test_people_come_and_go(microsoft: MicrosoftCaller) -> None:
    """One action a request; a replacement leaves nobody else."""
    audience = microsoft.made()
    assert microsoft.apply(audience, PEOPLE[:2]).json() == {"PartialErrors": []}
    microsoft.apply(audience, PEOPLE[:1], "Remove")
    assert microsoft.emails(audience) == {PEOPLE[1]}
    microsoft.apply(audience, PEOPLE[2:], "Replace")
    assert microsoft.emails(audience) == {PEOPLE[2]}


def test_refused_items_are_named_by_position(microsoft: MicrosoftCaller) -> None:
    """What is no digest, and what a fault refuses; the others are applied."""
    audience = microsoft.made()
    answer = microsoft.apply(audience, ["mary@example.com", PEOPLE[0], PEOPLE[1].upper()])
    assert item_codes(answer) == [(0, "CustomerListInvalidItem"), (2, "CustomerListInvalidItem")]
    assert answer.json()["PartialErrors"][0]["Code"] == 8001
    microsoft.fault(effect="reject_rows", path="*/Apply", positions=[1])
    assert item_codes(microsoft.apply(audience, PEOPLE)) == [(1, "CustomerListInvalidItem")]
    assert microsoft.emails(audience) == {PEOPLE[0], PEOPLE[2]}


def test_requests_are_read_strictly(microsoft: MicrosoftCaller) -> None:
    """More than a thousand items, other actions, kinds, fields and types are refused whole."""
    audience = microsoft.made()
    assert microsoft.apply(audience, [sha256(str(n)) for n in range(1_000)]).status_code == 200
    too_many = microsoft.apply(audience, [sha256(str(n)) for n in range(1_001)])
    assert error_code(too_many) == "CustomerListTooManyItems"
    odd: tuple[dict[str, Any], ...] = (
        {"action": "None"},
        {"items": []},
        {"Colour": "red"},
        {"audience": int(audience)},
    )
    for change in odd:
        asked = {"audience": audience, "items": PEOPLE, **change}
        assert microsoft.apply(**asked).status_code == 400
    phone = microsoft.apply(audience, PEOPLE, CustomerListItemSubType="Phone")
    assert error_code(phone) == "CustomerListSubTypeNotSupported"
    assert microsoft.apply(audience, ["crm 1"], CustomerListItemSubType="CRM").json() == {"PartialErrors": []}
    assert microsoft.call("POST", "/CustomerListItems/Apply", json={}).status_code == 404


def test_members_fall_out_by_the_clock(microsoft: MicrosoftCaller) -> None:
    """After thirty days unless the list says otherwise; adding somebody again renews them."""
    short, long = microsoft.made(), microsoft.made("Long", MembershipDuration=390)
    for audience in (short, long):
        microsoft.apply(audience, PEOPLE)
    microsoft.sandbox.advance_clock(29 * DAY)
    microsoft.apply(short, PEOPLE[:1])
    microsoft.sandbox.advance_clock(2 * DAY)
    assert microsoft.emails(short) == {PEOPLE[0]}
    assert microsoft.emails(long) == set(PEOPLE)


def test_terms_are_accepted_by_a_call_or_before(microsoft: MicrosoftCaller) -> None:
    """True accepts them once and for all, false refuses the call, and without a word they must be accepted."""
    audience = microsoft.made()
    terms = "CustomerListTermsAndConditionsNotAccepted"
    assert error_code(microsoft.apply(audience, PEOPLE, AcceptCustomerMatchTerm=False)) == terms
    microsoft.switch(ads_terms_accepted=False)
    assert error_code(microsoft.apply(audience, PEOPLE)) == terms
    assert item_codes(microsoft.create("Other")) == [(0, terms)]
    assert microsoft.apply(audience, PEOPLE[:1], AcceptCustomerMatchTerm=True).status_code == 200
    assert microsoft.apply(audience, PEOPLE[1:]).status_code == 200
    assert item_codes(microsoft.create("Other")) == []


def test_sizes_are_empty_while_they_are_built(microsoft: MicrosoftCaller) -> None:
    """Null first, then text."""
    microsoft.switch(ads_processing_seconds=48 * 3_600)
    audience = microsoft.made()
    microsoft.apply(audience, PEOPLE)
    assert microsoft.read(audience)["Audiences"][0]["SearchSize"] is None
    microsoft.sandbox.advance_clock(48 * 3_600)
    assert microsoft.read(audience)["Audiences"][0]["SearchSize"] == "3"


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Authorization", 401, "InvalidCredentials"),
        ("DeveloperToken", 401, "InvalidCredentials"),
        ("CustomerAccountId", 403, "UserIsNotAuthorized"),
        ("CustomerId", 403, "UserIsNotAuthorized"),
    ],
)
def test_every_header_is_needed(microsoft: MicrosoftCaller, header: str, status: int, code: str) -> None:
    """Without it the call is refused, and nothing is created."""
    del microsoft.session.headers[header]
    answer = microsoft.create()
    assert (answer.status_code, error_code(answer)) == (status, code)
    assert microsoft.sandbox.state.audiences("microsoft") == []


def test_tokens_end_and_refresh_tokens_rotate(microsoft: MicrosoftCaller) -> None:
    """An hour for access; every refresh brings a new refresh token, and the old one works for a while only."""
    first = microsoft.renew(SANDBOX_ADS_REFRESH_TOKEN).json()
    assert first["expires_in"] == 3_600
    assert first["refresh_token"] != SANDBOX_ADS_REFRESH_TOKEN
    microsoft.use_token(first["access_token"])
    assert microsoft.create().status_code == 200
    assert microsoft.renew(SANDBOX_ADS_REFRESH_TOKEN).status_code == 200
    microsoft.sandbox.advance_clock(DAY)
    assert error_code(microsoft.create()) == "AuthenticationTokenExpired"
    assert microsoft.renew(SANDBOX_ADS_REFRESH_TOKEN).json() == {"error": "invalid_grant"}
    assert microsoft.renew(first["refresh_token"]).status_code == 200


def test_calls_are_counted_by_the_minute(microsoft: MicrosoftCaller) -> None:
    """Code 117 when there are too many."""
    microsoft.switch(ads_requests_per_minute=1)
    answers = [microsoft.create(name) for name in ("VIP", "Other", "Third")]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.json()["Errors"][0]["Code"] for answer in refused] == [117] * len(refused) != []


def test_faults_find_the_list_in_the_body(microsoft: MicrosoftCaller) -> None:
    """No path names it."""
    audience = microsoft.made()
    microsoft.fault(effect="audience_deleted", path="*/Apply", really=True)
    assert error_code(microsoft.apply(audience, PEOPLE)) == "CampaignServiceInvalidAudienceId"
    assert microsoft.sandbox.state.audiences("microsoft") == []
