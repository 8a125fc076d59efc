"""Somebody who must be forgotten is forgotten everywhere, whatever else is going on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from pipelines.delivery.model import Delivery
from pipelines.project import Project
from tests.assets.shop import Shop, customer

GONE = 7
"""A buyer: odd."""


def email(number: int) -> str:
    """A customer's address."""
    return f"{customer(number)}@example.com"


def digest(number: int) -> str:
    """What an ad platform is sent for it."""
    return hashlib.sha256(email(number).encode()).hexdigest()


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Both platforms; the newsletter knows all customers."""
    with SandboxServer(tmp_path / "sandbox") as running:
        for name, value in {
            "TURNOUT_ADS_BASE_URL": running.meta_url,
            "TURNOUT_ADS_TOKEN": SANDBOX_META_TOKEN,
            "TURNOUT_ADS_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
            "TURNOUT_MAIL_BASE_URL": running.mailchimp_url,
            "TURNOUT_MAIL_API_KEY": SANDBOX_MAILCHIMP_KEY,
            "TURNOUT_MAIL_LIST_ID": SANDBOX_MAILCHIMP_LIST,
        }.items():
            monkeypatch.setenv(name, value)
        # Their handle is kept until no late copy of the add can come; here that is at once.
        for destination in ("ADS", "MAIL"):
            monkeypatch.setenv(f"TURNOUT_{destination}_SETTLES_AFTER_MINUTES", "0")
        running.state.put_contacts([email(n) for n in range(120)])
        yield running


@pytest.fixture
def shop(tmp_path: Path, sandbox: SandboxServer) -> Shop:
    """A shop with every audience in place on both platforms."""
    opened = Shop(tmp_path / "shop", destinations={"ads": "meta", "mail": "mailchimp"})
    opened.folder.mkdir()
    opened.open()
    assert all(delivery.ok for delivery in night(opened))
    assert digest(GONE) in on_meta(sandbox)
    assert email(GONE) in on_mailchimp(sandbox)
    return opened


def night(shop: Shop) -> list[Delivery]:
    """Load, compute, push everything."""
    project = Project(shop.settings())
    assert project.load().ok
    project.compute()
    run = project.deliveries.new_run()
    return [
        d
        for name, chosen in project.deliveries.select([]).items()
        for d in project.deliveries.sync(name, chosen, run)
    ]


def erase(shop: Shop, number: int) -> None:
    """The person asks to be forgotten."""
    shop.write(
        "suppressions",
        ["customer_id", "reason", "since"],
        [
            (customer(number), "erased", "2017-12-31 00:00:00"),
            (customer(119), "unsubscribed", "2017-12-02 00:00:00"),
        ],
    )


def on_meta(sandbox: SandboxServer) -> set[str]:
    """E-mail digests in the audience of buyers."""
    audience = sandbox.state.audience("meta", "Buyers")
    return {row["EMAIL"] for row in sandbox.state.meta_members(audience.id)}


def on_mailchimp(sandbox: SandboxServer) -> set[str]:
    """Addresses that have the tag of buyers."""
    return set(sandbox.state.mailchimp_members(sandbox.state.audience("mailchimp", "Buyers").id))


def kept(shop: Shop) -> str:
    """Every row that Turnout keeps about deliveries, and the journal to its last byte."""
    state = shop.folder / "home/state"
    ledgers = sorted(state.glob("*.duckdb"))
    assert len(ledgers) == len(shop.destinations)
    rows: list[object] = [path.read_bytes() for path in sorted(state.glob("journal.sqlite*"))]
    for path in ledgers:
        with duckdb.connect(path, read_only=True) as con:
            for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                rows += con.execute(f'from "{table}"').fetchall()
    return "\n".join(map(str, rows))


@pytest.mark.privacy("P08")
def test_the_erased_leave_every_platform(shop: Shop, sandbox: SandboxServer) -> None:
    """One night later nobody holds them, everybody else stays, and nobody was resubscribed."""
    before = on_meta(sandbox), on_mailchimp(sandbox)
    erase(shop, GONE)
    deliveries = night(shop)
    assert all(delivery.ok for delivery in deliveries)
    assert {d.removed for d in deliveries if d.segment == "buyers"} == {1}
    assert on_meta(sandbox) == before[0] - {digest(GONE)}
    assert on_mailchimp(sandbox) == before[1] - {email(GONE)}
    assert sandbox.state.resubscribed() == []


@pytest.mark.privacy("P08")
def test_nothing_of_the_erased_stays_in_the_state(shop: Shop) -> None:
    """The address that the newsletter needed for the removal goes with the person: no row names them."""
    assert email(GONE) in kept(shop), "an e-mail tool removes by address, so the ledger had it"
    erase(shop, GONE)
    night(shop)
    left = kept(shop)
    assert email(GONE) not in left
    assert digest(GONE) not in left
    assert email(GONE + 2) in left
    assert digest(GONE + 2) in left


@pytest.mark.privacy("P06")
def test_a_tripped_guard_holds_back_no_erasure(shop: Shop, sandbox: SandboxServer) -> None:
    """The segment collapses on the same night: the guard keeps the others, the erased one still goes."""
    before = on_meta(sandbox)
    erase(shop, GONE)
    shop.segment("buyers", "select distinct person_no\nfrom orders\nwhere total < 20", ("ads", "mail"))
    stopped = [d for d in night(shop) if d.segment == "buyers"]
    assert {(d.status, d.verdict) for d in stopped} == {("stopped", "too_many_removals")}
    assert on_meta(sandbox) == before - {digest(GONE)}
    assert email(GONE) not in on_mailchimp(sandbox)


@pytest.mark.privacy("P09")
def test_the_erased_do_not_come_back(shop: Shop, sandbox: SandboxServer) -> None:
    """The request vanishes from the source, the customer is still in it: erased stays erased."""
    erase(shop, GONE)
    night(shop)
    shop.write(
        "suppressions", ["customer_id", "reason", "since"], [(customer(119), "unsubscribed", "2017-12-02")]
    )
    night(shop)
    assert digest(GONE) not in on_meta(sandbox)
    assert email(GONE) not in on_mailchimp(sandbox)
