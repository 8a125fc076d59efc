"""What ActiveCampaign answers, in all its shapes, and what follows."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from connectors.base import (
    AudienceGone,
    AuthFailed,
    JobFailed,
    QuotaExhausted,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import FastTime
from tests.connectors.activecampaign_account import (
    IMPORTS,
    INFO,
    KEY,
    TAG,
    Account,
    no_result,
    opened,
    people,
    query,
)
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def activecampaign(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def info(status: str, success: int = 0, failure: int = 0) -> Reply:
    told = {"success": ["1"] * success, "failure": ["bad@example.com"] * failure}
    return Reply(body={"status": status, **told})


def row_refusal(*rows: object) -> Reply:
    return Reply(400, {"success": 0, "message": "not valid", "failureReasons": list(rows)})


@pytest.mark.parametrize(
    ("answer", "consequence"),
    [
        (Reply(400, {"message": "no", "success": 0, "failureReasons": []}), Refused),
        (Reply(200, {"Success": 0, "message": "no"}), Uncertain),
        (Reply(200, {"message": "Internal server error"}), Uncertain),
        (Reply(200, {"errors": [{"title": "no", "detail": "ada@example.com"}]}), Uncertain),
        (row_refusal("Rate limit exceeded"), QuotaExhausted),
        (Reply(401, {"message": "no"}), AuthFailed),
        (Reply(403, {"message": "no"}), AuthFailed),
        (Reply(403, b"Forbidden: You do not have access"), AuthFailed),
        (Reply(404, {"message": "No Result found"}), AudienceGone),
        (Reply(413, {}), Refused),
        (Reply(422, {"errors": [{"title": "ada@example.com is odd", "code": "field_missing"}]}), Refused),
        (Reply(429, {"message": "slow down"}), QuotaExhausted),
        (Reply(500, {"message": "x"}), Uncertain),
        (Reply(502, b"<html>"), Uncertain),
        (Reply(503, {}), Uncertain),
        (Reply(504, b""), Uncertain),
        (Reply(200, {"Success": 1}), Uncertain),
        (Reply(200, {"Success": 1, "batchId": "a b"}), Uncertain),
    ],
)
def test_every_answer_has_its_consequence(
    server: Scripted, activecampaign: Any, answer: Reply, consequence: type[Exception]
) -> None:
    """In every shape that errors have; a refused key names its variable, and nothing quotes an address or the key."""
    account = Account(server)
    account.says("POST", IMPORTS, answer)
    with pytest.raises(consequence) as failed:
        activecampaign(create_missing=True).add(TAG, people("ada"), batch("add", 1))
    assert not [word for word in ("ada@", KEY) if word in str(failed.value)]
    assert ("TURNOUT_ACTIVECAMPAIGN_API_KEY" in str(failed.value)) == (consequence is AuthFailed)


def test_a_limit_is_waited_for(server: Scripted, activecampaign: Any, time: FastTime) -> None:
    """429 names the seconds; the 400 of an import does not."""
    account = Account(server)
    limits = (Reply(429, {}, {"Retry-After": "7"}), row_refusal("Rate limit exceeded"))
    account.says("POST", IMPORTS, *limits, Reply(body={"Success": 1, "batchId": "b"}))
    assert activecampaign(create_missing=True).add(TAG, people("ada"), batch("add", 1)).reference == "b"
    assert 8 <= sum(time.pauses) < 16


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([info("waiting")], Receipt("accepted", "i1,i2")),
        ([info("completed", success=1), info("active")], Receipt("accepted", "i1,i2")),
        ([info("interrupted")], Receipt("accepted", "i1,i2")),
        ([info("completed", success=3)], Receipt("applied", "i1,i2")),
        ([info("completed", success=3, failure=2)], Receipt("applied", "i1,i2", rejected_unlocated=4)),
        ([info("completed", failure=2)], JobFailed),
        ([info("failed")], JobFailed),
        ([info("failed"), info("completed", success=1)], Uncertain),
        ([no_result("BulkImport")], Uncertain),
    ],
)
def test_imports_are_asked_about(
    server: Scripted, activecampaign: Any, states: list[Reply], verdict: Any
) -> None:
    """The batch has a verdict when all its imports have ended; a failed one among others leaves doubt."""
    account = Account(server)
    account.says("GET", INFO, *[*states, states[-1]][:2])
    if isinstance(verdict, Receipt):
        assert activecampaign().poll(TAG, "i1,i2") == verdict
    else:
        with pytest.raises(verdict):
            activecampaign().poll(TAG, "i1,i2")
    assert query(server.seen[0]) == {"batchId": "i1"}
