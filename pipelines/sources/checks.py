"""What can be wrong with data that are loaded and well-formed: each question with its figure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from pipelines.sources import demo, provenance
from pipelines.sources.demo import traps
from pipelines.sources.model import Demo, Source

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class DataCheck:
    """One answered question about one table."""

    name: str
    table: str
    passed: bool
    severity: Severity
    figure: float
    """The measured number the answer rests on."""
    description: str


@dataclass(frozen=True, slots=True)
class Question:
    """A check before it is answered: ``sql`` gives one row, passed and figure."""

    name: str
    table: str
    severity: Severity
    description: str
    sql: str


GENERAL = (
    Question(
        "one_number_a_person",
        "people",
        "error",
        "Everybody has one number and each number is one person's; figure: rows too many.",
        "select count(*) = count(distinct person_no) and count(*) = count(distinct person_id),"
        " count(*) - least(count(distinct person_no), count(distinct person_id)) from people",
    ),
    Question(
        "nothing_left_of_the_erased",
        "people",
        "error",
        "People who are erased or gone keep no identifier and no consent; figure: rows that do.",
        "select count(*) = 0, count(*) from people where suppressed in ('erased', 'gone_from_source')"
        " and (coalesce(email, phone, email_sha256, first_name, last_name, street, external_id, mobile_ad_id)"
        " is not null"
        " or len(granted) > 0)",
    ),
    Question(
        "people_with_an_address",
        "people",
        "warning",
        "At least half of the people have an e-mail address, its digest or a phone number; figure: their share.",
        "select coalesce(avg((coalesce(email, phone, email_sha256) is not null)::integer), 0) >= 0.5,"
        " coalesce(avg((coalesce(email, phone, email_sha256) is not null)::integer), 0)"
        " from people where suppressed is distinct from 'erased' and suppressed is distinct from 'gone_from_source'",
    ),
    Question(
        "email_addresses_look_right",
        "people",
        "warning",
        "At most 5 % of the e-mail addresses are malformed; figure: their share.",
        "select coalesce(avg(malformed), 0) <= 0.05, coalesce(avg(malformed), 0) from ("
        "select (not regexp_full_match(trim(email), '[^@\\s]+@[^@\\s]+\\.[^@\\s]+'))::integer as malformed"
        " from people where email is not null)",
    ),
    Question(
        "known_purposes",
        "consents",
        "warning",
        "Every consent is for a purpose that Turnout knows; others grant nothing; figure: rows that are not.",
        "select count(*) = 0, count(*) from consents where purpose not in"
        " ('email_marketing', 'sms', 'ads_personalisation', 'ads_user_data', 'profiling')",
    ),
    Question(
        "consents_lie_in_the_past",
        "consents",
        "warning",
        "No consent is granted in the future; such a grant does not count yet; figure: rows.",
        "select count(*) = 0, count(*) from consents where granted and changed_at >= getvariable('day_after')",
    ),
    Question(
        "suppressions_find_somebody",
        "suppressions",
        "warning",
        "At least half of the suppressions in the sources are about people we know; figure: the share that is about"
        " nobody.",
        "select coalesce(avg((person_no is null)::integer), 0) <= 0.5, coalesce(avg((person_no is null)::integer), 0)"
        " from suppressions where not coalesce(pulled, false)",
    ),
    Question(
        "orders_are_not_negative",
        "orders",
        "warning",
        "No order has a total below zero; refunds belong elsewhere; figure: orders that have.",
        "select count(*) = 0, count(*) from orders where total < 0",
    ),
    Question(
        "orders_lie_in_the_past",
        "orders",
        "warning",
        "No order is dated after the day of the load; figure: orders that are.",
        "select count(*) = 0, count(*) from orders where ordered_at >= getvariable('day_after')",
    ),
    Question(
        "lines_have_their_order",
        "order_lines",
        "warning",
        "At most 1 % of the lines belong to no order; figure: their share.",
        "select coalesce(avg((orders.order_id is null)::integer), 0) <= 0.01,"
        " coalesce(avg((orders.order_id is null)::integer), 0)"
        " from order_lines as lines left join (select distinct order_id from orders) as orders using (order_id)",
    ),
)

FEATURES = (
    Question(
        "one_row_a_person_and_day",
        "features",
        "error",
        "Nobody has two rows on one day; figure: rows too many.",
        "select count(*) = count(distinct (as_of, person_no)),"
        " count(*) - count(distinct (as_of, person_no)) from features",
    ),
)


def questions(sources: Sequence[Source]) -> list[Question]:
    """Every question that can be asked about these sources, known without their data."""
    asked = [*GENERAL, *FEATURES]
    return asked + _traps() if any(isinstance(source.location, Demo) for source in sources) else asked


def run_checks(con: duckdb.DuckDBPyConnection, tables: Collection[str] | None = None) -> list[DataCheck]:
    """Answer every question about what is loaded, or about some tables; the demo's traps as well when it is loaded.

    ``build_people`` must have run on this connection, but for ``features``.
    """
    asked = [question for question in _questions(con) if tables is None or question.table in tables]
    return [_answer(con, question) for question in asked]


def answer_general(con: duckdb.DuckDBPyConnection, day_after: datetime) -> list[DataCheck]:
    """The questions that need nothing but a loaded warehouse, on a connection that only reads; traps are not asked.

    ``day_after`` is midnight after today.
    """
    con.execute("set variable day_after = ?", [day_after])
    return [_answer(con, question) for question in (*GENERAL, *FEATURES)]


def _questions(con: duckdb.DuckDBPyConnection) -> Iterator[Question]:
    yield from GENERAL
    query = "select count(*) from duckdb_tables() where schema_name = 'main' and table_name = 'features'"
    if con.execute(query).fetchall()[0][0]:
        yield from FEATURES
    if provenance.holds_synthetic(con):
        demo.set_folder(con)
        yield from _traps()


def _traps() -> list[Question]:
    return [Question(name, table, "error", told, sql) for name, table, told, sql in traps.TRAPS]


def _answer(con: duckdb.DuckDBPyConnection, question: Question) -> DataCheck:
    passed, figure = con.execute(question.sql).fetchall()[0]
    return DataCheck(
        question.name, question.table, bool(passed), question.severity, float(figure), question.description
    )
