"""Criteo's requests, counts, errors, contact lists and audiences, against a scripted server and the sandbox."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    Uncertain,
    Window,
)
from connectors.criteo import CriteoConnector, CriteoOptions
from connectors.testing import FastTime
from tests.connectors.lapsed import ANN, MARY
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted

SEGMENT = Audience("987654", "Lapsed")
ANN_MD5 = "c96da02bba97aedfd26136e980ae3761"
MADID = "38400000-8cf0-11bd-b23e-10b96e40000d"


@pytest.fixture
def criteo(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    return partial(sign_in, CriteoConnector, advertiser="12345")


def counted(valid: int, invalid: int = 0, samples: object = ()) -> Reply:
    """The answer to an amendment."""
    numbers = {"nbValidIdentifiers": valid, "nbInvalidIdentifiers": invalid}
    told = {"operation": "add", "identifierType": "email", **numbers, "sampleInvalidIdentifiers": samples}
    return Reply(body={"data": {"type": "x", "attributes": told}, "errors": [], "warnings": []})


def problem(code: str, kind: str) -> dict[str, str]:
    """An error of Criteo's."""
    return {
        "type": kind,
        "code": code,
        "title": "no",
        "detail": f"ann@example.com {MARY}",
        "traceId": "trace-1",
    }


def add(opened: CriteoConnector, *emails: str) -> Any:
    """Add these addresses."""
    return opened.add(SEGMENT, table(EMAIL_SHA256=list(emails)), batch("add", len(emails)))


@pytest.mark.parametrize(
    ("name", "raw", "sent"),
    [
        ("EMAIL_SHA256", " Mary@Example.com", ANN),
        ("EMAIL_MD5", " Mary@Example.com", ANN_MD5),
        ("EMAIL_SHA256", "Mary.Smith+news@Gmail.com", MARY),
        ("EMAIL_MD5", "mary.smith+news@gmail.com", "df5dc5df85876598df6b912f0210bf9a"),
        ("MADID", " 38400000-8CF0-11BD-B23E-10B96E40000D", MADID),
    ],
)
def test_people_become_what_criteo_knows(criteo: Any, name: str, raw: str, sent: str) -> None:
    """The fact sheet's digests, and advertising ids as they are."""
    assert digest(criteo(identifiers=(name,)), name, raw) == sent


def test_the_third_form_is_no_other_address() -> None:
    """Criteo's SHA-256 of the MD5, which is not sent, shows that the sheet's digests are of one address."""
    legacy = "e6820556aab2a0a4d24e2f798605ccb41780586275fc786353f5692c246b17ee"
    assert hashlib.sha256(ANN_MD5.encode()).hexdigest() == legacy


def test_one_kind_and_one_operation_a_request(server: Scripted, criteo: Any) -> None:
    """Path, body and credential of adding and removing, both forms of an address one after the other."""
    answers(server, counted(1))
    opened = criteo(identifiers=("EMAIL_SHA256", "EMAIL_MD5", "MADID"))
    rows = table(EMAIL_SHA256=[ANN, None], EMAIL_MD5=[ANN_MD5, None], MADID=[None, MADID])
    assert opened.add(SEGMENT, rows, batch("add", 2)).status == "applied"
    opened.remove(SEGMENT, rows.slice(0, 1), batch("remove", 1))
    sent = [
        ("add", "email", [ANN]), ("add", "email", [ANN_MD5]), ("add", "madid", [MADID]),
        ("remove", "email", [ANN]), ("remove", "email", [ANN_MD5]),
    ]  # fmt: skip
    names = ("operation", "identifierType", "identifiers")
    assert [seen.json for seen in asked(server)] == [
        {"data": {"type": "ContactlistAmendment", "attributes": dict(zip(names, one, strict=True))}}
        for one in sent
    ]
    for seen in asked(server):
        assert (seen.method, seen.path) == ("PATCH", "/audience-segments/987654/contact-list")
        assert seen.headers["Authorization"] == "Bearer access-1"


@pytest.mark.parametrize(
    ("answer", "rejected", "unlocated"),
    [
        (counted(4), {}, 0),
        (counted(3, 1, [ANN]), {1: "invalid_identifier"}, 0),
        (counted(2, 2, [ANN, "somebody else's"]), {1: "invalid_identifier"}, 1),
        (counted(3, 1, [ANN, MARY]), {}, 1),
        (counted(3, 1, None), {}, 1),
        (counted(3, 1, [7, None, {}]), {}, 1),
    ],
)
def test_samples_locate_rows_and_the_rest_is_counted(
    server: Scripted, criteo: Any, answer: Reply, rejected: dict[int, str], unlocated: int
) -> None:
    """A sample is a row's only if it is what was sent; more samples than refusals mean nothing."""
    answers(server, answer)
    receipt = add(criteo(), MARY, ANN, "c" * 64, "d" * 64)
    assert (dict(receipt.rejected), receipt.rejected_unlocated) == (rejected, unlocated)


@pytest.mark.parametrize("answer", [counted(1), counted(3), Reply(body={}), Reply(body={"data": []})])
def test_counts_of_something_else_are_no_receipt(server: Scripted, criteo: Any, answer: Reply) -> None:
    """Fewer or more than were sent, or none at all: nobody knows who was taken."""
    answers(server, answer)
    with pytest.raises(Uncertain):
        add(criteo(), MARY, ANN)


def test_counts_are_exact_for_one_kind_only(criteo: Any) -> None:
    """With two forms of an address, refused identifiers are not refused people."""
    assert criteo().limits.exact_counts
    assert not criteo(identifiers=("EMAIL_SHA256", "EMAIL_MD5")).limits.exact_counts


@pytest.mark.parametrize(
    ("status", "code", "kind", "consequence"),
    [
        (401, "authorization-token-invalid", "authorization", AuthFailed),
        (401, "authorization-token-expired", "authorization", AuthFailed),
        (403, "access-control", "access-control", AuthFailed),
        (403, "missing-domain", "access-control", AuthFailed),
        (404, "audience-invalid", "validation", AudienceGone),
        (404, "segment-not-found", "validation", AudienceGone),
        (404, "", "", ActionNeeded),
        (400, "identifiers-invalid", "validation", Refused),
        (410, "endpoint-gone", "deprecation", ActionNeeded),
        (410, "", "", ActionNeeded),
        (429, "too-many", "quota", QuotaExhausted),
        (500, "x", "availability", Uncertain),
        (503, "x", "availability", Uncertain),
        (200, "segment-not-found", "validation", AudienceGone),
        (200, "name-must-not-be-empty", "validation", Refused),
        (200, "nobody-knows", "", Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, criteo: Any, status: int, code: str, kind: str, consequence: type[Exception]
) -> None:
    """Each documented status, code and type raises what must happen next, and quotes nobody."""
    answers(server, Reply(status, {"errors": [problem(code, kind)] if code else [], "warnings": []}))
    with pytest.raises(consequence) as failed:
        add(criteo(), MARY)
    told = str(failed.value)
    assert isinstance(failed.value, consequence)
    assert not [text for text in ("ann@", MARY, "secret-1", "access-1") if text in told]
    if status == 403:
        assert "consent link" in told
    if status == 410:
        assert "TURNOUT_CRITEO_BASE_URL" in told


def test_a_warning_of_another_kind_stops_nothing(server: Scripted, criteo: Any) -> None:
    """A version that will end is announced long before."""
    reply = counted(1)
    assert isinstance(reply.body, dict)
    answers(server, Reply(body={**reply.body, "warnings": [problem("deprecation", "deprecation")]}))
    assert add(criteo(), MARY).status == "applied"


def test_the_quota_is_waited_for_until_its_moment(server: Scripted, time: FastTime, criteo: Any) -> None:
    """``x-ratelimit-reset`` is a moment in Unix time."""
    reset = str(int(time.start.timestamp()) + 40)
    headers = {"x-ratelimit-limit": "250", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    answers(server, Reply(429, {"errors": [problem("x", "quota")]}, headers), counted(1))
    assert add(criteo(), MARY).status == "applied"
    assert 39 <= sum(time.pauses) <= 42
    assert criteo().limits.windows == (Window(250, timedelta(minutes=1)),)


def test_the_client_signs_in_by_itself(server: Scripted, criteo: Any) -> None:
    """Client credentials in the form; an ended token is fetched anew once, without a refresh token."""
    ended = Reply(401, {"errors": [problem("authorization-token-expired", "authorization")]})
    answers(server, ended, counted(1))
    assert add(criteo(), MARY).status == "applied"
    form = {"grant_type": "client_credentials", "client_id": "id-1", "client_secret": "secret-1"}
    assert renewals(server) == [(form, None), (form, None)]


@pytest.mark.parametrize(
    ("kinds", "told", "reported"),
    [
        (
            ("EMAIL_SHA256",),
            {"numberOfIdentifiers": 200, "numberOfMatches": 122, "matchRate": 0.61},
            Reported(200, 200, "matched 122; match rate 0.61"),
        ),
        (
            ("EMAIL_SHA256", "EMAIL_MD5"),
            {"numberOfIdentifiers": 201, "numberOfMatches": 0, "matchRate": None},
            Reported(101, 201, "matched 0"),
        ),
        (("EMAIL_SHA256",), {"numberOfIdentifiers": None, "matchRate": "x"}, Reported(None, None, "")),
    ],
)
def test_identifiers_and_matches_are_read_back(
    server: Scripted, criteo: Any, kinds: Any, told: Any, reported: Reported
) -> None:
    """People have at most one identifier of each kind."""
    answers(server, Reply(body={"data": {"id": "987654", "attributes": told}, "errors": [], "warnings": []}))
    assert criteo(identifiers=kinds).read_back(SEGMENT) == reported
    assert asked(server)[0].path == "/audience-segments/987654/contact-list/statistics"


def test_the_doctor_reads_the_advertisers_lists(server: Scripted, criteo: Any) -> None:
    """An advertiser who has not approved the app is the first thing to find out."""
    answers(server, Reply(body={"data": [], "meta": {"totalItems": 0}}))
    assert [finding.ok for finding in criteo().examine()] == [True, True]
    answers(server, Reply(403, {"errors": [problem("x", "access-control")]}))
    credential, advertiser = criteo().examine()
    assert (credential.ok, advertiser.ok) == (True, False)
    assert "consent link" in advertiser.says


def test_members_stay_unless_somebody_says_otherwise(criteo: Any) -> None:
    """No end is documented, so it is an option; a request for each kind of identifier."""
    assert criteo().lifetime(CriteoOptions()) is None
    assert criteo().lifetime(CriteoOptions(retention_days=90)) == timedelta(days=90)
    assert criteo(identifiers=("EMAIL_SHA256", "EMAIL_MD5")).requests_for("add", 10) == 2
