"""Uploads that Google refuses as a whole, as the sandbox plays it: for a row, a field, a destination."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.conftest import sha256
from tests.sandbox.google_caller import (
    ADS,
    DEVICES,
    GoogleCaller,
    destination,
    identified,
    person,
    problems,
    reason,
)

PEOPLE = "audience_members[1].composite_data.user_data.user_identifiers"
ADDRESS = {
    "givenName": sha256("anne-marie"),
    "familyName": sha256("smith"),
    "regionCode": "US",
    "postalCode": "94105",
}


@pytest.fixture
def google(sandbox: SandboxServer) -> GoogleCaller:
    return GoogleCaller(sandbox, "google", "/token")


@pytest.mark.parametrize(
    ("identifier", "field", "expected"),
    [
        ({"emailAddress": "Ada@Example.com"}, ".email_address", "INVALID_HEX_ENCODING"),
        ({"emailAddress": sha256("a").upper()}, ".email_address", "INVALID_HEX_ENCODING"),
        ({"phoneNumber": hashlib.md5(b"a").hexdigest()}, ".phone_number", "INVALID_SHA256_FORMAT"),
        ({"emailAddress": sha256("a"), "phoneNumber": sha256("1")}, "", "INVALID_AUDIENCE_MEMBER"),
        ({}, "", "INVALID_AUDIENCE_MEMBER"),
        ({"address": {**ADDRESS, "regionCode": "us"}}, ".address.region_code", "INVALID_REGION_CODE"),
        ({"address": {**ADDRESS, "postalCode": " 9410"}}, ".address.postal_code", "INVALID_POSTAL_CODE"),
        ({"address": {**ADDRESS, "familyName": ""}}, ".address.family_name", "REQUIRED_FIELD_MISSING"),
        ({"address": {**ADDRESS, "givenName": "Anne"}}, ".address.given_name", "INVALID_HEX_ENCODING"),
    ],
)
def test_a_wrong_row_refuses_the_whole_request(
    google: GoogleCaller, identifier: dict[str, object], field: str, expected: str
) -> None:
    """The position is in the field's path, and nobody of the request is taken."""
    made = google.user_list()
    answer = google.ingest(made, person("a"), identified(identifier))
    assert problems(answer) == [(f"{PEOPLE}[0]{field}", expected)]
    assert sha256("a") not in answer.text
    assert google.size(made) == 0


def test_every_wrong_row_is_named(google: GoogleCaller) -> None:
    """All of them at once, whatever is wrong with each; a field that nobody knows is the parser's own."""
    made = google.user_list()
    too_many = identified(*[{"emailAddress": sha256(str(n))} for n in range(11)])
    wrong = [identified(), too_many, {}, {"pairData": {"pairIds": ["x"]}}]
    mixed = {"userData": {"userIdentifiers": [{"emailAddress": sha256("a")}]}}
    at = "audience_members"
    assert problems(google.ingest(made, *wrong, mixed)) == [
        (f"{at}[0].composite_data.user_data.user_identifiers", "REQUIRED_FIELD_MISSING"),
        (f"{at}[1].composite_data.user_data.user_identifiers", "TOO_MANY_USER_IDENTIFIERS"),
        (f"{at}[2]", "INVALID_AUDIENCE_MEMBER"),
        (f"{at}[3]", "NOT_ALLOWLISTED"),
        (at, "MULTIPLE_DATA_TYPES_NOT_ALLOWED"),
    ]
    unknown = google.ingest(made, person("a"), {"compositeData": {"email": "x"}})
    assert problems(unknown) == [(f"{at}[1].composite_data", "")]
    coded = google.ingest(made, identified({"emailAddress": "no code"}), encoding="BASE64")
    assert problems(coded)[0][1] == "INVALID_BASE64_ENCODING"


def test_what_a_request_needs(google: GoogleCaller) -> None:
    """People, an encoding for hashed data, accepted terms for an upload, no encryption, ten thousand at most."""
    made = google.user_list()
    needed: list[tuple[dict[str, object], tuple[str, str]]] = [
        ({"audienceMembers": None}, ("audience_members", "REQUIRED_FIELD_MISSING")),
        ({"encoding": None}, ("encoding", "REQUIRED_FIELD_MISSING")),
        ({"encryptionInfo": {}}, ("encryption_info", "INVALID_ARGUMENT")),
        (
            {"termsOfService": None},
            (
                "terms_of_service.customer_match_terms_of_service_status",
                "TERMS_AND_CONDITIONS_NOT_SIGNED",
            ),
        ),
        ({"audienceMembers": [person("a")] * 10_001}, ("audience_members", "TOO_MANY_AUDIENCE_MEMBERS")),
    ]
    for fields, expected in needed:
        assert problems(google.ingest(made, person("a"), **fields)) == [expected]
    full = [person(str(n)) for n in range(10_000)]
    assert google.outcome(google.ingest(made, *full)) == "SUCCESS"
    assert google.shown(made)["sizeInfo"]["displayNetworkMembersCount"] == "10000"


def test_destinations_are_looked_at_first(google: GoogleCaller) -> None:
    """Who may, which list, what it is fed with: one wrong destination and nothing is taken."""
    made, devices = google.user_list(), google.user_list("devices", ingestedUserListInfo=DEVICES)
    account = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
    at = "destinations[1]"
    wrong: list[tuple[dict[str, Any], tuple[str, str]]] = [
        (destination("5"), (f"{at}.product_destination_id", "INVALID_USER_LIST_ID")),
        (destination(""), (f"{at}.product_destination_id", "REQUIRED_FIELD_MISSING")),
        (destination(devices), (f"{at}.product_destination_id", "INVALID_USER_LIST_TYPE")),
        ({"productDestinationId": made}, (f"{at}.operating_account", "REQUIRED_FIELD_MISSING")),
        (
            destination(made, operatingAccount={**account, "accountId": "123-456-7890"}),
            (f"{at}.operating_account.account_id", "INVALID_NUMBER_FORMAT"),
        ),
        (
            destination(made, operatingAccount={**account, "accountType": "DISPLAY_VIDEO_ADVERTISER"}),
            (f"{at}.operating_account.account_type", "DESTINATION_ACCOUNT_TYPE_MISMATCH"),
        ),
        (
            destination(made, linkedAccount=account),
            (f"{at}.linked_account", "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT"),
        ),
        (destination(made, reference="d1"), ("destinations", "DUPLICATE_DESTINATION_REFERENCE")),
    ]
    for second, expected in wrong:
        both = [destination(made, reference="d1"), second]
        assert problems(google.ingest(made, person("a"), destinations=both)) == [expected]
    many = [destination(made)] * 11
    assert problems(google.ingest(made, person("a"), destinations=many))[0][1] == "TOO_MANY_DESTINATIONS"
    assert problems(google.ingest(made, person("a"), destinations=[]))[0][1] == "REQUIRED_FIELD_MISSING"
    foreign = destination(made, loginAccount={**account, "accountId": "5555555555"})
    assert reason(google.ingest(made, person("a"), destinations=[foreign]))[0] == 403
    google.call("PATCH", f"{ADS}/{made}", json={"membershipStatus": "CLOSED"})
    assert problems(google.ingest(made, person("a")))[0][1] == "INVALID_DESTINATION"
    assert google.remove(made, person("a")).status_code == 200
    assert google.size(made) == 0
