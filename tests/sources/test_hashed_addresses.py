"""Addresses that a source has only as digests: opt-outs and erasures given in clear are about them too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest

from pipelines.sources.people import build_people
from tests.sources.test_people import SOURCES, TODAY, deliver, people

WHEN = datetime(2026, 3, 1)


def sha256(text: str) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Three people: one with a digest alone, one with an address, one with both."""
    with duckdb.connect() as opened:
        deliver(
            opened,
            "customers",
            [
                {"customer_id": "hashed", "email_sha256": sha256("ann@example.com").upper()},
                {"customer_id": "clear", "email": "Ben@Example.com"},
                {
                    "customer_id": "both",
                    "email": "cleo@example.com",
                    "email_sha256": sha256("cleo@example.com"),
                },
            ],
        )
        deliver(opened, "consents", [])
        deliver(opened, "suppressions", [])
        yield opened


def suppressed(con: duckdb.DuckDBPyConnection, *rows: dict[str, object]) -> dict[object, object]:
    """Why each person may not be reached, after these opt-outs."""
    deliver(con, "suppressions", [{"reason": "unsubscribed", "since": WHEN, **row} for row in rows])
    build_people(con, SOURCES, TODAY)
    return {person: found[3] for person, found in people(con).items()}


def test_the_digest_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    """As it came; a change of it is a change of the person."""
    build_people(con, SOURCES, TODAY)
    before = people(con)
    rows = con.execute("select person_id, email_sha256 from people order by person_id").fetchall()
    assert dict(rows) == {
        "both": sha256("cleo@example.com"), "clear": None, "hashed": sha256("ann@example.com").upper(),
    }  # fmt: skip
    con.execute("update source.customers set email_sha256 = repeat('0', 64) where customer_id = 'hashed'")
    build_people(con, SOURCES, TODAY)
    changed = {person for person, found in people(con).items() if found != before[person]}
    assert changed == {"hashed"}


@pytest.mark.privacy("P01")
@pytest.mark.parametrize("written", ["ann@example.com", "  ANN@example.COM ", "ａｎｎ@example.com"])
def test_an_opt_out_in_clear_is_about_the_digest(con: duckdb.DuckDBPyConnection, written: str) -> None:
    """However the address is written there."""
    assert suppressed(con, {"email": written}) == {"hashed": "unsubscribed", "clear": None, "both": None}


def test_an_opt_out_of_one_customer_blocks_the_shared_digest(con: duckdb.DuckDBPyConnection) -> None:
    """Somebody who shares the address of a suppressed person cannot be reached by it, hashed or not."""
    con.execute(
        "update source.customers set email_sha256 = ? where customer_id = 'hashed'",
        [sha256("ben@example.com")],
    )
    assert suppressed(con, {"customer_id": "clear"}) == {
        "hashed": "shared_identifier", "clear": "unsubscribed", "both": None,
    }  # fmt: skip


def test_a_tagged_address_matches_the_plain_digest(con: duckdb.DuckDBPyConnection) -> None:
    """A digest cannot be folded, so the opt-out stands for the address as written and for its folded form."""
    assert suppressed(con, {"email": "ann+news@example.com"})["hashed"] == "unsubscribed"


def test_what_is_no_digest_blocks_nobody(con: duckdb.DuckDBPyConnection) -> None:
    """The same rubbish in two rows is not a shared identifier."""
    con.execute("update source.customers set email_sha256 = 'n/a'")
    assert suppressed(con, {"customer_id": "clear"}) == {
        "hashed": None,
        "clear": "unsubscribed",
        "both": None,
    }


def test_an_older_warehouse_gets_the_column(con: duckdb.DuckDBPyConnection) -> None:
    """A table of people from before digests is brought up to date, and nobody else changes."""
    build_people(con, SOURCES, TODAY)
    con.execute("alter table people drop column email_sha256")
    before = people(con)
    build_people(con, SOURCES, TODAY)
    after = people(con)
    assert {person for person in after if after[person] != before[person]} == {"hashed", "both"}
