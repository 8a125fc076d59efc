"""Who has a tag: everybody, whatever their status, page by page, and never a part of them in silence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.base import AudienceGone, AudienceRequest, Batch, Refused
from connectors.consent_guard import ForbiddenRequest
from connectors.mailchimp.guard import guard
from connectors.mailchimp.listing import pages
from connectors.mailchimp.paging import PAGE
from connectors.sandbox import SandboxServer
from connectors.sandbox.mailchimp.requests import Status
from tests.contract.rigs import MailchimpRig

STATUSES: tuple[Status, ...] = ("subscribed", "unsubscribed", "cleaned", "transactional")


class Tag:
    """A tag's members as Mailchimp pages them, changed between two requests."""

    def __init__(self, people: int) -> None:
        self.people = list(range(people))
        self.leaving: list[int] = []
        """Of whom the first leaves after each page."""
        self.asked: list[Mapping[str, str]] = []

    def __call__(self, question: dict[str, str]) -> dict[str, object]:
        self.asked.append(question)
        start, count = int(question["offset"]), int(question["count"])
        shown = [
            {"id": f"{n:032}", "email_address": f"P{n}@B.co"} for n in self.people[start : start + count]
        ]
        page = {"members": shown, "total_items": len(self.people)}
        if self.leaving:
            self.people.remove(self.leaving.pop(0))
        return page


def everybody(tag: Tag) -> set[str]:
    """The addresses that a listing names."""
    return {present.identifiers["EMAIL"] for page in pages(tag) for present in page}


@pytest.mark.parametrize("people", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 5])
def test_every_page_is_read(people: int) -> None:
    """Whatever their number, all are named, as they are sent; every question carries the three flags."""
    tag = Tag(people)
    assert everybody(tag) == {f"p{n}@b.co" for n in range(people)}
    assert all(q["count"] == "1000" and q["include_cleaned"] == "true" for q in tag.asked)


def test_somebody_who_leaves_hides_nobody() -> None:
    """Whoever follows moves up by one place between two pages, and is named all the same."""
    tag = Tag(3 * PAGE)
    tag.leaving = [5, 1500]
    assert everybody(tag) >= {f"p{n}@b.co" for n in tag.people}


@pytest.mark.fault(
    "F13",
    injected="a page of the tool's list that is short, or none",
    outcome="the list is refused as a whole",
)
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"members": None, "total_items": 1},
        {"members": [], "total_items": 1},
        {"members": [{"id": "a" * 32, "email_address": "a@b.co"}], "total_items": 3},
        {"members": [{"id": "a" * 32}], "total_items": 1},
        {"members": [{"id": "a" * 32, "email_address": " "}], "total_items": 1},
        {"members": [{"id": "a" * 32, "email_address": "a@b.co"}]},
    ],
)
def test_a_part_is_not_taken_for_the_whole(answer: dict[str, object]) -> None:
    """No list, fewer than there are, or a member without an address: nothing is concluded from it."""
    with pytest.raises(Refused, match="Mailchimp: "):
        list(pages(lambda _: answer))


def test_whatever_their_status(tmp_path: Path) -> None:
    """In the sandbox: the unsubscribed, the cleaned and the transactional have the tag like the others."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        rig = MailchimpRig(sandbox)
        tag = rig.connector.open_audience(AudienceRequest("vip", "turnout:vip", None), rig.options)
        emails = [f"{status}@b.co" for status in STATUSES]
        for status, email in zip(STATUSES, emails, strict=True):
            sandbox.state.put_contacts([email], status)
        rows = pa.table({"EMAIL": emails})
        rig.connector.add(tag, rows, Batch("01JD000000000000000000000A", "add", 1, 1, len(emails)))
        [page] = rig.connector.members(tag)
        assert {one.identifiers["EMAIL"] for one in page} == set(emails)
        sandbox.state.delete_audience("mailchimp", tag.id)
        with pytest.raises(AudienceGone):
            list(rig.connector.members(tag))


def test_the_guard_lets_a_list_be_read_and_not_written() -> None:
    """Reading a tag's members is allowed; adding or removing one by one is not."""
    path = "/lists/a/segments/1/members"
    guard("transactional").check("GET", path, None, None)
    for method in ("POST", "DELETE"):
        with pytest.raises(ForbiddenRequest):
            guard("transactional").check(method, path, None, None)
