"""Templates as they are declared: one segment for each value and one for the rest, named, titled and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.errors import SegmentError
from pipelines.segments.gate import check_sql
from pipelines.segments.holdout import Holdout
from pipelines.segments.layers import with_segments
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from pipelines.segments.parse import parse
from tests.segments.conftest import CATALOG, DESTINATIONS
from tests.segments.test_layers import above, loaded, put

STORES = '[template]\nover = "segment_name"\nvalues = ["367", "São Paulo"]\nmin_size = 20\n\n[goal]'
NAMED = {
    "[goal]": STORES,
    '"Lapsed shoppers"': '"Lapsed at {value}"',
    'audience = "Lapsed shoppers"\nmax': 'audience = "Back to {value}"\nmax',
    'audience = "Lapsed shoppers"\n*/': 'audience = "Letters of {value}"\n*/',
    "A letter with": "Store {value} writes a letter with",
}


def parts(folder: Path) -> dict[str, Segment]:
    """The segments of the folder, all of which are right."""
    found = loaded(folder)
    assert [one.error for one in found.values() if isinstance(one, BrokenSegment)] == []
    return {name: one for name, one in found.items() if isinstance(one, Segment)}


@pytest.mark.requirement("TYP-3", "MIS-11")
def test_a_template_is_a_segment_for_each_value(folder: Path, write: Callable[..., Path]) -> None:
    """The whole has no audience; each part has its own, and its title and treatment speak of its value."""
    path = write("lapsed", NAMED)
    found = parts(folder)
    assert list(found) == ["lapsed", "lapsed__367", "lapsed__sao_paulo", "lapsed__other"]
    assert {one.path for one in found.values()} == {path}
    whole, store, rest = found["lapsed"], found["lapsed__367"], found["lapsed__other"]
    assert (whole.syncs, whole.title) == ((), "Lapsed at all")
    assert (store.title, store.treatment) == (
        "Lapsed at 367",
        "Store 367 writes a letter with a voucher; everyone else gets the weekly flyer.",
    )
    assert [sync.audience for sync in store.syncs] == ["Back to 367", "Letters of 367"]
    assert found["lapsed__sao_paulo"].syncs[0].audience == "Back to São Paulo"
    assert rest.syncs[0].audience == "Back to other"
    assert store.syncs[0].options == {"customer_file_source": "USER_PROVIDED_ONLY"}
    assert (store.min_size, rest.min_size, whole.min_size) == (20, None, 100)
    assert (store.layers, store.builds_on) == (("lapsed",), (whole,))
    assert (store.owner, store.goal, store.universe) == (whole.owner, whole.goal, whole.universe)


@pytest.mark.requirement("TYP-3")
def test_a_title_without_the_value_gets_it(folder: Path, write: Callable[..., Path]) -> None:
    """So that nobody has to guess which part is which."""
    write("lapsed", {**NAMED, '"Lapsed shoppers"': '"Lapsed"'})
    assert parts(folder)["lapsed__367"].title == "Lapsed: 367"


@pytest.mark.requirement("TYP-3")
def test_parts_can_be_read_by_name(folder: Path, write: Callable[..., Path]) -> None:
    """Like any segment; what stands on one has the whole below it."""
    write("lapsed", NAMED)
    put(write, "top", above("lapsed__367"))
    assert [one.name for one in parts(folder)["top"].builds_on] == ["lapsed", "lapsed__367"]


@pytest.mark.requirement("TYP-3")
def test_what_parts_share_with_the_whole(folder: Path, write: Callable[..., Path]) -> None:
    """One draw holds out the same people in all of them; a place in a waterfall is the whole's."""
    more = 'min_size = 100\nwaterfall = "stores"\npriority = 1\nformerly = "silent"'
    write("lapsed", {**NAMED, "min_size = 100": more, "[goal]": f"[holdout]\nshare = 0.1\n{STORES}"})
    found = parts(folder)
    assert {one.holdout for one in found.values()} == {Holdout(0.1, "silent")}
    assert [one.waterfall for one in found.values()] == ["stores", None, None, None]
    assert [one.formerly for one in found.values()] == [
        "silent",
        "silent__367",
        "silent__sao_paulo",
        "silent__other",
    ]


@pytest.mark.requirement("TYP-3")
def test_made_sql_passes_the_gate(folder: Path, write: Callable[..., Path]) -> None:
    """What is made for the parts, odd values included, is as safe as what an author may write."""
    values = """["o'neill; drop table features", "a--b", 'say "hi"', "{value}"]"""
    write("lapsed", {**NAMED, "[goal]": STORES.replace('["367", "São Paulo"]', values)})
    with EmptyWarehouse(with_segments(CATALOG, ["lapsed"])) as warehouse:
        for name, part in parts(folder).items():
            if name != "lapsed":
                assert check_sql(part.path, part.sql, 1, warehouse) == {"features", "lapsed"}


SLIPS: dict[str, tuple[dict[str, str], str]] = {
    "unknown column": (
        {'over = "segment_name"': 'over = "segment_nam"'},
        "14: features has no column 'segment_nam'; did you mean 'segment_name'?",
    ),
    "the person": (
        {'over = "segment_name"': 'over = "person_no"'},
        "14: features has no column 'person_no'; ",
    ),
    "a column of amounts": (
        {'over = "segment_name"': 'over = "spend"'},
        "14: the column 'spend' holds DECIMAL(18,2); expected text or whole numbers",
    ),
    "texts for numbers": (
        {'over = "segment_name"': 'over = "baskets"'},
        "15: the value '367' is none that the column 'baskets' can have; expected whole numbers, without quotes",
    ),
    "numbers for texts": (
        {'["367", "São Paulo"]': "[367]"},
        "15: the value 367 is none that the column 'segment_name' can have; expected texts, in quotes",
    ),
    "something else": (
        {'["367", "São Paulo"]': "[3.5]"},
        "15: 'values' holds something that is neither a text nor a whole number; expected the values that have a "
        'segment each, e.g. ["367", "406"]',
    ),
    "no value": (
        {'["367", "São Paulo"]': "[]"},
        "15: 'values' is an empty list; expected the values that have a segment each",
    ),
    "one name for two": (
        {'"São Paulo"]': '"São Paulo", "sao-paulo"]'},
        "15: the values 'São Paulo' and 'sao-paulo' give the same name, sao_paulo; keep one of them; the other's "
        "people are in the rest",
    ),
    "the same value twice": (
        {'"São Paulo"]': '"367"]'},
        "15: the values '367' and '367' give the same name, 367; keep one of them",
    ),
    "the name of the rest": (
        {'"São Paulo"]': '"Other"]'},
        "15: the values 'everybody else' and 'Other' give the same name, other; ",
    ),
    "no name": (
        {'"São Paulo"]': '"東京"]'},
        "15: the value '東京' gives no name; expected a letter a-z or a digit in it",
    ),
    "a long name": (
        {'"São Paulo"]': f'"{"x" * 60}"]'},
        "15: the name of a part, 'lapsed__"
        + "x" * 60
        + "' is not usable; expected 1 to 64 of a-z, 0-9 and _",
    ),
    "an audience for all": (
        {'"Letters of {value}"': '"Letters"'},
        "30: the audience 'Letters' would be that of every part; expected a name with {value} in it, e.g. Letters "
        "{value}",
    ),
    "a long audience": (
        {'"Letters of {value}"': f'"{"y" * 190}{{value}}"', '"São Paulo"]': '"a value of twenty"]'},
        "30: the audience of 'a value of twenty' has 207 characters; expected at most 200",
    ),
    "misspelt": (
        {"over = ": "ower = "},
        "14: unknown key 'ower' in [template]; did you mean 'over'?",
    ),
    "no column": (
        {'over = "segment_name"\n': ""},
        "13: missing 'over' in [template]; expected a column of features",
    ),
}


@pytest.mark.requirement("TYP-3")
@pytest.mark.parametrize(("changes", "message"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told(
    folder: Path, write: Callable[..., Path], changes: dict[str, str], message: str
) -> None:
    """With file and line, and every part is as broken as its file."""
    path = write("lapsed", NAMED)
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SegmentError) as raised:
        parse(path, CATALOG, DESTINATIONS)
    assert str(raised.value).startswith(f"segment_defs/lapsed.sql:{message}")
    found = loaded(folder)
    assert "lapsed" in found
    assert {str(one.error) for one in found.values() if isinstance(one, BrokenSegment)} == {str(raised.value)}
    assert not [one for one in found.values() if isinstance(one, Segment)]


@pytest.mark.requirement("TYP-3")
def test_a_broken_template_breaks_its_parts(folder: Path, write: Callable[..., Path]) -> None:
    """Each is named, with the error of the file; what stands on one is told the file to mend."""
    write("lapsed", {**NAMED, "from features": "from feature"})
    put(write, "top", above("lapsed__367"))
    found = loaded(folder)
    assert list(found) == ["lapsed", "lapsed__367", "lapsed__sao_paulo", "lapsed__other", "top"]
    broken = [one for one in found.values() if isinstance(one, BrokenSegment)]
    assert len(broken) == 5
    assert {str(one.error).split(";")[0] for one in broken[:4]} == {
        "segment_defs/lapsed.sql:33:6: unknown table 'feature'"
    }
    assert str(broken[4].error) == (
        "segment_defs/top.sql: it is built on lapsed__367, which is broken; mend lapsed.sql"
    )


@pytest.mark.requirement("TYP-3")
def test_a_part_cannot_have_the_name_of_a_file(folder: Path, write: Callable[..., Path]) -> None:
    """The template is broken and says so; the file is not."""
    write("lapsed", NAMED)
    put(write, "lapsed__367")
    found = loaded(folder)
    assert isinstance(found["lapsed__367"], Segment)
    assert isinstance(found["lapsed__other"], BrokenSegment)
    assert "its part lapsed__367 has the name of a file, lapsed__367.sql; remove one" in str(
        found["lapsed__other"].error
    )


@pytest.mark.requirement("TYP-3")
def test_an_audience_of_a_part_belongs_to_it_alone(folder: Path, write: Callable[..., Path]) -> None:
    """Another file that wants one of them breaks itself and the template."""
    write("lapsed", NAMED)
    write("greedy", {'"Lapsed shoppers"\nmax': '"Back to 367"\nmax'})
    found = loaded(folder)
    assert all(isinstance(one, BrokenSegment) for one in found.values())
    assert "the audience name at ads is the same in" in str(found["lapsed__367"].error)
