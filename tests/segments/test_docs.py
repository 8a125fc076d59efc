"""The page for segment authors says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.segments.catalog import Catalog
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.header import EntryExitTable, Header, SegmentType, SyncKeys
from pipelines.segments.load import load_segments
from pipelines.segments.model import Segment
from pipelines.segments.parse import parse
from pipelines.segments.universe import UNIVERSES
from pipelines.sources.catalog import catalog
from pipelines.sources.declaration import read_sources
from tests.segments.conftest import NoOptions

PAGE = (Path(__file__).parents[2] / "docs" / "segments.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo() -> Catalog:
    """The catalogue of the demo's sources, which the page describes."""
    return catalog(read_sources(None))


def rows(heading: str) -> dict[str, str]:
    """First cell (without code marks) to the rest of its row, of the first table below a heading or sentence."""
    table = PAGE[PAGE.index(heading) :].split("|---|", 1)[1].split("\n\n", 1)[0]
    found = re.findall(r"^\| `?([^`|]+?)`? \|(.*)\|$", table, re.MULTILINE)
    return dict(found)


def test_every_header_field_is_on_the_page() -> None:
    """The page's table has exactly the fields, and says rightly which must be there."""
    table = rows("## The header")
    assert set(table) == {*Header.model_fields, "sync"}
    for name, field in Header.model_fields.items():
        assert table[name].startswith(" yes" if field.is_required() else " no"), name
    for kind in SegmentType.__args__:  # type: ignore[attr-defined]
        assert f"`{kind}`" in table["types"]


def test_every_sync_key_and_universe_is_on_the_page() -> None:
    """The engine's own keys and the universes are told."""
    assert set(rows("**Sync.**")) == {*SyncKeys.model_fields, "others"}
    for name, told in UNIVERSES.items():
        assert f"`{name}`: {told.replace('features', '`features`')}" in PAGE


def test_every_table_and_feature_is_on_the_page(demo: Catalog) -> None:
    """What can be read is told completely, with the catalogue's own descriptions."""
    tables = rows("### Tables")
    assert set(tables) == set(demo) - {"features"}
    for name, told in tables.items():
        table = demo[name]
        assert re.findall(r"`(\w+)`", told) == [
            *([table.time_column] if table.time_column else []),
            *table.columns,
        ]
    features = rows("### Features")
    assert features == {
        column.name: f" {column.type} | {column.description} " for column in demo["features"].columns.values()
    }


def test_the_page_s_segment_is_a_segment(demo: Catalog, tmp_path: Path) -> None:
    """Who copies the example has a segment that loads."""
    example = PAGE[PAGE.index("```sql\n") + len("```sql\n") :].split("```", 1)[0]
    path = tmp_path / "many_pets.sql"
    path.write_text(example, encoding="utf-8")
    segment = parse(path, demo, {"file": NoOptions})
    assert segment.reads == {"features"}
    assert [sync.audience for sync in segment.syncs] == ["Pet owners"]


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
def test_the_page_s_entry_and_exit_is_one(demo: Catalog, tmp_path: Path) -> None:
    """The table of the page loads in a segment of the demo, and says what is said of it."""
    example = PAGE[PAGE.index("```toml\n[entry_exit]") + len("```toml\n") :].split("```", 1)[0]
    segment = PAGE[PAGE.index("```sql\n") + len("```sql\n") :].split("```", 1)[0]
    path = tmp_path / "spenders.sql"
    path.write_text(
        segment.replace("[sync.file]", f"{example}\n[sync.file]").replace(
            "pet_orders_90d >= 2", "spend_90d >= 500"
        ),
        encoding="utf-8",
    )
    rules = parse(path, demo, {"file": NoOptions}).entry_exit
    assert rules is not None
    assert (rules.exit_when, rules.stay_days) == ("spend_90d < 450", 60)
    assert (rules.grace_days, rules.cooldown_days, rules.days_back) == (3, 14, 77)


def test_every_entry_and_exit_key_is_on_the_page() -> None:
    """The page's table has exactly the keys."""
    assert set(rows("A table in the header says who stays")) == set(EntryExitTable.model_fields)


@pytest.mark.requirement("TYP-3")
def test_the_page_s_template_is_a_template(demo: Catalog, tmp_path: Path) -> None:
    """Who copies it has the segments that the page names."""
    blocks = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    (example,) = [block for block in blocks if "[template]" in block]
    (tmp_path / "store_regulars.sql").write_text(example, encoding="utf-8")
    found = load_segments(tmp_path, demo, {"file": NoOptions})
    assert [one.name for one in found if isinstance(one, Segment)] == re.findall(
        r"`(store_regulars(?:__\w+)?)`", PAGE
    )


def test_the_page_s_share_is_a_share() -> None:
    """The digest rule on the page takes about one person in sixteen, and the same ones every time."""
    rule = re.search(r"`where (md5\(.*?)`", PAGE)
    assert rule is not None
    with EmptyWarehouse({}) as warehouse:
        query = f"select count(*) from range(100000) as people (person_no) where {rule[1]}"
        assert warehouse.connection.execute(query).fetchall()[0][0] == pytest.approx(100_000 / 16, rel=0.05)
