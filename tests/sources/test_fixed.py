"""A value that every row has is said once, in the declaration: one table of customers is enough for consents too."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.sources.declaration import read_sources
from pipelines.sources.errors import SourceError
from pipelines.sources.load_all import load_all
from tests.catalogue.cases import named
from tests.sources.shop import TODAY, rows

BOTH = """
[source.customers]
contract = "customers"
csv = "customers.csv"

[source.newsletter]
contract = "consents"
csv = "customers.csv"
columns = { granted = "newsletter" }
fixed = { purpose = "email_marketing", changed_at = "2026-03-01" }
"""


def declared(folder: Path, text: str) -> Path:
    """A declaration beside a file of three people, of whom one agreed."""
    (folder / "customers.csv").write_text("customer_id,newsletter,shoe\n1,yes,40\n2,no,41\n3,,42\n")
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.requirement("SIZ-1")
def test_one_file_is_customers_and_consents(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Only whoever said yes agreed; each source warns of the columns alone that neither of them reads."""
    sources = read_sources(declared(tmp_path, BOTH))
    loaded = load_all(con, sources, TODAY)
    assert not loaded.failed
    assert rows(con, "select person_id, granted from people order by 1") == [
        ("1", ["email_marketing"]),
        ("2", []),
        ("3", []),
    ]
    assert {warning for report in loaded.reports for warning in report.warnings} == {
        "customers.csv: 1 columns beyond the contract were not read: shoe"
    }


def test_a_fixed_value_that_is_none_is_told(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """It is read as if each row said it: a day that is none stops the source."""
    loaded = load_all(con, read_sources(declared(tmp_path, BOTH.replace("2026-03-01", "soon"))), TODAY)
    (failed,) = loaded.failed
    assert (failed.source, "'changed_at': 3 values are no TIMESTAMP" in str(failed.error)) == (
        "newsletter",
        True,
    )
    assert loaded.stops_delivery


SLIPS: dict[str, tuple[dict[str, str], str]] = {
    "a column that the contract has not": (
        {"purpose =": "purpos ="},
        "no column 'purpos'; did you mean 'purpose'?",
    ),
    "one that says who": ({"purpose =": "customer_id ="}, "customer_id cannot be the same for everybody"),
    "mapped and fixed": ({"purpose =": "granted ="}, "granted is mapped and fixed; keep one of the two"),
    "a number": ({'"email_marketing"': "5"}, "input should be a valid string"),
}


@pytest.mark.parametrize(("changes", "message"), named(SLIPS))
def test_slips_are_told_with_their_line(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    """File, line, what was found and what is near."""
    text = BOTH
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(SourceError) as raised:
        read_sources(declared(tmp_path, text))
    assert message in str(raised.value)
    assert str(raised.value).startswith("sources.toml:")
