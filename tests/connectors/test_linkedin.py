"""LinkedIn's requests, verdicts, errors and segments, against a scripted server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.linkedin import LinkedInConnector
from connectors.testing import FastTime
from tests.connectors.lapsed import ANN, MARY, REQUEST, known
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted

SEGMENT = Audience("1008", "Lapsed")
ACCOUNT = "urn:li:sponsoredAccount:516848833"
NYC = "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac"
AAID = "38400000-8cf0-11bd-b23e-10b96e40000d"


@pytest.fixture
def linkedin(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    return partial(sign_in, LinkedInConnector, ad_account="516848833", source_platform="TURNOUT")


def verdicts(*statuses: int) -> Reply:
    return Reply(body={"elements": [{"status": status} for status in statuses]})


@pytest.mark.parametrize(
    ("name", "raw", "sent"),
    [
        ("SHA256_EMAIL", "  Mary.Smith+news@Gmail.com ", MARY),
        ("SHA256_EMAIL", "mary @ example.com", ANN),
        ("SHA256_EMAIL", "User.Name+NYC@Example.com", NYC),
        ("GOOGLE_AID", " 38400000-8CF0-11BD-B23E-10B96E40000D ", AAID),
        ("firstName", " Mary  Jo ", "Mary Jo"),
        ("lastName", "O'Neil", "O'Neil"),
        ("country", "Germany", "DE"),
    ],
)  # fmt: skip
def test_people_become_what_linkedin_hashes(linkedin: Any, name: str, raw: str, sent: str) -> None:
    """The fact sheet's digests, and what goes in plain text."""
    opened = linkedin(
        identifiers=("SHA256_EMAIL", "GOOGLE_AID"), helpers=("firstName", "lastName", "country")
    )
    assert digest(opened, name, raw) == sent


def test_by_default_only_the_address_is_sent(linkedin: Any) -> None:
    """Names and advertising ids, which go in plain text, have to be asked for; names are in no removal."""
    assert [column.name for column in linkedin().identity.columns] == ["SHA256_EMAIL"]
    named = linkedin(helpers=("lastName", "firstName")).identity
    assert [column.name for column in named.handle] == ["SHA256_EMAIL"]


def test_an_element_for_each_person(server: Scripted, linkedin: Any) -> None:
    """Body, path and headers of adding and removing; unknown values and names that are too long stay away."""
    answers(server, verdicts(201, 201))
    opened = linkedin(identifiers=("SHA256_EMAIL", "GOOGLE_AID"), helpers=("firstName", "country"))
    rows = table(
        SHA256_EMAIL=[MARY, ANN], GOOGLE_AID=[AAID, None], firstName=["Mary", "x" * 36], country=["US", None]
    )
    assert opened.add(SEGMENT, rows, batch("add", 2)).status == "applied"
    handle = rows.select(["SHA256_EMAIL", "GOOGLE_AID"])
    opened.remove(SEGMENT, handle, batch("remove", 2))
    added, removed = asked(server)
    mary = [{"idType": "SHA256_EMAIL", "idValue": MARY}, {"idType": "GOOGLE_AID", "idValue": AAID}]
    ann = [{"idType": "SHA256_EMAIL", "idValue": ANN}]
    assert added.json == {
        "elements": [
            {"action": "ADD", "userIds": mary, "firstName": "Mary", "country": "US"},
            {"action": "ADD", "userIds": ann},
        ]
    }
    assert removed.json == {
        "elements": [{"action": "REMOVE", "userIds": mary}, {"action": "REMOVE", "userIds": ann}]
    }
    for seen in (added, removed):
        assert (seen.method, seen.path) == ("POST", "/dmpSegments/1008/users")
        assert seen.headers["LinkedIn-Version"] == "202603"
        assert seen.headers["X-Restli-Protocol-Version"] == "2.0.0"
        assert seen.headers["X-RestLi-Method"] == "BATCH_CREATE"
        assert seen.headers["Authorization"] == "Bearer access-1"


def test_each_refused_person_is_named(server: Scripted, linkedin: Any) -> None:
    """A status of 400 or more at a place is that row's; the others are in."""
    answers(server, verdicts(201, 400, 201, 422))
    receipt = linkedin().add(SEGMENT, table(SHA256_EMAIL=[MARY, ANN, "c", "d"]), batch("add", 4))
    assert (receipt.rejected, receipt.rejected_unlocated) == (
        {1: "invalid_identifier", 3: "invalid_identifier"},
        0,
    )


@pytest.mark.parametrize("fault", [429, 500, 503])
def test_a_persons_passing_fault_repeats_the_batch(server: Scripted, linkedin: Any, fault: int) -> None:
    """Nobody is rejected for what is not their fault; adds are sets, so all may be sent again."""
    answers(server, verdicts(201, fault), verdicts(201, 201))
    receipt = linkedin().add(SEGMENT, table(SHA256_EMAIL=[MARY, ANN]), batch("add", 2))
    assert not receipt.rejected
    assert len(asked(server)) == 2


@pytest.mark.parametrize("body", [{}, {"elements": []}, {"elements": [{"status": 201}]}, {"elements": "x"}])
def test_an_answer_that_leaves_somebody_out_is_no_receipt(
    server: Scripted, linkedin: Any, body: object
) -> None:
    """Fewer verdicts than people: nobody knows who was taken."""
    answers(server, Reply(body=body))
    with pytest.raises(Uncertain):
        linkedin().add(SEGMENT, table(SHA256_EMAIL=[MARY, ANN]), batch("add", 2))


@pytest.mark.parametrize(
    ("status", "number", "code", "consequence"),
    [
        (401, 65600, "INVALID_ACCESS_TOKEN", AuthFailed),
        (401, 65601, "REVOKED_ACCESS_TOKEN", AuthFailed),
        (401, 65602, "EXPIRED_ACCESS_TOKEN", AuthFailed),
        (403, 100, "ACCESS_DENIED", AuthFailed),
        (404, 0, "NOT_FOUND", AudienceGone),
        (400, 0, "ILLEGAL_ARGUMENT", Refused),
        (409, 0, "CONFLICT", Refused),
        (426, 0, "NONEXISTENT_VERSION", ActionNeeded),
        (400, 0, "NONEXISTENT_VERSION", ActionNeeded),
        (426, 0, "", ActionNeeded),
        (429, 0, "TOO_MANY_REQUESTS", QuotaExhausted),
        (500, 0, "INTERNAL", Uncertain),
        (503, 0, "", Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, linkedin: Any, status: int, number: int, code: str, consequence: type[Exception]
) -> None:
    """Each documented status and code raises what must happen next, and quotes nobody."""
    told = {"status": status, "serviceErrorCode": number, "code": code, "message": f"ann@example.com {MARY}"}
    answers(server, Reply(status, told))
    with pytest.raises(consequence) as failed:
        linkedin().add(SEGMENT, table(SHA256_EMAIL=[MARY]), batch("add", 1))
    assert isinstance(failed.value, consequence)
    assert not [word for word in ("ann@", MARY, "secret-1", "access-") if word in str(failed.value)]
    if consequence is ActionNeeded:
        assert "TURNOUT_LINKEDIN_API_VERSION" in str(failed.value)


def test_our_segment_is_looked_up_by_our_mark(server: Scripted, time: FastTime, linkedin: Any) -> None:
    """LinkedIn looks for account, app and mark; only a segment that says the mark is believed to be ours."""
    others = {"id": 5, "name": "Lapsed", "sourceSegmentId": "turnout:lapsed_vip"}
    ours = {"id": 1008, "name": "Lapsed", "sourceSegmentId": "turnout:lapsed"}
    answers(server, Reply(body={"elements": [others, ours], "paging": {}}))
    assert linkedin().open_audience(REQUEST, SyncOptions()) == SEGMENT
    (seen,) = asked(server)
    assert parse_qs(urlsplit(seen.path).query) == {
        "q": ["account"],
        "account": [ACCOUNT],
        "sourcePlatform": ["TURNOUT"],
        "sourceSegmentId": ["turnout:lapsed"],
    }
    assert "urn%3Ali%3AsponsoredAccount%3A516848833" in seen.path
    assert time.pauses == []


@pytest.mark.parametrize("header", ["x-linkedin-id", "x-restli-id"])
def test_a_new_segment_is_named_by_a_header_and_left_alone_for_a_while(
    server: Scripted, time: FastTime, linkedin: Any, header: str
) -> None:
    """201 with an empty body; people follow five seconds later at the earliest."""
    answers(server, Reply(body={"elements": []}), Reply(201, b"", {header: "1008"}))
    made = linkedin().open_audience(REQUEST, SyncOptions())
    assert made == Audience("1008", "Lapsed", created=True)
    assert sum(time.pauses) >= 5
    assert asked(server)[1].json == {
        "name": "Lapsed",
        "sourcePlatform": "TURNOUT",
        "sourceSegmentId": "turnout:lapsed",
        "account": ACCOUNT,
        "type": "USER",
        "destinations": [{"destination": "LINKEDIN"}],
    }


def test_a_creation_that_names_no_segment_is_in_doubt(server: Scripted, linkedin: Any) -> None:
    """It is looked for next time, by our mark; a lost answer is not asked for again."""
    for lost in (Reply(201, b""), Reply(how="reset")):
        answers(server, Reply(body={"elements": []}), lost)
        before = len(asked(server))
        with pytest.raises(Uncertain):
            linkedin().open_audience(REQUEST, SyncOptions())
        assert len(asked(server)) - before == 2


def test_a_segment_is_read_by_its_id_and_may_be_gone(server: Scripted, linkedin: Any) -> None:
    """The id of an earlier run is asked for; 404 says that it is gone."""
    answers(server, Reply(body={"id": 1008, "name": "Lapsed"}), Reply(404, {"status": 404}))
    assert linkedin().open_audience(known("1008"), SyncOptions()) == SEGMENT
    with pytest.raises(AudienceGone):
        linkedin().open_audience(known("1008"), SyncOptions())
    assert {seen.path for seen in asked(server)} == {"/dmpSegments/1008"}


@pytest.mark.parametrize(
    ("segment", "reported"),
    [
        (
            {"inputCount": 200, "destinations": [{"audienceSize": 340, "matchedCount": 122, "status": "READY"}]},
            Reported(340, 340, "READY; 61% of the last 7 days matched"),
        ),
        (
            {"inputCount": 0, "destinations": [{"audienceSize": 0, "matchedCount": 0, "status": "BUILDING"}]},
            Reported(0, 0, "BUILDING"),
        ),
        ({"destinations": [{"status": "EXPIRED"}]}, Reported(None, None, "EXPIRED")),
    ],
)  # fmt: skip
def test_size_state_and_match_rate_are_read_back(
    server: Scripted, linkedin: Any, segment: dict[str, object], reported: Reported
) -> None:
    """``audienceSize`` is of everybody, ``matchedCount`` of the last seven days only."""
    answers(server, Reply(body={"id": 1008, **segment}))
    assert linkedin().read_back(SEGMENT) == reported


def test_the_refresh_token_stays_and_its_end_is_known(
    server: Scripted, time: FastTime, linkedin: Any
) -> None:
    """The client goes in the form; what LinkedIn says of the refresh token's end is kept, else the setting tells."""
    answers(server, verdicts(201), refresh_token_expires_in=100 * 86_400)
    opened = linkedin()
    assert opened.credential_ends() is None
    opened.add(SEGMENT, table(SHA256_EMAIL=[MARY]), batch("add", 1))
    assert opened.credential_ends() == time.start + timedelta(days=100)
    form = {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert renewals(server) == [({**form, "client_id": "id-1", "client_secret": "secret-1"}, None)]
    assert linkedin(credential_ends="2027-03-01").credential_ends() == datetime(2027, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("role", "more", "found"),
    [
        ("CAMPAIGN_MANAGER", {"credential_ends": "2027-03-01"}, [True, True, True]),
        ("VIEWER", {}, [True, False, False]),
    ],
)
def test_the_doctor_asks_for_role_and_end(
    server: Scripted, linkedin: Any, role: str, more: dict[str, Any], found: list[bool]
) -> None:
    """The member's role, by their id; and whether anybody knows when the refresh token ends."""
    answers(server, Reply(body={"id": "AbC-1"}), Reply(body={"role": role}))
    findings = list(linkedin(**more).examine())
    assert [finding.ok for finding in findings] == found
    seat = f"/adAccountUsers/account={ACCOUNT}&user=urn:li:person:AbC-1"
    assert [seen.path for seen in asked(server)] == ["/me", seat]
    if not more:
        assert "TURNOUT_LINKEDIN_CREDENTIAL_ENDS" in findings[-1].says


def test_a_daily_quota_can_be_told(linkedin: Any) -> None:
    """600 requests a minute, and as many a day as the developer portal says."""
    minute, day = Window(600, timedelta(minutes=1)), Window(1_000, timedelta(days=1))
    assert linkedin().limits.windows == (minute,)
    assert linkedin(requests_per_day=1_000).limits.windows == (minute, day)
