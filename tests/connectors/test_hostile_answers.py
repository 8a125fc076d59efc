"""Answers that hold what they should not: ids that are none, and the identifiers of the request itself."""

from __future__ import annotations

import hashlib
import logging

import pyarrow as pa
import pytest

from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Connector,
    DeliveryError,
    Refused,
    SyncOptions,
    Uncertain,
)
from connectors.mailchimp.connector import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaSettings
from connectors.platform_ids import platform_id
from connectors.redact import redact
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted

NEW = AudienceRequest("Buyers", "turnout:buyers", None)
KNOWN = AudienceRequest("Buyers", "turnout:buyers", "12")
NO_IDS = [
    None, "", True, False, 1.5, [], ["12"], {}, {"id": 12}, "../../secrets", "12/users", "12?fields=x", "12#x", "1 2",
    "<html>", '{"name":"Buyers"}', "ann@example.com", "x" * 129, "\n", "-12", "%2e",
]  # fmt: skip


def _meta(server: Scripted, time: FastTime) -> MetaConnector:
    settings = MetaSettings(_env_file=None, token="EAAB-token", ad_account="1", base_url=server.url)  # type: ignore[call-arg,arg-type]
    connector = MetaConnector("ads", settings)
    connector.http.use_clock(time.clock)
    return connector


def _mailchimp(server: Scripted, time: FastTime, *, create_missing: bool = False) -> MailchimpConnector:
    settings = MailchimpSettings(
        _env_file=None,  # type: ignore[call-arg]
        api_key="0-us1",  # type: ignore[arg-type]
        list_id="a1b2c3d4e5",
        base_url=f"{server.url}/3.0",
        create_missing=create_missing,
    )
    connector = MailchimpConnector("mail", settings)
    connector.http.use_clock(time.clock)
    return connector


PLATFORMS = {"meta": _meta, "mailchimp": _mailchimp}


@pytest.mark.bad_input("B104")
@pytest.mark.parametrize("value", NO_IDS, ids=repr)
def test_what_is_no_id_is_not_taken_for_one(value: object) -> None:
    """An id becomes a part of addresses and stays in the journal: only letters, digits and a few marks pass."""
    assert platform_id(value) is None


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12"), ("120210000000000002", "120210000000000002"), ("a-b_c.d:1",) * 2]
)
def test_ids_of_platforms_pass(value: object, text: str) -> None:
    """Numbers and short codes are ids, as text."""
    assert platform_id(value) == text


@pytest.mark.bad_input("B104")
@pytest.mark.promise("never_claimed", "converges")
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("value", [None, {"x": 1}, "12/../34"], ids=repr)
def test_a_creation_without_an_id_is_uncertain(
    server: Scripted, time: FastTime, platform: str, value: object
) -> None:
    """The audience may be there, so it is looked for next time; nothing is remembered that no later run could use."""
    connector: Connector = PLATFORMS[platform](server, time)
    listing = {"data": [], "tags": []}
    server.script = lambda seen: Reply(body=listing if seen.method == "GET" else {"id": value})
    with pytest.raises(Uncertain, match="names no id; it is looked for next time"):
        connector.open_audience(NEW, SyncOptions())


@pytest.mark.bad_input("B104")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_audience_that_is_shown_without_its_id_is_refused(
    server: Scripted, time: FastTime, platform: str
) -> None:
    """A broken answer about a known audience stops its push with a sentence, before anything is sent."""
    connector: Connector = PLATFORMS[platform](server, time)
    server.answers(Reply(body={"type": "static", "name": ["x"]}))
    with pytest.raises(Refused, match="names no id; nothing was sent"):
        connector.open_audience(KNOWN, SyncOptions())


@pytest.mark.bad_input("B106")
@pytest.mark.privacy("P27", "P28")
@pytest.mark.promise("quiet")
def test_a_refusal_that_repeats_the_rows_is_masked(server: Scripted, time: FastTime) -> None:
    """A platform that quotes a plain id of ours in its error text: the sentence goes on without it."""
    server.answers(Reply(400, {"error": {"code": 100, "message": "Row C0042X is bad, so is c0043x"}}))
    connector = _meta(server, time)
    rows = pa.table({"EXTERN_ID": ["c0042x", "c0043x"]})
    with pytest.raises(DeliveryError) as failed:
        connector.add(Audience("12", "Buyers"), rows, Batch("01", "add", 1, 1, 2))
    assert str(failed.value).endswith("Row [value] is bad, so is [value]")


@pytest.mark.bad_input("B106")
@pytest.mark.parametrize(
    ("text", "sent", "shown"),
    [
        ("no c0042 here", ["c0042"], "no [value] here"),
        ("No C0042 here", ["c0042"], "No [value] here"),
        ("name Ann-Marie O'Neil", ["Ann-Marie", "O'Neil"], "name [value] [value]"),
        ("a.c is not abc", ["a.c"], "[value] is not abc"),
        ("country us", ["us", ""], "country us"),
    ],
)
def test_what_was_sent_is_masked(text: str, sent: list[str], shown: str) -> None:
    """Values of the request are masked in any case, as they are and not as patterns; the shortest name nobody."""
    assert redact(text, sent=sent) == shown


@pytest.mark.privacy("P27", "P29")
@pytest.mark.promise("quiet")
def test_debug_lines_of_the_library_name_nobody(
    server: Scripted, time: FastTime, caplog: pytest.LogCaptureFixture
) -> None:
    """A contact's address is its digest: not even at DEBUG does the HTTP library write it down."""
    caplog.set_level(logging.DEBUG)
    known = ["ann@example.com"]
    body = {
        "errors": [{"email_addresses": known, "error": "does not exist"}],
        "error_count": 1,
        "total_added": 0,
    }
    server.answers(Reply(body=body), Reply(body={"id": "x"}), Reply(body={"errors": [], "error_count": 0}))
    connector = _mailchimp(server, time, create_missing=True)
    rows = pa.table({"EMAIL": known, "FNAME": ["Ann"], "LNAME": ["Lee"]})
    connector.add(Audience("12", "Buyers"), rows, Batch("01", "add", 1, 1, 1))
    digest = hashlib.md5(b"ann@example.com", usedforsecurity=False).hexdigest()
    assert any(digest in seen.path for seen in server.seen), "the request named the person"
    assert "/members/[digest]" in caplog.text
    assert digest not in caplog.text
