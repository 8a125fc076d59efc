"""Uploads to Google as the sandbox plays it: taken at once, judged and applied later."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.ads.google_destinations import ADVERTISER
from connectors.sandbox.ads.google_verdicts import match_rate
from tests.sandbox.conftest import sha256
from tests.sandbox.google_caller import (
    ACCEPTED,
    DAY,
    DEVICES,
    DV360,
    GRANTED,
    GoogleCaller,
    destination,
    device,
    identified,
    person,
    problems,
)

ADDRESS = {
    "givenName": sha256("anne-marie"),
    "familyName": sha256("smith"),
    "regionCode": "US",
    "postalCode": "94105",
}


@pytest.fixture
def google(sandbox: SandboxServer) -> GoogleCaller:
    return GoogleCaller(sandbox, "google", "/token")


def test_an_upload_is_taken_and_told_of_later(google: GoogleCaller) -> None:
    """An id at once; processing, and nobody in the list, until the time is over; then counts and a match rate."""
    made = google.user_list()
    google.switch(ads_processing_seconds=1_800)
    everything = identified(
        {"emailAddress": sha256("marysmith@gmail.com")},
        {"phoneNumber": sha256("+15559876543")},
        {"address": ADDRESS},
    )
    taken = google.ingest(made, everything, person("b"))
    assert set(taken.json()) == {"requestId", "fieldWarnings"}
    where = {
        "productDestinationId": made,
        "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "1234567890"},
    }
    assert google.status(taken) == [{"destination": where, "requestStatus": "PROCESSING"}]
    assert google.size(made) == 0
    google.sandbox.advance_clock(1_801)
    counts = [("EMAIL", "2"), ("PHONE_NUMBER", "1"), ("ADDRESS", "1")]
    assert google.status(taken) == [
        {
            "destination": where,
            "requestStatus": "SUCCESS",
            "audienceMembersIngestionStatus": {
                "compositeDataIngestionStatus": {
                    "recordCount": "2",
                    "dataTypeCounts": [{"type": name, "count": count} for name, count in counts],
                    "uploadMatchRateRange": "MATCH_RATE_RANGE_91_TO_100",
                }
            },
        }
    ]
    shown = google.shown(made)
    assert shown["sizeInfo"]["searchNetworkMembersCount"] == "2"
    assert shown["ingestedUserListInfo"]["contactIdInfo"]["matchRatePercentage"] == 100


def test_who_shares_an_identifier_is_removed(google: GoogleCaller) -> None:
    """Whatever the encoding; a removal needs neither consent nor terms, and may not bring them."""
    made = google.user_list()
    google.ingest(made, identified({"emailAddress": sha256("a")}, {"phoneNumber": sha256("1")}), person("b"))
    encoded = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    taken = google.remove(made, identified({"phoneNumber": encoded}), encoding="BASE64")
    assert set(taken.json()) == {"requestId"}
    (told,) = google.status(taken)
    assert told["audienceMembersRemovalStatus"] == {
        "compositeDataRemovalStatus": {
            "recordCount": "1",
            "dataTypeCounts": [{"type": "PHONE_NUMBER", "count": "1"}],
        }
    }
    assert google.members(made) == [{"emailAddress": sha256("b")}]
    for field in ({"consent": GRANTED}, {"termsOfService": ACCEPTED}):
        assert problems(google.remove(made, person("b"), **field)) == [("", "")]


def test_one_request_feeds_several_lists(google: GoogleCaller) -> None:
    """Of two accounts; a person goes to all of them, or to those that it names; each tells its own outcome."""
    ads, video = google.user_list(), google.user_list(parent=DV360)
    advertiser = {"product": "DISPLAY_VIDEO_ADVERTISER", "accountId": ADVERTISER}
    both = [
        destination(ads, reference="ads"),
        {"reference": "video", "operatingAccount": advertiser, "productDestinationId": video},
    ]
    only_ads = person("b", destinationReferences=["ads"])
    told = google.status(google.ingest(ads, person("a"), only_ads, destinations=both))
    counts = [
        one["audienceMembersIngestionStatus"]["compositeDataIngestionStatus"]["recordCount"] for one in told
    ]
    assert [one["destination"]["productDestinationId"] for one in told] == [ads, video]
    assert (counts, google.size(ads), google.size(video)) == (["2", "1"], 2, 1)
    stray = person("c", destinationReferences=["elsewhere"])
    assert problems(google.ingest(ads, stray, destinations=both)) == [
        ("audience_members[0].destination_references", "INVALID_DESTINATION")
    ]


def test_other_kinds_of_data(google: GoogleCaller) -> None:
    """Devices, own ids, bare user data and addresses on the net, each with its own count."""
    devices = google.user_list("devices", ingestedUserListInfo=DEVICES)
    ids = google.user_list("ids", ingestedUserListInfo={"uploadKeyTypes": ["USER_ID"]})
    made = google.user_list()
    bare = {"userData": {"userIdentifiers": [{"emailAddress": sha256("a")}]}}
    on_the_net = {"compositeData": {"ipData": [{"ipAddress": "192.0.2.1"}]}}
    uploads = [
        (google.ingest(devices, device(1), encoding=None), "mobileData", "mobileIdCount", "1"),
        (
            google.ingest(ids, {"userIdData": {"userId": "crm-1"}}, encoding=None, termsOfService=None),
            "userIdData",
            "userIdCount",
            "1",
        ),
        (google.ingest(made, bare), "userData", "userIdentifierCount", "1"),
        (
            google.ingest(made, on_the_net),
            "compositeData",
            "dataTypeCounts",
            [{"type": "IP_ADDRESS", "count": "1"}],
        ),
    ]
    for taken, kind, field, count in uploads:
        (told,) = google.status(taken)
        assert told["audienceMembersIngestionStatus"][f"{kind}IngestionStatus"][field] == count
    at = "audience_members[0]"
    wrong = [
        (devices, {"mobileData": {}}, (f"{at}.mobile_data.mobile_ids", "REQUIRED_FIELD_MISSING")),
        (
            devices,
            {"mobileData": {"mobileIds": ["x"]}},
            (f"{at}.mobile_data.mobile_ids[0]", "INVALID_MOBILE_ID_FORMAT"),
        ),
        (ids, {"userIdData": {}}, (f"{at}.user_id_data.user_id", "REQUIRED_FIELD_MISSING")),
        (
            made,
            {"compositeData": {"ipData": [{"ipAddress": "x"}]}},
            (f"{at}.composite_data.ip_data[0].ip_address", "INVALID_FORMAT"),
        ),
    ]
    for user_list, member, expected in wrong:
        assert problems(google.ingest(user_list, member)) == [expected]
    eleven = {"mobileData": {"mobileIds": device(1)["mobileData"]["mobileIds"] * 11}}  # type: ignore[index]
    assert problems(google.ingest(devices, eleven))[0][1] == "TOO_MANY_ELEMENTS"


def test_consent_is_asked_for(google: GoogleCaller) -> None:
    """A person's own goes before the request's; who brings none is refused later, like who has denied."""
    made = google.user_list()
    denied = {**GRANTED, "adPersonalization": "CONSENT_DENIED"}
    taken = google.ingest(
        made, person("a", consent=GRANTED), person("b"), person("c", consent=denied), consent=None
    )
    (told,) = google.status(taken)
    assert told["requestStatus"] == "PARTIAL_SUCCESS"
    assert told["errorInfo"]["errorCounts"] == [
        {"reason": "PROCESSING_ERROR_REASON_DENIED_CONSENT", "recordCount": "1", "recordIndices": [2]},
        {"reason": "PROCESSING_ERROR_REASON_NO_CONSENT", "recordCount": "1", "recordIndices": [1]},
    ]
    assert google.members(made) == [{"emailAddress": sha256("a")}]
    assert (
        google.outcome(google.ingest(made, person("b"), consent={"adUserData": "CONSENT_GRANTED"}))
        == "FAILED"
    )


@pytest.mark.parametrize("unnamed", [False, True])
def test_rows_that_the_processing_refuses(google: GoogleCaller, unnamed: bool) -> None:
    """Taken with 200; the outcome counts them and names them, or counts them only; the others are added."""
    made = google.user_list()
    google.fault(effect="reject_rows", positions=[0, 2], unnamed=unnamed, path="*:ingest")
    taken = google.ingest(made, *[person(name) for name in "abc"])
    google.sandbox.faults.replace([])
    (told,) = google.status(taken)
    error: dict[str, object] = {"reason": "PROCESSING_ERROR_REASON_INVALID_FORMAT", "recordCount": "2"}
    assert told["requestStatus"] == "PARTIAL_SUCCESS"
    assert told["errorInfo"] == {"errorCounts": [error if unnamed else {**error, "recordIndices": [0, 2]}]}
    assert told["audienceMembersIngestionStatus"]["compositeDataIngestionStatus"]["uploadMatchRateRange"] == (
        "MATCH_RATE_RANGE_31_TO_40"
    )
    assert google.members(made) == [{"emailAddress": sha256("b")}]


def test_what_becomes_of_a_job(google: GoogleCaller) -> None:
    """One fails without having added anybody, one comes after a later one, one never ends."""
    made = google.user_list()
    google.fault(effect="job_fails", times=1)
    failed = google.ingest(made, person("a"))
    google.fault(effect="job_late", seconds=600, times=1)
    late = google.ingest(made, person("b"))
    google.fault(effect="job_never_ends", times=1)
    endless = google.ingest(made, person("c"))
    assert google.outcome(google.remove(made, person("b"))) == "SUCCESS"
    assert google.status(failed)[0]["errorInfo"] == {
        "errorCounts": [{"reason": "PROCESSING_ERROR_REASON_INTERNAL_ERROR", "recordCount": "1"}]
    }
    google.sandbox.advance_clock(DAY)
    outcomes = [google.outcome(taken) for taken in (failed, late, endless)]
    assert outcomes == ["FAILED", "SUCCESS", "PROCESSING"]
    assert google.members(made) == [{"emailAddress": sha256("b")}]


def test_an_outcome_is_told_for_fifty_days(google: GoogleCaller) -> None:
    """Not longer; nobody knows of a request that was only checked."""
    made = google.user_list()
    taken = google.ingest(made, person("a"))
    google.sandbox.advance_clock(50 * DAY + 1)
    asked = {"requestId": taken.json()["requestId"]}
    assert problems(google.call("GET", "/requestStatus:retrieve", params=asked)) == [
        ("request_id", "REQUEST_TOO_OLD")
    ]
    before = google.members(made)
    checked = [verb(made, person("b"), validateOnly=True) for verb in (google.ingest, google.remove)]
    checked.append(google.remove_all(made, validateOnly=True))
    for answer in checked:
        asked = {"requestId": answer.json()["requestId"]}
        assert problems(google.call("GET", "/requestStatus:retrieve", params=asked)) == [
            ("request_id", "INVALID_REQUEST_ID")
        ]
    assert google.members(made) == before
    assert google.ingest(made, person("b"), validateOnly=True, encoding=None).status_code == 400


def test_members_leave_when_their_time_is_over(google: GoogleCaller) -> None:
    """Unless they were added again."""
    made = google.user_list(membershipDuration=f"{2 * DAY}s")
    google.ingest(made, person("a"), person("b"))
    google.shown(made)
    google.sandbox.advance_clock(DAY)
    google.ingest(made, person("a"))
    google.sandbox.advance_clock(DAY + 1)
    assert google.members(made) == [{"emailAddress": sha256("a")}]
    google.sandbox.advance_clock(DAY)
    assert google.size(made) == 0


def test_everybody_is_removed_who_was_not_added_since(google: GoogleCaller) -> None:
    """The way to mirror a list: upload all, then remove who was last added before; or remove all."""
    made = google.user_list()
    google.ingest(made, person("a"), person("b"))
    google.sandbox.advance_clock(DAY)
    begun = datetime.fromtimestamp(google.sandbox.state.now(), UTC).isoformat().replace("+00:00", "Z")
    google.status(google.ingest(made, person("b"), person("c")))
    (told,) = google.status(google.remove_all(made, removeAsOfTime=begun))
    assert (told["requestStatus"], told["removeAllAudienceMembersStatus"]) == ("SUCCESS", {})
    assert {member["emailAddress"] for member in google.members(made)} == {sha256("b"), sha256("c")}
    tomorrow = datetime.fromtimestamp(google.sandbox.state.now() + DAY, UTC).isoformat()
    assert problems(google.remove_all(made, removeAsOfTime=tomorrow)) == [
        ("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME")
    ]
    assert problems(google.remove_all(made, removeAsOfTime="2026-11-21")) == [("remove_as_of_time", "")]
    assert google.outcome(google.remove_all(made)) == "SUCCESS"
    assert google.size(made) == 0


def test_match_rates_fall_into_ranges() -> None:
    """Google's ranges, from end to end."""
    percents = {
        0: "LESS_THAN_20",
        20: "20_TO_30",
        30: "20_TO_30",
        31: "31_TO_40",
        50: "41_TO_50",
        100: "91_TO_100",
    }
    assert {n: match_rate(n, 100) for n in percents} == {
        n: f"MATCH_RATE_RANGE_{name}" for n, name in percents.items()
    }
    assert match_rate(0, 0) == "MATCH_RATE_RANGE_NOT_ELIGIBLE"
