"""The log of merges: a person who was known under several ids is one person, on every day and for every right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.erasure.finding import find
from pipelines.erasure.request import Wanted
from pipelines.insight.why import number_of
from pipelines.project import Project
from pipelines.settings import Settings
from pipelines.sources import merging
from pipelines.sources.declaration import read_sources
from pipelines.sources.features import build_features
from pipelines.sources.load_all import Loaded, load_all
from pipelines.sources.people import build_people
from pipelines.sources.pulled import COLUMNS
from pipelines.sources.tombstones import Tombstones
from tests.sources.shop import TODAY, rows

FILES = {
    "customers": "customer_id,email,external_id,created_at\n"
    "007,anna@example.com,,2025-01-01\n8,ann@example.net,,2025-01-01\n9,bob@example.com,,2025-01-01\n"
    "10,ann@example.org,T-10,2025-01-01\n",
    "orders": "order_id,customer_id,ordered_at,total\n"
    "o1,007,2026-03-01,10\no2,8,2026-03-10,20\no3,9,2026-03-11,5\no4,10,2026-03-12,40\n",
    "demographics": "customer_id,age_from,household_size\n8,35,2\n10,60,1\n9,20,1\n",
    "consents": "customer_id,purpose,granted,changed_at\n"
    "007,ads_user_data,yes,2026-01-01\n10,ads_user_data,no,2026-02-01\n"
    "8,email_marketing,yes,2026-01-01\n9,sms,yes,2026-01-01\n",
    "suppressions": "customer_id,email,phone,reason,since\n9,,,complaint,2026-01-01\n",
    "customer_merges": "customer_id,merged_into,merged_at\n10,8,2026-03-15 10:00:00\n8,007,2026-03-20 10:00:00\n",
}
DAY = date(2026, 3, 30)


def load(con: duckdb.DuckDBPyConnection, folder: Path, **changes: str) -> Loaded:
    """Load the shop, with other files where asked, and build the features of the last whole day."""
    entries = []
    for name, content in (FILES | changes).items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
        entries.append(f'[source.{name}]\ncontract = "{name}"\ncsv = "{name}.csv"\n')
    (folder / "sources.toml").write_text("\n".join(entries), encoding="utf-8")
    sources = read_sources(folder / "sources.toml")
    loaded = load_all(con, sources, TODAY)
    build_features(con, sources, DAY)
    return loaded


def people(con: duckdb.DuckDBPyConnection) -> dict[object, tuple[object, ...]]:
    """By id: what they granted, and what withholds them."""
    found = rows(con, "select person_id, granted, suppressed from people")
    return {person: tuple(told) for person, *told in found}


@pytest.mark.requirement("DAT-10")
def test_whatever_came_under_a_given_up_id_is_the_survivors(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Orders, features and rows a person has one of, over two merges; nobody is made of the other ids any more."""
    assert load(con, tmp_path).failed == ()
    spent = "select person_id, sum(total) from orders join person_numbers using (person_no) group by all order by all"
    assert rows(con, spent) == [("007", 70), ("9", 5)]
    known = "select person_id, orders_ever, age_from from features join person_numbers using (person_no) order by all"
    assert rows(con, known) == [("007", 3, 60), ("9", 1, 20)]
    assert people(con).keys() == {"007", "9"}
    assert rows(con, "select * exclude (merged_at) from merged_ids order by all") == [
        ("10", "007"),
        ("8", "007"),
    ]


@pytest.mark.requirement("DAT-10")
def test_rights_are_the_persons_whatever_id_they_were_told_under(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The latest answer of all ids decides; who opted out under any of them is left alone."""
    load(con, tmp_path)
    assert people(con)["007"] == (["email_marketing"], None)
    for told in ("10,,", ",Ann@example.net,"):
        load(con, tmp_path, suppressions=FILES["suppressions"] + f"{told},unsubscribed,2026-03-01\n")
        assert people(con)["007"] == (["email_marketing"], "unsubscribed"), told


@pytest.mark.requirement("DAT-10")
@pytest.mark.parametrize("known_as", ["T-10", "8"], ids=["by its external id", "by the id itself"])
def test_a_tool_may_still_use_the_id_that_it_was_sent(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, known_as: str
) -> None:
    """An opt-out that a tool tells of somebody by an id that was given up since is the survivor's."""
    load(con, tmp_path)
    told = {name: [None] for name in COLUMNS.names} | {
        "external_id": [known_as],
        "reason": ["unsubscribed"],
        "since": ["2026-03-25 00:00:00"],
        "source": ["tool"],
    }
    build_people(con, read_sources(tmp_path / "sources.toml"), TODAY, pulled=pa.table(told, schema=COLUMNS))
    assert people(con)["007"][1] == "unsubscribed"


@pytest.mark.requirement("DAT-10")
def test_a_merge_that_is_taken_back_gives_everybody_their_number_again(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """And one that lies ahead has not happened."""
    load(con, tmp_path, customer_merges="customer_id,merged_into,merged_at\n8,007,2027-01-01\n")
    before = rows(con, "select person_no, person_id, email from people order by all")
    load(con, tmp_path)
    assert people(con)["8"] == people(con)["10"] == ([], "gone_from_source")
    load(con, tmp_path, customer_merges="customer_id,merged_into,merged_at\n8,007,2027-01-01\n")
    assert rows(con, "select person_no, person_id, email from people order by all") == before
    spent = "select person_id, sum(total) from orders join person_numbers using (person_no) group by all order by all"
    assert rows(con, spent) == [("007", 10), ("10", 40), ("8", 20), ("9", 5)]


@pytest.mark.requirement("DAT-10")
def test_a_circle_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """An id that ends nowhere would be nobody; the rows are named, and yesterday's log stays in force."""
    load(con, tmp_path)
    circle = "customer_id,merged_into,merged_at\n9,10,2026-03-01\n10,8,2026-03-15\n8,10,2026-03-20\n5,5,2026-03-20\n"
    (failed,) = load(con, tmp_path, customer_merges=circle).failed
    assert "ids are merged in a circle in 3 rows, first in rows 2, 3 and 4" in str(failed.error)
    assert rows(con, "select count(*) from merged_ids") == [(2,)]


@pytest.mark.requirement("DAT-10")
def test_a_person_is_found_by_any_of_their_ids(tmp_path: Path) -> None:
    """What is asked about an id that was given up is answered for the person."""
    home = Settings(_env_file=None, home=tmp_path / "home", sources=tmp_path / "sources.toml", today=TODAY)  # type: ignore[call-arg]
    with Project(home).warehouse() as con:
        load(con, tmp_path)
    assert number_of(Project(home), "10") == number_of(Project(home), "007")
    assert number_of(Project(home), "9") != number_of(Project(home), "007")


@pytest.mark.requirement("DAT-10")
@pytest.mark.parametrize(
    "asked",
    [
        Wanted(customer_id="8"),
        Wanted(customer_id="10"),
        Wanted(external_id="T-10"),
        Wanted(email="Ann@Example.ORG"),
        Wanted(email="anna@example.com"),
    ],
    ids=["by a given-up id", "by another", "by its external id", "by its address", "by the address of today"],
)
def test_whoever_asks_to_be_forgotten_is_found_by_all_they_ever_had(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, asked: Wanted
) -> None:
    """Also by ids that were merged before anybody was loaded; all ids and addresses are known as theirs."""
    load(con, tmp_path)
    found = find(con, [asked], ["s"], read_sources(tmp_path / "sources.toml"), Tombstones(b""))
    ((number, _),) = found.subjects.items()
    assert rows(con, f"select person_id from people where person_no = {number}") == [("007",)]
    named = {(kind, value) for _, _, kind, value in found.names}
    assert {("id", "007"), ("id", "8"), ("id", "10")} <= named
    assert {
        ("email", "anna@example.com"),
        ("email", "ann@example.net"),
        ("email", "ann@example.org"),
    } <= named


@given(
    log=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 40)), max_size=25),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.requirement("DAT-10")
def test_every_log_ends_at_the_last_survivor(log: list[tuple[int, int, int]]) -> None:
    """Whatever the log: following each id's latest merge to its end; an id that ends in a circle stays what it is."""
    with duckdb.connect() as con:
        con.execute("set variable day_after = timestamp '2026-02-01'")
        con.execute("create table told (customer_id varchar, merged_into varchar, merged_at timestamp)")
        for given_up, into, day in log:
            merge = [str(given_up), str(into), day]
            con.execute("insert into told select $1, $2, timestamp '2026-01-01' + to_days($3)", merge)
        con.execute("create temp view arriving_customer_merges as from told")
        con.execute(merging.EXISTS)
        merging.read_log(con)
        found = dict(rows(con, "select person_id, survivor_id from merged_ids"))
    assert found == survivors(log)


def survivors(log: list[tuple[int, int, int]]) -> dict[str, str]:
    """The same, by following each id by hand."""
    latest: dict[str, tuple[int, str]] = {}
    for given_up, into, day in log:
        if day <= 30:
            latest[str(given_up)] = max(latest.get(str(given_up), (0, "")), (day, str(into)))
    ends: dict[str, str] = {}
    for start in latest:
        at, seen = start, set()
        while at in latest and at not in seen:
            seen.add(at)
            at = latest[at][1]
        if at not in latest:
            ends[start] = at
    return ends
