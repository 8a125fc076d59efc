"""A folder of segments: all good ones load, all broken ones are named, none hides another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from connectors.people import FieldType
from pipelines.segments.attributes import Attribute
from pipelines.segments.catalog import Column, Table
from pipelines.segments.errors import SegmentError
from pipelines.segments.load import BrokenSegment, check, load_segments
from pipelines.segments.model import Goal, Segment, Sync
from pipelines.segments.parse import parse
from pipelines.segments.predictions import models_read
from tests.segments.conftest import CATALOG, DESTINATIONS, GOOD

SYNCS = GOOD[GOOD.index("[sync.ads]") : GOOD.index("*/")]


def loaded(folder: Path) -> dict[str, Segment | BrokenSegment]:
    return {one.name: one for one in load_segments(folder, CATALOG, DESTINATIONS)}


def errors(folder: Path) -> list[str]:
    return [str(error) for error in check(folder, CATALOG, DESTINATIONS)]


def test_a_good_file_becomes_a_segment(write: Callable[..., Path]) -> None:
    """Every field of the file is in the value, the SQL unchanged, its line known, its tables read from it."""
    path = write()
    assert parse(path, CATALOG, DESTINATIONS) == Segment(
        name="lapsed",
        path=path,
        sql="select person_no\nfrom features\nwhere baskets between 1 and 3",
        sql_line=27,
        title="Lapsed shoppers",
        description="Bought before, silent for 61 to 180 days.",
        types=("lifecycle", "behavioural"),
        owner="team:crm",
        goal=Goal("repeat_purchase_rate_30d", "up", "+3 points", date(2018, 3, 31)),
        treatment="A letter with a voucher; everyone else gets the weekly flyer.",
        universe="customers",
        reads=frozenset({"features"}),
        syncs=(
            Sync("ads", "Lapsed shoppers", 0.2, options={"customer_file_source": "USER_PROVIDED_ONLY"}),
            Sync("letters", "Lapsed shoppers"),
        ),
        tags={"season": "winter"},
        review_by=date(2018, 3, 31),
        min_size=100,
        evidence="Analysis of October: 12 % came back.",
    )


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(write: Callable[..., Path]) -> None:
    """A file saved by a Windows editor is the same segment."""
    path = write()
    plain = parse(path, CATALOG, DESTINATIONS)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert parse(path, CATALOG, DESTINATIONS) == plain


def test_a_segment_without_syncs_is_a_segment(write: Callable[..., Path]) -> None:
    """A segment may feed no audience yet."""
    assert parse(write(changes={SYNCS: ""}), CATALOG, DESTINATIONS).syncs == ()


@pytest.mark.promise("bounded")
def test_one_broken_file_hides_no_other(folder: Path, write: Callable[..., Path]) -> None:
    """Of three files one is broken: the two others load, and the broken one is named with its message."""
    write("active", changes={SYNCS: ""})
    write("broken", changes={"owner =": "ownr ="})
    write("lapsed")
    found = loaded(folder)
    assert isinstance(found["active"], Segment)
    assert isinstance(found["lapsed"], Segment)
    broken = found["broken"]
    assert isinstance(broken, BrokenSegment)
    assert str(broken.error) == (
        "segment_defs/broken.sql:5: unknown key 'ownr' in the header; did you mean 'owner'?"
    )
    assert errors(folder) == [str(broken.error)]


@pytest.mark.bad_input("B85")
@pytest.mark.parametrize("other", ["lapsed SHOPPERS", "Lapsed  shoppers", "Lapsed shoppers"])
def test_one_audience_cannot_have_two_segments(folder: Path, write: Callable[..., Path], other: str) -> None:
    """Equal names, also after case and spaces are evened out, break both files: which is meant cannot be told."""
    write("lapsed")
    write("sleepy", changes={SYNCS: f'[sync.ads]\naudience = "{other}"\n'})
    assert errors(folder) == [
        "segment_defs/lapsed.sql: the audience name at ads is the same in lapsed.sql and sleepy.sql; "
        "give each audience its own name",
        "segment_defs/sleepy.sql: the audience name at ads is the same in lapsed.sql and sleepy.sql; "
        "give each audience its own name",
    ]


@pytest.mark.bad_input("B85")
def test_composed_and_decomposed_letters_are_one_name(folder: Path, write: Callable[..., Path]) -> None:
    """An accent written in two ways does not make two audiences."""
    for name, audience in (("one", "Caf\u00e9"), ("two", "Cafe\u0301")):
        write(name, changes={SYNCS: f'[sync.ads]\naudience = "{audience}"\n'})
    assert len(errors(folder)) == 2


def test_the_same_name_at_two_destinations_is_fine(folder: Path, write: Callable[..., Path]) -> None:
    """Audiences of different accounts may share a name."""
    write("lapsed")
    assert errors(folder) == []


def test_a_former_name_that_is_still_a_file_is_an_error(folder: Path, write: Callable[..., Path]) -> None:
    """Renaming means that the old file is gone, however broken it may be."""
    write("lapsed", changes={SYNCS: ""})
    write("sleepy", changes={SYNCS: "", "min_size = 100": 'formerly = "lapsed"'})
    assert errors(folder) == [
        "segment_defs/sleepy.sql: formerly = 'lapsed', but lapsed.sql is still there; remove one of the two"
    ]


def test_two_heirs_of_one_name_are_an_error(folder: Path, write: Callable[..., Path]) -> None:
    """Only one segment can take over another's audiences."""
    for name in ("one", "two"):
        write(name, changes={SYNCS: "", "min_size = 100": 'formerly = "lapsed"'})
    assert errors(folder)[0] == (
        "segment_defs/one.sql: formerly = 'lapsed' is the same in one.sql and two.sql; "
        "only one segment can take over from another"
    )


def test_editors_droppings_are_left_alone(folder: Path, write: Callable[..., Path]) -> None:
    """Hidden files, other files and folders are no segments; a dangling link with a good name is a broken one."""
    write("lapsed")
    (folder / ".#lapsed.sql").symlink_to("nowhere")
    (folder / "README.md").write_text("notes")
    (folder / "old.sql").symlink_to(folder / "missing.sql")
    assert errors(folder) == ["segment_defs/old.sql: the file cannot be read: No such file or directory"]


def test_a_missing_folder_says_which_setting(tmp_path: Path) -> None:
    """No folder is another matter than an empty one."""
    with pytest.raises(FileNotFoundError, match="set TURNOUT_SEGMENT_DEFS"):
        load_segments(tmp_path / "nothing", CATALOG, DESTINATIONS)
    (tmp_path / "empty").mkdir()
    assert load_segments(tmp_path / "empty", CATALOG, DESTINATIONS) == []


def test_declared_columns_come_with_their_types(write: Callable[..., Path]) -> None:
    """A sync's attributes know the tool's field, the column, and what it holds."""
    declared = '{ LTV = "spend", "Home store" = "segment_name", SEEN = "last_seen" }'
    path = write(changes={"[sync.letters]": f"[sync.mail]\nattributes = {declared}"})
    segment = parse(path, CATALOG, DESTINATIONS)
    assert [sync.attributes for sync in segment.syncs] == [
        (),
        (
            Attribute("LTV", "spend", FieldType.NUMBER),
            Attribute("Home store", "segment_name", FieldType.TEXT),
            Attribute("SEEN", "last_seen", FieldType.DATE),
        ),
    ]


@pytest.mark.requirement("TYP-19", "TYP-21")
def test_a_score_can_be_declared_as_a_column(write: Callable[..., Path]) -> None:
    """``<model>.score`` is a number, ``<model>.label`` a text; the segment then reads that model, and needs it."""
    scores = {name: Column(name, kind) for name, kind in (("score", "DOUBLE"), ("label", "VARCHAR"))}
    known = {**CATALOG, "scores": Table("scores", scores, "as_of")}
    declared = '{ Worth = "lifetime_26w.score", Group = "clusters.label" }'
    path = write(changes={"[sync.letters]": f"[sync.mail]\nattributes = {declared}"})
    segment = parse(path, known, DESTINATIONS)
    assert segment.syncs[1].attributes == (
        Attribute("Worth", "score", FieldType.NUMBER, "lifetime_26w"),
        Attribute("Group", "label", FieldType.TEXT, "clusters"),
    )
    assert models_read(segment) == ("clusters", "lifetime_26w")


@pytest.mark.parametrize("column", ["lifetime_26w.reasons", "scores", ".score", "lifetime_26w."])
def test_other_columns_of_scores_are_none(write: Callable[..., Path], column: str) -> None:
    """Reasons are sentences for operators, and stay."""
    known = {**CATALOG, "scores": Table("scores", {"score": Column("score", "DOUBLE")}, "as_of")}
    path = write(changes={"[sync.letters]": f'[sync.mail]\nattributes = {{ Worth = "{column}" }}'})
    with pytest.raises(SegmentError, match="features has no column"):
        parse(path, known, DESTINATIONS)
