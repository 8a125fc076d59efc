"""Reddit's bodies, errors and audiences, against a scripted server and the digests that Reddit prints."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import pyarrow as pa
import pytest
from pydantic import ValidationError

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AuthFailed,
    DeliveryError,
    QuotaExhausted,
    Receipt,
    Refused,
    Reported,
    RowsRefused,
    SyncOptions,
    Uncertain,
)
from connectors.reddit import RedditConnector
from connectors.testing import FastTime
from tests.connectors.lapsed import REQUEST
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals
from tests.connectors.server import Reply, Scripted

AUDIENCE = Audience("ca.2066268373552240021", "Lapsed")
AGENT = "web:com.example.pipeline:v1.0.0 (by /u/accountname)"
LISTING = "/ad_accounts/a2_12ab/custom_audiences"
EMAIL = "548cf1bc59f0afaee88997eea6fd52a61684424d480ae74f9d45ce83a7ab45b1"
MAID = "d4181bb455a74b3bc8b37c75ac9b2c702eb6b9930bd040b861403b31ca85634d"
DONE = Reply(204, b"")


@pytest.fixture
def reddit(sign_in: Any) -> Any:
    """Makes connectors that send both kinds of identifiers, with other settings."""
    both = ("EMAIL_SHA256", "MAID_SHA256")
    return partial(sign_in, RedditConnector, ad_account="a2_12ab", user_agent=AGENT, identifiers=both)


@pytest.fixture
def opened(reddit: Any) -> RedditConnector:
    """One of them."""
    made: RedditConnector = reddit()
    return made


def people(*cells: tuple[str | None, str | None]) -> pa.Table:
    columns = {"EMAIL_SHA256": [email for email, _ in cells], "MAID_SHA256": [maid for _, maid in cells]}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def add(opened: RedditConnector, *cells: tuple[str | None, str | None]) -> Receipt:
    rows = people(*(cells or ((EMAIL, None),)))
    return opened.add(AUDIENCE, rows, batch("add", rows.num_rows))


def refusal(status: int, **more: object) -> Reply:
    return Reply(status, {"error": {"code": status, "message": "ann@example.com is odd", **more}})


IDFA, AAID = "EA7583CD-A667-48BC-B806-42ECB2B48606", "cdda802e-fb9c-47ad-9866-0794d394c912"
DIGESTS = [
    ("EMAIL_SHA256", "Al.ice$+Apple@Example.Com", "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976"),
    ("EMAIL_SHA256", "  Mary.Smith+news@Gmail.com ", EMAIL),
    ("EMAIL_SHA256", "user.name+NYC@example.com", "795bcb4bf560f9867afb3de2d0d3a94976324007c45ea099ec14e90231540547"),
    ("EMAIL_SHA256", "First.Last+promo@Sub.Example.CO.UK",
     "8528df792d31ba2be0fa4a109a52694ca3d523f3b48fb1d80ef15c728ea29ce4"),
    ("MAID_SHA256", IDFA, "70574fa9c8f498a7b2e5c8712b1126de7b1406fd02fdc591821c5bd33092fd1c"),
    ("MAID_SHA256", AAID, "f23b554b2a8fb732a8b973733832e70f018da7bc294dfea289735a07d5dd2c9f"),
]  # fmt: skip
"""The sheet's; the first and the two advertising ids are printed by Reddit."""


@pytest.mark.parametrize(("name", "raw", "expected"), DIGESTS)
def test_people_become_reddits_digests(opened: RedditConnector, name: str, raw: str, expected: str) -> None:
    """Raw values end as the digests that Reddit's rules give."""
    assert digest(opened, name, raw) == expected


def test_an_account_can_say_whose_ids_it_has(reddit: Any) -> None:
    """Then the letters in which they were written mean nothing."""
    apple = reddit(mobile_ad_ids="apple")
    google = reddit(mobile_ad_ids="google")
    assert digest(apple, "MAID_SHA256", IDFA.lower()) == DIGESTS[4][2]
    assert digest(google, "MAID_SHA256", AAID.upper()) == DIGESTS[5][2]


@pytest.mark.parametrize("action", ["ADD", "REMOVE"])
def test_rows_are_complete(opened: RedditConnector, server: Scripted, action: str) -> None:
    """People go by the identifiers that they have, a request for each set of them; no cell is ever empty."""
    answers(server, DONE)
    rows = people((EMAIL, MAID), ("b" * 64, None), (None, "c" * 64), ("d" * 64, None), (None, None))
    call = opened.add if action == "ADD" else opened.remove
    assert call(AUDIENCE, rows, batch("add", 5)) == Receipt("applied", "01JD000000000000000000000A")
    path = "/custom_audiences/ca.2066268373552240021/users"
    assert {(seen.method, seen.path) for seen in asked(server)} == {("PATCH", path)}
    assert [seen.json for seen in asked(server)] == [
        {"data": {"action_type": action, "column_order": columns, "user_data": data}}
        for columns, data in [
            (["EMAIL_SHA256", "MAID_SHA256"], [[EMAIL, MAID]]),
            (["EMAIL_SHA256"], [["b" * 64], ["d" * 64]]),
            (["MAID_SHA256"], [["c" * 64]]),
        ]
    ]
    assert (opened.requests_for("add", 2_500), opened.requests_for("add", 2)) == (3, 2)


def test_who_asks_is_told_everywhere(opened: RedditConnector, server: Scripted) -> None:
    """Reddit blocks nameless requests, those for tokens too; the client goes into the header, not into the form."""
    answers(server, DONE)
    add(opened)
    token, edit = server.seen
    assert (token.headers["User-Agent"], edit.headers["User-Agent"]) == (AGENT, AGENT)
    assert token.headers["Authorization"] == "Basic " + b64encode(b"id-1:secret-1").decode()
    form = parse_qs(token.body.decode())
    assert form == {"grant_type": ["refresh_token"], "refresh_token": ["refresh-1"]}
    assert edit.headers["Authorization"] == "Bearer access-1"


@pytest.mark.parametrize("name", ["turnout", "python-requests/2.32", "web:app:v1", "web:a b:v1 (by /u/name)"])
def test_a_blocked_name_is_refused(reddit: Any, name: str) -> None:
    """It has the form that Reddit demands, or nothing is sent."""
    with pytest.raises(ValidationError, match="user_agent"):
        reddit(user_agent=name)


@pytest.mark.parametrize(
    "ended",
    [
        refusal(401, reason="UNAUTHORIZED"),
        Reply(401, b"Authorization Required", {"Content-Type": "text/plain"}),
    ],
)
def test_an_ended_token_is_renewed_once(opened: RedditConnector, server: Scripted, ended: Reply) -> None:
    """Whether Reddit says so as JSON or in bare text; the refresh token stays the same."""
    answers(server, ended, DONE)
    add(opened)
    assert [seen.headers["Authorization"] for seen in asked(server)] == ["Bearer access-1", "Bearer access-2"]
    assert [form["refresh_token"] for form, _ in renewals(server)] == ["refresh-1"] * 2


CONSEQUENCES: list[tuple[Reply, type[DeliveryError], str]] = [
    (refusal(400), Refused, "not valid"),
    (refusal(400, fields=[{"field": "user_data", "message": "Invalid value."}]), RowsRefused, "user_data"),
    (refusal(400, fields=[{"field": "column_order", "message": "Invalid value."}]), Refused, "not valid"),
    (refusal(401), AuthFailed, "TURNOUT_REDDIT_REFRESH_TOKEN"),
    (refusal(403), AuthFailed, "TURNOUT_REDDIT_USER_AGENT"),
    (Reply(403, b"<html>blocked</html>"), AuthFailed, "TURNOUT_REDDIT_USER_AGENT"),
    (refusal(404), AudienceGone, "does not exist"),
    (Reply(404, b"<html>no such page</html>"), Uncertain, "404"),
    (refusal(410), ActionNeeded, "upgrade"),
    (refusal(429), QuotaExhausted, "too many"),
    (refusal(500), Uncertain, "may have been applied"),
    (Reply(200, b""), Uncertain, "may have been applied"),
    (Reply(200, {"error": {"code": 400}}), Uncertain, "with an error"),
]


@pytest.mark.parametrize(("reply", "consequence", "says"), CONSEQUENCES)
def test_every_error_has_its_consequence(
    opened: RedditConnector, server: Scripted, reply: Reply, consequence: type[DeliveryError], says: str
) -> None:
    """Each documented status raises what must happen next, and quotes nobody."""
    answers(server, reply)
    with pytest.raises(consequence, match=says) as failed:
        add(opened)
    assert isinstance(failed.value, RowsRefused) == (consequence is RowsRefused)
    assert "ann@" not in str(failed.value)


def test_after_one_part_was_taken_the_batch_is_in_doubt(opened: RedditConnector, server: Scripted) -> None:
    """A refusal of the second request says nothing of the first one's people."""
    answers(server, DONE, refusal(400))
    with pytest.raises(Uncertain, match="another part of the batch was taken"):
        add(opened, (EMAIL, None), (None, MAID))


def test_both_windows_are_read(opened: RedditConnector, server: Scripted, time: FastTime) -> None:
    """When the quarter of an hour has no request left, the next waits for it, though the minute has many."""
    policies = '"minute";q=500;w=60, "quarter";q=3000;w=900'
    left = '"minute";r=400;t=10, "quarter";r=0;t=100'
    answers(server, Reply(204, b"", {"RateLimit-Policy": policies, "RateLimit": left}))
    add(opened)
    assert sum(time.pauses) == 0
    add(opened)
    assert 100 <= sum(time.pauses) < 110


def test_our_audience_is_found_on_any_page(opened: RedditConnector, server: Scripted) -> None:
    """By its name in whatever case among customer lists; of the link to the next page only the query is believed."""
    pixel = {"id": "ca.1", "name": "Lapsed", "type": "WEBSITE"}
    other = {"id": "ca.2", "name": "Lapsed vip", "type": "CUSTOMER_LIST"}
    link = {"next_url": "https://elsewhere.invalid/x?page.token=two"}
    first = {"data": [pixel, other], "pagination": link}
    second = {"data": [{"id": AUDIENCE.id, "name": "LAPSED", "type": "CUSTOMER_LIST"}]}
    answers(server, Reply(body=first), Reply(body=second))
    assert opened.open_audience(REQUEST, SyncOptions()).id == AUDIENCE.id
    assert [seen.path for seen in asked(server)] == [LISTING, f"{LISTING}?page.token=two"]


def test_a_listing_without_end_stops(opened: RedditConnector, server: Scripted) -> None:
    """The same link again and again is an error, not a loop."""
    page = {"data": [], "pagination": {"next_url": "https://ads-api.reddit.com/x?page.token=two"}}
    answers(server, Reply(body=page))
    with pytest.raises(ActionNeeded, match="does not end"):
        opened.open_audience(REQUEST, SyncOptions())
    assert len(asked(server)) == 2


def test_an_audience_is_created_once(opened: RedditConnector, server: Scripted) -> None:
    """The body of the creating request; without an answer it is not repeated."""
    answers(server, Reply(body={"data": []}), Reply(body={"data": {"id": AUDIENCE.id}}))
    made = opened.open_audience(REQUEST, SyncOptions())
    assert made == Audience(AUDIENCE.id, "Lapsed", created=True)
    assert [(seen.method, seen.path) for seen in asked(server)] == [("GET", LISTING), ("POST", LISTING)]
    assert asked(server)[-1].json == {"data": {"name": "Lapsed", "type": "CUSTOMER_LIST"}}
    answers(server, Reply(body={"data": []}), Reply(how="reset"))
    with pytest.raises(Uncertain):
        opened.open_audience(REQUEST, SyncOptions())
    assert [seen.method for seen in asked(server)] == ["GET", "POST"] * 2


SIZES: list[tuple[dict[str, object], Reported]] = [
    ({"status": "VALID", "size_range_lower": 1000, "size_range_upper": 2000}, Reported(1000, 2000, "VALID")),
    ({"status": "VALID", "approximate_size": 1500}, Reported(1500, 1500, "VALID")),
    ({"status": "PENDING"}, Reported(None, None, "PENDING")),
]


@pytest.mark.parametrize(("more", "reported"), SIZES)
def test_the_size_is_what_reddit_gives(
    opened: RedditConnector, server: Scripted, more: dict[str, object], reported: Reported
) -> None:
    """A range, or a number about right, or nothing yet; and the state in Reddit's word."""
    answers(server, Reply(body={"data": {"id": AUDIENCE.id, "name": "Lapsed", **more}}))
    assert opened.read_back(AUDIENCE) == reported
    assert asked(server)[0].path == f"/custom_audiences/{AUDIENCE.id}"


def test_the_doctor_reads_the_account(opened: RedditConnector, server: Scripted) -> None:
    """A token, then the account's audiences; a blocked name is told."""
    answers(server, Reply(body={"data": []}), refusal(403))
    assert [(found.step, found.ok) for found in opened.examine()] == [
        ("credential", True),
        ("ad account", True),
    ]
    assert "TURNOUT_REDDIT_USER_AGENT" in list(opened.examine())[-1].says


def test_a_missing_account_is_no_missing_audience(opened: RedditConnector, server: Scripted) -> None:
    """The same status, but nobody must be forgotten for it."""
    answers(server, refusal(404))
    with pytest.raises(ActionNeeded, match="TURNOUT_REDDIT_AD_ACCOUNT"):
        opened.open_audience(REQUEST, SyncOptions())
