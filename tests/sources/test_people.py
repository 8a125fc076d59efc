"""Who may be reached: consents, suppressions and revisions, over every history."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipelines.sources.contracts import CONSENTS, CUSTOMERS, SUPPRESSIONS
from pipelines.sources.load_all import load_all
from pipelines.sources.loading import table_of
from pipelines.sources.model import Demo, Source
from pipelines.sources.people import build_people
from tests.sources.shop import customers, one, rows

TODAY = date(2026, 3, 31)
SOURCES = tuple(Source(contract.name, contract, Demo()) for contract in (CUSTOMERS, CONSENTS, SUPPRESSIONS))


def deliver(con: duckdb.DuckDBPyConnection, contract: str, delivered: list[dict[str, object]]) -> None:
    """Put rows in force as a load would have."""
    source = next(source for source in SOURCES if source.name == contract)
    columns = ", ".join(f'"{field.name}" {field.type}' for field in source.contract.fields)
    con.execute("create schema if not exists source")
    con.execute(f"create or replace table {table_of(contract)} ({columns})")
    for row in delivered:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        con.execute(f"insert into {table_of(contract)} ({names}) values ({marks})", list(row.values()))


def people(con: duckdb.DuckDBPyConnection) -> dict[object, tuple[object, ...]]:
    """person_id to number, email, granted, suppressed, revision."""
    found = rows(con, "select person_id, person_no, email, granted, suppressed, revision from people")
    return {person: tuple(rest) for person, *rest in found}


def consent(customer: str, granted: bool, when: datetime, purpose: str = "sms") -> dict[str, object]:
    return {"customer_id": customer, "purpose": purpose, "granted": granted, "changed_at": when}


NOON = datetime(2026, 3, 31, 12)

CONSENT_HISTORIES = {
    "none": ([], []),
    "granted": ([(True, NOON)], ["sms"]),
    "denied": ([(False, NOON)], []),
    "withdrawn later": ([(True, NOON - timedelta(days=9)), (False, NOON)], []),
    "granted again": ([(False, NOON - timedelta(days=9)), (True, NOON)], ["sms"]),
    "both at one moment": ([(True, NOON), (False, NOON)], []),
    "granted in the future": ([(True, NOON + timedelta(days=1))], []),
    "denied, granted in the future": ([(False, NOON), (True, NOON + timedelta(days=1))], []),
    "withdrawn in the future": ([(True, NOON), (False, NOON + timedelta(days=1))], []),
}


@pytest.mark.requirement("PRI-1")
@pytest.mark.bad_input("B52")
@pytest.mark.privacy("P01", "P13")
@pytest.mark.parametrize(("history", "granted"), CONSENT_HISTORIES.values(), ids=CONSENT_HISTORIES)
def test_only_a_consent_in_force_counts(
    con: duckdb.DuckDBPyConnection, history: list[tuple[bool, datetime]], granted: list[str]
) -> None:
    """The latest answer decides; doubt and the future never grant."""
    deliver(con, "customers", [{"customer_id": "1"}])
    deliver(con, "consents", [consent("1", yes, when) for yes, when in history])
    build_people(con, SOURCES, TODAY)
    assert people(con)["1"][2] == granted


@pytest.mark.privacy("P01")
def test_unknown_purposes_grant_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """A purpose that Turnout does not know is kept in consents and opens no door."""
    deliver(con, "customers", [{"customer_id": "1"}])
    deliver(
        con,
        "consents",
        [consent("1", True, NOON, "everything"), consent("1", True, NOON, " Email_Marketing")],
    )
    build_people(con, SOURCES, TODAY)
    assert people(con)["1"][2] == ["email_marketing"]


@pytest.mark.bad_input("B51")
@pytest.mark.privacy("P01")
@pytest.mark.parametrize(
    ("word", "granted"),
    [
        *((word, True) for word in ("yes", "Y", "1", "TRUE ", "opt-in", "JA")),
        *((word, False) for word in ("", "no", "0", "maybe", "yes please", "NULL")),
    ],
)
def test_only_known_words_grant(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, word: str, granted: bool
) -> None:
    """Everything but the declared words is no consent, and unknown ones are told."""
    (tmp_path / "consents.csv").write_text(
        f"customer_id,purpose,granted,changed_at\n8,sms,{word},2026-03-01\n"
    )
    source = one(tmp_path, 'contract = "consents"\ncsv = "consents.csv"\ngranted_words = ["Ja"]')
    loaded = load_all(con, [customers(tmp_path), source], TODAY)
    assert not loaded.failed
    assert people(con)["8"][2] == (["sms"] if granted else [])
    unknown = word in ("maybe", "yes please", "NULL")
    assert loaded.reports[1].warnings == (
        ("consents.csv: 1 rows with an unknown word in 'granted': not granted",) if unknown else ()
    )


def suppression(reason: str = "unsubscribed", **identifiers: str) -> dict[str, object]:
    return {"reason": reason, "since": NOON, **identifiers}


THREE = [
    {"customer_id": "anna", "email": " Anna@Example.com", "phone": "+1 212 555 0101"},
    {"customer_id": "ben", "email": "anna@example.com ", "phone": "(212) 555-0102"},
    {"customer_id": "cleo", "email": "cleo@example.com", "phone": "0012125550102"},
]

MATCHES = {
    "by id, and whoever shares its address": (
        suppression(customer_id="anna"),
        {"anna": "unsubscribed", "ben": "shared_identifier"},
    ),
    "by another spelling of the address": (
        suppression(email="ANNA@EXAMPLE.COM"),
        {"anna": "unsubscribed", "ben": "unsubscribed", "cleo": "shared_identifier"},
    ),
    "by full-width characters and an invisible mark": (
        suppression(email="ａｎｎａ\u200b@example.com"),
        {"anna": "unsubscribed", "ben": "unsubscribed", "cleo": "shared_identifier"},
    ),
    "by another spelling of the number": (
        suppression(phone="212-555-0101"),
        {"anna": "unsubscribed", "ben": "shared_identifier"},
    ),
    "by a number that two have": (
        suppression(phone="12125550102"),
        {"ben": "unsubscribed", "cleo": "unsubscribed", "anna": "shared_identifier"},
    ),
    "of somebody unknown": (suppression(customer_id="dora", email="dora@example.com"), {}),
    "of somebody unknown with a known address": (
        suppression(customer_id="dora", email="cleo@example.com"),
        {"cleo": "unsubscribed", "ben": "shared_identifier"},
    ),
}


@pytest.mark.bad_input("B06", "B53")
@pytest.mark.privacy("P04")
@pytest.mark.parametrize(("row", "expected"), MATCHES.values(), ids=MATCHES)
def test_a_suppression_finds_everybody_it_is_about(
    con: duckdb.DuckDBPyConnection, row: dict[str, object], expected: dict[str, str]
) -> None:
    """By id and by every identifier, in any spelling; and nobody is reached by a suppressed person's identifier."""
    deliver(con, "customers", THREE)
    deliver(con, "suppressions", [row])
    build_people(con, SOURCES, TODAY)
    assert {person: row[3] for person, row in people(con).items() if row[3] is not None} == expected


def test_placeholders_are_nobodys_identifier(con: duckdb.DuckDBPyConnection) -> None:
    """A suppressed 'none' or 0000000 does not take everybody out who has the like."""
    deliver(con, "customers", [{"customer_id": "1", "email": "none", "phone": "0000000000"}])
    deliver(con, "suppressions", [suppression(email="none", phone="000-000-0000")])
    build_people(con, SOURCES, TODAY)
    assert people(con)["1"][3] is None


@pytest.mark.privacy("P09")
def test_the_erased_keep_a_number_and_nothing_else(con: duckdb.DuckDBPyConnection) -> None:
    """Erased people have no identifier and no consent left, and stay erased when the request is taken away."""
    deliver(con, "customers", THREE)
    deliver(con, "consents", [consent("anna", True, NOON)])
    build_people(con, SOURCES, TODAY)
    number = people(con)["anna"][0]
    deliver(con, "suppressions", [suppression("deletion_request", customer_id="anna")])
    build_people(con, SOURCES, TODAY)
    assert people(con)["anna"] == (number, None, [], "erased", 2)
    assert people(con)["ben"][3] == "shared_identifier"
    deliver(con, "suppressions", [])
    build_people(con, SOURCES, TODAY)
    assert people(con)["anna"] == (number, None, [], "erased", 2)
    identifiers = "email, phone, first_name, last_name, street, city, postal_code, external_id"
    assert rows(con, f"select {identifiers} from people where person_id = 'anna'") == [(None,) * 8]


IDS = st.sampled_from(["1", "2", "3", "4"])
EMAILS = st.sampled_from([None, "a@example.com", " A@example.com", "b@example.com"])
DAYS = st.integers(-3, 3)


class Histories(RuleBasedStateMachine):
    """Customers come, change and go; people give and take back consent; suppressions come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.con = duckdb.connect()
        self.customers: dict[str, dict[str, object]] = {}
        self.consents: list[dict[str, object]] = []
        self.suppressions: list[dict[str, object]] = []
        self.numbers: dict[object, object] = {}
        self.erased: set[str] = set()
        self.before: dict[object, tuple[object, ...]] = {}
        self.highest = 0

    def teardown(self) -> None:
        """Let go of the database."""
        self.con.close()

    @rule(customer=IDS, email=EMAILS, name=st.sampled_from(["Ann", "Bo"]))
    def arrive_or_change(self, customer: str, email: str | None, name: str) -> None:
        """A customer's row is new or different."""
        self.customers[customer] = {"customer_id": customer, "email": email, "first_name": name}

    @rule(customer=IDS)
    def go(self, customer: str) -> None:
        """A customer is gone from the source."""
        self.customers.pop(customer, None)

    @rule(customer=IDS, granted=st.booleans(), day=DAYS)
    def answer(self, customer: str, granted: bool, day: int) -> None:
        """A person gives or takes back a consent."""
        self.consents.append(consent(customer, granted, NOON + timedelta(days=day)))

    @rule(customer=IDS, reason=st.sampled_from(["unsubscribed", "erased"]))
    def suppress(self, customer: str, reason: str) -> None:
        """A suppression arrives."""
        self.suppressions.append(suppression(reason, customer_id=customer))

    @precondition(lambda self: self.suppressions)
    @rule()
    def forget_a_suppression(self) -> None:
        """A suppression is taken away."""
        self.suppressions.pop(0)

    @invariant()
    def build(self) -> None:
        """Rebuilding twice changes only what had changed, and nobody is granted more than they gave."""
        deliver(self.con, "customers", list(self.customers.values()))
        deliver(self.con, "consents", self.consents)
        deliver(self.con, "suppressions", self.suppressions)
        report = build_people(self.con, SOURCES, TODAY)
        found = people(self.con)
        assert build_people(self.con, SOURCES, TODAY).changed == 0
        assert people(self.con) == found
        self.numbers_are_stable(found)
        self.revisions_tell_the_change(found, report.changed)
        self.nobody_is_granted_too_much(found)
        self.before = found

    def numbers_are_stable(self, found: dict[object, tuple[object, ...]]) -> None:
        """Once given, a number stays with its person; numbers are dense from 1."""
        for person, row in found.items():
            assert self.numbers.setdefault(person, row[0]) == row[0]
        assert sorted(self.numbers.values()) == list(range(1, len(self.numbers) + 1))  # type: ignore[type-var]
        assert found.keys() == self.numbers.keys()

    def revisions_tell_the_change(self, found: dict[object, tuple[object, ...]], changed: int) -> None:
        """A row's revision is new exactly when the row is."""
        different = {
            person
            for person, row in found.items()
            if person not in self.before or row[-1] != self.before[person][-1]
        }
        assert len(different) == changed
        for person, row in found.items():
            if person in different:
                assert row[-1] > self.highest  # type: ignore[operator]
            else:
                assert row == self.before[person]
        self.highest = max([self.highest, *(int(str(row[-1])) for row in found.values())])

    def nobody_is_granted_too_much(self, found: dict[object, tuple[object, ...]]) -> None:
        """The same rules, told a second time in plain Python."""
        for row in self.suppressions:
            if row["reason"] == "erased" and row["customer_id"] in found:
                self.erased.add(str(row["customer_id"]))
        for person, (_, email, granted, suppressed, _) in found.items():
            known = person in self.customers and person not in self.erased
            if not known:
                assert (email, granted) == (None, [])
                assert suppressed == ("erased" if person in self.erased else "gone_from_source")
                continue
            assert email == self.customers[str(person)]["email"]
            answers = [row for row in self.consents if row["customer_id"] == person]
            withdrawn_ahead = any(row["changed_at"] > NOON and not row["granted"] for row in answers)  # type: ignore[operator]
            past = [row for row in answers if row["changed_at"] <= NOON]  # type: ignore[operator]
            latest = max((row["changed_at"] for row in past), default=None)  # type: ignore[type-var]
            last = [row["granted"] for row in past if row["changed_at"] == latest]
            assert granted == (["sms"] if last and all(last) and not withdrawn_ahead else [])
            if any(row["customer_id"] == person for row in self.suppressions):
                assert suppressed is not None


Histories.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=7,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_histories = Histories.TestCase


@pytest.mark.privacy("P04")
@given(
    st.lists(st.text(alphabet="Aa.+ @\u200b\u00a0ｂgmail", min_size=1), min_size=1, max_size=20),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_matching_ignores_case_and_blanks(con: duckdb.DuckDBPyConnection, addresses: list[str]) -> None:
    """However an address is decorated, it matches itself, and matching again changes nothing."""
    con.execute((Path(__file__).parents[2] / "pipelines/sources/matching.sql").read_text(encoding="utf-8"))
    for address in addresses:
        plain, decorated, again = con.execute(
            "select match_email($a), match_email('  ' || upper($a) || chr(8203)), match_email(match_email($a))",
            {"a": address},
        ).fetchall()[0]
        assert plain == decorated
        assert again == plain
