"""What Google says of a request later, and what becomes of the batch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import AuthFailed, JobFailed, Receipt, Refused
from connectors.testing import FastTime
from tests.connectors.google_account import LIST, account, error
from tests.connectors.oauth_account import answers, asked
from tests.connectors.server import Reply, Scripted

OPEN = Receipt("accepted", "r+1/2==")
NO_CONSENT, INVALID = "PROCESSING_ERROR_REASON_NO_CONSENT", "PROCESSING_ERROR_REASON_INVALID_FORMAT"
INTERNAL = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"


@pytest.fixture
def google(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """The account."""
    return account(server, time, tmp_path)


def status(state: str, *errors: tuple[str, int, list[int]], records: int = 10_000) -> Reply:
    """An answer to ``requestStatus:retrieve``; indices are left out where there are none, as older answers do."""
    counts = [
        {"reason": reason, "recordCount": str(count), **({"recordIndices": rows} if rows else {})}
        for reason, count, rows in errors
    ]
    told = {
        "destination": {"productDestinationId": LIST.id},
        "requestStatus": state,
        "audienceMembersIngestionStatus": {
            "compositeDataIngestionStatus": {
                "recordCount": str(records),
                "uploadMatchRateRange": "MATCH_RATE_RANGE_41_TO_50",
            }
        },
        "errorInfo": {"errorCounts": counts},
        "warningInfo": {"warningCounts": []},
    }
    return Reply(body={"requestStatusPerDestination": [told]})


@pytest.mark.parametrize("state", ["PROCESSING", "REQUEST_STATUS_UNKNOWN", "WAITING_FOR_SOMETHING_NEW"])
def test_a_request_without_a_verdict_stays_open(server: Scripted, google: Any, state: str) -> None:
    """Also in a state that Google adds one day."""
    answers(server, status(state))
    assert google.poll(LIST, "r+1/2==") == OPEN
    assert asked(server)[0].path == "/requestStatus:retrieve?requestId=r%2B1%2F2%3D%3D"


@pytest.mark.parametrize(
    ("answer", "rejected", "unlocated"),
    [
        (status("SUCCESS"), {}, 0),
        (status("PARTIAL_SUCCESS", (INVALID, 2, [3, 77])), {3: "invalid_format", 77: "invalid_format"}, 0),
        (
            status("PARTIAL_SUCCESS", (INVALID, 1, [3]), (NO_CONSENT, 1, [9]), (INTERNAL, 1, [12])),
            {3: "invalid_format", 9: "no_consent", 12: "internal_error"},
            0,
        ),
        (status("PARTIAL_SUCCESS", (INVALID, 1, [3]), (NO_CONSENT, 1, [3])), {3: "invalid_format"}, 0),
        (status("PARTIAL_SUCCESS", (INVALID, 12, [])), {}, 12),
        (status("PARTIAL_SUCCESS", (INVALID, 12, [3, 77])), {3: "invalid_format", 77: "invalid_format"}, 10),
        (status("PARTIAL_SUCCESS", ("what a reason", 1, [0])), {0: "refused"}, 0),
        (status("PARTIAL_SUCCESS", ("PROCESSING_ERROR_REASON_DENIED_CONSENT", 1, [0])), {0: "denied_consent"}, 0),
        (status("PARTIAL_SUCCESS", ("PROCESSING_ERROR_REASON_UNKNOWN_CONSENT", 1, [0])), {0: "unknown_consent"}, 0),
        (status("FAILED", (NO_CONSENT, 2, [0, 1]), records=2), {0: "no_consent", 1: "no_consent"}, 0),
    ],
)  # fmt: skip
def test_a_verdict_names_rows(
    server: Scripted, google: Any, answer: Reply, rejected: dict[int, str], unlocated: int
) -> None:
    """By position with Google's reason; older answers only count."""
    answers(server, answer)
    assert google.poll(LIST, "r-1") == Receipt("applied", "r-1", rejected, unlocated)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (status("FAILED"), "no reason given"),
        (status("FAILED", (INTERNAL, 2, [0, 1]), records=2), "internal_error"),
        (status("FAILED", (NO_CONSENT, 2, [])), "no_consent"),
        (status("FAILED", (NO_CONSENT, 2, [0, 1])), "no_consent"),
    ],
)
def test_a_request_that_failed_changed_nothing(
    server: Scripted, google: Any, answer: Reply, says: str
) -> None:
    """Unless every row has a fault of its own, it is planned again."""
    answers(server, answer)
    with pytest.raises(JobFailed, match=says):
        google.poll(LIST, "r-1")


@pytest.mark.parametrize(
    "answer",
    [
        Reply(how="reset"),
        Reply(body={}),
        Reply(body={"requestStatusPerDestination": []}),
        error(400, "INVALID_ARGUMENT", "REQUEST_TOO_OLD"),
        error(400, "INVALID_ARGUMENT", "INVALID_REQUEST_ID"),
        error(404, "NOT_FOUND"),
        error(503, "UNAVAILABLE"),
    ],
)
def test_a_question_that_is_not_answered_is_no_verdict(server: Scripted, google: Any, answer: Reply) -> None:
    """Nothing is concluded of the batch, nor of its list: in time the batch is overdue, and in doubt."""
    answers(server, answer)
    try:
        receipt = google.poll(LIST, "r+1/2==")
    except JobFailed:
        raise
    except Refused:  # about the question
        receipt = OPEN
    assert receipt == OPEN
    assert google.limits.verdict_within == timedelta(days=3)


def test_a_lost_permission_is_told(server: Scripted, google: Any) -> None:
    """No other question would be answered either."""
    answers(server, error(403, "PERMISSION_DENIED"))
    with pytest.raises(AuthFailed, match="TURNOUT_GOOGLE_LOGIN_ACCOUNT"):
        google.poll(LIST, "r-1")
