"""Mailchimp tells who unsubscribed or bounced: all of them, nobody else, though its pages move while they are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import ActionNeeded, Refused
from connectors.consent_guard import ForbiddenRequest
from connectors.mailchimp import paging
from connectors.mailchimp.guard import guard
from connectors.mailchimp.unreachable import unreachable
from connectors.people import Unreachable
from connectors.sandbox import SandboxServer
from tests.contract.rigs import MailchimpRig


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    """A sandboxed Mailchimp."""
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


def told(sandbox: SandboxServer, since: datetime | None = None) -> list[Unreachable]:
    """What the connector tells."""
    return list(MailchimpRig(sandbox).connector.unreachable(since))


def test_the_unsubscribed_and_the_cleaned_are_told(sandbox: SandboxServer) -> None:
    """With their reason and Mailchimp's time; contacts of every other status are not."""
    began = datetime.now(UTC) - timedelta(seconds=1)
    for status in ("subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"):
        sandbox.state.put_contacts([f"{status}@example.com"], status)
    found = told(sandbox)
    assert [(one.email, one.reason) for one in found] == [
        ("unsubscribed@example.com", "unsubscribed"),
        ("cleaned@example.com", "bounced"),
    ]
    assert all(one.at is not None and began < one.at < datetime.now(UTC) for one in found)


def test_only_what_is_newer_is_told(sandbox: SandboxServer) -> None:
    """From a time on, in whatever zone it is given; before it nobody."""
    for n in range(6):
        sandbox.state.put_contacts([f"p{n}@example.com"], "unsubscribed")
        time.sleep(0.002)  # Mailchimp's times, as stored here, are whole milliseconds
    everybody = told(sandbox)
    since = everybody[4].at
    assert since is not None
    assert told(sandbox, since) == everybody[4:]
    assert told(sandbox, since.astimezone(timezone(timedelta(hours=9)))) == everybody[4:]
    assert told(sandbox, datetime.now(UTC) + timedelta(hours=1)) == []


def test_every_page_is_read(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More people than a page holds are told, whatever stands at its edge."""
    monkeypatch.setattr(paging, "PAGE", 10)
    monkeypatch.setattr(paging, "OVERLAP", 3)
    for count in (9, 10, 11, 17, 18, 40):
        sandbox.state.put_contacts([f"p{n}@example.com" for n in range(count)], "unsubscribed")
        assert len({one.email for one in told(sandbox)}) == count


Listing = Callable[[dict[str, str]], Mapping[str, object]]


def listing(people: list[str], leaving: Callable[[int], int] = lambda request: 0) -> Listing:
    """A list of unsubscribed contacts that its first ``leaving`` people leave before each request."""
    requests = 0

    def page(question: dict[str, str]) -> Mapping[str, object]:
        nonlocal requests
        requests += 1
        if question["status"] != "unsubscribed":
            return {"members": [], "total_items": 0}
        del people[: leaving(requests)]
        start = int(question["offset"])
        shown = people[start : start + int(question["count"])]
        return {
            "members": [{"id": one, "email_address": one, "status": "unsubscribed"} for one in shown],
            "total_items": len(people),
        }

    return page


@given(st.integers(0, 60), st.lists(st.integers(0, 12), max_size=12))
def test_nobody_who_stays_is_passed_by(count: int, leavers: list[int]) -> None:
    """Whoever is in the listing from beginning to end is told, however many leave it between two requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE", 10)
        patch.setattr(paging, "OVERLAP", 3)
        people = [f"p{n}@example.com" for n in range(count)]
        pages = listing(people, lambda request: leavers[request - 1] if request <= len(leavers) else 0)
        with suppress(Refused):  # it did not hold still, and says so
            assert {one.email for one in unreachable(pages, None)} >= set(people)


def test_a_listing_that_never_holds_still_is_told() -> None:
    """When everybody moves up by more than the overlap each time, it is read anew a few times, then refused."""
    people = [f"p{n}@example.com" for n in range(100_000)]
    with pytest.raises(Refused, match="change faster than they are listed"):
        list(unreachable(listing(people, lambda request: 2_000), None))


@pytest.mark.parametrize(
    "member",
    [
        {"id": "1", "email_address": "a@example.com", "status": "subscribed"},
        {"id": "1", "email_address": "a@example.com"},
        {"id": "1", "email_address": None, "status": "unsubscribed"},
        {"id": "1", "email_address": "", "status": "unsubscribed"},
        "a@example.com",
    ],
)
def test_a_filter_that_does_not_filter_suppresses_nobody(member: object) -> None:
    """Only a member whose own status says so is told."""
    assert list(unreachable(lambda question: {"members": [member], "total_items": 1}, None)) == []


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2015-10-21T15:41:36+00:00", datetime(2015, 10, 21, 15, 41, 36, tzinfo=UTC)),
        ("2015-10-21T15:41:36", datetime(2015, 10, 21, 15, 41, 36, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_a_time_that_is_none_is_none(written: object, at: datetime | None) -> None:
    """Somebody without a readable time is told all the same."""
    member = {"id": "1", "email_address": "a@b.co", "status": "cleaned", "last_changed": written}
    pages: dict[str, list[object]] = {"unsubscribed": [], "cleaned": [member]}
    found = unreachable(lambda question: {"members": pages[question["status"]], "total_items": 0}, None)
    assert list(found) == [Unreachable("bounced", at, email="a@b.co")]


@pytest.mark.parametrize(
    "page", [{"total_items": 0}, {"members": []}, {"members": None, "total_items": 0}, {}]
)
def test_an_answer_that_lists_nothing_is_no_empty_list(page: dict[str, object]) -> None:
    """An answer without members is refused: it does not say that nobody unsubscribed."""
    with pytest.raises(Refused, match="lists no contacts"):
        list(unreachable(lambda question: page, None))


def test_a_list_that_ends_too_early_is_told() -> None:
    """A page with fewer people than there are, and room for more, is not taken for the last."""
    member = {"id": "1", "email_address": "a@example.com", "status": "unsubscribed"}
    with pytest.raises(Refused, match="breaks off"):
        list(unreachable(lambda question: {"members": [member], "total_items": 2}, None))


def test_a_missing_list_is_told(sandbox: SandboxServer) -> None:
    """A list that is not there asks a person to look at LIST_ID."""
    rig = MailchimpRig(sandbox, list_id="0000000000")
    with pytest.raises(ActionNeeded, match="LIST_ID"):
        list(rig.connector.unreachable(None))


@pytest.mark.privacy("P12")
@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/lists/a/members", {"status": "subscribed"}, None),
        ("GET", "/lists/a/members", {"status": "unsubscribed"}, {"status": "unsubscribed"}),
        ("GET", "/lists/a/segments/1/members", {"status": "unsubscribed"}, None),
        ("POST", "/lists/a/segments/1", {"status": "unsubscribed"}, None),
        (
            "PUT",
            "/lists/a/members/" + "0" * 32,
            {"status": "unsubscribed"},
            {"status_if_new": "transactional"},
        ),
        ("PUT", "/lists/a/members/" + "0" * 32, None, {"status": "unsubscribed"}),
    ],
)
def test_a_status_is_asked_for_and_never_set(
    method: str, path: str, query: dict[str, str] | None, body: object
) -> None:
    """The two statuses may stand in the question for contacts, and nowhere else."""
    guard("transactional").check("GET", "/lists/a/members", {"status": "cleaned", "count": "1000"}, None)
    with pytest.raises(ForbiddenRequest):
        guard("transactional").check(method, path, query, body)
