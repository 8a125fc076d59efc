"""Pinterest's lists, audiences, errors and tokens, against a scripted server and the official description."""

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
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.pinterest import NOBODY, PinterestConnector
from connectors.testing import FastTime
from tests.connectors.lapsed import ANN, MARY, REQUEST, known
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted
from tests.sandbox.pinterest_openapi import pinterest_description

LIST = Audience("643", "Lapsed")
ACCOUNT = "/ad_accounts/549755885175"
LISTS, AUDIENCES = f"{ACCOUNT}/customer_lists", f"{ACCOUNT}/audiences"
RAW_MAID = "38400000-8CF0-11BD-B23E-10B96E40000D"
MAID = "d4181bb455a74b3bc8b37c75ac9b2c702eb6b9930bd040b861403b31ca85634d"
UPPER_MAID = "778360f2fdc52c8a8f8527d1057da604687f2ed78b23a73f274b39adc054c422"


@pytest.fixture
def pinterest(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    return partial(sign_in, PinterestConnector, ad_account="549755885175")


def page(*items: dict[str, object], bookmark: str | None = None) -> Reply:
    return Reply(body={"items": list(items), "bookmark": bookmark})


def listed(number: int, name: str = "turnout:lapsed") -> dict[str, object]:
    return {"id": str(number), "name": name, "status": "READY"}


def around(list_id: str, **more: object) -> dict[str, object]:
    return {"id": "77", "name": "Lapsed", "rule": {"customer_list_id": list_id}, **more}


@pytest.mark.parametrize(
    ("name", "raw", "sent"),
    [
        ("EMAIL", "  Mary.Smith+news@Gmail.com ", MARY),
        ("EMAIL", "Mary@Example.com", ANN),
        ("MAID", RAW_MAID, MAID),
    ],
)
def test_people_become_the_sheets_digests(pinterest: Any, name: str, raw: str, sent: str) -> None:
    """Addresses trimmed and in lower case, advertising ids in lower case with hyphens; always SHA-256."""
    assert digest(pinterest(identifiers=("EMAIL", "MAID")), name, raw) == sent


def test_the_case_of_advertising_ids_is_a_setting(pinterest: Any) -> None:
    """Pinterest's documents do not say which it is."""
    assert digest(pinterest(identifiers=("MAID",), maid_case="upper"), "MAID", RAW_MAID.lower()) == UPPER_MAID


def test_every_identifier_is_a_record_of_one_string(server: Scripted, pinterest: Any) -> None:
    """Adding and removing: one PATCH each, kinds mixed, each record once."""
    answers(server, Reply(body=listed(643)))
    opened = pinterest(identifiers=("EMAIL", "MAID"))
    rows = table(EMAIL=[MARY, None, MARY], MAID=[MAID, UPPER_MAID, None])
    receipt = opened.add(LIST, rows, batch("add", 3))
    opened.remove(LIST, rows, batch("remove", 3))
    assert (receipt.status, receipt.rejected) == ("applied", {})
    added, removed = asked(server)
    records = f"{MARY},{MAID},{UPPER_MAID}"
    assert added.json == {"operation_type": "ADD", "records": records}
    assert removed.json == {"operation_type": "REMOVE", "records": records}
    assert {(seen.method, seen.path) for seen in (added, removed)} == {("PATCH", f"{LISTS}/643")}
    assert added.headers["Authorization"] == "Bearer access-1"


def test_a_new_list_holds_nobody_and_an_audience_is_put_around_it(server: Scripted, pinterest: Any) -> None:
    """The list is named by our mark and made with a record of nobody's, which leaves before anybody comes."""
    answers(server, page(listed(5, "turnout:lapsed_vip")), Reply(body=listed(643)))
    made = pinterest().open_audience(REQUEST, SyncOptions())
    assert made == Audience("643", "Lapsed", created=True)
    _, made_list, emptied, wrapped = asked(server)
    assert (made_list.method, made_list.path) == ("POST", LISTS)
    assert made_list.json == {"name": "turnout:lapsed", "list_type": "EMAIL", "records": NOBODY}
    assert (emptied.method, emptied.path) == ("PATCH", f"{LISTS}/643")
    assert emptied.json == {"operation_type": "REMOVE", "records": NOBODY}
    assert (wrapped.method, wrapped.path) == ("POST", AUDIENCES)
    assert wrapped.json == {
        "name": "Lapsed",
        "audience_type": "CUSTOMER_LIST",
        "description": "turnout:lapsed",
        "rule": {"customer_list_id": "643"},
    }


def test_our_list_is_found_on_any_page(server: Scripted, pinterest: Any) -> None:
    """Pages are followed by bookmark; a list with its audience needs nothing more."""
    answers(
        server,
        page(listed(5, "turnout:lapsed_vip"), bookmark="two"),
        page(listed(643)),
        page(around("5"), around("643")),
    )
    assert pinterest().open_audience(REQUEST, SyncOptions()) == LIST
    first, second, audiences = asked(server)
    assert urlsplit(first.path).path == LISTS
    assert parse_qs(urlsplit(second.path).query) == {"page_size": ["250"], "bookmark": ["two"]}
    assert urlsplit(audiences.path).path == AUDIENCES


@pytest.mark.parametrize("known", [None, "643"])
def test_a_list_without_an_audience_gets_one(server: Scripted, pinterest: Any, known: str | None) -> None:
    """After a crash between the two, or when somebody deleted the audience: the people in the list are kept."""
    found = Reply(body=listed(643)) if known else page(listed(643))
    answers(server, found, page(around("5")), Reply(body=listed(643)))
    opened = pinterest().open_audience(AudienceRequest("Lapsed", "turnout:lapsed", known), SyncOptions())
    assert opened == LIST
    assert [seen.method for seen in asked(server)] == ["GET", "GET", "PATCH", "POST"]


def test_an_unanswered_creation_is_not_repeated(server: Scripted, pinterest: Any) -> None:
    """Lists can't be deleted, so none is made twice; the next run finds it by its name."""
    answers(server, page(), Reply(how="reset"))
    with pytest.raises(Uncertain):
        pinterest().open_audience(REQUEST, SyncOptions())
    assert len(asked(server)) == 2


def test_a_listing_without_end_stops(
    server: Scripted, pinterest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty pages with another bookmark for ever are an error, not a loop."""
    monkeypatch.setattr("connectors.account.MOST_PAGES", 3)
    answers(server, *(page(bookmark=bookmark) for bookmark in ("one", "two", "three", "four")))
    with pytest.raises(ActionNeeded, match="does not end"):
        pinterest().open_audience(REQUEST, SyncOptions())
    assert len(asked(server)) == 3


@pytest.mark.parametrize(
    ("status", "code", "consequence"),
    [
        (400, 1, Refused),
        (400, 2, AuthFailed),
        (400, 3, AuthFailed),
        (400, 7, AuthFailed),
        (400, 8, QuotaExhausted),
        (400, 4242, Refused),
        (401, 2, AuthFailed),
        (403, 3, AuthFailed),
        (403, 7, AuthFailed),
        (404, 2, AudienceGone),
        (409, 0, Uncertain),
        (429, 8, QuotaExhausted),
        (500, 1, Uncertain),
        (503, 0, Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, pinterest: Any, status: int, code: int, consequence: type[Exception]
) -> None:
    """The status decides; the code of Pinterest's application only where the status says little."""
    answers(server, Reply(status, {"code": code, "message": f"ann@example.com {MARY}"}))
    with pytest.raises(consequence) as failed:
        pinterest().add(LIST, table(EMAIL=[MARY]), batch("add", 1))
    assert isinstance(failed.value, consequence)
    assert not [word for word in ("ann@", MARY, "secret-1", "access-") if word in str(failed.value)]


def test_tokens_rotate_and_the_next_run_uses_the_new_one(
    server: Scripted, time: FastTime, pinterest: Any
) -> None:
    """The client signs, refresh tokens that are replaced are asked for, and what was given is used next."""
    answers(server, Reply(body=listed(643)), refresh_token="refresh-2", refresh_token_expires_in=60 * 86_400)
    opened = pinterest()
    opened.add(LIST, table(EMAIL=[MARY]), batch("add", 1))
    time.clock.sleep(3_600)
    pinterest().add(LIST, table(EMAIL=[MARY]), batch("add", 1))
    form = {"grant_type": "refresh_token", "continuous_refresh": "true"}
    basic = "Basic aWQtMTpzZWNyZXQtMQ=="
    assert renewals(server) == [
        ({**form, "refresh_token": "refresh-1"}, basic),
        ({**form, "refresh_token": "refresh-2"}, basic),
    ]
    assert opened.credential_ends() is None, "it is replaced before it ends"
    assert pinterest(credential_ends="2027-03-01").credential_ends() == datetime(2027, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("audiences", "reported"),
    [
        (page(around("643", size=1200, status="READY")), Reported(1200, 1200, "list READY; audience READY")),
        (page(around("643", size=None, status="INITIALIZING")),
         Reported(None, None, "list READY; audience INITIALIZING")),
        (page(around("5", size=9)), Reported(None, None, "list READY; audience missing")),
    ],
)  # fmt: skip
def test_size_and_states_are_read_back(
    server: Scripted, pinterest: Any, audiences: Reply, reported: Reported
) -> None:
    """The size is the audience's, the states are of both."""
    answers(server, Reply(body=listed(643)), audiences)
    assert pinterest().read_back(LIST) == reported


def test_the_doctor_looks_at_account_and_lists(server: Scripted, pinterest: Any) -> None:
    """Step by step; a refusal says which variables to look at."""
    answers(server, Reply(body={"id": "549755885175", "permissions": ["ADMIN", "ANALYST"]}), page())
    findings = list(pinterest().examine())
    assert [finding.ok for finding in findings] == [True, True, True]
    assert findings[1].says.endswith("ADMIN and ANALYST")
    assert [urlsplit(seen.path).path for seen in asked(server)] == [ACCOUNT, LISTS]
    answers(server, Reply(403, {"code": 7, "message": "no"}))
    refused = list(pinterest().examine())[-1]
    assert not refused.ok
    assert "TURNOUT_PINTEREST_REFRESH_TOKEN" in refused.says


def test_trial_access_is_a_thousand_requests_a_day(pinterest: Any) -> None:
    """Besides those a minute; and one change of a list at a time."""
    assert pinterest().limits.windows == (Window(400, timedelta(minutes=1)),)
    assert pinterest(access="trial").limits.windows[1] == Window(1_000, timedelta(days=1))
    assert pinterest().limits.max_in_flight == 1


def test_requests_are_what_the_official_description_says(server: Scripted, pinterest: Any) -> None:
    """Every request in the life of an audience, held against Pinterest's OpenAPI description."""
    description = pinterest_description()
    if description is None:
        pytest.skip("Pinterest's OpenAPI description is not at hand")
    assert description is not None
    opened = pinterest(identifiers=("EMAIL", "MAID"))
    answers(server, page(bookmark="two"), page(), Reply(body=listed(643)))
    audience = opened.open_audience(REQUEST, SyncOptions())
    rows = table(EMAIL=[MARY, ANN], MAID=[MAID, None])
    opened.add(audience, rows, batch("add", 2))
    opened.remove(audience, rows, batch("remove", 2))
    opened.open_audience(known("643"), SyncOptions())
    opened.read_back(audience)
    assert all(finding.ok for finding in opened.examine())
    for seen in asked(server):
        description.check_request(seen.method, seen.path, seen.json)
    assert {(seen.method, urlsplit(seen.path).path) for seen in asked(server)} == {
        ("GET", ACCOUNT), ("GET", LISTS), ("POST", LISTS), ("GET", f"{LISTS}/643"), ("PATCH", f"{LISTS}/643"),
        ("GET", AUDIENCES), ("POST", AUDIENCES),
    }  # fmt: skip
