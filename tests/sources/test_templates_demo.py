"""A template over the demo's stores: who shops where is counted by plain SQL, and every store's segment agrees."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from connectors.registry import load
from pipelines.engine import Members
from pipelines.segments.load import load_segments
from pipelines.segments.model import Segment
from pipelines.settings import SHIPPED, shipped_segments
from pipelines.sources.catalog import catalog
from pipelines.sources.demo import demo_sources
from pipelines.warehouse import DuckDBEngine
from tests.sources.test_features import YEAR_END

KNOWN = catalog(demo_sources())
STORES = ("367", "406", "356", "292", "31782")
TEMPLATE = (shipped_segments() / "home_store_367.sql").read_text(encoding="utf-8")
"""The hand-written segment of one store, to be spread over several."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Segment]:
    """The template and what it makes."""
    folder = tmp_path_factory.mktemp("stores")
    text = TEMPLATE.replace(
        "[goal]", f'[template]\nover = "home_store"\nvalues = {list(STORES)}\nmin_size = 40\n\n[goal]'
    )
    text = text.replace("where home_store = '367'\n  and", "where").replace("Store 367", "Store {value}")
    (folder / "store_regulars.sql").write_text(text, encoding="utf-8")
    options = {name: load(name).options_type for name in SHIPPED}
    return {one.name: one for one in load_segments(folder, KNOWN, options) if isinstance(one, Segment)}


@pytest.mark.requirement("TYP-3", "MIS-11")
def test_stores_are_counted_right(parts: dict[str, Segment], demo_file: Path, tmp_path: Path) -> None:
    """Store 367 has the 59 people of the hand-written segment; those too small, and all other stores, are the rest."""
    path = tmp_path / "warehouse.duckdb"
    shutil.copyfile(demo_file, path)
    with duckdb.connect(path) as connection:
        counted = dict(
            connection.execute(
                """
                select home_store, count(*)
                from features
                where as_of = $day
                  and days_since_last_order <= 90
                group by home_store
                """,
                {"day": YEAR_END},
            ).fetchall()
        )
    engine = DuckDBEngine(path, catalog=KNOWN)
    found = {}
    for name, part in parts.items():
        engine.run_segment(part, YEAR_END)
        table: pa.Table = engine.export(Members(name, YEAR_END)).read_all()
        found[name] = set(table.column("person_no").to_pylist())
    engine.close()
    whole, rest = found.pop("store_regulars"), found.pop("store_regulars__other")
    sizes = {name.removeprefix("store_regulars__"): len(people) for name, people in found.items()}
    assert sizes == {store: counted[store] if counted[store] >= 40 else 0 for store in STORES}
    assert sizes["367"] == 59
    assert sum(sizes.values()) + len(rest) == len(whole) == sum(counted.values())
    assert set().union(rest, *found.values()) == whole
