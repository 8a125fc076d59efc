"""Only a segment that is one condition on a row of features may be computed beside others."""

from __future__ import annotations

import pytest

from pipelines.segments.plain import condition_of


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("select person_no from features", "true"),
        ("select person_no\nfrom features\nwhere spend > 3\n", "spend > 3"),
        ("select person_no from features where features.spend > 3;", "features.spend > 3"),
        (
            "select person_no from features -- where?\nwhere a = 1 -- one\n  or b like 'x%' -- and done\n",
            "a = 1 -- one\n  or b like 'x%'",
        ),
        ("select person_no from features where a = 1\n  or b like 'where%'", "a = 1\n  or b like 'where%'"),
        (
            "select person_no from features where a in (1, 2) and b is not null",
            "a in (1, 2) and b is not null",
        ),
        ("select person_no from features where seen >= $as_of - 3 * n", "seen >= $as_of - 3 * n"),
        (
            "select person_no from features where at > $window_end - interval 3 day",
            "at > $window_end - interval 3 day",
        ),
        ('select person_no from features where "the where" between -1 and 2', '"the where" between -1 and 2'),
    ],
)
def test_the_authors_own_text(sql: str, condition: str) -> None:
    """What comes after where, as it is written; a comment between its lines stays."""
    assert condition_of(sql) == condition


@pytest.mark.parametrize(
    "sql",
    [
        "select distinct person_no from features",
        "select person_no as person_no from features",
        "select features.person_no from features",
        "select person_no from orders where amount > 1",
        "select person_no from main.features where a > 1",
        "select person_no from features as f where f.a > 1",
        "select person_no from features tablesample 10% where a > 1",
        "select person_no from features where a > 1 order by a limit 3",
        "select person_no from features group by person_no having max(a) > 1",
        "select person_no from features qualify row_number() over (order by a) < 3",
        "select person_no from features semi join champions using (person_no)",
        "select person_no from features where a > (select avg(a) from features)",
        "select person_no from features where person_no in (select person_no from champions)",
        "select person_no from features where columns(*) > 1",
        "select person_no from features where unnest([true, true])",
        "select person_no from features where random() < 0.5",
        "select person_no from features where cast(a as integer) > 1",
        "select person_no from features where features.a.b > 1",
        "with f as (select * from features) select person_no from f where a > 1",
        "select person_no from features where a > 1 union all select person_no from features",
    ],
)
def test_more_than_a_condition(sql: str) -> None:
    """Other tables, other rows, functions and renamed columns: it runs by itself."""
    assert condition_of(sql) is None
