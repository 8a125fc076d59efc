"""The practice platform: strict, and true to each of its ways of delivering, answering and signing in."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import requests

from connectors.sandbox import (
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SandboxServer,
)
from tests.sandbox.conftest import PracticeCaller, people_rows, sha256

BASIC = b64encode(f"{SANDBOX_PRACTICE_CLIENT_ID}:{SANDBOX_PRACTICE_CLIENT_SECRET}".encode()).decode()
MIXED = [
    {"email": sha256("a"), "key": "k0"},
    {"email": "not a digest", "key": "k1"},
    {"email": None, "phone": None, "key": "k2"},
    {"phone": sha256("b"), "key": "k3"},
]
"""Two good rows, and two that no platform can take."""


def code(answer: requests.Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize(
    "body",
    [
        {"op": "add", "rows": []},
        {"op": "put", "rows": [{"email": "x"}]},
        {"op": "add", "rows": [{"mail": "x"}]},
        {"op": "add", "rows": [{"email": 5}]},
        {"op": "add", "rows": [{"email": "x"}], "more": 1},
        {"op": "add", "rows": [{"email": "x"}] * 10_001},
        [],
        None,
    ],
)
def test_requests_are_read_strictly(practice: PracticeCaller, body: object) -> None:
    """Unknown fields, wrong types and too many rows are refused as a whole, naming the field and never the value."""
    audience = practice.audience()
    answer = practice.call("POST", f"/audiences/{audience}/members", json=body)
    assert (answer.status_code, code(answer)) == (400, "invalid_request")
    assert "not a digest" not in answer.text
    assert practice.size(audience) == 0


def test_addresses_methods_and_types_are_held_to(practice: PracticeCaller) -> None:
    """What is not there is 404; a body that is not declared as JSON is refused."""
    audience = practice.audience()
    path = f"/audiences/{audience}/members"
    for method, wrong in (("GET", "/"), ("PUT", path), ("GET", path + "/1"), ("GET", "/audiences/999")):
        assert practice.call(method, wrong).status_code == 404
    assert code(practice.call("GET", "/audiences/x")) == "audience_not_found"
    assert practice.call("POST", path, data="{}").status_code == 400
    assert (
        practice.call("POST", path, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    )
    assert practice.call("GET", "/audiences").status_code == 400


def test_a_marker_is_one_audience_and_ids_are_never_used_again(practice: PracticeCaller) -> None:
    """The mark finds it; a second one with the same mark is refused; a deleted one's id stays gone."""
    audience = practice.audience()
    found = practice.call("GET", "/audiences", params={"marker": "turnout:lapsed"}).json()["audiences"]
    assert [a["id"] for a in found] == [audience]
    again = practice.call("POST", "/audiences", json={"name": "Other", "marker": "turnout:lapsed"})
    assert again.status_code == 400
    assert practice.call("DELETE", f"/audiences/{audience}").status_code == 204
    assert practice.call("GET", "/audiences", params={"marker": "turnout:lapsed"}).json() == {"audiences": []}
    assert code(practice.edit(audience, ["a"])) == "audience_not_found"
    assert practice.audience() != audience


def test_members_are_a_set_and_leave_by_any_identifier(practice: PracticeCaller) -> None:
    """Twice is once; a removal by phone alone takes the person with that phone out."""
    audience = practice.audience()
    person = {"email": sha256("a"), "phone": sha256("1")}
    path = f"/audiences/{audience}/members"
    for _ in range(2):
        practice.call("POST", path, json={"op": "add", "rows": [person, {"email": sha256("b")}]})
        assert practice.size(audience) == 2
    practice.call("POST", path, json={"op": "remove", "rows": [{"phone": sha256("1")}]})
    assert practice.size(audience) == 1


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        (
            {"verdicts": "per_row"},
            {"received": 4, "invalid": 2, "rejected": [(1, "invalid_email"), (2, "no_identifier")]},
        ),
        (
            {"verdicts": "per_row", "positions": "one_based"},
            {"received": 4, "invalid": 2, "rejected": [(2, "invalid_email"), (3, "no_identifier")]},
        ),
        (
            {"verdicts": "per_row", "positions": "text"},
            {"received": 4, "invalid": 2, "rejected": [("2", "invalid_email"), ("3", "no_identifier")]},
        ),
        (
            {"verdicts": "per_row", "positions": "key"},
            {"received": 4, "invalid": 2, "rejected": [("k1", "invalid_email"), ("k2", "no_identifier")]},
        ),
        (
            {"verdicts": "count_and_samples"},
            {"received": 4, "invalid": 2, "samples": [["", ""], ["not a digest", ""]]},
        ),
        ({"verdicts": "count"}, {"received": 4, "invalid": 2}),
        ({"verdicts": "none"}, {}),
    ],
)
def test_every_way_of_answering(
    practice: PracticeCaller, ways: dict[str, object], expected: dict[str, Any]
) -> None:
    """Good rows are applied; the others are named, sampled, counted or passed over as the audience was made to."""
    audience = practice.audience(**ways)
    answer = practice.call("POST", f"/audiences/{audience}/members", json={"op": "add", "rows": MIXED}).json()
    if "rejected" in answer:
        answer["rejected"] = [(row["row"], row["reason"]) for row in answer["rejected"]]
    assert answer == expected
    assert practice.size(audience) == 2


@pytest.mark.parametrize(("blame", "rows"), [(True, [1, 2]), (False, None)])
def test_one_bad_row_refuses_the_whole_request(
    practice: PracticeCaller, blame: bool, rows: list[int] | None
) -> None:
    """Nothing is applied; the rows are named only where the audience blames."""
    audience = practice.audience(verdicts="whole_request", blame=blame)
    answer = practice.call("POST", f"/audiences/{audience}/members", json={"op": "add", "rows": MIXED})
    assert (answer.status_code, code(answer)) == (400, "rows_invalid")
    blamed = answer.json()["error"].get("rows")
    assert (None if blamed is None else [row["row"] for row in blamed]) == rows
    assert practice.size(audience) == 0


def test_errors_can_hide_in_a_success(practice: PracticeCaller) -> None:
    """Where the audience was made so, errors about its members come in an HTTP 200; nothing is applied."""
    audience = practice.audience(verdicts="whole_request", errors_in_success=True)
    answer = practice.call("POST", f"/audiences/{audience}/members", json={"op": "add", "rows": MIXED})
    assert (answer.status_code, code(answer)) == (200, "rows_invalid")


def test_an_audience_takes_members_in_its_own_way_only(practice: PracticeCaller) -> None:
    """A direct request to an audience of jobs is refused, and the other way round."""
    for delivery, wrong in (("job", "members"), ("direct", "jobs"), ("direct", "sessions")):
        audience = practice.audience(name=f"{delivery} {wrong}", delivery=delivery)
        answer = practice.call("POST", f"/audiences/{audience}/{wrong}", json={"op": "add", "rows": MIXED})
        assert (answer.status_code, code(answer)) == (400, "invalid_request")


@pytest.fixture
def session(practice: PracticeCaller) -> str:
    """The address of an open session of an audience that names rows."""
    audience = practice.audience(delivery="session")
    opened = practice.call("POST", f"/audiences/{audience}/sessions", json={"op": "add"})
    return f"/audiences/{audience}/sessions/{opened.json()['session']}/batches"


def send(
    practice: PracticeCaller, session: str, number: int, rows: object, *, last: bool
) -> requests.Response:
    return practice.call("POST", session, json={"number": number, "last": last, "rows": rows})


def test_a_session_applies_with_its_last_batch(practice: PracticeCaller, session: str) -> None:
    """Until then nothing is; counts and positions are the session's, whatever order the batches came in."""
    audience = session.split("/")[2]
    assert send(practice, session, 2, MIXED, last=False).json()["received"] == 4
    assert send(practice, session, 1, people_rows(["c", "d"]), last=False).json()["received"] == 6
    assert practice.size(audience) == 0
    answer = send(practice, session, 3, people_rows(["e"]), last=True).json()
    assert (answer["received"], [row["row"] for row in answer["rejected"]]) == (7, [3, 4])
    assert practice.size(audience) == 5


def test_a_batch_sent_again_counts_once(practice: PracticeCaller, session: str) -> None:
    """Also the last one, whose lost answer is given again; another batch finds the session closed."""
    for _ in range(2):
        assert send(practice, session, 1, people_rows(["a", "b"]), last=False).json()["received"] == 2
    answers = [send(practice, session, 2, people_rows(["c"]), last=True).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["received"] == 3
    closed = send(practice, session, 3, people_rows(["d"]), last=True)
    assert (closed.status_code, code(closed)) == (409, "session_closed")


@pytest.mark.fault(
    "F25",
    injected="a session that is never ended",
    outcome="nothing of it is applied, so a batch can be sent again",
)
def test_a_session_with_gaps_or_left_open_applies_nothing(
    sandbox: SandboxServer, practice: PracticeCaller, session: str
) -> None:
    """A gap is refused and can be filled; after 90 minutes everything in it is void."""
    audience = session.split("/")[2]
    gap = send(practice, session, 2, people_rows(["b"]), last=True)
    assert (gap.status_code, code(gap)) == (409, "batches_missing")
    sandbox.advance_clock(91 * 60)
    late = send(practice, session, 1, people_rows(["a"]), last=True)
    assert (late.status_code, code(late)) == (409, "session_expired")
    assert practice.size(audience) == 0
    assert code(practice.call("POST", session.replace("/sessions/", "/sessions/9"), json={
        "number": 1, "rows": MIXED})) == "session_not_found"  # fmt: skip


def test_a_job_is_applied_when_its_time_has_come(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """Queued first; then done, with the verdict that a direct request would have had, as often as it is asked for."""
    sandbox.state.set_switches(practice_job_seconds=600)
    audience = practice.audience(delivery="job")
    path = f"/audiences/{audience}/jobs"
    answer = practice.call("POST", path, json={"op": "add", "rows": MIXED})
    job = f"{path}/{answer.json()['job']}"
    assert answer.status_code == 202
    assert practice.call("GET", job).json()["status"] == "queued"
    assert len(sandbox.state.practice_members(audience)) == 0
    sandbox.advance_clock(601)
    assert len(sandbox.state.practice_members(audience)) == 2
    for _ in range(2):
        done = practice.call("GET", job).json()
        assert (done["status"], done["received"], [r["row"] for r in done["rejected"]]) == ("done", 4, [1, 2])
    assert practice.call("GET", f"{path}/0").status_code == 404


def test_terms_come_first(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """While they are not accepted nothing can be created or changed, but read."""
    audience = practice.audience()
    sandbox.state.set_switches(practice_terms_accepted=False)
    assert code(practice.edit(audience, ["a"])) == "terms_not_accepted"
    wish = {"name": "x", "marker": "y"}
    assert practice.call("POST", "/audiences", json=wish).status_code == 403
    assert practice.call("GET", f"/audiences/{audience}").status_code == 200


def grant(practice: PracticeCaller, auth: str = BASIC, **form: str) -> requests.Response:
    headers = {"Authorization": f"Basic {auth}"}
    return requests.post(f"{practice.base}/oauth/token", data=form, headers=headers, timeout=5)


def test_client_credentials_give_a_token_that_ends(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """It works for the seconds that the answer tells, by the sandbox's clock."""
    given = grant(practice, grant_type="client_credentials").json()
    assert (given["token_type"], given["expires_in"], "refresh_token" in given) == ("Bearer", 3_600, False)
    practice.session.headers["Authorization"] = f"Bearer {given['access_token']}"
    assert practice.call("GET", "/audiences", params={"marker": "x"}).status_code == 200
    sandbox.advance_clock(3_601)
    ended = practice.call("GET", "/audiences", params={"marker": "x"})
    assert (ended.status_code, code(ended)) == (401, "token_expired")


def test_a_refresh_token_works_once(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """Each refresh brings another; the old one is void at once, or after the grace that the switch gives."""
    first = grant(practice, grant_type="refresh_token", refresh_token=SANDBOX_PRACTICE_REFRESH_TOKEN).json()
    used = grant(practice, grant_type="refresh_token", refresh_token=SANDBOX_PRACTICE_REFRESH_TOKEN)
    assert (used.status_code, used.json()) == (400, {"error": "invalid_grant"})
    sandbox.state.set_switches(practice_refresh_grace_seconds=60)
    for seconds, status in ((0, 200), (50, 200), (20, 400)):
        sandbox.advance_clock(seconds)
        answer = grant(practice, grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert answer.status_code == status
    newest = sandbox.state.rotate_refresh_token()
    assert grant(practice, grant_type="refresh_token", refresh_token=newest).status_code == 200


@pytest.mark.parametrize(
    ("auth", "form", "error"),
    [
        ("x", {"grant_type": "client_credentials"}, "invalid_client"),
        (b64encode(b"a:b").decode(), {"grant_type": "client_credentials"}, "invalid_client"),
        (BASIC, {"grant_type": "password"}, "unsupported_grant_type"),
        (BASIC, {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        (BASIC, {}, "invalid_request"),
    ],
)
def test_wrong_token_requests(practice: PracticeCaller, auth: str, form: dict[str, str], error: str) -> None:
    """The token endpoint refuses in RFC 6749's words."""
    assert grant(practice, auth, **form).json() == {"error": error}


def test_revoked_and_missing_tokens(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """No token, an unknown one, and any token of a revoked account are 401; nothing new is given out."""
    for header in ("", "Basic x", "Bearer unknown"):
        practice.session.headers["Authorization"] = header
        assert practice.call("GET", "/audiences").status_code == 401
    sandbox.state.set_switches(practice_token_revoked=True)
    assert grant(practice, grant_type="client_credentials").json() == {"error": "unauthorized_client"}
    answer = grant(practice, grant_type="refresh_token", refresh_token=SANDBOX_PRACTICE_REFRESH_TOKEN)
    assert answer.json() == {"error": "invalid_grant"}
