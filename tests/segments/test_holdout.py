"""Who is held out follows from a salt and a key alone, the same in Python and in DuckDB."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.segments.holdout import BUCKETS, Holdout, bucket, bucket_sql
from pipelines.segments.parse import parse
from tests.segments.conftest import CATALOG, DESTINATIONS

KEYS = [f"customer-{number}" for number in range(4_000)]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@pytest.mark.requirement("HOLD-1")
@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=20))
def test_duckdb_and_python_agree(pairs: list[tuple[str, str]]) -> None:
    """For any salt and any key, quotes and other alphabets included."""
    with duckdb.connect() as con:
        for salt, key in pairs:
            (found,) = con.execute(f"select {bucket_sql(salt, '$key')}", {"key": key}).fetchone() or (None,)
            assert found == bucket(salt, key)


@pytest.mark.requirement("HOLD-1")
def test_a_bucket_is_the_first_52_bits_of_the_digest() -> None:
    """By the definition, read from the bytes and not from their digits."""
    for key in KEYS[:200]:
        first = int.from_bytes(hashlib.sha256(f"salt:{key}".encode()).digest()[:7], "big") >> 4
        assert first < 2**52
        assert bucket("salt", key) == first % BUCKETS


@pytest.mark.requirement("HOLD-1")
def test_a_larger_share_keeps_whom_a_smaller_one_held_out() -> None:
    """10 % to 20 % draws more and lets nobody go; another salt draws others."""
    held = {
        share: {key for key in KEYS if bucket("spring", key) < Holdout(share, "spring").below}
        for share in (0.0001, 0.07, 0.1, 0.2, 0.5)
    }
    shares = sorted(held)
    assert all(held[less] <= held[more] for less, more in pairwise(shares))
    others = {key for key in KEYS if bucket("summer", key) < 1_000}
    expected = len(KEYS) * 0.1 * 0.1
    assert abs(len(held[0.1] & others) - expected) < 4 * (expected * 0.99) ** 0.5


@pytest.mark.requirement("HOLD-1")
@pytest.mark.parametrize("share", [0.01, 0.07, 0.1, 0.29, 0.5])
def test_the_share_is_what_it_says(share: float) -> None:
    """Exactly so many buckets, and within four standard errors so many people."""
    assert Holdout(share, "s").below == round(share * BUCKETS)
    count = sum(bucket("s", key) < Holdout(share, "s").below for key in KEYS)
    assert abs(count - share * len(KEYS)) < 4 * (len(KEYS) * share * (1 - share)) ** 0.5


@pytest.mark.requirement("HOLD-1")
@pytest.mark.parametrize(
    ("lines", "table", "salt"),
    [
        ("", "", "lapsed"),
        ("", 'salt = "autumn"\n', "autumn"),
        ('formerly = "silent"', "", "silent"),
        ('formerly = "silent"', 'salt = "autumn"\n', "autumn"),
    ],
)
def test_a_segment_draws_by_its_name(write: Callable[..., Path], lines: str, table: str, salt: str) -> None:
    """Unless it says otherwise; a renamed one goes on with its old name, so that nobody changes sides."""
    path = write(
        changes={
            "min_size = 100": f"min_size = 100\n{lines}",
            "[goal]": f"[holdout]\nshare = 0.1\n{table}\n[goal]",
        }
    )
    assert parse(path, CATALOG, DESTINATIONS).holdout == Holdout(0.1, salt)
