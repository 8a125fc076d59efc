"""Whom an email tool told of is suppressed, by whatever it names them with, and nobody else is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.people import Unreachable
from pipelines.erasure.register import Register
from pipelines.sources.contracts import CONSENTS, CUSTOMERS, SUPPRESSIONS
from pipelines.sources.forgetting import Recogniser, forget_pulled
from pipelines.sources.model import Demo, Source
from pipelines.sources.people import PeopleReport, build_people
from pipelines.sources.pulled import FILE, PulledError, PulledFile, read_pulled
from pipelines.sources.tombstones import Tombstones, read_tombstones
from tests.sources.shop import rows
from tests.sources.test_people import deliver

TODAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
SOURCES = tuple(Source(contract.name, contract, Demo()) for contract in (CUSTOMERS, CONSENTS, SUPPRESSIONS))


def keep(state: Path, *told: Unreachable, destination: str = "mail", at: datetime = NOON) -> Counter[str]:
    """Write down whom a tool told of."""
    with PulledFile.open(state) as file:
        return file.keep(destination, told, at)


def build(con: duckdb.DuckDBPyConnection, state: Path) -> PeopleReport:
    """People from the sources and what was pulled."""
    return build_people(con, SOURCES, TODAY, read_tombstones(state), read_pulled(state))


def suppressed(con: duckdb.DuckDBPyConnection) -> dict[object, object]:
    """Person and reason."""
    found = rows(con, "select person_id, suppressed from people where suppressed is not null")
    return dict(found)  # type: ignore[arg-type]


def left(reason: str = "unsubscribed", at: datetime | None = NOON, **names: str) -> Unreachable:
    """Somebody whom a tool tells of."""
    return Unreachable(reason, at, **names)  # type: ignore[arg-type]


MATCHES = {
    "the address as written": left(email="Ada.Lovelace@gmail.com"),
    "the address in another case": left(email=" ADA.LOVELACE@GMAIL.COM "),
    "the address as Gmail reads it": left(email="adalovelace+news@googlemail.com"),
    "the number without its country": left(phone="(202) 555-0100"),
    "the number with everything": left(phone="+12025550100"),
    "the id that destinations are sent": left(external_id="loyalty-1"),
    "the id with blanks": left(external_id=" loyalty-1 "),
    "the id, whatever else is said": left(external_id="loyalty-1", email="other@example.org"),
}


@pytest.mark.bad_input("B53")
@pytest.mark.privacy("P04")
@pytest.mark.parametrize("told", MATCHES.values(), ids=MATCHES)
def test_whom_a_tool_names_is_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, told: Unreachable
) -> None:
    """By address, number or id, matched as every suppression is; the neighbour is left alone."""
    deliver(
        con,
        "customers",
        [
            {
                "customer_id": "1",
                "email": "ada.lovelace@gmail.com",
                "phone": "+1 202 555 0100",
                "external_id": "loyalty-1",
            },
            {"customer_id": "2", "email": "bob@example.com", "phone": "+1 202 555 0101"},
        ],
    )
    keep(tmp_path, told)
    report = build(con, tmp_path)
    assert suppressed(con) == {"1": "unsubscribed"}
    assert report.unmatched_suppressions == 0
    assert build(con, tmp_path).changed == 0


def test_an_id_is_the_customers_where_no_other_is_given(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Without an external_id the customer_id is what destinations are sent; with one it is not."""
    deliver(con, "customers", [{"customer_id": "1"}, {"customer_id": "2", "external_id": "x"}])
    keep(tmp_path, left(external_id="1"), left(external_id="2"))
    build(con, tmp_path)
    assert suppressed(con) == {"1": "unsubscribed"}


def test_people_known_by_a_digest_are_found(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A customer of whom only the digest of the address is held is matched by the address in clear."""
    digest = hashlib.sha256(b"ada@example.com").hexdigest()
    deliver(con, "customers", [{"customer_id": "1", "email_sha256": digest}, {"customer_id": "2"}])
    keep(tmp_path, left(email="Ada@example.com"))
    build(con, tmp_path)
    assert suppressed(con) == {"1": "unsubscribed"}


def test_sources_and_tools_count_together(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The earliest reason of all is the person's; the sources' rows and the tools' both stand in suppressions."""
    deliver(con, "customers", [{"customer_id": "1", "email": "a@example.com"}])
    deliver(
        con, "suppressions", [{"customer_id": "1", "reason": "complaint", "since": NOON, "source": "shop"}]
    )
    keep(tmp_path, left("bounced", NOON - timedelta(days=1), email="a@example.com"), destination="mail")
    keep(tmp_path, left("unsubscribed", NOON + timedelta(days=1), email="a@example.com"), destination="more")
    build(con, tmp_path)
    assert suppressed(con) == {"1": "hard_bounce"}
    assert rows(con, "select reason, source, pulled from suppressions order by since") == [
        ("hard_bounce", "mail", True),
        ("complaint", "shop", False),
        ("unsubscribed", "more", True),
    ]


def test_somebody_who_becomes_a_customer_later_is_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A row about nobody waits; once a source knows the address, the person is suppressed from the start."""
    deliver(con, "customers", [{"customer_id": "1", "email": "a@example.com"}])
    keep(tmp_path, left(email="late@example.com"))
    assert build(con, tmp_path).unmatched_suppressions == 1
    people = {"1": "a@example.com", "2": "late@example.com"}
    deliver(con, "customers", [{"customer_id": n, "email": address} for n, address in people.items()])
    build(con, tmp_path)
    assert suppressed(con) == {"2": "unsubscribed"}


def test_an_older_warehouse_takes_it(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A table of suppressions from before tools were asked gets its column with the next load."""
    con.execute(
        "create table suppressions (person_no integer, email varchar, phone varchar, reason varchar not null,"
        " since timestamp not null, source varchar)"
    )
    deliver(con, "customers", [{"customer_id": "1", "email": "a@example.com"}])
    keep(tmp_path, left(email="a@example.com"))
    build(con, tmp_path)
    assert rows(con, "select reason, pulled from suppressions") == [("unsubscribed", True)]


def test_a_row_is_kept_once_with_its_earliest_time(tmp_path: Path) -> None:
    """Told again, nothing is new; an earlier time replaces a later one, and none replaces none."""
    one = left(email="a@example.com", at=None)
    assert keep(tmp_path, one, left(email=" "), left()) == {"unsubscribed": 1}
    assert keep(tmp_path, one, at=NOON + timedelta(days=5)) == {}
    assert keep(tmp_path, left(email="a@example.com", at=NOON - timedelta(days=2))) == {}
    assert keep(tmp_path, left(email="a@example.com", at=NOON - timedelta(days=1))) == {}
    assert keep(tmp_path, left("bounced", email="a@example.com")) == {"hard_bounce": 1}
    with PulledFile.open(tmp_path) as file:
        assert {(row.reason, row.since[:10]) for row in file.rows()} == {
            ("unsubscribed", "2026-03-29"),
            ("hard_bounce", "2026-03-31"),
        }


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file that a newer Turnout wrote is not touched."""
    keep(tmp_path, left(email="a@example.com"))
    with PulledFile.open(tmp_path) as file:
        file._db.execute("pragma user_version = 99")
    with pytest.raises(PulledError, match="written by a newer Turnout"):
        read_pulled(tmp_path)


# --- the erased --------------------------------------------------------------------------------------------


@pytest.fixture
def erased(tmp_path: Path) -> Iterator[Tombstones]:
    """Ada is erased: her id and her address are hers alone, her number may be somebody else's too."""
    with Register.open(tmp_path) as register:
        register.bury("ref", "is", [("id", "1"), ("email", "ada@example.com")])
        register.bury("ref", "had", [("phone", "2025550100")])
        yield register.tombstones()


@pytest.mark.privacy("P08")
@pytest.mark.parametrize(
    ("told", "left_over"),
    [
        (left(email="Ada@example.com"), []),
        (left(external_id="1", email="unknown@example.com"), []),
        (left(external_id="2", email="ada@example.com"), []),
        (left(phone="+1 202 555 0100"), []),
        (left(phone="+1 202 555 0100", email="unknown@example.com"), []),
        (left(phone="+1 202 555 0100", external_id="2"), [("", "", "2")]),
        (left(email="bob@example.com"), [("bob@example.com", "", "")]),
    ],
)
def test_the_erased_are_recognised(
    tmp_path: Path, erased: Tombstones, told: Unreachable, left_over: list[tuple[str, str, str]]
) -> None:
    """A row of theirs is not kept, and goes where it is; one that names somebody else keeps that name alone."""
    with Recogniser.open(erased) as recogniser:
        again = recogniser.without_erased([told])
    assert [(one.email or "", one.phone or "", one.external_id or "") for one in again] == left_over
    keep(tmp_path, told, left(email="bystander@example.com"))
    forget_pulled(tmp_path, erased)
    with PulledFile.open(tmp_path) as file:
        kept = {(row.email, row.phone, row.external_id) for row in file.rows()}
    assert kept == {("bystander@example.com", "", ""), *left_over}


@pytest.mark.privacy("P08", "P09")
def test_no_byte_of_the_erased_stays(tmp_path: Path, erased: Tombstones) -> None:
    """Neither the file nor its log holds them; whoever shared their number is suppressed by the tombstone."""
    keep(tmp_path, *(left(email=f"p{n}@example.com") for n in range(500)), left(email="ada@example.com"))
    forget_pulled(tmp_path, erased)
    for path in tmp_path.glob(f"{FILE}*"):
        assert b"ada@example.com" not in path.read_bytes()
    assert b"p77@example.com" in (tmp_path / FILE).read_bytes()


# --- every history -----------------------------------------------------------------------------------------

PEOPLE = 8
ADDRESSES = [f"p{n}@example.com" for n in range(PEOPLE)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(
        st.tuples(
            st.integers(0, PEOPLE + 2),
            st.sampled_from(["email", "phone", "external_id"]),
            st.sampled_from(["unsubscribed", "bounced", "complained", "suppressed"]),
        ),
        max_size=12,
    ),
    of_source=st.sets(st.integers(0, PEOPLE - 1), max_size=3),
)
def test_exactly_those_who_were_told_of_are_suppressed(
    tmp_path_factory: pytest.TempPathFactory,
    told: Sequence[tuple[int, str, str]],
    of_source: set[int],
) -> None:
    """Whatever tools and sources say, in whatever order and identifiers: they are suppressed, and nobody else is."""
    state = tmp_path_factory.mktemp("state")
    names = {
        "email": lambda n: f"P{n}@Example.com",
        "phone": lambda n: f"202 555 {n:04}",
        "external_id": lambda n: f"x{n}",
    }
    with duckdb.connect() as con:
        deliver(
            con,
            "customers",
            [
                {
                    "customer_id": f"{n}",
                    "email": ADDRESSES[n],
                    "phone": f"+1 202 555 {n:04}",
                    "external_id": f"x{n}",
                }
                for n in range(PEOPLE)
            ],
        )
        deliver(
            con,
            "suppressions",
            [{"customer_id": f"{n}", "reason": "unsubscribed", "since": NOON} for n in of_source],
        )
        for number, kind, reason in told:
            keep(state, left(reason, **{kind: names[kind](number)}))  # type: ignore[arg-type]
        build(con, state)
        expected = {n for n, _, _ in told if n < PEOPLE} | of_source
        assert set(suppressed(con)) == {str(n) for n in expected}
