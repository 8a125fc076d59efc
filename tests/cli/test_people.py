"""Looking back on the command line: who was refused, who moved and why, where one person stands."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout


@pytest.mark.requirement("IDEA-3")
def test_history_tells_who_moved_and_why(pushed: Shop, turnout: Turnout) -> None:
    """A first push and an opt-out: so many in because of the rule, so many out because of the suppression."""
    pushed.opt_out(7)
    assert turnout("sources").code == Exit.OK
    assert turnout("sync", "mail/buyers").code == Exit.OK
    moves = turnout("history", "mail/buyers", "--json").objects
    assert [(m["op"], m["why"], m["people"], m["outcome"]) for m in moves] == [
        ("remove", "suppressed", 1, "done"),
        ("add", "entered_rule", 59, "done"),
    ]
    shown = turnout("history", "mail/buyers").out
    assert "the person is on a suppression list" in shown


def test_why_tells_where_somebody_stands(pushed: Shop, turnout: Turnout) -> None:
    """In by the rule, then out by an opt-out: the sentence and the moves say so, and name nobody."""
    before = turnout("why", "c0007", "mail/buyers")
    assert "They are in the audience, by the platform's receipt" in before.out
    pushed.opt_out(7)
    turnout("sources")
    turnout("sync", "mail/buyers")
    [after] = turnout("why", "c0007", "mail/buyers", "--json").objects
    assert (after["held"], after["withheld"], after["wanted"]) == ("no", "unsubscribed", True)
    assert [(m["op"], m["why"]) for m in after["moves"]] == [
        ("remove", "suppressed"),
        ("add", "entered_rule"),
    ]
    assert "c0007" not in turnout("why", "c0007", "mail/buyers").out


def test_why_of_somebody_who_was_never_sent(pushed: Shop, turnout: Turnout) -> None:
    """Opted out from the start: not in the audience, with the reason."""
    [answer] = turnout("why", "c0119", "mail/buyers", "--json").objects
    assert (answer["held"], answer["withheld"], answer["moves"]) == ("no", "unsubscribed", [])


def test_why_of_an_unknown_person_does_not_repeat_the_key(pushed: Shop, turnout: Turnout) -> None:
    """A key may be an address by mistake: the sentence says where keys come from, and not what was typed."""
    ran = turnout("why", "ada@example.com", "mail/buyers")
    assert ran.code == Exit.USAGE
    assert "customer_id" in ran.err
    assert "ada" not in ran.out + ran.err


def test_rejections_are_counted_by_reason(pushed: Shop, turnout: Turnout) -> None:
    """What platforms refuse, by audience and reason; nothing of it tells who."""
    assert "No platform refuses anybody" in turnout("rejections").out
    with duckdb.connect(pushed.settings().state_dir / "mail.duckdb", read_only=True) as ledger:
        [(batch, member)] = ledger.execute(
            "select id, cast(member as varchar) from members join batches using (batch) limit 1"
        ).fetchall()
    _reject(pushed, batch, member)
    [one] = turnout("rejections", "--json").objects
    assert (one["destination"], one["reason"], one["people"]) == ("mail", "malformed", 1)
    assert "malformed" in turnout("rejections").out


def _reject(shop: Shop, batch: str, member: str) -> None:
    """What the journal holds after a platform named a row (the shop's own destinations take everybody)."""
    from pipelines.delivery.journal import Journal

    with Journal.open(shop.settings().state_dir / "journal.sqlite") as journal:
        journal.refuse_rows("mail", "buyers", batch, "a row was refused", {member: "malformed"})
