"""Every kind of data that segments are made from has its contract, loads, and reaches who may read it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.sources import features
from pipelines.sources.catalog import catalog
from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.declaration import read_sources
from pipelines.sources.errors import SourceError
from pipelines.sources.features import build_features, definitions
from pipelines.sources.load_all import load_all
from pipelines.sources.model import Source
from tests.sources.shop import CUSTOMERS, TODAY, rows

FILES = {
    "customers": CUSTOMERS,
    "orders": "order_id,customer_id,ordered_at,total\no1,007,2026-03-01 10:00:00,12.50\n",
    "order_lines": "order_id,line_no,product_id,amount\no1,1,p1,10.00\no1,2,p2,2.00\no1,3,p3,0.50\n",
    "products": "product_id,category\np1,PAINKILLERS\np2,TEA\np3,BREAD\n",
    "product_groups": "product_id,group_name\np1,sensitive\n",
    "web_events": "event_id,customer_id,event,page,occurred_at\nw1,007,page_view,/pricing,2026-03-30 10:00:00\n"
    "w2,,page_view,/pricing,2026-03-30 10:00:00\n",
    "email_events": "event_id,customer_id,event,occurred_at\ne1,007,opened,2026-03-30 10:00:00\n"
    "e2,8,clicked,2026-03-30 10:00:00\n",
    "support_tickets": "ticket_id,customer_id,category,subject,opened_at,closed_at\n"
    "t1,007,complaint,broken,2026-03-20 10:00:00,\n"
    "t2,8,complaint,late,2026-03-20 10:00:00,2026-03-25 10:00:00\n"
    "t3,9,question,when,2026-03-29 10:00:00,2026-03-31 10:00:00\n",
    "ad_spend": "destination,audience,day,spend,clicks\nmeta,vip,2026-03-30,12.50,3\n",
    "audience_status": "destination,audience,day,size,matched\nmeta,vip,2026-03-30,900,700\n",
    "survey_answers": "customer_id,question,answer,answered_at\n007,sustainability_1,4,2026-03-01 10:00:00\n",
    "demographics": "customer_id,age_from,household_size,home_ownership\n007,35,2,renter\n",
    "traits": "customer_id,trait,value,source,confidence,observed_at\n007,interest,tea,panel,0.8,2026-03-01\n",
    "accounts": "account_id,name,industry,employees,revenue,locations,technology,stage\na1,Acme,tools,50,9,2,x,seed\n",
    "account_members": "account_id,customer_id,role\na1,007,buyer\n",
    "household_members": "household_id,customer_id\nh1,007\nh1,8\nh2,9\n",
}


def declared(folder: Path, *, top: str = "", changes: dict[str, str] | None = None) -> tuple[Source, ...]:
    """A shop that delivers all of these; ``changes`` adds lines to a source's table."""
    entries = []
    for name, content in FILES.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
        more = {"traits": 'provenance = "first_party"'} | (changes or {})
        entries.append(f'[source.{name}]\ncontract = "{name}"\ncsv = "{name}.csv"\n{more.get(name, "")}\n')
    path = folder / "sources.toml"
    path.write_text(top + "\n" + "\n".join(entries), encoding="utf-8")
    return read_sources(path)


@pytest.fixture
def shop(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """The shop loaded, with the features of the day before yesterday and of the last whole day."""
    sources = declared(tmp_path)
    loaded = load_all(con, sources, TODAY)
    assert [report.error for report in loaded.failed] == []
    for day in (date(2026, 3, 24), date(2026, 3, 30)):
        build_features(con, sources, day)
    return con


READ = {
    "orders": ("DAT-4", "o1"), "order_lines": ("DAT-4", "o1"), "web_events": ("DAT-2", "w1"),
    "email_events": ("DAT-3", "e1"), "support_tickets": ("DAT-5", "t1"), "ad_spend": ("DAT-6", "meta"),
    "audience_status": ("DAT-6", "meta"), "survey_answers": ("DAT-7", "sustainability_1"),
    "traits": ("DAT-8", "interest"), "accounts": ("DAT-9", "a1"), "account_members": ("DAT-9", "a1"),
    "household_members": ("DAT-10", "h1"),
}  # fmt: skip


@pytest.mark.requirement(
    "DAT-1", "DAT-2", "DAT-3", "DAT-4", "DAT-5", "DAT-6", "DAT-7", "DAT-8", "DAT-9", "DAT-10"
)
@pytest.mark.parametrize("table", READ)
def test_each_kind_of_data_arrives(shop: duckdb.DuckDBPyConnection, table: str) -> None:
    """What was delivered is in its table, under the person's number and without what identifies them."""
    contract = CONTRACTS[table]
    found = shop.execute(f"select * from {table}").fetchall()
    columns = [name for name, *_ in shop.execute(f"describe {table}").fetchall()]
    assert any(READ[table][1] in row for row in found)
    assert {field.name for field in contract.fields if field.personal}.isdisjoint(columns)
    assert "customer_id" not in columns
    assert rows(shop, "select count(*) from people where suppressed is null") == [(3,)]


@pytest.mark.requirement("DAT-5")
def test_open_tickets_are_those_of_the_day(shop: duckdb.DuckDBPyConnection) -> None:
    """What was closed later was open; what was opened later was not."""
    query = """
        select person_id, open_tickets, open_complaints
        from features
        join person_numbers using (person_no)
        where as_of = ?
        order by person_id
    """
    on = {day: shop.execute(query, [day]).fetchall() for day in (date(2026, 3, 24), date(2026, 3, 30))}
    assert on[date(2026, 3, 24)] == [("007", 1, 1), ("8", 1, 1), ("9", 0, 0)]
    assert on[date(2026, 3, 30)] == [("007", 1, 1), ("8", 0, 0), ("9", 1, 0)]


@pytest.mark.requirement("DAT-3")
def test_clicks_count_and_opens_do_not(shop: duckdb.DuckDBPyConnection) -> None:
    """No feature looks at opens, which mail programs make by themselves; the contract says so."""
    told = CONTRACTS["email_events"].columns["event"].description
    assert "opened (unreliable)" in told
    for theme in features.THEMES:
        assert "opened'" not in features.statement(theme)
    query = "select days_since_email_click from features where as_of = '2026-03-30' order by person_no"
    assert rows(shop, query) == [(None,), (0,), (None,)]


@pytest.mark.requirement("DAT-4", "TYP-22")
def test_favourite_categories_leave_out_what_is_sensitive(shop: duckdb.DuckDBPyConnection) -> None:
    """Most spend first; what stands in the group of sensitive products is nobody's favourite."""
    query = "select top_category_90d, second_category_90d from features where as_of = '2026-03-30' order by person_no"
    assert rows(shop, query) == [("TEA", "BREAD"), (None, None), (None, None)]


@pytest.mark.requirement("DAT-7")
def test_what_is_still_unknown_of_a_person(shop: duckdb.DuckDBPyConnection) -> None:
    """How many fields a form could still ask for, and which next."""
    query = "select fields_missing, next_field from features where as_of = '2026-03-30' order by person_no"
    assert rows(shop, query) == [(3, "language"), (6, "language"), (6, "language")]


@pytest.mark.requirement("DAT-10")
def test_a_household_is_reached_once(shop: duckdb.DuckDBPyConnection) -> None:
    """One person a household, the same one every time; a person has one number whatever is loaded how often."""
    query = (
        "select person_no from household_members"
        " qualify row_number() over (partition by household_id order by person_no) = 1 order by 1"
    )
    assert rows(shop, query) == [(1,), (3,)]
    numbers = rows(shop, "select person_id, person_no from person_numbers order by all")
    assert numbers == [("007", 1), ("8", 2), ("9", 3)]


@pytest.mark.requirement("DAT-10")
def test_numbers_persist(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Who goes and comes back has the number of before; a new person gets one that nobody had."""
    sources = declared(tmp_path)
    load_all(con, sources, TODAY)
    before = dict(rows(con, "select person_id, person_no from person_numbers"))
    header, first, *_ = CUSTOMERS.splitlines()
    (tmp_path / "customers.csv").write_text(f"{header}\n{first}\n10,,,Dora,2026-01-01\n")
    load_all(con, sources, TODAY)
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    load_all(con, sources, TODAY)
    after = dict(rows(con, "select person_id, person_no from person_numbers"))
    assert {person: after[person] for person in before} == before
    assert after["10"] == 4


@pytest.mark.requirement("DAT-11")
def test_third_party_data_need_a_flag(tmp_path: Path) -> None:
    """Without it the source is an error at its line; traits must say whose they are."""
    bought = {"traits": 'provenance = "third_party"'}
    with pytest.raises(
        SourceError, match=r"sources.toml:\d+: source traits: holds third-party data, and this"
    ):
        declared(tmp_path, changes=bought)
    with pytest.raises(SourceError, match="source traits: does not say whose data they are"):
        declared(tmp_path, changes={"traits": ""})
    with pytest.raises(SourceError, match="unknown provenance 'third-party'; did you mean 'third_party'"):
        declared(tmp_path, changes={"orders": 'provenance = "third-party"'})
    with pytest.raises(SourceError, match="third_party is neither true nor false"):
        declared(tmp_path, top='third_party = "yes"', changes=bought)
    allowed = declared(tmp_path, top="third_party = true", changes=bought)
    assert {source.name for source in allowed if source.provenance == "third_party"} == {"traits"}


@pytest.mark.requirement("DAT-11")
def test_every_column_carries_its_provenance(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """In the table of provenance, and in the comments of what is known of people."""
    bought = dict.fromkeys(("customers", "traits"), 'provenance = "third_party"')
    load_all(con, declared(tmp_path, top="third_party = true", changes=bought), TODAY)
    found = rows(con, "select table_name, provenance, count(*) from provenance group by all")
    assert {(table, whose) for table, whose, _ in found} == {
        (table, "third_party" if table in bought else "first_party") for table in FILES
    }
    assert sum(int(str(count)) for *_, count in found) == sum(len(CONTRACTS[t].fields) for t in FILES)
    comment = "select comment from duckdb_columns() where table_name = 'people' and column_name = 'email'"
    assert str(rows(con, comment)[0][0]).endswith("Provenance: third party.")


@pytest.mark.requirement("DAT-8")
def test_traits_are_never_required(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Without the source its table is there and empty, with source and confidence in its columns."""
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "sources.toml").write_text(
        '[source.customers]\ncontract = "customers"\ncsv = "customers.csv"\n'
    )
    sources = read_sources(tmp_path / "sources.toml")
    assert not load_all(con, sources, TODAY).failed
    assert rows(con, "select count(*) from traits") == [(0,)]
    assert {"source", "confidence"} <= catalog(sources)["traits"].columns.keys()
    assert not any("trait" in told for told in definitions().values())
