"""The demo data's known traps: each measured in the package's files, and shown to be out of the way.

Figures of the package's version 0.1.0. A check that fails means that the package has changed, or the loading.
"""

from __future__ import annotations

from typing import NamedTuple


class Trap(NamedTuple):
    """``sql`` gives one row: is it handled, and the figure measured in the files."""

    name: str
    table: str
    description: str
    sql: str


TRAPS = (
    Trap(
        "fuel_quantities",
        "order_lines",
        "Fuel is counted in small units: no fuel line keeps a quantity; figure: the largest one in the files.",
        "select (select count(*) from order_lines join product_groups using (product_id)"
        " where group_name = 'fuel' and quantity is not null) = 0 and max(quantity) = 89638, max(quantity)"
        " from read_parquet(demo_file('transactions'))",
    ),
    Trap(
        "zero_value_lines",
        "order_lines",
        "Lines of value zero add nothing to any spend and are kept; figure: how many.",
        "select count(*) = 11226, count(*) from read_parquet(demo_file('transactions')) where sales_value = 0",
    ),
    Trap(
        "zero_quantity_lines",
        "order_lines",
        "Lines of quantity zero are kept, for no feature counts pieces; figure: how many.",
        "select count(*) = 8869, count(*) from read_parquet(demo_file('transactions')) where quantity = 0",
    ),
    Trap(
        "fuel_hidden_in_coupons",
        "product_groups",
        "The category COUPON/MISC ITEMS is mostly fuel by value and counts as fuel; figure: fuel's share of it.",
        "select (select count(*) from products anti join product_groups on products.product_id ="
        " product_groups.product_id and group_name = 'fuel' where category = 'COUPON/MISC ITEMS') = 0"
        " and abs(sum(sales_value) filter (department = 'FUEL') - 309667.50) < 0.01"
        " and abs(sum(sales_value) - 385971.85) < 0.01,"
        " sum(sales_value) filter (department = 'FUEL') / sum(sales_value)"
        " from read_parquet(demo_file('transactions')) join read_parquet(demo_file('products')) using (product_id)"
        " where product_category = 'COUPON/MISC ITEMS'",
    ),
    Trap(
        "clock_offset",
        "orders",
        "Baskets of the first hours of 1 January 2018 belong to that day, not to 2017; figure: how many.",
        "select count(distinct basket_id) = 86 and max(transaction_timestamp) < timestamp '2018-01-01 04:05:00',"
        " count(distinct basket_id) from read_parquet(demo_file('transactions'))"
        " where transaction_timestamp >= timestamp '2018-01-01'",
    ),
    Trap(
        "lines_without_a_product",
        "order_lines",
        "Lines whose product is in no product table are left out of lines and totals; figure: how many.",
        "select count(*) = 4836 and (select count(*) from order_lines anti join products using (product_id)) = 0,"
        " count(*) from read_parquet(demo_file('transactions')) anti join read_parquet(demo_file('products'))"
        " using (product_id)",
    ),
    Trap(
        "demographics_for_a_third",
        "demographics",
        "Demographics exist for some households only; the others stay unknown, none is left out; figure: households.",
        "select count(*) = 801 and count(distinct customer_id) = 801, count(*) from source.demographics",
    ),
    Trap(
        "home_ownership_missing",
        "demographics",
        "Home ownership is unknown even for some of those; figure: how many.",
        "select count(*) = 233, count(*) from source.demographics where home_ownership is null",
    ),
    Trap(
        "marital_status_missing",
        "demographics",
        "Marital status is unknown even for some of those; figure: how many.",
        "select count(*) = 137, count(*) from source.demographics where marital_status is null",
    ),
    Trap(
        "promotions_are_skipped",
        "products",
        "The table of 21 million promotions is not loaded: no segment needs it; figure: its tables here.",
        "select count(*) = 0, count(*) from duckdb_tables() where contains(table_name, 'promotion')",
    ),
)
