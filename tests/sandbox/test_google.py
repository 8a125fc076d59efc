"""Google's user lists as the sandbox plays them: created, found, paged, changed and deleted, by account."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.google_caller import (
    ADS,
    CONTACTS,
    DEVICES,
    DV360,
    GoogleCaller,
    problems,
    reason,
)


@pytest.fixture
def google(sandbox: SandboxServer) -> GoogleCaller:
    return GoogleCaller(sandbox, "google", "/token")


def test_a_user_list_is_created_and_read(google: GoogleCaller) -> None:
    """With the defaults of the API: open, for 540 days, and empty in every network."""
    made = google.user_list(description="synced by pipeline", integrationCode="segment-42")
    assert google.shown(made) == {
        "name": f"{ADS[1:]}/{made}",
        "id": made,
        "readOnly": False,
        "displayName": "seg_high_value",
        "description": "synced by pipeline",
        "integrationCode": "segment-42",
        "membershipStatus": "OPEN",
        "membershipDuration": "46656000s",
        "ingestedUserListInfo": CONTACTS,
        "accessReason": "OWNED",
        "accountAccessStatus": "ENABLED",
        "sizeInfo": {
            "displayNetworkMembersCount": "0",
            "searchNetworkMembersCount": "0",
            "youtubeMembersCount": "0",
            "gmailMembersCount": "0",
        },
        "targetNetworkInfo": {"eligibleForDisplay": True, "eligibleForSearch": True},
    }


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"displayName": ""}, ("display_name", "REQUIRED_FIELD_MISSING")),
        ({"displayName": "taken"}, ("display_name", "DISPLAY_NAME_ALREADY_USED")),
        ({"membershipDuration": "46742400s"}, ("membership_duration", "MEMBERSHIP_DURATION_TOO_LONG")),
        ({"membershipDuration": "3600s"}, ("membership_duration", "INVALID_ARGUMENT")),
        ({"membershipDuration": "540"}, ("membership_duration", "")),
        (
            {"ingestedUserListInfo": None},
            ("ingested_user_list_info.upload_key_types", "REQUIRED_FIELD_MISSING"),
        ),
        (
            {"ingestedUserListInfo": {"uploadKeyTypes": ["CONTACT_ID", "MOBILE_ID"]}},
            ("ingested_user_list_info.upload_key_types", "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES"),
        ),
        (
            {"ingestedUserListInfo": {"uploadKeyTypes": ["MOBILE_ID"], "mobileIdInfo": {"keySpace": "IOS"}}},
            ("ingested_user_list_info.mobile_id_info.app_id", "REQUIRED_FIELD_MISSING"),
        ),
        (
            {"ingestedUserListInfo": {**CONTACTS, "mobileIdInfo": DEVICES["mobileIdInfo"]}},
            (
                "ingested_user_list_info.mobile_id_info",
                "UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG",
            ),
        ),
        (
            {
                "ingestedUserListInfo": {
                    "uploadKeyTypes": ["CONTACT_ID"],
                    "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE"},
                }
            },
            (
                "ingested_user_list_info.contact_id_info.data_source_type",
                "ADVERTISER_NOT_ALLOWLISTED_FOR_THIRD_PARTY_PARTNER_DATA",
            ),
        ),
    ],
)
def test_a_wrong_user_list_is_refused(
    google: GoogleCaller, wish: dict[str, object], expected: tuple[str, str]
) -> None:
    """By the field and Google's reason; a duration that its JSON parser can't read has none."""
    google.user_list("taken")
    answer = google.call("POST", ADS, json={"displayName": "x", "ingestedUserListInfo": CONTACTS, **wish})
    assert problems(answer) == [(f"user_list.{expected[0]}", expected[1])]
    assert len(google.call("GET", ADS).json()["userLists"]) == 1


def test_unknown_fields_and_parameters_are_refused(google: GoogleCaller) -> None:
    """In the body, in a message of it, in the address, and at addresses that are not there."""
    assert problems(google.call("POST", ADS, json={"title": "x"})) == [("", "")]
    nested = google.call("POST", ADS, json={"ingestedUserListInfo": {"uploadKeys": []}})
    assert problems(nested) == [("ingested_user_list_info", "")]
    assert "Cannot find field" in nested.json()["error"]["message"]
    assert "Cannot bind query parameter" in google.call("GET", ADS, params={"limit": "5"}).text
    assert problems(google.call("POST", ADS, data="{}", headers={"Content-Type": "text/plain"})) == [("", "")]
    assert google.call("GET", "/userLists").status_code == 404


def test_user_lists_are_found_by_a_filter_and_paged(google: GoogleCaller) -> None:
    """Fifty a page unless asked otherwise; names in quotes; the documented fields only."""
    made = [google.user_list(f"list {n}", integrationCode=f"code-{n % 2}") for n in range(52)]
    first = google.call("GET", ADS).json()
    rest = google.call("GET", ADS, params={"pageToken": first["nextPageToken"]}).json()
    assert [shown["id"] for page in (first, rest) for shown in page["userLists"]] == made
    assert "nextPageToken" not in rest
    assert "nextPageToken" not in google.call("GET", ADS, params={"pageSize": "5000"}).json()

    def found(wanted: str) -> list[str]:
        shown = google.call("GET", ADS, params={"filter": wanted, "pageSize": "1000"}).json()
        return [each["displayName"] for each in shown.get("userLists", [])]

    assert found('display_name = "list 7"') == ["list 7"]
    assert found('displayName = "list 7"') == ["list 7"]
    assert found('display_name = "list"') == []
    assert found('integration_code = "code-1" AND display_name : "LIST 5"') == ["list 5", "list 51"]
    assert found(f"id = {made[3]}") == ["list 3"]
    assert len(found('ingested_user_list_info.upload_key_types : "CONTACT_ID"')) == 52
    assert found("membership_status != OPEN") == []
    google.user_list('Cats AND "dogs"')
    assert found(r'display_name = "Cats AND \"dogs\"" AND integration_code = ""') == ['Cats AND "dogs"']
    for wanted in ('size = "3"', "display_name", "display_name = list 7", "id = 5 AND"):
        answer = google.call("GET", ADS, params={"filter": wanted})
        assert problems(answer) == [("filter", "INVALID_FILTER")]
    assert problems(google.call("GET", ADS, params={"pageToken": "x"})) == [
        ("page_token", "INVALID_PAGE_TOKEN")
    ]
    assert problems(google.call("GET", ADS, params={"pageSize": "-1"})) == [("page_size", "")]


def test_a_user_list_is_changed_and_deleted(google: GoogleCaller) -> None:
    """By its mask, or by what is there; what it is fed with stays as it is."""
    made, other = google.user_list(), google.user_list("other")
    path = f"{ADS}/{made}"
    wish = {"displayName": "renamed", "description": "new", "membershipDuration": "86400s"}
    masked = google.call("PATCH", path, json=wish, params={"updateMask": "display_name,membershipDuration"})
    assert (masked.json()["displayName"], masked.json()["description"]) == ("renamed", "")
    assert masked.json()["membershipDuration"] == "86400s"
    assert google.call("PATCH", path, json={"description": "new"}).json()["description"] == "new"
    google.call("PATCH", path, json={"displayName": "unseen"}, params={"validateOnly": "true"})
    assert google.shown(made)["displayName"] == "renamed"
    refusals = [
        ({"displayName": "other"}, None, ("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")),
        ({}, "displayName", ("user_list.display_name", "REQUIRED_FIELD_MISSING")),
        ({}, "size_info", ("update_mask", "INVALID_UPDATE_MASK")),
        (
            {"ingestedUserListInfo": DEVICES},
            None,
            ("user_list.ingested_user_list_info", "IMMUTABLE_FIELD_FOR_UPDATE"),
        ),
    ]
    for body, mask, expected in refusals:
        answer = google.call("PATCH", path, json=body, params={"updateMask": mask} if mask else {})
        assert problems(answer) == [expected]
    assert google.call("DELETE", path, params={"validateOnly": "true"}).json() == {}
    assert google.call("DELETE", path).json() == {}
    for method in ("GET", "DELETE"):
        assert reason(google.call(method, path)) == (404, "NOT_FOUND", "NOT_FOUND")
    assert [shown["id"] for shown in google.call("GET", ADS).json()["userLists"]] == [other]


def test_accounts_keep_to_themselves(google: GoogleCaller) -> None:
    """An advertiser's lists are its own and can't be of user ids; a foreign account is not permitted."""
    made = google.user_list(parent=DV360)
    assert google.shown(made, DV360)["targetNetworkInfo"]["eligibleForSearch"] is False
    assert google.call("GET", f"{ADS}/{made}").status_code == 404
    assert "userLists" not in google.call("GET", ADS).json()
    by_id = {"displayName": "ids", "ingestedUserListInfo": {"uploadKeyTypes": ["USER_ID"]}}
    assert problems(google.call("POST", DV360, json=by_id))[0][1] == (
        "UNSUPPORTED_ACCOUNT_TYPES_FOR_USER_LIST_TYPE"
    )
    assert google.call("POST", ADS, json=by_id).status_code == 200
    foreign = google.call("GET", ADS.replace("1234567890", "5555555555"))
    assert reason(foreign) == (403, "PERMISSION_DENIED", "PERMISSION_DENIED")


def test_validate_only_creates_nothing(google: GoogleCaller) -> None:
    """A list is checked and not made; a wrong one is told as ever; the parameter is a boolean."""
    wish = {"displayName": "x", "ingestedUserListInfo": CONTACTS}
    assert google.call("POST", ADS, json=wish, params={"validateOnly": "true"}).status_code == 200
    assert google.call("GET", ADS).json() == {}
    assert google.call("POST", ADS, json={}, params={"validateOnly": "true"}).status_code == 400
    assert problems(google.call("POST", ADS, json=wish, params={"validateOnly": "1"})) == [
        ("validate_only", "")
    ]
