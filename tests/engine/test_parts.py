"""The parts of a template on real data: every person of the whole in exactly one of them, whatever the data are."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.layers import laid
from pipelines.segments.model import Segment, Template
from pipelines.segments.templates import parts_of, whole_of
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, segment
from tests.engine.test_built_on import members

COLUMNS = {"as_of": "DATE", "person_no": "INTEGER", "store": "VARCHAR"}
CATALOG: Catalog = {
    "features": Table("features", {n: Column(n, k) for n, k in COLUMNS.items()}, time_column="as_of")
}
STORES = ("367", "it's", "none")
"""The last is in no file."""


def made(values: tuple[str, ...], min_size: int) -> dict[str, Segment]:
    """A template over stores, with its parts, laid."""
    whole = replace(
        segment("select person_no from features where person_no % 5 <> 0", name="shoppers"),
        template=Template("store", values, min_size),
    )
    found = laid([whole_of(whole), *parts_of(whole)], {})
    return {name: one for name, one in found.items() if isinstance(one, Segment)}


def filled(folder: Path, stores: list[str | None]) -> Path:
    """A warehouse in which the people from 1 on have these stores."""
    path = folder / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create table features (as_of date, person_no integer, store varchar)")
        connection.executemany(
            "insert into features values ($1, $2, $3)", [[DAY, n, s] for n, s in enumerate(stores, 1)]
        )
    return path


@pytest.mark.requirement("TYP-3", "MIS-11")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([*STORES, None]), min_size=1, max_size=30),
    st.lists(st.sampled_from(STORES[:2]), min_size=1, max_size=2, unique=True),
    st.integers(1, 6),
)
def test_parts_hold_the_whole_once(stores: list[str | None], values: list[str], min_size: int) -> None:
    """Each part has its value's people or nobody, by its size; the rest has everybody else, also those without any."""
    parts = made(tuple(values), min_size)
    with tempfile.TemporaryDirectory() as folder:
        engine = DuckDBEngine(filled(Path(folder), stores), catalog=CATALOG, threads=1)
        for part in parts.values():
            engine.run_segment(part, DAY)
        found = {name: set(members(engine, name)) for name in parts}
        engine.close()
    whole = found.pop("shoppers")
    assert whole == {n for n in range(1, len(stores) + 1) if n % 5}
    assert Counter(person for people in found.values() for person in people) == Counter(whole)
    sizes = Counter(stores[person - 1] for person in whole)
    for name, part in parts.items():
        if name not in ("shoppers", "shoppers__other"):
            value = next(v for v in values if part.title.endswith(v))
            assert found[name] == {p for p in whole if stores[p - 1] == value and sizes[value] >= min_size}


@pytest.mark.requirement("TYP-3")
def test_parts_are_looked_at_like_any_segment(tmp_path: Path) -> None:
    """Measured and judged without being computed; the whole is their layer."""
    parts = made(("367",), 2)
    with duckdb.connect(filled(tmp_path, ["367", "367", None, "it's"])):
        pass
    engine = DuckDBEngine(tmp_path / "warehouse.duckdb", catalog=CATALOG, threads=1)
    sized = engine.measure(parts["shoppers__367"], DAY)
    assert (sized.size, [(one.segment, one.size, one.shared) for one in sized.layers]) == (
        2,
        [("shoppers", 4, 2)],
    )
    judged = engine.judge(parts["shoppers__other"], DAY, [1, 3, 4])
    assert [one.is_member for one in judged] == [False, True, True]
    engine.close()
