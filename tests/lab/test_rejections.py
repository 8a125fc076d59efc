"""Rows that a platform does not take, in every style of saying so: exactly those people are rejected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.lab.bench import AT_FIRST, KINDS, LATER, Bench, email_of, sha256

REFUSED = 13
"""Somebody who joins later."""
TEXTS = [email_of(REFUSED), sha256(email_of(REFUSED))]
NAMES = [kind.name for kind in KINDS]
Ready = Callable[[str], Bench]


@pytest.mark.fault(
    "F09", "F10", "F12",
    injected="one person's row is refused: named from 0, from 1 as text or by our key, sampled, counted only, or by "
    "refusing the whole request with and without naming the row",
    outcome="exactly this person is rejected, the others are in by the same run; tried again after the wait",
)  # fmt: skip
@pytest.mark.parametrize("kind", NAMES)
def test_one_person_is_refused(bench: Ready, kind: str) -> None:
    """Whoever is not taken is rejected, alone, and not asked for again until the wait is over; then they are in."""
    lab = bench(kind)
    lab.start_from(AT_FIRST)
    lab.want(LATER)
    lab.fault("reject_rows", holding=TEXTS)
    first = lab.push()
    assert first.ok, first.errors
    lab.settle()
    assert lab.members() == lab.desired(but=[REFUSED])
    lab.judge()
    assert list(lab.ledger().values()).count("rejected") == 1

    lab.calm()
    second = lab.push()
    assert (second.rejected, second.added, second.requests) == (1, 0, 0)
    assert sum(second.rejected_reasons.values()) == 1
    assert lab.members() == lab.desired(but=[REFUSED])

    lab.now += timedelta(days=8)
    assert lab.clean_run().ok
    assert lab.members() == lab.desired()


@pytest.mark.fault(
    "F10",
    injected="Meta counts a refused row and shows no sample of it",
    outcome="the run says how many it can't name; they are neither guessed nor blamed on others",
)
def test_a_row_that_nobody_names_is_told_of(bench: Ready) -> None:
    """Where counts can't be searched by halves, the number of rows that nobody named is in the report."""
    lab = bench("meta")
    lab.start_from(AT_FIRST)
    lab.want(LATER)
    lab.fault("reject_rows", holding=TEXTS, unnamed=True)
    delivery = lab.push()
    assert lab.members() == lab.desired(but=[REFUSED])
    found = list(lab.ledger().values()).count("rejected")
    assert delivery.rejected_unnamed + found == 1
    lab.calm()
    assert lab.push(resync=True).ok
    assert lab.members() == lab.desired()


@pytest.mark.parametrize("kind", ["meta", "mailchimp", "direct", "session", "job", "blaming"])
def test_a_refused_removal_is_asked_for_again(bench: Ready, kind: str) -> None:
    """Somebody whose removal is refused is still there, is known to be, and is removed by the next run."""
    lab = bench(kind)
    lab.start_from(LATER)
    lab.want(AT_FIRST)
    lab.fault("reject_rows", holding=TEXTS)
    lab.push()
    assert lab.kind.handle(REFUSED) in lab.members()
    lab.judge()
    lab.clean_run()
    assert lab.members() == lab.desired()
    lab.judge()


@pytest.mark.fault(
    "F34",
    injected="the platform drops a third of the members without a word",
    outcome="no run can see it; a resync puts everybody back, and removes whoever should not be there",
)
@pytest.mark.parametrize("kind", ["meta", "mailchimp", "direct", "session", "job"])
def test_members_that_the_platform_lost_come_back_with_a_resync(bench: Ready, kind: str) -> None:
    """Nothing can be read back, so a plain run changes nothing; a resync sends all, removals too."""
    lab = bench(kind)
    lab.start_from(AT_FIRST)
    (audience,) = [a for a in lab.sandbox.state.audiences(lab.kind.platform) if a.name == lab.title]
    assert lab.sandbox.state.lose_members(lab.kind.platform, audience.id, 0.34, seed=5) > 0
    assert lab.push().requests == 0
    assert lab.members() != lab.desired()
    lab.turn()
    assert lab.push(resync=True).ok
    lab.settle()
    assert lab.members() == lab.desired()
    lab.judge()
