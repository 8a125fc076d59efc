"""Snapchat's requests, counts, errors and segments, against a scripted server."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.snapchat import SnapchatConnector, SnapchatOptions
from connectors.testing import FastTime
from tests.connectors.lapsed import ANN, MARY, REQUEST, known
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted

SEGMENT = Audience("5603670370513719", "Lapsed")
ACCOUNT = "8adc3db7-0000-4000-8000-000000000001"
SEGMENTS = f"/adaccounts/{ACCOUNT}/segments"
USERS = f"/segments/{SEGMENT.id}/users"
US_PHONE = "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"
GB_PHONE = "40b5c38342a9c584ec707e8679b003f8c779c6aaa138c976ef94e049cc05208f"
MADID = "d4181bb455a74b3bc8b37c75ac9b2c702eb6b9930bd040b861403b31ca85634d"


@pytest.fixture
def snapchat(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    return partial(sign_in, SnapchatConnector, ad_account=ACCOUNT)


def success(**more: object) -> Reply:
    return Reply(body={"request_status": "SUCCESS", "request_id": "5f2", **more})


def took(number: object, status: str = "SUCCESS") -> Reply:
    part = {"sub_request_status": status, "user": {"number_uploaded_users": number}}
    return success(users=[part])


def segments(*found: dict[str, object], status: str = "SUCCESS", **more: object) -> Reply:
    return success(segments=[{"sub_request_status": status, "segment": one} for one in found], **more)


def ours(**more: object) -> dict[str, object]:
    return {"id": SEGMENT.id, "name": "Lapsed", "description": "turnout:lapsed", **more}


@pytest.mark.parametrize(
    ("name", "raw", "sent"),
    [
        ("EMAIL_SHA256", ("  Mary.Smith+news@Gmail.com ",), MARY),
        ("PHONE_SHA256", ("+1 (555) 987-6543", None), US_PHONE),
        ("PHONE_SHA256", ("0044 7911 123456", None), GB_PHONE),
        ("PHONE_SHA256", ("+44 (0) 7911 123456", None), GB_PHONE),
        ("MOBILE_AD_ID_SHA256", ("38400000-8CF0-11BD-B23E-10B96E40000D",), MADID),
    ],
)
def test_people_become_the_sheets_digests(
    snapchat: Any, name: str, raw: tuple[str | None, ...], sent: str
) -> None:
    """Raw values end as the digests that Snapchat's rules give; the inner zero of a number goes too."""
    opened = snapchat(identifiers=("EMAIL_SHA256", "PHONE_SHA256", "MOBILE_AD_ID_SHA256"))
    assert digest(opened, name, *raw) == sent


def test_an_identifier_named_twice_is_sent_once(snapchat: Any) -> None:
    """A column has one name."""
    opened = snapchat(identifiers=("EMAIL_SHA256", "EMAIL_SHA256"))
    assert [column.name for column in opened.identity.columns] == ["EMAIL_SHA256"]


@pytest.mark.parametrize(("op", "method"), [("add", "POST"), ("remove", "DELETE")])
def test_each_kind_of_identifier_is_a_request(server: Scripted, snapchat: Any, op: Any, method: str) -> None:
    """One schema each; who has both is in both; equal ones are sent once; a removal has a body too."""
    answers(server, took(2), took(1))
    opened = snapchat()
    rows = table(EMAIL_SHA256=[MARY, None, ANN, MARY], PHONE_SHA256=[US_PHONE, US_PHONE, None, None])
    receipt = (opened.add if op == "add" else opened.remove)(SEGMENT, rows, batch(op, 4))
    assert (receipt.status, receipt.reference, receipt.rejected_unlocated) == ("applied", "5f2", 0)
    by_email, by_phone = asked(server)
    assert by_email.json == {"users": [{"schema": ["EMAIL_SHA256"], "data": [[MARY], [ANN]]}]}
    assert by_phone.json == {"users": [{"schema": ["PHONE_SHA256"], "data": [[US_PHONE]]}]}
    assert {(seen.method, seen.path) for seen in (by_email, by_phone)} == {(method, USERS)}
    assert by_email.headers["Authorization"] == "Bearer access-1"
    assert opened.requests_for(op, 4) == 2


def test_what_was_not_taken_is_counted(server: Scripted, snapchat: Any) -> None:
    """Snapchat says how many identifiers it took, never which; the words of success come in both cases."""
    part = {"sub_request_status": "success", "user": {"number_uploaded_users": 1}}
    answers(server, Reply(body={"request_status": "success", "users": [part]}))
    receipt = snapchat().add(SEGMENT, table(EMAIL_SHA256=[MARY, ANN]), batch("add", 2))
    assert (receipt.rejected, receipt.rejected_unlocated) == ({}, 1)


@pytest.mark.parametrize(
    ("answer", "consequence"),
    [
        (took(None), Uncertain),
        (took(3), Uncertain),
        (took("many"), Uncertain),
        (success(), Uncertain),
        (success(users=[{"sub_request_status": "SUCCESS", "user": "x"}]), Uncertain),
        (success(users=["x"]), Uncertain),
        (took(0, status="ERROR"), Refused),
        (Reply(body={"request_status": "ERROR", "debug_message": "no"}), Refused),
    ],
)
def test_an_odd_answer_is_no_receipt(
    server: Scripted, snapchat: Any, answer: Reply, consequence: type[Exception]
) -> None:
    """Without a count that can be, nobody knows; a part that failed under HTTP 200 was not applied."""
    answers(server, answer)
    with pytest.raises(consequence):
        snapchat().add(SEGMENT, table(EMAIL_SHA256=[MARY, ANN]), batch("add", 2))


def test_a_refusal_after_the_first_kind_is_in_doubt(server: Scripted, snapchat: Any) -> None:
    """The addresses were taken, the numbers were not: the batch comes again as a whole."""
    answers(server, took(1), took(0, status="ERROR"))
    rows = table(EMAIL_SHA256=[MARY], PHONE_SHA256=[US_PHONE])
    with pytest.raises(Uncertain):
        snapchat().add(SEGMENT, rows, batch("add", 1))


@pytest.mark.parametrize(
    ("status", "code", "consequence"),
    [
        (400, "E1001", Refused),
        (400, "E9999", Refused),
        (401, "E3001", AuthFailed),
        (403, "E3002", AuthFailed),
        (200, "E3002", AuthFailed),
        (403, "", AuthFailed),
        (404, "E1003", AudienceGone),
        (400, "E1003", Refused),
        (429, "", QuotaExhausted),
        (500, "", Uncertain),
        (503, "E2002", Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, snapchat: Any, status: int, code: str, consequence: type[Exception]
) -> None:
    """Each documented status and code raises what must happen next, and quotes nobody; no other code decides."""
    told = {"request_status": "ERROR", "request_id": "5f2", "error_code": code}
    answers(server, Reply(status, {**told, "debug_message": f"ann@example.com {MARY}"}))
    with pytest.raises(consequence) as failed:
        snapchat().add(SEGMENT, table(EMAIL_SHA256=[MARY]), batch("add", 1))
    assert isinstance(failed.value, consequence)
    assert not [word for word in ("ann@", MARY, "secret-1", "access-") if word in str(failed.value)]


def test_our_segment_is_found_on_any_page(server: Scripted, snapchat: Any) -> None:
    """By the mark in its description. Of a link to the next page only the query is believed."""
    other: dict[str, object] = {"id": "7", "name": "Lapsed", "description": "turnout:lapsed_vip"}
    link = "https://elsewhere.invalid/v1/segments?cursor=two&limit=50"
    answers(server, segments(other, paging={"next_link": link}), segments(ours()))
    assert snapchat().open_audience(REQUEST, SyncOptions()) == SEGMENT
    first, second = asked(server)
    assert first.path == SEGMENTS
    assert urlsplit(second.path).path == SEGMENTS
    assert parse_qs(urlsplit(second.path).query) == {"cursor": ["two"], "limit": ["50"]}


@pytest.mark.parametrize("paging", [{"next_link": "https://x.invalid/?cursor=1"}, "x", None])
def test_a_page_without_segments_is_the_last(server: Scripted, snapchat: Any, paging: object) -> None:
    """Whatever its paging says: then the segment is made."""
    answers(server, success(segments=[], paging=paging), segments(ours()))
    assert snapchat().open_audience(REQUEST, SyncOptions()).created


@pytest.mark.parametrize(("days", "sent", "lives"), [(9_999, 9_999, None), (90, 90, timedelta(days=90))])
def test_a_segment_is_made_for_its_retention(
    server: Scripted, snapchat: Any, days: int, sent: int, lives: timedelta | None
) -> None:
    """The body of the creating request; members are sent again before a shorter retention ends."""
    answers(server, segments(), segments(ours()))
    opened, options = snapchat(), SnapchatOptions(retention_days=days)
    made = opened.open_audience(REQUEST, options)
    assert made == Audience(SEGMENT.id, "Lapsed", created=True)
    assert asked(server)[1].json == {
        "segments": [
            {
                "name": "Lapsed",
                "description": "turnout:lapsed",
                "source_type": "FIRST_PARTY",
                "retention_in_days": sent,
                "ad_account_id": ACCOUNT,
            }
        ]
    }
    assert opened.lifetime(options) == lives


def test_a_creation_that_failed_is_told(server: Scripted, snapchat: Any) -> None:
    """A part refused under HTTP 200, masked; a lost answer, never repeated; a name that is too long, before all."""
    refused = {"sub_request_status": "ERROR", "sub_request_error_reason": "ann@example.com is odd"}
    answers(server, segments(), success(segments=[refused]))
    with pytest.raises(Refused, match="is odd") as failed:
        snapchat().open_audience(REQUEST, SyncOptions())
    assert "ann@" not in str(failed.value)
    answers(server, segments(), Reply(how="reset"))
    with pytest.raises(Uncertain):
        snapchat().open_audience(REQUEST, SyncOptions())
    assert len(asked(server)) == 4
    answers(server, segments())
    with pytest.raises(ActionNeeded, match="375"):
        snapchat().open_audience(AudienceRequest("x" * 376, "turnout:x", None), SyncOptions())


def test_a_segment_is_read_by_its_id_and_may_be_gone(server: Scripted, snapchat: Any) -> None:
    """The id of an earlier run is asked for; 404 says that it is gone."""
    answers(server, segments(ours()), Reply(404, {"request_status": "ERROR"}))
    assert snapchat().open_audience(known(SEGMENT.id), SyncOptions()) == SEGMENT
    with pytest.raises(AudienceGone):
        snapchat().open_audience(known(SEGMENT.id), SyncOptions())


def test_size_and_states_are_read_back(server: Scripted, snapchat: Any) -> None:
    """How many people Snapchat recognised, and whether the segment can be targeted."""
    states = {"upload_status": "COMPLETE", "targetable_status": "TOO_FEW_USERS"}
    answers(server, segments(ours(approximate_number_users=420, **states)))
    assert snapchat().read_back(SEGMENT) == Reported(420, 420, "COMPLETE; TOO_FEW_USERS")


def test_a_token_that_ends_in_a_long_run_is_renewed_in_time(
    server: Scripted, time: FastTime, snapchat: Any
) -> None:
    """Tokens live half an hour; the client goes in the form, the refresh token stays and has no end."""
    answers(server, took(1), expires_in=1_800, refresh_token="refresh-1")
    opened = snapchat()
    for _ in range(2):
        opened.add(SEGMENT, table(EMAIL_SHA256=[MARY]), batch("add", 1))
        time.clock.sleep(1_790)
    client = {"client_id": "id-1", "client_secret": "secret-1"}
    form = {"grant_type": "refresh_token", "refresh_token": "refresh-1", **client}
    assert renewals(server) == [(form, None), (form, None)]
    assert [seen.headers["Authorization"] for seen in asked(server)] == ["Bearer access-1", "Bearer access-2"]
    assert opened.credential_ends() is None


def test_the_doctor_looks_at_the_segments(server: Scripted, snapchat: Any) -> None:
    """A refusal says what a person has to do, and which variables to look at."""
    answers(server, segments())
    assert [finding.ok for finding in snapchat().examine()] == [True, True]
    answers(server, Reply(403, {"request_status": "ERROR", "error_code": "E3002"}))
    refused = list(snapchat().examine())[-1]
    assert not refused.ok
    assert "terms" in refused.says
    assert "TURNOUT_SNAPCHAT_REFRESH_TOKEN" in refused.says


def test_requests_a_second_are_bounded(snapchat: Any) -> None:
    """Ten, unless told otherwise; a hundred thousand people each."""
    limits = snapchat(requests_per_second=5).limits
    assert limits.windows == (Window(5, timedelta(seconds=1)),)
    assert (limits.max_rows, limits.min_size) == (100_000, 1_000)
