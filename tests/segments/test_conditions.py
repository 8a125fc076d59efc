"""A segment's SQL is taken apart only where its conditions together are the segment."""

from __future__ import annotations

import pytest

from pipelines.segments.conditions import conditions_of, thresholds_of

LAYERS = ("champions", "buyers")


def says(sql: str) -> list[str] | None:
    """The conditions as they are shown."""
    found = conditions_of(sql, LAYERS)
    return None if found is None else [one.says for one in found]


@pytest.mark.parametrize(
    ("sql", "conditions"),
    [
        ("select person_no from features", []),
        ("select person_no from features where spend > 3", ["spend > 3"]),
        (
            "select f.person_no from features as f where (f.spend > 3 and f.baskets = 1) and f.name = 'a and b'",
            ["spend > 3", "baskets = 1", "name = 'a and b'"],
        ),
        ("select person_no from features where a > 1 or b > 2", ["a > 1 OR b > 2"]),
        (
            "select person_no from features semi join champions using (person_no) anti join buyers using (person_no)",
            ["in champions", "not in buyers"],
        ),
    ],
)
def test_a_list_of_conditions(sql: str, conditions: list[str]) -> None:
    """What ``and`` joins, and the segments that it is built on."""
    assert says(sql) == conditions


@pytest.mark.parametrize(
    "sql",
    [
        "select person_no from orders",
        "select person_no from features union select person_no from orders",
        "select person_no from features group by person_no",
        "select distinct person_no from features",
        "with rich as (select person_no from features) select person_no from rich",
        "select person_no from features qualify row_number() over (order by spend, person_no) < 9",
        "select person_no from features order by spend, person_no limit 9",
        "select person_no from features where spend > (select avg(spend) from features)",
        "select person_no from features where exists (select 1 from orders)",
        "select person_no from features where person_no in (select person_no from orders)",
        "select person_no from features join champions using (person_no)",
        "select person_no from features semi join orders using (person_no)",
        "select person_no from features semi join champions on spend > 3",
    ],
)
def test_everything_else_is_left_whole(sql: str) -> None:
    """Where somebody's membership depends on other rows, no list of conditions is claimed."""
    assert says(sql) is None


def test_a_condition_knows_its_columns() -> None:
    """Each once, in their order."""
    (condition,) = conditions_of("select person_no from features as f where f.b < 2 * f.a + f.b", ()) or ()
    assert (condition.sql, condition.columns) == ("b < 2 * a + b", ("b", "a"))


@pytest.mark.parametrize(
    ("sql", "bounds"),
    [
        ("spend >= 3", [("spend", ">=", 3.0, "true")]),
        ("spend < -0.5", [("spend", "<", -0.5, "true")]),
        (
            "days between 61 and 180",
            [("days", ">=", 61.0, '"days" <= 180'), ("days", "<=", 180.0, '"days" >= 61')],
        ),
        ("name >= 'a'", []),
        ("spend = 3", []),
        ("spend >= 2 * prior", []),
        ("2 <= spend", []),
        ("spend > 3 or days > 2", []),
    ],
)
def test_bounds_that_could_be_set_otherwise(sql: str, bounds: list[tuple[str, str, float, str]]) -> None:
    """Comparisons of one feature with a number, and both ends of a between."""
    (condition,) = conditions_of(f"select person_no from features where {sql}", ()) or ()
    found = [(one.column, one.sign, one.value, one.others) for one in thresholds_of(condition)]
    assert found == bounds
