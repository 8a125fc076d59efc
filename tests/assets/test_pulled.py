"""What email tools tell, as assets: asked by the night before people are built, and no trouble of theirs stops it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from connectors.mailchimp import MailchimpConnector
from connectors.people import Unreachable
from connectors.sandbox import SandboxServer
from pipelines.assets.graph import build_definitions
from pipelines.assets.keys import pulled_key
from pipelines.sources.pulled import FILE
from tests.assets.dagster_room import Room, attempts, failed_checks, failure, made, metadata
from tests.assets.shop import Shop, customer
from tests.upkeep.leaving import leave, suppressed
from tests.upkeep.town import Town, accounts, digest, email, marks, shop_in

MAIL = "pulled/mail"


@pytest.fixture(scope="module")
def night_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town's folder after its first night."""
    folder = tmp_path_factory.mktemp("night")
    with SandboxServer(folder / "sandbox") as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in accounts(sandbox).items():
            patch.setenv(name, value)
        sandbox.state.put_contacts([email(n) for n in range(120)])
        made_town = Town(shop_in(folder).open(), sandbox)
        made_town.customers()
        with dg.DagsterInstance.ephemeral() as instance:
            assert [done.success for done in Room(made_town.shop, instance).night()] == [True, True, True]
    return folder


@pytest.fixture
def town(tmp_path: Path, night_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The town on the day after it, a test's own."""
    shutil.copytree(night_once, tmp_path, dirs_exist_ok=True)
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        for name, value in accounts(sandbox).items():
            monkeypatch.setenv(name, value)
        yield Town(shop_in(tmp_path), sandbox)


@pytest.fixture
def room(town: Town) -> Iterator[Room]:
    """The town in Dagster."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Room(town.shop, instance)


def events(done: dg.ExecuteInProcessResult) -> str:
    """Everything that a run's page shows."""
    return "\n".join(f"{event.message} {event.event_specific_data}" for event in done.all_events)


@pytest.mark.privacy("P07", "P27")
def test_the_night_asks_before_people_are_built(town: Town, room: Room) -> None:
    """Who unsubscribed at Mailchimp leaves Meta within the same night; the numbers stand on the asset's page."""
    leave(town.sandbox, [email(1), email(3)])
    leave(town.sandbox, [email(5)], "cleaned")
    nights = room.night()
    assert [done.success for done in nights] == [True, True, True]
    assert MAIL in made(nights[0])
    shown = metadata(nights[0], MAIL)
    assert (shown["new"], shown["new unsubscribed"], shown["new hard_bounce"], shown["known"]) == (3, 2, 1, 3)
    assert shown["asked for"].startswith("newer than 20"), "the first night found nobody"
    assert shown["newest"].startswith("20")
    gone = {email(n) for n in (1, 3, 5)}
    assert town.on_meta() & {digest(address) for address in gone} == set()
    assert town.on_mailchimp() & gone == set()
    assert [mark for n in (1, 3, 5) for mark in marks(n) if mark in events(nights[0])] == []


@pytest.mark.fault(
    "F01",
    injected="the email tool does not answer when the night asks it for unsubscribes",
    outcome="a warning: everything is loaded and delivered, with what was known and told before",
)
def test_a_tool_that_fails_stops_nothing(town: Town, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check warns, the asset is not made, what was told before it broke off is honoured, the night goes on."""

    def breaks_off(self: MailchimpConnector, since: object) -> Iterator[Unreachable]:
        yield Unreachable("complained", None, email=email(7))
        raise ConnectionError(email(9))

    with monkeypatch.context() as patch:
        patch.setattr(MailchimpConnector, "unreachable", breaks_off)
        done = room.load()
    assert done.success
    assert made(done) >= {"people", "suppressions", "source/customers"}
    assert MAIL not in made(done)
    assert failed_checks(done) == {(MAIL, "answered")}
    [evaluation] = [e for e in done.get_asset_check_evaluations() if not e.passed]
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "ConnectionError in the Mailchimp connector" in str(evaluation.description)
    assert suppressed(town.project)[customer(7)] == "complaint"
    assert [mark for n in (7, 9) for mark in marks(n) if mark in events(done)] == []
    again = room.load()
    assert MAIL in made(again)
    assert failed_checks(again) == set()


def test_one_tool_alone(town: Town, room: Room) -> None:
    """**Materialize** on the asset asks the tool and brings people up to date; no source is read."""
    leave(town.sandbox, [email(1)])
    town.shop.break_source("customers")
    done = room.materialize(pulled_key("mail"))
    assert done.success
    assert made(done) == {MAIL}
    assert suppressed(town.project)[customer(1)] == "unsubscribed"


def test_a_broken_source_stops_no_pull(town: Town, room: Room) -> None:
    """The load is red for the source; who unsubscribed is suppressed all the same."""
    leave(town.sandbox, [email(1)])
    town.shop.break_source("orders")
    done = room.load()
    assert not done.success
    assert "orders" in failure(done)
    assert MAIL in made(done)
    assert suppressed(town.project)[customer(1)] == "unsubscribed"


def test_only_tools_in_use_have_a_page(shop: Shop) -> None:
    """Destinations that do not tell, and those that nothing syncs to, have no asset."""
    keys = {key.to_user_string() for key in build_definitions(shop.settings()).resolve_all_asset_keys()}
    assert not [key for key in keys if key.startswith("pulled/")]
    telling = shop.settings(destinations={**shop.destinations, "mail": "mailchimp", "more": "mailchimp"})
    keys = {key.to_user_string() for key in build_definitions(telling).resolve_all_asset_keys()}
    assert [key for key in keys if key.startswith("pulled/")] == [MAIL]


def test_suppressions_stand_below_what_is_pulled(town: Town, room: Room) -> None:
    """The graph shows where opt-outs come from."""
    graph = room.definitions.resolve_asset_graph()
    for name in ("suppressions", "people"):
        assert pulled_key("mail") in graph.get(dg.AssetKey([name])).parent_keys
    assert pulled_key("mail") not in graph.get(dg.AssetKey(["consents"])).parent_keys
    assert graph.get(pulled_key("mail")).group_name == "mail"


def test_a_damaged_file_does_not_hide_the_graph(town: Town, room: Room) -> None:
    """The code location loads; the load itself says what to do, and people stay as they were."""
    leave(town.sandbox, [email(1)])
    assert room.load().success
    (town.state / FILE).write_bytes(b"no database " * 500)
    began = time.monotonic()
    assert pulled_key("mail") in room.definitions.resolve_asset_graph().get_all_asset_keys()
    assert time.monotonic() - began < 30
    done = room.load()
    assert not done.success
    assert "turnout pull --all" in failure(done)
    assert attempts(done) == 0
    assert suppressed(town.project)[customer(1)] == "unsubscribed"
