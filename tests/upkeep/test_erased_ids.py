"""A tool's own id of somebody is forgotten with them, and serves their removal until then."""

from __future__ import annotations

import duckdb
import pytest

from connectors.sandbox import connection_settings
from tests.assets.shop import BUYERS, customer
from tests.upkeep.town import CANARIES, Town, email

ERASED = CANARIES[:3]


@pytest.fixture
def crm(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The town with a tool that takes people out by its own ids, and that knows all of them."""
    for name, value in connection_settings(town.sandbox.url).items():
        if name.startswith("TURNOUT_HUBSPOT_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("TURNOUT_HUBSPOT_SETTLES_AFTER_MINUTES", "0")
    town.shop.destinations["hubspot"] = "hubspot"
    town.sandbox.state.email.put_people("hubspot", [email(n) for n in range(town.shop.people)], "subscribed")
    town.shop.segment("regulars", BUYERS, ["hubspot"])
    return town


def remembered(town: Town) -> set[str]:
    """The ids in the tool's ledger."""
    with duckdb.connect(town.state / "hubspot.duckdb", read_only=True) as ledger:
        return {str(remote) for (remote,) in ledger.execute("select remote_id from remote_ids").fetchall()}


def test_the_ids_of_the_erased_are_forgotten(crm: Town) -> None:
    """They leave the list by their ids, and afterwards the ledger knows everybody's but theirs."""
    crm.night()
    state = crm.sandbox.state
    ids = {str(person.email): person.id for person in state.email.people("hubspot")}
    theirs = {ids[email(number)] for number in ERASED}
    before = remembered(crm)
    assert theirs < before
    certificate = crm.erase(crm.ask(*({"customer_id": customer(number)} for number in ERASED)))
    assert certificate.complete, certificate.open
    [audience] = state.audiences("hubspot")
    there = {person.email for person in state.email.members("hubspot", audience.id)}
    assert there.isdisjoint(email(number) for number in ERASED)
    assert remembered(crm) == before - theirs
