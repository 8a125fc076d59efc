"""E-mail and phone fast paths against the whole rule: ``python -m bench.bench_fast_paths [--rows N] [--seed N]``.

Wherever a rule's SQL claims a value, it must be the Python rule's value: 0 differences in a large sample, a good
part of it awkward. Also how much of the sample the fast path answers, and what that is worth in CPU seconds.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from bench.measure import cpu_seconds, goal
from connectors.identity import Rule
from connectors.rules.email import EMAIL
from connectors.rules.phone import phone_digits, phone_e164

ORDINARY, AWKWARD = 0.12, 0.5
"""Shares of values that are spoilt at random: as in a customer table, and to look for differences."""
BITS = [
    *" \t\r\n\u00a0\u200b\u3000\ufeff",
    *".,;:/|&+-_()[]<>@#'\"!%*~x",
    *"0123456789abcXYZ",
    *"\u00df\u00e9\u0130\u0131\u03a3\u03c2\u212a\uff10\uff21\u0665",
    "..",
    "@@",
    "@",
    "xn--",
    "ext. 5",
    "tel:",
    "e+11",
    ".0",
    "00",
    "+1",
    "+49",
    "null",
    "Ann <",
    ">",
]
COUNTRIES = [None, "", "US", "us", "USA", "United States", "GB", "UK", "DE", "deu", "FR", "IT", "NO", "xx"]
DOMAINS = [
    "example.com",
    "Mail.Example.ORG",
    "sub.example-mail.co.uk",
    "gmail.com",
    "test.com",
    "b\u00fccher.example",
]
PHONES = [
    ("+1 (2#2) 555-####", "US"),
    ("(2#2) 555-####", "us"),
    ("1 202.55#.####", "USA"),
    ("20255#####", "US"),
    ("+44 7700 9#####", "GB"),
    ("07700 9#####", "GB"),
    ("+49 30 ########", "DE"),
    ("030 #######", "DE"),
    ("+33 1 23 ## ## ##", "FR"),
    ("06 12 ## ## ##", "FR"),
]
ODD_PHONES = [
    ("1202555####.0", "US"),
    ("+44 (0) 7700 900###", None),
    ("447700900###", "GB"),
    ("0491 511####", "DE"),
    ("49151########", "de"),
    ("0033 6 ## ## ## ##", "FR"),
    ("+47 ########", "NO"),
    ("####", "US"),
    ("###############", ""),
]


@dataclass(frozen=True, slots=True)
class Compared:
    """One rule over one sample."""

    answered: int
    different: int
    fast_cpu: float
    rule_cpu: float


def main() -> None:
    """Compare every rule that has a fast path worth its name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    rules = [EMAIL, phone_digits(), phone_digits("us"), phone_e164("GB"), phone_e164("DE")]
    for rule in rules:
        make = email if rule is EMAIL else phone
        for spoil in (AWKWARD, ORDINARY):
            show(rule, spoil, sample(make(rng, spoil) for _ in range(arguments.rows)))


def sample(rows: Iterator[tuple[str | None, ...]]) -> list[tuple[str | None, ...]]:
    """Distinct rows, so that no easy value is counted twice."""
    return list(dict.fromkeys(rows))


def email(rng: random.Random, spoil: float) -> tuple[str | None, ...]:
    """An address, maybe spoilt."""
    if rng.random() > spoil:
        return (f"{rng.choice(['ann', 'Mary.Smith'])}{rng.randrange(10**7)}@{rng.choice(DOMAINS[:2])}",)
    local = rng.choice(["ann", "a_b%c'd-e", "o'neil+news", "test", "j\u00f6rg"]) + str(rng.randrange(10**6))
    return (spoilt(rng, f"{local}@{rng.choice(DOMAINS)}"),)


def phone(rng: random.Random, spoil: float) -> tuple[str | None, ...]:
    """A number as people write it and its country, maybe spoilt."""
    odd = rng.random() < spoil
    form, country = rng.choice(PHONES + ODD_PHONES if odd else PHONES)
    number = "".join(str(rng.randrange(10)) if c == "#" else c for c in form)
    return (spoilt(rng, number), rng.choice([country, *COUNTRIES])) if odd else (number, country)


def spoilt(rng: random.Random, text: str) -> str:
    """Up to four random edits."""
    for _ in range(rng.randint(0, 4)):
        start = rng.randint(0, len(text))
        text = text[:start] + rng.choice(BITS) + text[start + rng.randint(0, 1) :]
    return text


def show(rule: Rule, spoil: float, rows: list[tuple[str | None, ...]]) -> None:
    """Print one rule's figures over one sample."""
    found = compare(rule, rows)
    share = found.answered / len(rows)
    mixed = found.fast_cpu + (1 - share) * found.rule_cpu
    what = f"{rule.name}, {spoil:.0%} spoilt"
    goal(
        f"{what}: differences in {found.answered:,} of {len(rows):,} values answered by SQL",
        found.different,
        0,
    )
    print(
        f"     {what}: {share:.0%} answered by SQL, {found.rule_cpu / mixed:.1f}x as fast as the rule alone"
    )


def compare(rule: Rule, rows: list[tuple[str | None, ...]]) -> Compared:
    """SQL and Python over the same rows."""
    assert rule.fast is not None
    columns = dict(zip(rule.inputs, zip(*rows, strict=True), strict=True))
    answers: list[str | None] = []
    rule_cpu = cpu_seconds(lambda: answers.extend(rule.normalise(*row) for row in rows))
    with duckdb.connect() as con:
        con.register(
            "given", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        )
        con.execute("create table sample as select row_number() over () as n, * from given")
        query = f"select case when {rule.fast.when} then coalesce({rule.fast.value}, '') end from sample order by n"
        claimed: list[tuple[str | None]] = []
        fast_cpu = cpu_seconds(lambda: claimed.extend(con.execute(query).fetchall()))
    answered = [
        (sql, python or "") for (sql,), python in zip(claimed, answers, strict=True) if sql is not None
    ]
    return Compared(len(answered), sum(sql != python for sql, python in answered), fast_cpu, rule_cpu)


if __name__ == "__main__":
    main()
