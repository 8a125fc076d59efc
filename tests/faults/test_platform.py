"""Passing faults of a platform, over real HTTP: repeated within the run, or repaired by the next."""

from __future__ import annotations

import pytest

from pipelines.project import Project
from tests.faults.ground import Ground
from tests.faults.test_damage import Told, push

UPLOAD = {"platform": "meta", "path": "*/users"}


@pytest.fixture
def calm(fresh: Ground, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """The ground's settings in this process, with a platform that nobody waits a minute for."""
    for name, value in {**fresh.environment(), "TURNOUT_META_TIMEOUT_SECONDS": "1"}.items():
        if name.startswith("TURNOUT_"):
            monkeypatch.setenv(name, value)
    return fresh


def assert_repaired(ground: Ground, told: Told) -> None:
    """Red while the fault lasts, nobody claimed who is not there; the next run is calm and right."""
    assert not told.ok
    assert told.said
    ground.faults()
    again = push(ground)
    assert again.ok, again.said
    assert ground.held() == ground.desired()


@pytest.mark.fault(
    "F01",
    injected="no upload is answered, and none is applied",
    outcome="uncertain and red after a bounded number of attempts; the next run sends them again",
)
@pytest.mark.promise("never_claimed", "converges", "bounded")
def test_time_outs_before_anything_is_applied(calm: Ground) -> None:
    """What was not applied is not claimed, though nobody could tell."""
    calm.faults({**UPLOAD, "effect": "timeout", "seconds": 5, "applied": False})
    told = push(calm)
    assert calm.held() == set()
    assert_repaired(calm, told)


@pytest.mark.fault(
    "F04",
    injected="every second upload is answered with 500, 502, 503 or 504 and not applied",
    outcome="repeated with growing pauses within the run, which ends well",
)
@pytest.mark.promise("converges")
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_now_and_then(calm: Ground, status: int) -> None:
    """An error that passes costs a pause, nothing else."""
    calm.faults({**UPLOAD, "effect": "server_error", "status": status, "every": 2})
    told = push(calm)
    assert told.ok, told.said
    assert calm.held() == calm.desired()


@pytest.mark.fault(
    "F05",
    injected="every upload is applied and answered with 500",
    outcome="uncertain and red; the next run sends them again, which changes nothing, and claims them",
)
@pytest.mark.promise("never_claimed", "converges")
def test_server_errors_after_applying(calm: Ground) -> None:
    """What was applied behind an error is not lost from sight."""
    calm.faults({**UPLOAD, "effect": "server_error", "applied": True})
    assert_repaired(calm, push(calm))


@pytest.mark.fault(
    "F23",
    injected="uploads are refused twice because another update of the audience is under way",
    outcome="repeated after a pause within the run, which ends well",
)
@pytest.mark.promise("converges")
def test_conflicting_uploads_are_repeated(calm: Ground) -> None:
    """A platform that takes one update at a time is asked again."""
    conflict = {"effect": "refuse", "status": 400, "code": 2650, "subcode": 1870145}
    calm.faults({**UPLOAD, **conflict, "times": 2})
    told = push(calm)
    assert told.ok, told.said
    assert calm.held() == calm.desired()


@pytest.mark.fault(
    "F28",
    injected="the token is refused in the midst of a push",
    outcome="stops at once with the setting to look at; the next run with a good token converges",
)
@pytest.mark.promise("bounded", "converges")
def test_a_token_that_is_revoked_meanwhile(calm: Ground) -> None:
    """Nothing is tried again with a credential that is refused; what had its receipt stays."""
    calm.faults({**UPLOAD, "effect": "expire_token", "after": 2})
    told = push(calm)
    assert "TURNOUT_META_TOKEN" in told.said
    assert len(calm.held()) <= 40
    assert_repaired(calm, told)


@pytest.mark.fault(
    "F19",
    injected="every upload and removal is processed twice",
    outcome="as good as once",
)
@pytest.mark.promise("converges")
def test_requests_that_are_processed_twice(calm: Ground) -> None:
    """Adding and removing are idempotent, so a duplicate on the way changes nothing."""
    calm.faults({**UPLOAD, "effect": "twice"})
    assert push(calm).ok
    calm.shop.opt_out(3, 5, 7)
    Project(calm.shop.settings()).load()
    assert push(calm).ok
    assert calm.held() == calm.desired()
