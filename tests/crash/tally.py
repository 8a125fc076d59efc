"""How many cases were played, told at the end of the test session in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.crash.theatre import Played

PROPERTY = "crash"
MOST_FAILURES_TOLD = 10


def tell(played: Played, record_property: Any) -> None:
    """Note what a test played, for the line at the end, and fail it if anything was wrong."""
    record_property(PROPERTY, [played.cases, sorted(played.points), len(played.failures), played.seconds])
    told = "\n".join(played.failures[:MOST_FAILURES_TOLD])
    assert not played.failures, f"{len(played.failures)} of {played.cases} cases failed:\n{told}"


def line(reports: Iterator[pytest.TestReport]) -> str | None:
    """``crash: N cases at P points, F failures``, None when no case was played."""
    cases, failures, seconds, points = 0, 0, 0.0, set[str]()
    for report in reports:
        told: list[Any] = [value for name, value in report.user_properties if name == PROPERTY]
        for played, at, failed, took in told if report.when == "call" else ():
            cases += played
            points.update(at)
            failures += failed
            seconds += took
    if not cases:
        return None
    return f"crash: {cases} cases at {len(points)} points, {failures} failures, {seconds:.0f} s of one core"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the line, whichever processes ran the cases."""
    told = line(r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, []))
    if told:
        terminalreporter.write_line(told)
