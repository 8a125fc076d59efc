"""Features: one definition each, whole days that end with as_of, any past day the same for ever."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.models import scores
from pipelines.segments.catalog import Catalog
from pipelines.settings import SHIPPED
from pipelines.sources import features
from pipelines.sources.catalog import catalog
from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.demo import demo_sources
from pipelines.sources.features import build_features, column_types, definitions
from pipelines.sources.load_all import load_all
from pipelines.sources.model import Source
from pipelines.warehouse import DuckDBEngine
from tests.sources.conftest import YEAR_END
from tests.sources.shop import customers, one, rows

AS_OF = date(2026, 3, 31)


def shop(
    con: duckdb.DuckDBPyConnection, folder: Path, orders: list[tuple[str, datetime, float]]
) -> list[Source]:
    """Customers and these orders, loaded."""
    lines = [f"{number},{who},{when},{total}" for number, (who, when, total) in enumerate(orders)]
    (folder / "orders.csv").write_text("\n".join(["order_id,customer_id,ordered_at,total", *lines]) + "\n")
    sources = [customers(folder), one(folder, 'contract = "orders"\ncsv = "orders.csv"')]
    assert not load_all(con, sources, AS_OF).failed
    return sources


def feature(con: duckdb.DuckDBPyConnection, name: str, person: str = "007", as_of: date = AS_OF) -> object:
    """One person's value of one feature."""
    query = f"select {name} from features join people using (person_no) where person_id = ? and as_of = ?"
    ((value,),) = con.execute(query, [person, as_of]).fetchall()
    return value


MIDNIGHT_AFTER = datetime(2026, 4, 1)
WINDOWS = {
    "the last second of as_of": (MIDNIGHT_AFTER - timedelta(seconds=1), 1),
    "the midnight after": (MIDNIGHT_AFTER, 0),
    "the first second of the 90th day": (MIDNIGHT_AFTER - timedelta(days=90), 1),
    "a second before it": (MIDNIGHT_AFTER - timedelta(days=90, seconds=1), 0),
}


@pytest.mark.requirement("DAT-15")
@pytest.mark.parametrize(("when", "counted"), WINDOWS.values(), ids=WINDOWS)
def test_windows_are_whole_days_that_end_with_as_of(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, when: datetime, counted: int
) -> None:
    """The last 90 days are as_of and the 89 days before it, whole."""
    sources = shop(con, tmp_path, [("007", when, 10), ("8", datetime(2026, 1, 15), 1)])
    build_features(con, sources, AS_OF)
    assert feature(con, "orders_90d") == counted


def test_recency_counts_days_not_hours(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """An order late on the day before is one day old; nobody's order has no age."""
    sources = shop(con, tmp_path, [("007", datetime(2026, 3, 30, 23, 59), 10)])
    build_features(con, sources, AS_OF)
    assert feature(con, "days_since_last_order") == 1
    assert feature(con, "days_since_last_order", "9") is None
    assert feature(con, "orders_90d", "9") == 0
    assert feature(con, "home_ownership", "9") == "unknown"


def test_nobody_is_there_before_they_were_known(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """created_at decides from which day a person has a row."""
    sources = shop(con, tmp_path, [("007", datetime(2025, 1, 1, 9), 10)])
    assert build_features(con, sources, date(2025, 1, 1)).people == 1
    assert build_features(con, sources, date(2025, 1, 2)).people == 2
    assert build_features(con, sources, date(2024, 12, 31)).people == 0


def snapshot(con: duckdb.DuckDBPyConnection, as_of: date) -> list[tuple[object, ...]]:
    """A day's rows as they are."""
    return con.execute("select * from features where as_of = ? order by person_no", [as_of]).fetchall()


def test_a_past_day_is_untouched_by_what_came_later(demo: duckdb.DuckDBPyConnection) -> None:
    """Rows after a day's end, of every kind, change nothing when that day is built again."""
    as_of = date(2017, 9, 30)
    build_features(demo, demo_sources(), as_of)
    before = snapshot(demo, as_of)
    for source in demo_sources():
        contract = source.contract
        if contract.time is not None and contract.readable:
            demo.execute(f"delete from source.{source.name} where {contract.time} >= '2017-10-01'")
    build_features(demo, demo_sources(), as_of)
    assert snapshot(demo, as_of) == before
    assert snapshot(demo, YEAR_END) != []


def test_building_a_day_again_replaces_it(demo: duckdb.DuckDBPyConnection) -> None:
    """The same day gives the same rows, once each, and no other day is touched."""
    before = snapshot(demo, YEAR_END)
    build_features(demo, demo_sources(), date(2017, 12, 30))
    build_features(demo, demo_sources(), YEAR_END)
    assert snapshot(demo, YEAR_END) == before
    assert rows(demo, "select count(distinct as_of) from features") == [(2,)]


def test_old_days_are_forgotten_but_for_the_one_asked_for(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Days beyond days_kept go; a backfilled old day stays until the next one."""
    sources = shop(con, tmp_path, [("007", datetime(2025, 1, 1, 9), 10)])
    for day in (1, 2, 3, 4):
        build_features(con, sources, date(2026, 3, day), days_kept=3)
    assert rows(con, "select distinct day(as_of) from features order by 1") == [(2,), (3,), (4,)]
    build_features(con, sources, date(2026, 1, 1), days_kept=3)
    assert rows(con, "select count(distinct as_of) from features") == [(4,)]


def test_a_new_definition_is_a_new_column(demo: duckdb.DuckDBPyConnection) -> None:
    """A table of an older version gains the columns it lacks and loses the ones that are gone."""
    demo.execute("alter table features drop column orders_30d")
    demo.execute("alter table features add column gone_90d integer")
    build_features(demo, demo_sources(), date(2017, 12, 30))
    assert {name for name, *_ in demo.execute("describe features").fetchall()} == set(column_types())
    assert rows(demo, "select count(orders_30d) from features where as_of = '2017-12-31'") == [(0,)]
    assert rows(demo, "select count(orders_30d) > 0 from features where as_of = '2017-12-30'") == [(True,)]


def test_every_feature_has_one_description(demo: duckdb.DuckDBPyConnection) -> None:
    """Each column is defined on one line with its description; none twice, none without."""
    assert list(column_types()) == ["as_of", "person_no", *definitions()]
    text = "".join(features.statement(theme) for theme in features.THEMES)
    assert len(features.DEFINITION.findall(text)) == len(definitions())
    query = "select comment from duckdb_columns() where table_name = 'features'"
    assert all(comment for (comment,) in rows(demo, query))


def test_the_catalogue_is_what_the_warehouse_has(demo: duckdb.DuckDBPyConnection) -> None:
    """Tables, columns and types that are promised without data are those of the loaded warehouse."""
    promised: Catalog = catalog(demo_sources())
    demo.execute(scores.SCHEMA)
    for table in promised.values():
        found = {name: kind for name, kind, *_ in demo.execute(f"describe {table.name}").fetchall()}
        assert {column.name: column.type for column in table.columns.values()} == found
        assert all(column.description for column in table.columns.values())


@pytest.mark.privacy("P20", "P33")
def test_the_catalogue_holds_nothing_that_identifies() -> None:
    """Neither people nor a personal column nor a customer's own id can be read by a segment."""
    promised = catalog(demo_sources())
    assert {"people", "customers", "consents", "suppressions"}.isdisjoint(promised)
    personal = {field.name for contract in CONTRACTS.values() for field in contract.fields if field.personal}
    for table in promised.values():
        assert personal.isdisjoint(table.columns) or table.name == "features"
        assert "customer_id" not in table.columns
    assert personal.isdisjoint(promised["features"].columns)


BESIDES = {"open_complaint": 12}
"""A rule that ships and is not in the published catalogue: it rests on invented data."""

# The catalogue of rule segments, with the sizes published for it at the end of 2017.
CATALOGUE = {
    "young_families": (166, "age_to < 45 and children > 0"),
    "affluent_households": (129, "income_from >= 100000"),
    "senior_households": (131, "age_from >= 55"),
    "home_store_367": (59, "home_store = '367' and days_since_last_order <= 90"),
    "multi_store_shoppers": (497, "stores_90d >= 4"),
    "organic_wellness": (201, "organic_orders_90d >= 4 and organic_share_90d >= 0.15"),
    "value_hunters": (65, "discount_share_90d >= 0.25 and private_label_share_90d >= 0.25"),
    "convenience_seekers": (
        118,
        "convenience_share_90d >= 0.35 and fresh_share_90d < 0.35 and orders_90d >= 6",
    ),
    "entertainers_wine": (115, "wine_orders_90d >= 3"),
    "baby_households": (246, "baby_orders_90d >= 2"),
    "pet_owners": (447, "pet_orders_90d >= 2"),
    "coupon_redeemers": (244, "days_since_coupon <= 90"),
    "mailed_never_redeemed": (684, "campaigns_received_ever >= 3 and coupons_redeemed_ever = 0"),
    "high_spenders_500": (843, "spend_90d >= 500"),
    "big_basket_stockup": (218, "average_order_90d >= 60 and orders_90d >= 3"),
    "weekly_loyalists": (528, "orders_90d >= 24"),
    "loyal_one_store": (202, "orders_90d >= 12 and stores_90d = 1"),
    "new_customers_60d": (17, "days_since_first_order <= 60"),
    "second_purchase_nudge": (6, "orders_ever = 1 and days_since_first_order <= 60"),
    "cooling_31_60": (195, "days_since_last_order between 31 and 60"),
    "lapsed_61_180": (160, "days_since_last_order between 61 and 180"),
    "lost_180plus": (57, "days_since_last_order > 180"),
    "reactivated": (48, "silence_ended_14d >= 60"),
    "declining_spend": (
        217,
        "spend_90d <= 0.5 * spend_prior_90d and spend_prior_90d >= 50 and days_since_last_order <= 30",
    ),
    "growing_spend": (325, "spend_90d >= 1.5 * spend_prior_90d and spend_prior_90d >= 100"),
    "rfm_champions": (549, "recency_fifth >= 4 and frequency_fifth >= 4 and monetary_fifth >= 4"),
    "rfm_at_risk": (205, "recency_fifth <= 2 and frequency_fifth >= 3 and monetary_fifth >= 3"),
    "rfm_hibernating": (724, "recency_fifth <= 2 and frequency_fifth <= 2"),
    "vip_top5pct": (124, "spend_rank_90d >= 0.95"),
    "no_coffee_upsell": (995, "orders_90d >= 6 and coffee_orders_90d = 0"),
    "fuel_only": (23, "fuel_share_90d >= 0.5 and orders_90d >= 3"),
    "evening_shoppers": (643, "evening_share_90d >= 0.6 and orders_90d >= 6"),
    "active_30d": (2057, "days_since_last_order <= 30"),
}


@pytest.mark.requirement("TYP-1", "TYP-2", "TYP-4", "TYP-5", "TYP-7", "TYP-8", "TYP-11", "TYP-13", "TYP-15")
@pytest.mark.parametrize(("size", "condition"), CATALOGUE.values(), ids=CATALOGUE)
def test_features_reproduce_the_published_sizes(
    demo: duckdb.DuckDBPyConnection, size: int, condition: str
) -> None:
    """All 33 rule segments of the published catalogue, to the last household."""
    query = f"select count(*) from features where as_of = '2017-12-31' and ({condition})"
    assert rows(demo, query) == [(size,)]


def test_the_shipped_segments_have_their_published_sizes(demo_file: Path) -> None:
    """The rules in segment_defs, run as a nightly run does; what models say is in tests/models."""
    from connectors.registry import load
    from pipelines.segments.load import load_segments
    from pipelines.segments.model import Segment
    from pipelines.settings import shipped_segments

    known = catalog(demo_sources())
    loaded = load_segments(shipped_segments(), known, {name: load(name).options_type for name in SHIPPED})
    assert [one for one in loaded if not isinstance(one, Segment)] == []
    with DuckDBEngine(demo_file, catalog=known) as engine:
        sizes = {
            segment.name: engine.run_segment(segment, YEAR_END).size
            for segment in loaded
            if isinstance(segment, Segment) and segment.name in CATALOGUE.keys() | BESIDES.keys()
        }
    assert sizes == {name: size for name, (size, _) in CATALOGUE.items()} | BESIDES
