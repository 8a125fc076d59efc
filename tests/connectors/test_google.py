"""Google's requests and errors, against a scripted server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.google.settings import GoogleOptions
from connectors.testing import FastTime
from tests.connectors.google_account import LIST, MARY, account, add, error
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted

REQUEST = AudienceRequest("Lapsed", "turnout:lapsed", None)
NYC = "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac"
PHONE = "a6e349c7a8850f27ebcfa1865854e845c074da83ff19384d4b4c9df78357fa5a"
GB_PHONE = "20b18ac9de7b3aad174961827d8e451c410af9aedfd1d699927f4b29b81aa1fa"
ANNE_MARIE = "9ab5e3bbcfaa6dcec4f2871573324f033775b46d42dc25f199ea4ae0af64b1ed"
O_NEIL = "eb1aed4f494ca276a88d3161252e48e0fe703f32666fe44fe4652f660b82cda4"
SMITH = "6627835f988e2c5e50533d491163072d3f4f41f5c8b04630150debb3722ca2dd"
HOME = f"{ANNE_MARIE} {SMITH} US 94105"
LISTS = "/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists"


@pytest.fixture
def google(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """Makes connectors with other settings."""
    return lambda **more: account(server, time, tmp_path, **more)


@pytest.mark.parametrize(
    ("name", "raw", "sent"),
    [
        ("emailAddress", ("  Mary.Smith+news@Gmail.com ",), MARY),
        ("emailAddress", ("User.Name+NYC@Example.com",), NYC),
        ("phoneNumber", ("+1 (555) 987-6543", None), PHONE),
        ("phoneNumber", ("44 7911 123456", "GB"), GB_PHONE),
        ("address", ("  Anne-Marie ", " Smith ", "United States", " 94105 "), HOME),
        ("address", ("Anne-Marie", "O'Neil", "us", "94105-1234"), f"{ANNE_MARIE} {O_NEIL} US 94105-1234"),
        ("address", ("Anne-Marie", "Smith", "GB", "SW1A 1AA"), f"{ANNE_MARIE} {SMITH} GB SW1A 1AA"),
        ("address", ("Anne-Marie", "Smith", "US", "2134.0"), f"{ANNE_MARIE} {SMITH} US 02134"),
        ("address", ("Anne-Marie", "Smith", None, "94105"), None),
        ("address", ("Anne-Marie", None, "US", "94105"), None),
        ("address", ("Anne-Marie", "Smith", "US", "941"), f"{ANNE_MARIE} {SMITH} US 00941"),
        ("address", ("Anne-Marie", "Smith", "US", "ABC"), None),
    ],
)
def test_identifiers_are_those_of_the_sheet(
    google: Any, name: str, raw: tuple[str | None, ...], sent: str | None
) -> None:
    """Gmail's dots and tags go, names stay as written, and an address is whole or not there."""
    assert digest(google(), name, *raw) == sent


def test_an_upload_is_one_request_for_one_list(server: Scripted, google: Any) -> None:
    """Account, list, encoding, consent and terms around the people, whose identifiers stand together."""
    answers(server, Reply(body={"requestId": "r" * 250}))
    opened = google(login_account="999-000-1111", quota_project="our-project")
    rows = table(emailAddress=[MARY, None], phoneNumber=[PHONE, GB_PHONE], address=[HOME, None])
    receipt = opened.add(LIST, rows, batch("add", 2))
    [seen] = asked(server)
    assert (seen.method, seen.path) == ("POST", "/audienceMembers:ingest")
    assert seen.headers["Authorization"] == "Bearer access-1"
    assert seen.headers["x-goog-user-project"] == "our-project"
    address = {"givenName": ANNE_MARIE, "familyName": SMITH, "regionCode": "US", "postalCode": "94105"}
    people = [
        [{"emailAddress": MARY}, {"phoneNumber": PHONE}, {"address": address}],
        [{"phoneNumber": GB_PHONE}],
    ]
    assert seen.json == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
                "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": "9990001111"},
                "productDestinationId": "7090784486",
            }
        ],
        "encoding": "HEX",
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        "audienceMembers": [
            {"compositeData": {"userData": {"userIdentifiers": person}}} for person in people
        ],
    }
    assert (receipt.status, receipt.reference) == ("accepted", "r" * 250)
    assert opened.limits.asks_after == timedelta(minutes=30)


def test_a_removal_says_nothing_of_consent(server: Scripted, google: Any) -> None:
    """The same identifiers, and no terms: they may have been withdrawn, and people still leave."""
    answers(server, Reply(body={"requestId": "r-2"}))
    opened = google(
        accept_customer_match_terms=False, account_type="DISPLAY_VIDEO_ADVERTISER", operating_account="77"
    )
    assert opened.remove(LIST, table(emailAddress=[MARY]), batch("remove", 1)).reference == "r-2"
    [seen] = asked(server)
    assert isinstance(seen.json, dict)
    assert seen.path == "/audienceMembers:remove"
    assert set(seen.json) == {"destinations", "encoding", "audienceMembers"}
    account = {"accountType": "DISPLAY_VIDEO_ADVERTISER", "accountId": "77"}
    assert seen.json["destinations"] == [{"operatingAccount": account, "productDestinationId": "7090784486"}]


def test_nobody_is_added_before_the_terms_are_accepted(server: Scripted, google: Any) -> None:
    """The message says what to set; nothing is sent, and no list is made."""
    opened = google(accept_customer_match_terms=False)
    with pytest.raises(ActionNeeded, match="set TURNOUT_GOOGLE_ACCEPT_CUSTOMER_MATCH_TERMS=true"):
        add(opened, MARY)
    assert server.seen == []
    answers(server, Reply(body={"userLists": []}))
    with pytest.raises(ActionNeeded, match="ACCEPT_CUSTOMER_MATCH_TERMS"):
        opened.open_audience(REQUEST, GoogleOptions())
    assert {seen.method for seen in asked(server)} == {"GET"}


CONSEQUENCES: list[tuple[int, str, tuple[str, ...], type[Exception]]] = [
    (429, "RESOURCE_EXHAUSTED", ("RATE_LIMIT_EXCEEDED",), QuotaExhausted),
    (500, "INTERNAL", (), Uncertain), (503, "UNAVAILABLE", (), Uncertain), (504, "DEADLINE_EXCEEDED", (), Uncertain),
    (400, "INVALID_ARGUMENT", ("INTERNAL_ERROR",), Uncertain),
    (403, "PERMISSION_DENIED", (), AuthFailed), (403, "PERMISSION_DENIED", ("SERVICE_DISABLED",), ActionNeeded),
    (400, "INVALID_ARGUMENT", ("INVALID_USER_LIST_ID",), AudienceGone), (404, "NOT_FOUND", (), AudienceGone),
    *[
        (400, "INVALID_ARGUMENT", (reason,), ActionNeeded)
        for reason in (
            "INVALID_DESTINATION", "DESTINATION_ACCOUNT_TYPE_MISMATCH", "INVALID_USER_LIST_TYPE",
            "TERMS_AND_CONDITIONS_NOT_SIGNED", "ADVERTISER_TOS_NOT_ACCEPTED", "NOT_ALLOWLISTED",
            "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", "DISPLAY_NAME_ALREADY_USED",
        )
    ],
    *[
        (400, "INVALID_ARGUMENT", (reason,), Refused)
        for reason in (
            "TOO_MANY_AUDIENCE_MEMBERS", "TOO_MANY_USER_IDENTIFIERS", "TOO_MANY_DESTINATIONS",
            "MULTIPLE_DATA_TYPES_NOT_ALLOWED", "INVALID_REMOVE_AS_OF_TIME", "MEMBERSHIP_DURATION_TOO_LONG",
            "SOMETHING_NEW",
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(("status", "name", "reasons", "consequence"), CONSEQUENCES)
def test_every_error_has_its_consequence(
    server: Scripted,
    google: Any,
    status: int,
    name: str,
    reasons: tuple[str, ...],
    consequence: type[Exception],
) -> None:
    """Each documented reason and status raises what must happen next, and quotes nobody."""
    answers(server, error(status, name, *reasons))
    with pytest.raises(consequence) as failed:
        add(google(), MARY)
    assert type(failed.value) is consequence
    assert "ann@" not in str(failed.value)


@pytest.mark.parametrize(
    "reason",
    [
        "INVALID_HEX_ENCODING", "INVALID_BASE64_ENCODING", "INVALID_SHA256_FORMAT", "INVALID_POSTAL_CODE",
        "INVALID_REGION_CODE", "INVALID_MOBILE_ID_FORMAT", "INVALID_AUDIENCE_MEMBER", "REQUIRED_FIELD_MISSING",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "path",
    [
        "audience_members[3].composite_data.user_data.user_identifiers[0].email_address",
        "request.audienceMembers[3].compositeData",
        "audience_members.audience_members[3].user_data.user_identifiers[1]",
        "[3].user_identifiers[0]",
    ],
)
def test_rows_that_fail_a_request_are_named(server: Scripted, google: Any, path: str, reason: str) -> None:
    """The first index of the members is the row; the others can be sent again without it."""
    answers(server, error(400, "INVALID_ARGUMENT", fields=((path, reason),)))
    with pytest.raises(RowsRefused) as refused:
        add(google(), MARY, NYC)
    [(row, why)] = refused.value.rows.items()
    assert row == 3
    assert why.startswith(reason.lower().split("_")[0])
    assert "ann@" not in str(refused.value)


def test_a_field_that_is_missing_elsewhere_is_no_rows_fault(server: Scripted, google: Any) -> None:
    """Otherwise people would be rejected one by one for what lies in the request."""
    answers(
        server,
        error(400, "INVALID_ARGUMENT", fields=(("destinations[0].reference", "REQUIRED_FIELD_MISSING"),)),
    )
    with pytest.raises(Refused) as refused:
        add(google(), MARY)
    assert type(refused.value) is Refused


def test_an_upload_without_a_usable_reference_is_uncertain(server: Scripted, google: Any) -> None:
    """Nobody could ask for its verdict."""
    for answer in ({}, {"requestId": ""}, {"requestId": 7}, {"requestId": "ann@example.com"}):
        answers(server, Reply(body=answer))
        with pytest.raises(Uncertain):
            add(google(), MARY)


def test_a_token_that_has_ended_is_renewed_once(server: Scripted, google: Any) -> None:
    """The client is in the form; the request follows with the new token."""
    answers(server, error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"), Reply(body={"requestId": "r-1"}))
    assert add(google(), MARY).reference == "r-1"
    form = {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "id-1"}
    assert renewals(server) == [({**form, "client_secret": "secret-1"}, None)] * 2
