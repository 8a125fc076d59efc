"""SendGrid's jobs: what they say of a batch, and what they leave open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    AudienceGone,
    JobFailed,
    Receipt,
    Uncertain,
)
from connectors.testing import FastTime
from tests.connectors.oauth_account import batch
from tests.connectors.sendgrid_account import (
    CONTACTS,
    JOBS,
    LIST,
    LISTS,
    Account,
    described,
    opened,
    people,
)
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def sendgrid(server: Scripted, time: FastTime) -> Iterator[Any]:
    """Makes connectors with other settings; in the end every request must be as officially described."""
    yield partial(opened, server, time)
    for seen in server.seen:
        described(seen)


def job(status: str, **results: object) -> Reply:
    return Reply(body={"id": "job-1", "job_type": "upsert", "status": status, "results": results})


@pytest.mark.parametrize("body", [{}, {"job_id": 7.5}, {"job_id": "a b"}, {"job_id": None}])
def test_an_answer_without_a_job_leaves_doubt(server: Scripted, sendgrid: Any, body: object) -> None:
    """Nobody could ask what became of it."""
    account = Account(server)
    account.says("PUT", CONTACTS, Reply(202, body))
    with pytest.raises(Uncertain):
        sendgrid(create_missing=True).add(LIST, people("ada"), batch("add", 1))


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([job("pending")], Receipt("accepted", "job-1,job-2")),
        ([job("completed"), job("pending")], Receipt("accepted", "job-1,job-2")),
        ([job("something new")], Receipt("accepted", "job-1,job-2")),
        ([job("completed")], Receipt("applied", "job-1,job-2")),
        ([job("errored", errored_count=2)], Receipt("applied", "job-1,job-2", rejected_unlocated=4)),
        ([job("errored", errored_count="x")], Receipt("applied", "job-1,job-2")),
        ([job("failed")], JobFailed),
        ([job("failed"), job("completed")], Uncertain),
        ([Reply(404, {"errors": []})], Uncertain),
    ],
)
def test_jobs_are_asked_about(server: Scripted, sendgrid: Any, states: list[Reply], verdict: Any) -> None:
    """The batch has a verdict when all its jobs have ended; a failed one among others leaves doubt."""
    account = Account(server)
    replies = [*states, states[-1]][:2]
    for number, reply in enumerate(replies, 1):
        account.says("GET", f"{JOBS}/job-{number}", reply)
    if isinstance(verdict, Receipt):
        assert sendgrid().poll(LIST, "job-1,job-2") == verdict
    else:
        with pytest.raises(verdict):
            sendgrid().poll(LIST, "job-1,job-2")


def test_a_failed_job_of_a_list_that_is_gone(server: Scripted, sendgrid: Any) -> None:
    """Is no failure of the batch."""
    account = Account(server)
    account.says("GET", f"{JOBS}/job-1", job("failed"))
    account.says("GET", f"{LISTS}/{LIST.id}", Reply(404, [{"message": "not found"}]))
    with pytest.raises(AudienceGone):
        sendgrid().poll(LIST, "job-1")
