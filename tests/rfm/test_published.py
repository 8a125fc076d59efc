"""RFM against the table that the R package rfm publishes, and the rules of its edges and names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.rfm import scoring
from pipelines.rfm.edges import GAPS, BadEdges, Edges, four
from pipelines.rfm.names import MAP, NAMES

FILE = Path(__file__).parent / "customers.csv"
END = datetime(2007, 1, 1)

THRESHOLDS = Edges((114, 180, 296.4, 481), (3, 4, 5, 7), (254.8, 381, 505.4, 665))
"""The documented quantiles; an edge lies one above."""

PUBLISHED = {
    "Loyal Customers": 278,
    "Potential Loyalist": 229,
    "Champions": 158,
    "Lost": 111,
    "At Risk": 86,
    "About To Sleep": 50,
    "Others": 48,
    "Need Attention": 35,
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The 4,906 orders of 995 customers, as many, as recent and for as much as published for each."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table orders as "
            "select customer as person_no, number as order_id, "
            "timestamp '2006-12-31 12:00' - to_days((recency_days + number - 1)::integer) as ordered_at, "
            "case number when 1 then revenue else 0 end::decimal(18, 2) as total "
            "from read_csv(?), range(1, orders + 1) as numbers(number)",
            [str(FILE)],
        )
        yield connection


@pytest.mark.requirement("TYP-11", "DAT-4")
def test_the_published_table_comes_out(con: duckdb.DuckDBPyConnection) -> None:
    """Every name with its published size; the Champions with their 1,234 orders and 120,178 revenue."""
    assert con.execute("select count(*), count(distinct person_no) from orders").fetchall() == [(4_906, 995)]
    measured = scoring.measures(None, "quantile")
    edges = scoring.quantile_edges(con, measured, END, "quantile")
    assert edges is not None
    for found, published in (
        (edges.recency, THRESHOLDS.recency),
        (edges.orders, THRESHOLDS.orders),
        (edges.revenue, THRESHOLDS.revenue),
    ):
        assert [round(edge - 1, 6) for edge in found] == list(published)
    counted = scoring.count(con, measured, edges, END)
    assert {one.name: one.people for one in counted} == PUBLISHED
    (champions,) = (one for one in counted if one.name == "Champions")
    assert (champions.people, champions.orders, champions.revenue) == (158, 1_234, 120_178)


def test_fixed_edges_do_not_move_with_others(con: duckdb.DuckDBPyConnection) -> None:
    """When half of the customers are gone, the other half keep their names; by fifths many change."""
    measured = scoring.measures(None, "fixed")
    edges = scoring.quantile_edges(con, measured, END, "quantile")
    assert edges is not None
    everybody = names(con, measured, edges)
    con.execute("delete from orders where person_no % 2 = 0 and person_no < 900")
    assert names(con, measured, edges).items() <= everybody.items()
    anew = scoring.quantile_edges(con, measured, END, "quantile")
    assert anew is not None
    assert not names(con, measured, anew).items() <= everybody.items()


def names(con: duckdb.DuckDBPyConnection, measured: str, edges: Edges) -> dict[int, str]:
    """Everybody's name."""
    query = f"{scoring.named(measured, edges)} select person_no, name from rfm_names"
    return dict(con.execute(query, {"window_end": END}).fetchall())


@pytest.mark.requirement("DAT-15")
def test_only_orders_of_the_window_count(con: duckdb.DuckDBPyConnection) -> None:
    """With a window, who ordered before it only is not there; without, everybody is."""
    for days, expected in ((None, 995), (365, None), (1, 0)):
        measured = scoring.measures(days, "quantile")
        (people,) = con.execute(f"select count(*) from ({measured})", {"window_end": END}).fetchall()[0]
        assert people == expected or (expected is None and 0 < people < 995)
    assert scoring.quantile_edges(con, scoring.measures(1, "quantile"), END, "quantile") is None


def test_own_gaps_measure_recency_in_mode_cycle() -> None:
    """Ten days of silence are two gaps for somebody who comes every five days, a third of one for another."""
    with duckdb.connect() as con:
        con.execute(
            "create table orders as select person_no, timestamp '2006-12-21 10:00' - to_days(back) as ordered_at, "
            "5.0 as total from (values (1, 0), (1, 5), (1, 10), (2, 0), (2, 30), (3, 0)) as t (person_no, back)"
        )
        found = con.execute(
            f"select person_no, recency from ({scoring.measures(None, 'cycle')}) order by person_no",
            {"window_end": END},
        ).fetchall()
    usual = (5 + 30) / 2
    assert found == [(1, 2.0), (2, pytest.approx(1 / 3)), (3, pytest.approx(10 / usual))]


def test_every_score_has_a_name_and_the_first_that_fits_is_meant(con: duckdb.DuckDBPyConnection) -> None:
    """All 125 scores have exactly one name; 5 4 4 are Champions although Loyal Customers fits as well."""
    measured = (
        "select (r * 100 + f * 10 + m)::integer as person_no, 6 - r as recency, f as orders, m as revenue "
        "from range(1, 6) as a(r), range(1, 6) as b(f), range(1, 6) as c(m)"
    )
    edges = Edges((2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5))
    query = f"{scoring.named(measured, edges)} select person_no, name from rfm_names"
    found = dict(con.execute(query).fetchall())
    assert len(found) == 125
    assert set(found.values()) <= set(NAMES)
    assert (found[544], found[244], found[511], found[111]) == (
        "Champions", "Loyal Customers", "Potential Loyalist", "Lost",
    )  # fmt: skip
    assert [one.name for one in MAP].index("Champions") < [one.name for one in MAP].index("Loyal Customers")


@pytest.mark.parametrize("values", [(), (1.0, 2.0, 3.0), (1.0, 2.0, 2.0, 3.0), (4.0, 3.0, 2.0, 1.0)])
def test_edges_that_cannot_be_are_refused(values: tuple[float, ...]) -> None:
    """Four, each above the one before."""
    with pytest.raises(BadEdges, match="--recency needs four rising numbers"):
        four("--recency", values)
    assert four("gaps", GAPS) == GAPS
