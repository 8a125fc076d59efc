"""Customer.io's segments, errors and sizes, against a scripted workspace."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AuthFailed,
    DeliveryError,
    QuotaExhausted,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
    Window,
)
from connectors.customerio import CustomerioConnector
from connectors.people import Present
from connectors.testing import FastTime
from tests.connectors.customerio_account import (
    ADD,
    APP_KEY,
    BATCH,
    COUNT,
    MEMBERS,
    REGION,
    SEGMENT,
    SEGMENTS,
    SITE,
    THE_SEGMENT,
    TRACK_KEY,
    Workspace,
    batch,
    opened,
    people,
    query,
    segment,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def workspace(server: Scripted) -> Workspace:
    """A workspace."""
    return Workspace(server)


@pytest.fixture
def customerio(server: Scripted, time: FastTime) -> CustomerioConnector:
    """As set by default."""
    return opened(server, time)


def segments(*found: dict[str, object]) -> Reply:
    return Reply(body={"segments": list(found)})


def person(name: str, number: int) -> dict[str, object]:
    return {"email": f"{name.title()}@Example.com", "id": f"u-{number}", "cio_id": f"a{number}"}


# --- segments --------------------------------------------------------------------------------------------------


def test_our_segment_is_found_by_its_exact_name(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """Among the manual ones, at the App API with its own credential."""
    workspace.says(
        "GET", SEGMENTS, segments(segment(3, "lapsed"), segment(5, kind="dynamic"), segment(7), segment(9))
    )
    assert customerio.open_audience(REQUEST, SyncOptions()) == SEGMENT
    (seen,) = workspace.server.seen
    assert seen.path == SEGMENTS
    assert seen.headers["Authorization"] == f"Bearer {APP_KEY}"


def test_a_missing_segment_is_made_once(workspace: Workspace, customerio: CustomerioConnector) -> None:
    """Empty, with our mark in its description; an answer that is lost is not made up for by a second one."""
    workspace.says("GET", SEGMENTS, segments(segment(5, kind="dynamic")))
    workspace.says("POST", SEGMENTS, Reply(body={"segment": segment()}))
    assert customerio.open_audience(REQUEST, SyncOptions()) == Audience("7", "Lapsed", created=True)
    (made,) = workspace.asked("POST", SEGMENTS)
    assert made.json == {"segment": {"name": "Lapsed", "description": "turnout:lapsed"}}
    workspace.says("POST", SEGMENTS, Reply(how="reset"))
    with pytest.raises(Uncertain):
        customerio.open_audience(REQUEST, SyncOptions())
    assert len(workspace.asked("POST", SEGMENTS)) == 2


def test_a_known_segment_is_asked_for_by_its_id(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """It may be gone, or be none that takes members."""
    assert customerio.open_audience(known("7"), SyncOptions()) == SEGMENT
    workspace.says("GET", THE_SEGMENT, Reply(body={"segment": segment(kind="dynamic")}))
    with pytest.raises(ActionNeeded, match="data-driven"):
        customerio.open_audience(known("7"), SyncOptions())
    workspace.says("GET", THE_SEGMENT, Reply(404, {"errors": [{"detail": "not found", "status": "404"}]}))
    with pytest.raises(AudienceGone):
        customerio.open_audience(known("7"), SyncOptions())


@pytest.mark.parametrize(("told", "size"), [(412, 412), (None, None), ("x", None)])
def test_its_size_is_read_back(
    workspace: Workspace, customerio: CustomerioConnector, told: object, size: Any
) -> None:
    """Fewer than were sent is normal: whoever is not known is passed over."""
    workspace.says("GET", COUNT, Reply(body={"count": told, "segment_id": 7}))
    assert customerio.read_back(SEGMENT) == Reported(size, size)
    assert customerio.reads_back is not None
    assert customerio.reads_back.matched_only


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [("email", {"EMAIL": "ann@example.com"}), ("id", {"ID": "u-1"})],
)
def test_members_are_listed_page_by_page(
    server: Scripted, time: FastTime, workspace: Workspace, identifier: str, expected: dict[str, str]
) -> None:
    """Named as the account names people; somebody without such a name is listed without one."""
    connector = opened(server, time, identifier=identifier, page_size=2)
    nameless = {"email": None, "id": "", "cio_id": "a3"}
    workspace.says(
        "GET",
        MEMBERS,
        Reply(body={"ids": [], "identifiers": [person("ann", 1), nameless], "next": "MQ=="}),
        Reply(body={"ids": [], "identifiers": [person("ann", 1)], "next": ""}),
    )
    ann = Present("a1", expected)
    assert [list(page) for page in connector.members(SEGMENT)] == [[ann, Present("a3")], [ann]]
    assert [query(seen) for seen in server.seen] == [{"limit": "2"}, {"limit": "2", "start": "MQ=="}]
    assert connector.lists_members == timedelta(minutes=15)


# --- errors ----------------------------------------------------------------------------------------------------


BODIES = (
    {"meta": {"errors": ["ann@example.com is odd"]}},
    {"meta": {"error": "ann@example.com is odd"}},
    {"errors": [{"reason": "invalid", "field": "x", "message": "ann@example.com is odd"}]},
    {"errors": [{"detail": "ann@example.com is odd", "status": "400"}]},
)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", [ADD, BATCH])
@pytest.mark.parametrize(
    ("status", "consequence"),
    [
        (200, Uncertain),
        (400, Refused),
        (401, AuthFailed),
        (403, AuthFailed),
        (413, Refused),
        (429, QuotaExhausted),
        (500, Uncertain),
        (502, Uncertain),
        (503, Uncertain),
        (504, Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    workspace: Workspace,
    customerio: CustomerioConnector,
    path: str,
    body: object,
    status: int,
    consequence: type[DeliveryError],
) -> None:
    """In each of the shapes that the two APIs have; nobody and no key is quoted."""
    workspace.says("POST", path, Reply(status, body))
    with pytest.raises(consequence) as failed:
        customerio.add(SEGMENT, people("ann", ann={"tier": "gold"}), batch("add"))
    assert not [word for word in ("ann@", SITE, TRACK_KEY, APP_KEY) if word in str(failed.value)]


@pytest.mark.parametrize("body", [b"", b"Unauthorized", b'{"meta": {"error": "unauthorized"}}'])
@pytest.mark.parametrize(("method", "path"), [("POST", ADD), ("GET", SEGMENTS)])
def test_a_refused_key_is_told_whatever_the_body_is(
    workspace: Workspace, customerio: CustomerioConnector, body: bytes, method: str, path: str
) -> None:
    """401 has no documented body; the sentence says which key is whose, as keys of one API do not open the other."""
    workspace.says(method, path, Reply(401, body))
    with pytest.raises(AuthFailed) as failed:
        _ask(customerio, method)
    for variable in ("SITE_ID", "TRACK_KEY", "API_KEY"):
        assert f"TURNOUT_CUSTOMERIO_{variable}" in str(failed.value)


def _ask(customerio: CustomerioConnector, method: str) -> object:
    if method == "POST":
        return customerio.add(SEGMENT, people("ann"), batch("add"))
    return customerio.open_audience(REQUEST, SyncOptions())


@pytest.mark.parametrize(("headers", "waited"), [({"Retry-After": "4"}, 4.0), ({}, 1.0)])
def test_the_app_api_is_waited_for(
    workspace: Workspace,
    customerio: CustomerioConnector,
    time: FastTime,
    headers: dict[str, str],
    waited: float,
) -> None:
    """429 names seconds, except for daily quotas."""
    throttled = Reply(429, {"errors": [{"detail": "rate limited", "status": "429"}]}, headers)
    workspace.says("GET", THE_SEGMENT, throttled, Reply(body={"segment": segment()}))
    assert customerio.open_audience(known("7"), SyncOptions()) == SEGMENT
    assert sum(time.pauses) == pytest.approx(waited)


def test_each_api_has_a_budget_of_its_own(server: Scripted, time: FastTime, tmp_path: Path) -> None:
    """Fifty requests a second and ten, kept in two files; a thousand people a request, and no verdict on them."""
    connector = opened(server, time)
    assert connector.limits.windows == (Window(50, timedelta(seconds=1)),)
    assert connector.app.windows == (Window(10, timedelta(seconds=1)),)
    assert (connector.limits.max_rows, connector.limits.verdicts) == (1_000, Verdicts.NONE)
    connector.use_state(tmp_path)
    assert connector.app.budget.path != connector.http.budget.path
    assert connector.app.clock is connector.http.clock
    connector.close()
    for more in ({"max_rows": 1_001}, {"app_requests_per_second": 11}, {"identifier": "cio_id"}):
        with pytest.raises(ValueError, match=next(iter(more))):
            opened(server, time, **more)


def test_people_do_not_go_to_another_region(
    workspace: Workspace, customerio: CustomerioConnector, server: Scripted
) -> None:
    """A redirection is not followed: the body would have passed the wrong region's servers."""
    workspace.says("POST", ADD, Reply(301, b"", {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(ActionNeeded, match="base URL"):
        customerio.add(SEGMENT, people("ann"), batch("add"))
    assert len(server.seen) == 1


def test_the_doctor_tries_both_keys(workspace: Workspace, customerio: CustomerioConnector) -> None:
    """The region is shown, so that a workspace of the EU is not asked for in the US."""
    workspace.says("GET", REGION, Reply(body={"url": "track-eu.customer.io", "data_center": "eu"}))
    workspace.says("GET", SEGMENTS, segments())
    track, app = customerio.examine()
    assert (track.ok, app.ok) == (True, True)
    assert track.says.endswith("region of the workspace: eu")
    workspace.says("GET", SEGMENTS, Reply(401, b""))
    *_, found = customerio.examine()
    assert not found.ok
    assert "TURNOUT_CUSTOMERIO_API_KEY" in found.says
