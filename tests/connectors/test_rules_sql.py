"""Wherever a rule's SQL claims a value, it is the value of the Python rule."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import rules
from connectors.identity import Rule, encode, encode_sql

ALL_RULES = [
    rules.EMAIL,
    rules.EMAIL_DIGEST,
    rules.EMAIL_SPACELESS,
    rules.EMAIL_GMAIL,
    rules.EMAIL_LETTERS,
    rules.phone_digits(),
    rules.phone_digits("us"),
    rules.phone_e164("GB"),
    rules.FIRST_NAME,
    rules.LAST_NAME,
    rules.GENDER,
    rules.BIRTH_YEAR,
    rules.BIRTH_MONTH,
    rules.BIRTH_DAY,
    rules.CITY,
    rules.STATE,
    rules.ZIP,
    rules.COUNTRY,
    rules.MADID,
    rules.MADID_UPPER,
    rules.MADID_AS_WRITTEN,
    rules.REGION,
    rules.EXTERNAL_ID,
    rules.ADDRESS,
]

COUNTRIES = [
    None,
    "",
    " ",
    "US",
    "us",
    "USA",
    "United States",
    "GB",
    "UK",
    "United Kingdom",
    "DE",
    "deu",
    "FR",
    "IT",
    "CA",
    "NO",
    "xx",
    "none",
    "ＵＳ",
    "\u212aR",
    "U.S.",
]

SEEDS = {
    "email": [
        "ann@example.com",
        "Mary.Smith+news@Gmail.com",
        "a_b%c'd-e@sub.example-mail.co.uk",
        "test@test.com",
    ],
    "phone": [
        "+1 (202) 555-0143",
        "(202) 555-0143",
        "1 202.555.0143",
        "2025550143",
        "12025550143.0",
        "+44 (0) 7700 900123",
        "07700 900123",
        "447700900123",
        "+49 30 12345678",
        "030 12345678",
        "0491 5112345",
        "4915112345678",
        "+33 1 23 45 67 89",
        "01 23 45 67 89",
        "0039 06 1234567",
        "+39 06 1234567",
        "9999999999",
        "4.915E+11",
        "+1 202 555 0143 ext. 7",
        "1-800-FLOWERS",
        "911",
        "2025550143 / 2025550144",
        "٠٧٧٠٠٩٠٠١٢٣",
        "＋１２０２５５５０１４３",
        "+1800",
        "+18002020123",
        "+44 180020 1234567",
        "3101234",
        "+1 3101234",
        "+44 8001111",
    ],
    "first_name": [
        "Ann",
        "Anne-Marie",
        "José",
        "O'Neil",
        "J. R.",
        "Null",
        "none",
        "李",
        "İpek",
        "ΟΔΟΣ",
        "Straße",
    ],
    "gender": ["m", "F", "Female", "man", "diverse", "K", "ſ"],
    "birth_date": [
        "1980-02-29",
        "1981-02-29",
        "20000101",
        "1899-12-31",
        "2999-01-01",
        "2009-12-31T00:00",
        "31.12.1980",
    ],
    "city": ["St. Louis", "München", "New York", "'s-Hertogenbosch"],
    "state": ["CA", "California", "ca", "Bavaria", "New York", "D.C.", "PR"],
    "postal_code": [
        "94105-1234",
        "94105",
        "02134",
        "2134",
        "00000",
        "M1 1AE",
        "75001",
        "1234-567",
        "100 - 1",
        "null",
    ],
    "country": [c for c in COUNTRIES if c],
    "email_sha256": ["A6E3" * 16, "b0c4" * 16, "c96da02bba97aedfd26136e980ae3761", "null"],
    "mobile_ad_id": ["6D92078A-8246-4BA4-AE5B-76104861E7DC", "00000000-0000-0000-0000-000000000000", "abc"],
    "external_id": ["crm-000123", "000123", "N/A", "12 34", "x" * 300, "O'Brien;--", "${x}"],
}
SEEDS["last_name"] = SEEDS["first_name"]
BESIDE = {**SEEDS, "country": [*COUNTRIES, *["US"] * (len(COUNTRIES) * 2 // 3)]}
"""What stands in the further columns of a rule; 40 of 100 countries are the United States."""

DIRT = [
    "", " ", "  ", "\t", "\r\n", "\n", "\x00", "\x0b", "\x1f", "\x85", "\u00a0", "\u3000", "\u200b", "\u200d", "\u00ad",
    "\ufeff", "\u202e", "\u2066", ".", "..", ",", ";", "@", "+", "-", "--", "'", '"', "(", ")", "/", "0", "00", "1",
    "9",
    "É", "İ", "ß", "K", "ａ", "x", "X", "null", "mailto:", "<", ">", "ext", "#", "_", "xn--", "👍", "e\u0301", "\u0660",
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def disagreements(
    con: duckdb.DuckDBPyConnection, rule: Rule, rows: list[tuple[str | None, ...]]
) -> tuple[list[object], int]:
    """Rows on which SQL claims another value than Python, and how many it claims at all."""
    assert rule.fast is not None
    columns = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(rule.inputs)}
    table = pa.table({"n": list(range(len(rows))), **columns})
    con.register("sample", table)
    claimed = con.execute(f"select n, {rule.fast.value} from sample where {rule.fast.when}").fetchall()
    con.unregister("sample")
    wrong = [
        (rows[n], value, expected)
        for n, value in claimed
        if (value or None) != (expected := rule.normalise(*rows[n]))
    ]
    return wrong, len(claimed)


def mutated(rng: random.Random, seed: str) -> str:
    """The seed with a few pieces of dirt put in, characters dropped or doubled, or cases changed."""
    text = seed
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        at = rng.randint(0, len(text))
        match rng.randint(0, 5):
            case 0 | 1 | 2:
                text = text[:at] + rng.choice(DIRT) + text[at:]
            case 3:
                text = text[:at] + text[at + 1 :]
            case 4:
                text = text[:at] + str(rng.randint(0, 9)) + text[at + 1 :]
            case 5:
                text = rng.choice([str.upper, str.lower, str.title, str.swapcase])(text)
    return text


def generated(rule: Rule, count: int) -> list[tuple[str | None, ...]]:
    rng = random.Random(f"{rule.name} {count}")
    rows: list[tuple[str | None, ...]] = []
    for _ in range(count):
        first = mutated(rng, rng.choice(SEEDS[rule.inputs[0]])) if rng.random() > 0.01 else None
        rest = [rng.choice(BESIDE[name]) for name in rule.inputs[1:]]
        rows.append((first, *rest))
    return rows


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_fast_path_equals_the_rule_on_an_awkward_sample(
    connection: duckdb.DuckDBPyConnection, rule: Rule
) -> None:
    """On 8,000 dirty values SQL never claims a value that the rule would not give, and it does claim some."""
    wrong, claimed = disagreements(connection, rule, generated(rule, 8_000))
    assert wrong == []
    assert claimed > 400


@pytest.mark.parametrize("rule", [r for r in ALL_RULES if "phone" in r.name], ids=lambda rule: rule.name)
def test_fast_path_equals_the_rule_on_every_shape_of_number(
    connection: duckdb.DuckDBPyConnection, rule: Rule
) -> None:
    """Random digit strings of every length behind every prefix, in every country, come out alike."""
    rng = random.Random(7)
    prefixes = ["", "0", "1", "00", "+1", "+44", "+49", "+33", "+", "44", "49", "33", "+1 (", "+44 (0)", "0 "]
    rows: list[tuple[str | None, ...]] = [
        (rng.choice(prefixes) + str(rng.randint(10 ** (n - 1), 10**n)), rng.choice(COUNTRIES))
        for n in range(3, 16)
        for _ in range(700)
    ]
    wrong, claimed = disagreements(connection, rule, rows)
    assert wrong == []
    assert claimed > 100


@pytest.mark.privacy("P21")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_fast_path_equals_the_rule_on_any_text(
    connection: duckdb.DuckDBPyConnection, rule: Rule, data: st.DataObject
) -> None:
    """Any text at all, alone or glued to a plausible value, comes out alike."""
    seeds = st.sampled_from(SEEDS[rule.inputs[0]])
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    value = st.one_of(st.none(), anything, st.tuples(anything, seeds, anything).map("".join))
    beside = [st.sampled_from(BESIDE[name]) for name in rule.inputs[1:]]
    rows = data.draw(st.lists(st.tuples(value, *beside), max_size=20))
    if rows:
        assert disagreements(connection, rule, rows)[0] == []


@pytest.mark.parametrize("encoding", ["sha256_hex", "md5_hex", "plain"])
def test_sql_encodes_as_python_does(connection: duckdb.DuckDBPyConnection, encoding: str) -> None:
    """A digest is over UTF-8 bytes, in lower-case hex, on both sides."""
    for value in ["ann@example.com", "josé", "李", "x" * 300]:
        found = connection.execute(
            f"select {encode_sql('v', encoding)} from (select $1 as v)", [value]
        ).fetchone()  # type: ignore[arg-type]
        assert found == (encode(value, encoding),)  # type: ignore[arg-type]
