"""Faults of every sort, met by a push through every connector to an ad platform or an email tool."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.contract.email import CASES
from tests.lab.ads import AD_KINDS
from tests.lab.bench import Bench
from tests.lab.email import EMAIL_KINDS
from tests.lab.test_faults_converge import sums_close

ONCE: tuple[dict[str, object], ...] = (
    {"effect": "lost_answer"},
    {"effect": "reset_midway"},
    {"effect": "timeout", "seconds": 0.3, "applied": True},
    {"effect": "server_error", "status": 503},
    {"effect": "server_error", "applied": True},
    {"effect": "html", "status": 200, "applied": True},
    {"effect": "broken_answer", "empty": True},
    {"effect": "error_in_success"},
    {"effect": "rate_limited", "retry_after": 7},
    {"effect": "expire_token"},
    {"effect": "twice"},
)
ALWAYS: tuple[dict[str, object], ...] = (
    {"effect": "lost_answer"},
    {"effect": "reset", "after": 1},
    {"effect": "server_error", "status": 500},
    {"effect": "rate_limited", "after": 1},
    {"effect": "quota_gone", "after": 1},
    {"effect": "html", "status": 502},
    {"effect": "expire_token"},
    {"effect": "audience_deleted", "really": True, "times": 1},
    {"effect": "reject_rows", "positions": [1], "times": 1},
)
AFTER_REJECTIONS = timedelta(days=8)
BEFORE_A_VERDICT = timedelta(hours=1)
FAULTS = tuple({**fault, "times": 1} for fault in ONCE) + ALWAYS


def _named(fault: dict[str, object]) -> str:
    return ",".join(str(value) for value in fault.values())


@pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")
@pytest.mark.parametrize("platform", [kind.name for kind in (*AD_KINDS, *EMAIL_KINDS)])
@pytest.mark.parametrize("fault", FAULTS, ids=_named)
def test_a_platform_under_a_fault(
    bench: Callable[[str], Bench], platform: str, fault: dict[str, object]
) -> None:
    """Whatever its answers look like: nobody is claimed or lost, the sums close, and calm runs end with the desired.

    Where a platform silently drops a row, or an audience that is nothing apart from its members, nobody can know:
    those people are claimed until the next resync.
    """
    lab = bench(platform)
    lab.turn()
    settings = dict(fault)
    lab.fault(str(settings.pop("effect")), **settings)
    delivery = lab.push()
    assert lab.sandbox.faults.posted()[0].fired, "nothing met the fault"
    assert sums_close(delivery)
    unkept = platform in CASES and not CASES[platform].audiences_are_kept
    dropped = fault["effect"] == "reject_rows" or (unkept and fault["effect"] == "audience_deleted")
    if not dropped:
        lab.judge()
    lab.calm()
    if dropped:
        if lab.is_asynchronous:
            lab.now += BEFORE_A_VERDICT
            lab.push()  # brings the verdict, which may be that somebody could not be taken out
        lab.now += AFTER_REJECTIONS
        repaired = lab.push(resync=True)
    else:
        lab.settle()
        repaired = lab.clean_run()
        if not delivery.ok:
            repaired = lab.clean_run()
    assert repaired.ok, repaired.errors
    assert sums_close(repaired)
    lab.settle()
    assert lab.members() == lab.desired()
    lab.judge()
