"""A small warehouse as the sources leave it: two days of features, dated orders, people with gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.model import Goal, Segment
from pipelines.warehouse import DuckDBEngine

DAY = date(2017, 12, 31)
DAY_BEFORE = date(2017, 12, 30)

WAREHOUSE = """
create table people (
  person_no integer, person_id varchar, email varchar, phone varchar, birth_date date,
  granted varchar[], suppressed varchar, revision bigint
);
insert into people values
  (1, 'p1', 'anna@example.com', '+15550100', date '1980-02-01', ['ads_user_data', 'email_marketing'], null, 1),
  (2, 'p2', ' Bert@Example.COM ', null, null, [], null, 2),
  (3, 'p3', null, null, null, [], 'erased', 3),
  (4, 'p4', 'dora@example.com', '+15550104', null, ['sms'], 'unsubscribed', 3),
  (5, 'p5', 'emil@example.com', '+15550105', null, null, null, 2);

create table features (as_of date, person_no integer, spend decimal(18, 2), baskets integer);
insert into features
select
  day,
  number,
  case when day = date '2017-12-31' then number * 100 else number * 10 end,
  number
from (values (date '2017-12-30'), (date '2017-12-31')) as days (day), range(1, 11) as people (number);

create table orders (order_id varchar, person_no integer, ordered_at timestamp, amount decimal(18, 2));
insert into orders
select 'o' || number, number, timestamp '2017-12-30 12:00:00' + to_days(number::integer - 1), 10
from range(1, 6) as numbers (number);
insert into orders values ('untimed', 9, null, 10);

create table products (product_id varchar, department varchar);
insert into products values ('a', 'grocery');

create sequence counter;
"""

CATALOG: Catalog = {
    "features": Table(
        "features",
        {
            name: Column(name, kind)
            for name, kind in [
                ("as_of", "DATE"),
                ("person_no", "INTEGER"),
                ("spend", "DECIMAL(18,2)"),
                ("baskets", "INTEGER"),
            ]
        },
        time_column="as_of",
    ),
    "orders": Table(
        "orders",
        {
            name: Column(name, kind)
            for name, kind in [
                ("order_id", "VARCHAR"),
                ("person_no", "INTEGER"),
                ("ordered_at", "TIMESTAMP"),
                ("amount", "DECIMAL(18,2)"),
            ]
        },
        time_column="ordered_at",
    ),
    "products": Table(
        "products",
        {name: Column(name, "VARCHAR") for name in ("product_id", "department")},
    ),
}


def segment(sql: str, *, name: str = "big_spenders", reads: set[str] | None = None) -> Segment:
    """A segment as the parser makes it, with this SQL below a header of ten lines."""
    return Segment(
        name=name,
        path=Path("segment_defs") / f"{name}.sql",
        sql=sql,
        sql_line=11,
        title="Big spenders",
        description="Those who spend much.",
        types=("value",),
        owner="team:crm",
        goal=Goal("repeat_purchase_rate_30d", "up", "+3 points", date(2018, 3, 31)),
        treatment="Early access to the sale.",
        universe="customers",
        reads=frozenset(reads or {"features"}),
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(WAREHOUSE)
    return path


@pytest.fixture
def open_engine(warehouse: Path) -> Iterator[Callable[..., DuckDBEngine]]:
    """Opens engines on the warehouse and closes them after the test."""
    opened: list[DuckDBEngine] = []

    def open_one(**settings: object) -> DuckDBEngine:
        engine = DuckDBEngine(warehouse, **({"catalog": CATALOG, "wait_seconds": 0, "threads": 1} | settings))
        opened.append(engine)
        return engine

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_engine: Callable[..., DuckDBEngine]) -> DuckDBEngine:
    return open_engine()
