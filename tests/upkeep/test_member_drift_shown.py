"""Where drift by member is seen: the command, its exit code and its objects; checks and plots in Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.paging import PAGE
from pipelines.assets.dev import variables
from pipelines.assets.keys import audience_key
from tests.assets.dagster_room import Room, failed_checks
from tests.cli.conftest import Turnout
from tests.upkeep.tool_pages import ToolPages
from tests.upkeep.town import Town, email


@pytest.fixture
def pages(town: Town, monkeypatch: pytest.MonkeyPatch) -> ToolPages:
    """Mailchimp's pages, and a shell in the town's folder; the list of members is not late."""
    monkeypatch.setattr(MailchimpConnector, "lists_members", timedelta(0))
    for name, value in variables(town.shop.settings()).items():
        monkeypatch.setenv(name, value)
    return ToolPages(town.sandbox)


def test_the_command_tells_and_repairs(town: Town, pages: ToolPages, turnout: Turnout) -> None:
    """Exit 0 while nothing differs, 3 with the kinds and the way on; the way on works."""
    wanted = pages.members()
    assert turnout("reconcile", "mail/buyers").code == 0
    pages.put_in("stranger@elsewhere.org")
    pages.take_out(email(1), email(3))
    ran = turnout("reconcile", "mail/buyers")
    assert ran.code == 3
    said = " ".join(ran.out.split())
    assert f"mail/buyers: {len(wanted) - 1} listed: 2 missing, 1 added by hand; set it right: " in said
    assert "turnout reconcile mail/buyers --drift ours_wins" in said
    assert "@" not in ran.out + ran.err, "nothing of a person"
    refused = turnout("reconcile", "mail/buyers", "--drift", "ours_wins")
    assert refused.code == 2, "an override needs a reason"
    repaired = turnout("reconcile", "mail/buyers", "--drift", "ours_wins", "--why", "the segment is right")
    assert repaired.code == 3
    assert "the next push looks at 3 of them" in " ".join(repaired.out.split())
    assert turnout("sync", "mail/buyers").code == 0
    assert pages.members() == wanted
    assert turnout("reconcile", "mail/buyers").code == 0


def test_for_machines(town: Town, pages: ToolPages, turnout: Turnout) -> None:
    """`--json`: an object an audience, with keys that stay."""
    [told] = turnout("reconcile", "mail/buyers", "--json").objects
    assert set(told) == {
        "at", "destination", "segment", "policy", "verdict", "listed", "agreed", "missing", "added_by_hand",
        "not_permitted", "unnamed", "unsettled", "gone", "doubted", "taken_up", "status", "sentence",
    }  # fmt: skip
    assert (told["policy"], told["verdict"], told["listed"]) == ("report_only", "fine", len(pages.members()))


def test_many_pages(town: Town, pages: ToolPages, turnout: Turnout) -> None:
    """A list of several pages is read to its end; whoever is on two of them is counted once."""
    held = len(pages.members())
    pages.put_in(*(f"s{n}@elsewhere.org" for n in range(2 * PAGE)))
    [told] = turnout("reconcile", "mail/buyers", "--json").objects
    assert (told["listed"], told["added_by_hand"], told["agreed"]) == (2 * PAGE + held, 2 * PAGE, held)
    read = [r for r in town.sandbox.state.requests("mailchimp", "GET") if r.path.endswith("/members")]
    assert len(read) == 3


@pytest.fixture
def room(town: Town) -> Iterator[Room]:
    """The town in Dagster."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Room(town.shop, instance)


def test_dagster_plots_the_kinds(town: Town, pages: ToolPages, room: Room) -> None:
    """The check is a warning with the numbers of each kind, and the audience's own page has them as plots."""
    pages.put_in("stranger@elsewhere.org")
    pages.take_out(email(1))
    done = room.job("reconcile")
    assert done.success
    assert failed_checks(done) == {("audience/mail/buyers", "reconciled")}
    [check] = [e for e in done.get_asset_check_evaluations() if e.asset_key == audience_key("mail", "buyers")]
    assert check.severity == dg.AssetCheckSeverity.WARN
    numbers = {name: value.value for name, value in check.metadata.items()}
    assert (numbers["missing"], numbers["added by hand"], numbers["not permitted"]) == (1, 1, 0)
    observed = room.instance.fetch_observations(audience_key("mail", "buyers"), limit=5).records
    [observation] = [record.asset_observation for record in observed if record.asset_observation]
    plotted = {name: value.value for name, value in observation.metadata.items()}
    assert (plotted["drift: missing"], plotted["drift: added by hand"]) == (1, 1)
    told = "\n".join(str(event.message) for event in done.all_events)
    assert "stranger" not in told
