"""Whoever unsubscribes at an email tool leaves every platform with the next push, whatever happens in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Uncertain
from connectors.mailchimp import MailchimpConnector, paging
from connectors.people import Unreachable
from pipelines.assets.dev import variables
from pipelines.project import Project
from pipelines.pulling import Pulled, TellsNobody, askable, pull
from pipelines.sources.pulled import FILE, PulledFile
from tests.assets.shop import customer
from tests.upkeep.leaving import kept, leave, left, pulled_rows, pushed, suppressed
from tests.upkeep.town import Town, accounts, digest, email, marks


def questions(town: Town) -> int:
    """How often Mailchimp was asked for contacts."""
    seen = town.sandbox.state.requests("mailchimp")
    return sum(request.method == "GET" and request.path.endswith("/members") for request in seen)


@pytest.mark.privacy("P04", "P07")
def test_who_unsubscribes_at_one_tool_leaves_all_platforms(town: Town) -> None:
    """Unsubscribed or bounced at Mailchimp: gone from Mailchimp's tags and Meta's audiences, and nobody else is."""
    before = town.on_meta(), town.on_mailchimp()
    leave(town.sandbox, [email(1), email(3)])
    leave(town.sandbox, [email(5)], "cleaned")
    [pulled] = pull(town.project)
    assert (pulled.ok, pulled.new, pulled.total) == (True, {"unsubscribed": 2, "hard_bounce": 1}, 3)
    town.project.build_people()
    pushed(town)
    gone = {email(n) for n in (1, 3, 5)}
    assert town.on_mailchimp() == before[1] - gone
    assert town.on_meta() == before[0] - {digest(address) for address in gone}
    assert town.sandbox.state.resubscribed() == []


def test_what_was_pulled_stands_among_the_suppressions(town: Town) -> None:
    """With the destination as source, the tool's time and the words of suppressions; people nobody knows too."""
    leave(town.sandbox, [email(1)])
    leave(town.sandbox, [email(5)], "cleaned")
    town.sandbox.state.put_contacts(["stranger@example.com"], "unsubscribed")
    began = datetime.now(UTC).replace(tzinfo=None)
    pull(town.project)
    assert town.project.build_people().unmatched_suppressions == 1
    rows = pulled_rows(town.project)
    assert [row[1] for row in rows] == ["unsubscribed", "hard_bounce", "unsubscribed"]
    assert [row[0] is None for row in rows] == [False, False, True]
    assert {row[3] for row in rows} == {"mail"}
    assert all(timedelta(0) < began - row[2] < timedelta(minutes=1) for row in rows)
    reasons = suppressed(town.project)
    assert (reasons[customer(1)], reasons[customer(5)]) == ("unsubscribed", "hard_bounce")


def test_a_second_pull_asks_for_what_is_newer(town: Town) -> None:
    """First everything, then from the newest time told minus the overlap, then everything again when that is said."""
    leave(town.sandbox, [email(1)])
    first = pull(town.project)[0]
    leave(town.sandbox, [email(3)])
    second = pull(town.project)[0]
    assert first.since is None
    assert first.newest is not None
    assert second.since == first.newest - timedelta(days=3)
    assert (second.new, second.total) == ({"unsubscribed": 1}, 2)
    again = pull(town.project, everything=True)[0]
    assert (again.since, again.new, again.total) == (None, {}, 2)
    assert kept(town.project) == {(email(1), "unsubscribed"), (email(3), "unsubscribed")}


def test_the_overlap_is_a_setting(town: Town) -> None:
    """Without overlap the next pull begins at the newest time; after the days that are set it asks for everything."""
    leave(town.sandbox, [email(1)])
    newest = pull(town.project)[0].newest
    exact = Project(town.shop.settings(pull_overlap_days=0))
    assert pull(exact)[0].since == newest
    impatient = Project(town.shop.settings(pull_all_after_days=1e-9))
    assert pull(impatient)[0].since is None


@pytest.mark.parametrize("told", [[], [left("a@example.com")]], ids=["nobody", "somebody"])
def test_a_tool_without_times_is_asked_from_the_last_pull_on(
    town: Town, monkeypatch: pytest.MonkeyPatch, told: list[Unreachable]
) -> None:
    """Where no time was ever told, the next pull begins where the last one that ended began, minus the overlap."""
    monkeypatch.setattr(MailchimpConnector, "unreachable", lambda self, since: iter(told))
    before = datetime.now(UTC)
    first = pull(town.project)[0]
    after = datetime.now(UTC)
    second = pull(town.project)[0]
    assert (first.since, first.newest, second.newest) == (None, None, None)
    assert second.since is not None
    assert before <= second.since + timedelta(days=3) <= after


def test_nobody_is_taken_out_again(town: Town) -> None:
    """Somebody whom the tool lists no more stays suppressed: that says nothing about what they want."""
    leave(town.sandbox, [email(1)])
    pull(town.project)
    leave(town.sandbox, [email(1)], "subscribed")
    assert pull(town.project, everything=True)[0].total == 1
    town.project.build_people()
    assert suppressed(town.project)[customer(1)] == "unsubscribed"


def test_a_rebuilt_warehouse_honours_what_was_pulled(town: Town) -> None:
    """The warehouse is lost; the next load suppresses them from the state folder, without asking the tool."""
    leave(town.sandbox, [email(1)])
    pull(town.project)
    town.shop.settings().warehouse_path.unlink()
    before = questions(town)
    assert all(delivery.ok for delivery in town.night())
    assert questions(town) == before
    assert digest(email(1)) not in town.on_meta()


@pytest.mark.fault(
    "F01",
    injected="Mailchimp stops answering in the middle of a listing",
    outcome="what was told before is kept, the next pull asks for all of it again",
)
def test_a_pull_that_breaks_off_keeps_what_it_has(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pages are written and honoured, the cursor stays where it was, and the next pull gets the rest."""
    monkeypatch.setattr(paging, "PAGE", 4)
    monkeypatch.setattr(paging, "OVERLAP", 2)
    leave(town.sandbox, [email(n) for n in range(1, 20)])
    original = MailchimpConnector._ask

    def breaks_off(self: MailchimpConnector, *words: object, **more: object) -> dict[str, object]:
        if (more.get("params") or {}).get("offset") == "6":  # type: ignore[attr-defined]
            raise Uncertain("Mailchimp: no answer")
        return original(self, *words, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(MailchimpConnector, "_ask", breaks_off)
        broken = pull(town.project)[0]
    assert not broken.ok
    assert (broken.new, broken.newest) == ({"unsubscribed": 8}, None)
    assert "Mailchimp: no answer" in broken.sentence
    assert len(kept(town.project)) == 8
    town.project.build_people()
    assert suppressed(town.project)[customer(1)] == "unsubscribed"
    whole = pull(town.project)[0]
    assert (whole.since, whole.total, whole.ok) == (None, 19, True)
    assert kept(town.project) == {(email(n), "unsubscribed") for n in range(1, 20)}


DIES = """
import os, sys
from connectors.mailchimp import MailchimpConnector, paging
from pipelines.project import Project
from pipelines import pulling
from pipelines.settings import Settings
paging.PAGE, paging.OVERLAP, pulling.WRITTEN_AT_ONCE = 4, 2, 4
original = MailchimpConnector._ask
def ask(self, *words, **more):
    if more["params"]["offset"] == "6":
        os._exit(9)
    return original(self, *words, **more)
MailchimpConnector._ask = ask
pulling.pull(Project(Settings()))
"""


def test_a_pull_that_is_killed_keeps_what_it_has(town: Town) -> None:
    """Nothing half done: the pages before are whole, no cursor is written, and the next pull gets everybody."""
    leave(town.sandbox, [email(n) for n in range(1, 20)])
    environment = {**os.environ, **variables(town.shop.settings())}
    done = subprocess.run([sys.executable, "-c", DIES], env=environment, check=False)
    assert done.returncode == 9
    assert len(kept(town.project)) == 8
    [whole] = pull(town.project)
    assert (whole.since, whole.total, whole.ok) == (None, 19, True)


def test_a_later_breach_moves_no_cursor(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a whole pull, one that breaks off leaves the next to begin where the whole one ended."""
    leave(town.sandbox, [email(1)])
    newest = pull(town.project)[0].newest

    def breaks_off(self: MailchimpConnector, since: datetime | None) -> object:
        yield Unreachable("complained", datetime.now(UTC) + timedelta(days=9), email=email(7))
        raise RuntimeError(email(7))

    with monkeypatch.context() as patch:
        patch.setattr(MailchimpConnector, "unreachable", breaks_off)
        broken = pull(town.project)[0]
    assert broken.error == "RuntimeError in the Mailchimp connector"
    assert broken.new == {"complaint": 1}
    assert pull(town.project)[0].since == (newest or datetime.max) - timedelta(days=3)


def test_a_time_to_come_hides_nobody(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that tells a time in the future does not make the next pull pass by what happens until then."""

    def tells(self: MailchimpConnector, since: datetime | None) -> object:
        yield Unreachable("unsubscribed", datetime(2999, 1, 1, tzinfo=UTC), email=email(7))
        yield Unreachable("unsubscribed", datetime(1, 1, 1), email=email(9))

    monkeypatch.setattr(MailchimpConnector, "unreachable", tells)
    before = datetime.now(UTC)
    newest = pull(town.project)[0].newest
    assert newest is not None
    assert before <= newest <= datetime.now(UTC)


def test_only_tools_that_tell_and_are_used_are_asked(town: Town) -> None:
    """By default those with an audience; by name any that tells; Meta says in a sentence that it does not."""
    assert askable(town.project) == ["mail"]
    with pytest.raises(TellsNobody, match=r"ads: Meta does not tell who cannot be reached; .* do: mail"):
        pull(town.project, ["ads"])
    unused = town.shop.settings(destinations={**town.shop.destinations, "more": "mailchimp"})
    assert askable(Project(unused)) == ["mail"]
    [told] = pull(Project(unused), ["more"])
    assert (
        told.error == "more: set TURNOUT_MORE_API_KEY and TURNOUT_MORE_LIST_ID in the environment or in .env"
    )
    assert askable(Project(unused)) == ["mail"]


def test_a_tool_that_was_asked_once_is_asked_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool without audiences is asked by default from its first pull on."""
    for name, value in accounts(town.sandbox).items():
        monkeypatch.setenv(name.replace("_MAIL_", "_MORE_"), value)
    project = Project(town.shop.settings(destinations={**town.shop.destinations, "more": "mailchimp"}))
    pull(project, ["more"])
    assert askable(project) == ["mail", "more"]


@pytest.mark.privacy("P31", "P27")
def test_the_file_is_the_owners_and_results_name_nobody(town: Town) -> None:
    """The file is readable by its owner alone; what a pull returns, and its rows' own text, holds no identifier."""
    leave(town.sandbox, [email(1)])
    pulled = pull(town.project)
    assert (town.state / FILE).stat().st_mode & 0o777 == 0o600
    with PulledFile.open(town.state) as file:
        told = f"{pulled} {pulled[0].sentence} {file.rows()}"
    assert not [mark for mark in marks(1) if mark in told]
    assert json.dumps(pulled[0].new) == '{"unsubscribed": 1}'
    assert isinstance(pulled[0], Pulled)
