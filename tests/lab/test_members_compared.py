"""Every email tool that lists its members: what a colleague does there is found, told by kind, and undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta

import pytest

from connectors.registry import load
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.listing import Drift, compare_listing, drift, gone, stage_listing
from pipelines.delivery.repair import repair
from pipelines.delivery.states import Times, read_states
from pipelines.segments.model import DriftPolicy
from tests.lab.bench import Bench, email_of
from tests.lab.email import EMAIL_KINDS

LISTING = [kind.name for kind in EMAIL_KINDS if load(kind.name).lists_members is not None]
ASKED = ("activecampaign", "hubspot", "klaviyo")
"""Tools that can be asked whom they know."""
LATER = timedelta(days=2)
"""After it no list is late, and no copy of a request comes any more."""

FOR_A_VERDICT = timedelta(hours=2)
"""After it a verdict is there, and after as much again no late copy of what it is about can come."""


def compared(lab: Bench, policy: DriftPolicy = "report_only") -> Drift:
    """The tool's list against the ledger, as `turnout reconcile` does it."""
    connector = lab.connector()
    account = lab.account(connector)
    assert connector.lists_members is not None
    settles = connector.limits.settles_after
    times = Times(lab.now, None, account.retry_rejected_after, account.keep_history, settles)
    state = account.state_dir
    with (
        Journal.open(state / "journal.sqlite", account.clock) as journal,
        Ledger.open(state / "lab.duckdb", "lab", connector.identity, wait_seconds=0, config={}) as ledger,
    ):
        number = ledger.audience(lab.segment)
        audience = journal.audience("lab", lab.segment)
        assert audience is not None
        stage_listing(ledger, connector.members(audience))
        read_states(ledger, journal, number, lab.segment, times)
        compare_listing(ledger, number, connector.lists_members, settles, lab.now)
        found = drift(ledger, gone(connector, ledger, number))
        repair(journal, ledger, number, lab.segment, "compare", policy)
    connector.close()
    return found


@pytest.mark.parametrize("tool", LISTING)
@pytest.mark.fault(
    "F34",
    injected="people are put into and taken out of a list in each email tool that lists its members",
    outcome="told by kind; where ours wins, the next push leaves exactly the desired people",
)
def test_what_is_done_by_hand_is_found_and_undone(bench: Callable[[str], Bench], tool: str) -> None:
    """Two who came and two who left with the last push, turned round by hand: proven once the list cannot be late."""
    lab = bench(tool)
    lab.turn()
    assert lab.clean_run().ok
    _come_to_rest(lab)
    inside, outside = sorted(lab.wanted), sorted(set(range(16)) - lab.wanted)
    [audience] = [
        a for a in lab.sandbox.state.audiences(tool) if a.name in (lab.title, f"turnout:{lab.segment}")
    ]
    state = lab.sandbox.state.email
    state.take_from(tool, audience.id, *map(email_of, inside[-2:]))
    state.put_into(tool, audience.id, *map(email_of, outside[:2]))
    if not lab.is_asynchronous:
        assert astuple(compared(lab)) == (12, 10, 0, 0, 0, 0, 4, 0), "nothing is proven yet"
    lab.now += LATER
    lab.sandbox.advance_clock(LATER.total_seconds())
    found = compared(lab, "ours_wins")
    assert astuple(found) == (12, 10, 2, 2, 0, 0, 0, 0 if tool in ASKED else None)
    assert lab.push().ok
    _come_to_rest(lab)
    assert lab.members() == lab.desired()
    lab.now += LATER
    lab.sandbox.advance_clock(LATER.total_seconds())
    assert astuple(compared(lab)) == (12, 12, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("tool", ASKED)
def test_whom_a_tool_has_forgotten_is_told_apart(bench: Callable[[str], Bench], tool: str) -> None:
    """Of three who are not in the list any more, one is not known to the tool either."""
    lab = bench(tool)
    assert lab.clean_run().ok
    _come_to_rest(lab)
    [audience] = [
        a for a in lab.sandbox.state.audiences(tool) if a.name in (lab.title, f"turnout:{lab.segment}")
    ]
    left = [email_of(number) for number in sorted(lab.wanted)[:3]]
    lab.sandbox.state.email.take_from(tool, audience.id, *left)
    lab.sandbox.state.email.forget(tool, left[0])
    lab.now += LATER
    lab.sandbox.advance_clock(LATER.total_seconds())
    found = compared(lab)
    assert (found.missing, found.gone) == (3, 1)


def _come_to_rest(lab: Bench) -> None:
    """Where verdicts come later: one run reads them, and one asserts whatever they came too late for."""
    for _ in range(2 if lab.is_asynchronous else 0):
        lab.now += FOR_A_VERDICT
        lab.settle()
