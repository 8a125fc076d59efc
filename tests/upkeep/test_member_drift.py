"""Mailchimp's own list of members against the ledger: every kind of drift, by hand, under both policies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta

import duckdb
import pytest

from connectors.base import Audience, Refused
from connectors.mailchimp import MailchimpConnector
from connectors.people import Present
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery
from pipelines.member_drift import Compared, Order, compare_members, drift_history
from pipelines.project import Project
from pipelines.segments.model import DriftPolicy
from tests.assets.shop import customer
from tests.upkeep.tool_pages import ToolPages
from tests.upkeep.town import Town, email

STRANGER, OTHER = "stranger@elsewhere.org", "other@elsewhere.org"
OURS = Order("ours_wins", "ann", "the segment is right")


@pytest.fixture
def pages(town: Town, monkeypatch: pytest.MonkeyPatch) -> ToolPages:
    """Mailchimp's pages; its list of members is not late."""
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(0))
    return ToolPages(town.sandbox)


def compared(town: Town, order: Order | None = None) -> Compared:
    [found] = compare_members(town.project, "mail", ["buyers"], order)
    return found


def push(town: Town) -> Delivery:
    project = town.project
    [done] = project.deliveries.sync("mail", ["buyers"], project.deliveries.new_run())
    return done


def ledger(town: Town) -> list[tuple[object, ...]]:
    """Every member of the account, as the ledger has them."""
    with duckdb.connect(town.state / "mail.duckdb", read_only=True) as con:
        return con.execute("select audience, member, batch from members order by all").fetchall()


def test_nothing_differs(town: Town, pages: ToolPages) -> None:
    """Right after a push everybody is listed as sent; the unsubscribed have the tag all the same."""
    found = compared(town)
    members = pages.members()
    assert (found.verdict, found.listed, found.agreed) == ("fine", len(members), len(members))
    assert found.unsettled == 0


@pytest.mark.fault(
    "F34",
    injected="a colleague adds people to the tool's list and takes others out",
    outcome="told by kind and nothing is changed",
)
def test_by_default_drift_is_told_and_nothing_is_changed(town: Town, pages: ToolPages) -> None:
    """Two added by hand, one taken out: told by kind; ledger, tool and the next push are as they were."""
    before = ledger(town)
    pages.put_in(STRANGER, OTHER)
    pages.take_out(email(1))
    found = compared(town)
    assert (found.verdict, found.missing, found.added_by_hand) == ("drifted", 1, 2)
    assert (found.not_permitted, found.unnamed, found.doubted, found.taken_up) == (0, 0, 0, 0)
    assert ledger(town) == before
    done = push(town)
    assert (done.added, done.removed, done.kept) == (0, 0, done.desired - sum(done.withheld.values()))
    assert {STRANGER, OTHER} <= pages.members()


@pytest.mark.fault(
    "F34",
    injected="a colleague adds people to the tool's list and takes others out, where ours wins",
    outcome="the next push sets it right; the comparison after it finds nothing",
)
def test_where_ours_wins_the_next_push_sets_it_right(town: Town, pages: ToolPages) -> None:
    """Whoever was taken out is back, whoever was added is gone, and the comparison after it is clean."""
    wanted = pages.members()
    pages.put_in(STRANGER, OTHER)
    pages.take_out(email(1), email(3), email(5))
    found = compared(town, OURS)
    assert (found.verdict, found.missing, found.added_by_hand) == ("drifted", 3, 2)
    assert (found.doubted, found.taken_up) == (3, 2)
    assert pages.members() != wanted, "a comparison itself moves nobody"
    done = push(town)
    assert done.ok
    assert (done.removed, done.added) == (2, 0)
    assert pages.members() == wanted
    again = compared(town)
    assert (again.verdict, again.agreed, again.unsettled) == ("fine", len(wanted), 0)
    decided = town.project.record.decisions()[0]
    assert (decided.decision, decided.who, decided.why) == ("ours_wins", "ann", "the segment is right")


def test_a_segment_says_that_ours_wins(town: Town, pages: ToolPages) -> None:
    """`drift = "ours_wins"` in the header is enough, and is nobody's decision of today."""
    path = town.shop.segment_defs / "buyers.sql"
    path.write_text(path.read_text().replace("[sync.mail]\n", '[sync.mail]\ndrift = "ours_wins"\n'))
    pages.put_in(STRANGER)
    found = compared(town)
    assert (found.policy, found.taken_up) == ("ours_wins", 1)
    assert push(town).ok
    assert STRANGER not in pages.members()
    assert town.project.record.decisions() == []
    assert compared(town, Order("report_only")).policy == "report_only"


def test_ours_cannot_win_where_nobody_is_listed(town: Town) -> None:
    """The same word for Meta, which lists no members, is a mistake in the file, and not ignored."""
    path = town.shop.segment_defs / "buyers.sql"
    path.write_text(path.read_text().replace("[sync.ads]\n", '[sync.ads]\ndrift = "ours_wins"\n'))
    [broken] = town.project.broken
    assert "[sync.ads], but Meta does not list its members; take it out" in str(broken.error)


def test_the_guards_see_the_removal_of_strangers(town: Town, pages: ToolPages) -> None:
    """More strangers than one run may remove: the push stops and says so, until somebody lets it pass."""
    wanted = pages.members()
    strangers = {f"s{n}@elsewhere.org" for n in range(len(wanted) * 3)}
    pages.put_in(*strangers)
    assert compared(town, OURS).taken_up == len(strangers)
    stopped = push(town)
    assert (stopped.status, stopped.verdict, stopped.removed) == ("stopped", "too_many_removals", 0)
    assert strangers <= pages.members()
    project = town.project
    run = project.deliveries.new_run(overrides=Overrides(accept_removals=True, who="ann", why="by hand"))
    [done] = project.deliveries.sync("mail", ["buyers"], run)
    assert done.removed == len(strangers)
    assert pages.members() == wanted


@pytest.mark.privacy("P12")
@pytest.mark.parametrize("policy", ["report_only", "ours_wins"])
def test_who_opted_out_leaves_under_any_policy(town: Town, pages: ToolPages, policy: DriftPolicy) -> None:
    """Somebody who unsubscribed in our own sources is put into the list by hand: the next push takes them out, even
    when it is stopped for everybody else."""
    town.shop.opt_out(7)
    assert all(done.ok for done in town.night())
    assert email(7) not in pages.members()
    pages.put_in(email(7), STRANGER)
    found = compared(town, Order(policy, "ann", "so"))
    assert (found.not_permitted, found.added_by_hand) == (1, 1)
    assert found.taken_up == (2 if policy == "ours_wins" else 1)
    with Journal.open(town.state / "journal.sqlite") as journal:
        journal.holds.place("mail", "buyers", "ann", "let us look first")
    done = push(town)
    assert (done.must_go, done.removed) == (1, 1)
    assert email(7) not in pages.members()
    assert STRANGER in pages.members()


@pytest.mark.privacy("P27")
def test_the_erased_are_known_by_their_tombstones(town: Town, pages: ToolPages) -> None:
    """An erased person whom somebody adds by hand leaves with the next push, and nothing of them is kept here."""
    request = town.ask({"customer_id": customer(9), "email": email(9)})
    assert town.erase(request).complete
    assert email(9) not in pages.members()
    pages.put_in(email(9))
    found = compared(town)
    assert (found.not_permitted, found.taken_up) == (1, 1)
    done = push(town)
    assert (done.must_go, done.removed) == (1, 1)
    assert email(9) not in pages.members()
    push(town)
    assert compared(town).verdict == "fine"
    path = town.state / "mail.duckdb"
    with duckdb.connect(path, read_only=True) as con:
        assert con.execute("select count(*) from found").fetchall() == [(0,)]
        assert con.execute('select count(*) from members where "EMAIL" = ?', [email(9)]).fetchall() == [(0,)]


def test_what_is_young_proves_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time that the tool's list may be late, whoever is not listed is not missed."""
    pages = ToolPages(town.sandbox)
    pages.take_out(email(1))
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(days=30000))
    found = compared(town, OURS)
    assert (found.verdict, found.missing, found.unsettled, found.doubted) == ("fine", 0, 1, 0)
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(0))
    assert compared(town).missing == 1


def test_a_late_list_does_not_make_strangers_of_those_who_left(
    town: Town, pages: ToolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody whom the last push removed is still listed: not settled within the tool's time, a stranger after it."""
    town.shop.segment(
        "buyers", "select distinct person_no\nfrom orders\nwhere order_id <> 'o1'", ("ads", "mail")
    )
    assert all(done.ok for done in town.night())
    pages.put_in(email(1))
    push(town)
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(days=1))
    late = compared(town)
    assert (late.added_by_hand, late.unsettled) == (0, 1)
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(0))
    assert compared(town).added_by_hand == 1


def test_a_deleted_audience_is_told_and_left_to_the_push(town: Town, pages: ToolPages) -> None:
    """The tag is gone: the comparison fails with the sentence, and the ledger is as it was."""
    before = ledger(town)
    town.sandbox.state.delete_audience("mailchimp", pages.tag_id)
    found = compared(town, OURS)
    assert found.verdict == "failed"
    assert "does not exist any more" in found.sentence
    assert ledger(town) == before


def test_a_list_that_breaks_off_changes_nothing(
    town: Town, pages: ToolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second page is refused: nobody is missing, nobody is a stranger, nothing is doubted."""
    before = ledger(town)
    whole = MailchimpConnector.members

    def broken(self: MailchimpConnector, audience: Audience) -> Iterator[Sequence[Present]]:
        yield from whole(self, audience)
        raise Refused("Mailchimp: the second page was refused")

    pages.put_in(STRANGER)
    monkeypatch.setattr(MailchimpConnector, "members", broken)
    found = compared(town, OURS)
    assert (found.verdict, found.status) == ("failed", "Mailchimp: the second page was refused")
    assert (found.listed, found.taken_up) == (0, 0)
    assert ledger(town) == before


def test_other_rules_for_names_are_not_compared(town: Town, pages: ToolPages) -> None:
    """After a change of the rules the ledger has names that no list has: nothing is compared before the next push."""
    with duckdb.connect(town.state / "mail.duckdb") as con:
        con.execute("update meta set value = value || 'older' where key = 'identity_source'")
    found = compared(town, OURS)
    assert found.verdict == "failed"
    assert "named or numbered in another way" in found.sentence
    assert push(town).ok
    assert compared(town).verdict == "fine"


def test_comparisons_are_kept(town: Town, pages: ToolPages) -> None:
    """Newest first, with the numbers of each kind and no person in any."""
    compared(town)
    pages.put_in(STRANGER)
    compared(town)
    history = drift_history(town.project, "mail", "buyers")
    assert [(one.verdict, one.added_by_hand) for one in history] == [("drifted", 1), ("fine", 0)]
    journal = (town.state / "journal.sqlite").read_bytes()
    assert STRANGER.encode() not in journal


def test_an_old_copy_of_the_ledger_is_not_compared(town: Town, pages: ToolPages) -> None:
    """A ledger of another pair than the journal's is not compared: the next push doubts everybody in it."""
    before = (town.state / "mail.duckdb").read_bytes()
    push(town)
    push(town)
    (town.state / "mail.duckdb").write_bytes(before)
    found = compared(town)
    assert found.verdict == "failed"
    assert "compare after the next push" in found.sentence


def test_an_account_in_use_is_left_alone(town: Town, pages: ToolPages) -> None:
    """While another process has the account's lease nothing is compared: the sentence names it."""
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(town.state / "mail.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        hurried = Project(town.shop.settings(lock_wait_seconds=0))
        [found] = compare_members(hurried, "mail", ["buyers"])
        holder.communicate(b"")
    assert found.verdict == "failed"
    assert str(holder.pid) in found.status
    assert compared(town).verdict == "fine"
