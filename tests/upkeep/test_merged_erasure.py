"""Whoever is forgotten is forgotten under every id that was ever merged with theirs."""

from __future__ import annotations

import pytest

from tests.assets.shop import SOURCES, customer
from tests.upkeep.town import Town, digest, email

GIVEN_UP, SURVIVOR, LATER = 1, 3, 5


def merge(town: Town, *merges: tuple[int, int]) -> None:
    """The log of merges as the source delivers it."""
    declared = f'{SOURCES}\n[source.merges]\ncontract = "customer_merges"\ncsv = "merges.csv"\n'
    (town.shop.sources / "sources.toml").write_text(declared)
    town.shop.write(
        "merges",
        ["customer_id", "merged_into", "merged_at"],
        ((customer(one), customer(into), "2017-12-20 10:00:00") for one, into in merges),
    )


@pytest.fixture
def merged(town: Town) -> Town:
    """The town after a night in which two of its people turned out to be one."""
    merge(town, (GIVEN_UP, SURVIVOR))
    assert all(delivery.ok for delivery in town.night())
    assert email(GIVEN_UP) not in town.on_mailchimp()
    assert email(SURVIVOR) in town.on_mailchimp()
    return town


@pytest.mark.requirement("DAT-10")
@pytest.mark.parametrize("asked", [GIVEN_UP, SURVIVOR], ids=["by the id given up", "by the id today"])
def test_every_id_is_forgotten(merged: Town, asked: int) -> None:
    """No trace under either, in any file; files that are delivered again bring neither back."""
    certificate = merged.erase(merged.ask({"customer_id": customer(asked)}))
    assert certificate.complete, certificate.open
    assert merged.traces((GIVEN_UP, SURVIVOR)) == []
    assert all(delivery.ok for delivery in merged.night())
    # What was read and not kept may stand in the file until its blocks are used again.
    assert [one for one in merged.traces((GIVEN_UP, SURVIVOR)) if " rows" in one] == []
    assert {email(GIVEN_UP), email(SURVIVOR)}.isdisjoint(merged.on_mailchimp())


@pytest.mark.requirement("DAT-10")
def test_whoever_turns_out_to_be_somebody_forgotten_leaves(merged: Town) -> None:
    """An id that is merged into an erased person's is theirs: none of its rows is kept, also on the nights after."""
    merged.erase(merged.ask({"customer_id": customer(SURVIVOR)}))
    assert digest(email(LATER)) in merged.on_meta()
    merge(merged, (GIVEN_UP, SURVIVOR), (LATER, SURVIVOR))
    for _ in range(2):
        assert all(delivery.ok for delivery in merged.night())
        assert digest(email(LATER)) not in merged.on_meta()
        assert email(LATER) not in merged.on_mailchimp()
        with merged.project.warehouse(read_only=True) as con:
            for table in ("customers", "orders", "consents"):
                theirs = f"select count(*) from source.{table} where customer_id = '{customer(LATER)}'"
                assert con.execute(theirs).fetchall() == [(0,)]
