"""The list of crash points comes from the code, and every one of them is met."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.crash.cases import NEEDED, cases_of
from tests.crash.connectors import KINDS
from tests.crash.points import UnknownBoundary, crash_points, points_of
from tests.crash.scenarios import FAMILIES
from tests.crash.stage import WIRE
from tests.crash.theatre import Theatre, salt

FEWEST = 60

POLLS = {"platform.poll.before", "platform.poll.answered"}
IDS = {"ledger.learn.before", "ledger.learn.open", "ledger.learn.after"}
NOT_BY: dict[str, set[str]] = {"direct": POLLS, "session": POLLS | IDS, "job": IDS}
"""Boundaries that a kind of connector never passes: who answers at once is not asked again, and one kind has ids."""


def test_there_are_many_points() -> None:
    """The reader of the code finds the boundaries: at least sixty, in both stores and at the platform."""
    points = crash_points()
    assert len(points) >= FEWEST
    assert {point.partition(".")[0] for point in points} == {"journal", "ledger", "platform"}
    assert {"journal.sent.open", "ledger.point.after", "platform.add.answered"} <= points


@pytest.mark.parametrize(
    ("code", "points"),
    [
        ("with self._file.commit('x'): ...", {"journal.x.before", "journal.x.open", "journal.x.after"}),
        ("with self.ledger.commit('y'): ...", {"ledger.y.before", "ledger.y.open", "ledger.y.after"}),
        ("with request('z'): ...", {"platform.z.before", "platform.z.answered"}),
        ("reached(f'platform.{op}.before')", {"platform.add.before", "platform.remove.before"}),
    ],
)
def test_a_new_boundary_is_a_new_point(code: str, points: set[str], tmp_path: Path) -> None:
    """Whatever commit or request somebody writes into delivery is on the list without being put there."""
    (tmp_path / "new.py").write_text(code)
    assert set(points_of(tmp_path / "new.py")) == points


@pytest.mark.parametrize("code", ["with else_.commit('x'): ...", "with self.commit(name): ...", "request(n)"])
def test_a_boundary_that_cannot_be_read_is_not_passed_over(code: str, tmp_path: Path) -> None:
    """A commit of an unknown store, or a name that is not in the code, stops the list from being made."""
    (tmp_path / "new.py").write_text(code)
    with pytest.raises(UnknownBoundary, match=r"new\.py:1"):
        set(points_of(tmp_path / "new.py"))


@pytest.mark.fault(
    "F37",
    injected="every boundary in delivery's code, read from the syntax tree, is looked for in the cases",
    outcome="each is met by each kind of connector, with run again, killed there again, and next version",
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(1800)
def test_every_point_is_met_with_every_way_to_go_on(kind: str, theatre: Theatre) -> None:
    """No boundary is without its cases: whoever adds one adds a scenario that passes it, or this test fails."""
    ways = defaultdict(set)
    passed: set[str] = set()
    for family in FAMILIES.values():
        for scenario in family.scenarios.values():
            if kind not in scenario.kinds:
                continue
            moments = theatre.moments(kind, scenario)
            passed |= {moment for moment in moments if not moment.startswith(WIRE)}
            for case in cases_of(scenario, moments, salt(kind, scenario)):
                ways[case.stop.point].add(case.way)
    assert passed == crash_points() - NOT_BY[kind]
    lacking = {point: set(NEEDED) - ways[point] for point in passed if not ways[point] >= set(NEEDED)}
    assert not lacking, "name the step in a scenario's ``own``"
