"""Which segments may be dynamic: those that decide about each person by that person's own rows, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.project import Project
from pipelines.segments.catalog import Column, Table
from pipelines.segments.load import BrokenSegment
from pipelines.segments.own_rows import refuse_others
from pipelines.segments.parse import parse
from pipelines.settings import Settings
from tests.assets.shop import HEADER

END = (
    "but a dynamic segment is computed for a few people alone; {}"
    'take mode = "dynamic" out: it is then computed every night'
)
GOOD = {
    "features": "select person_no\nfrom features\nwhere product_views_14d >= 3",
    "counted by person": "select person_no\nfrom orders\ngroup by person_no\nhaving sum(total) >= 50",
    "group by all": "select person_no, \nfrom orders\ngroup by all\nhaving count(*) > 1",
    "joined by person": "select f.person_no\nfrom features as f\nsemi join orders as o\n  on o.person_no = f.person_no",
    "in a list of people": "select person_no\nfrom features\nwhere person_no not in (select person_no from orders)",
    "products are nobody's": """
        select distinct person_no
        from web_events
        left join (select product_id, count(*) as n from products group by product_id) as p using (product_id)
        where n > 0 and product_id in (select product_id from product_groups)""",
    "common tables and sets": """
        with viewed as (select person_no, count(*) as n from web_events group by person_no)
        select person_no from viewed where n > 2
        union
        select person_no from features except select person_no from orders""",
    "a window of one's own": """
        select distinct person_no from orders
        qualify row_number() over (partition by person_no order by ordered_at) = 3""",
    "segments": "select person_no\nfrom alike\nanti join orders\n  using (person_no)",
}
BAD = {
    "a rank": (
        "select person_no\nfrom features\nwhere spend_rank_90d > 0.9",
        "17:7: spend_rank_90d depends on other people too, "
        + END.format("take a feature of the person alone, or "),
    ),
    "a window over everybody": (
        "select person_no\nfrom features\nqualify percent_rank() over (order by spend_90d) > 0.9",
        "17:9: a window looks at several people, " + END.format("partition by person_no, or "),
    ),
    "an average of everybody": (
        "select person_no\nfrom features\nwhere spend_90d > (select avg(spend_90d) from features)",
        "17:27: several people are counted together, ",
    ),
    "by something else": (
        "select person_no\nfrom features\nwhere home_store in (select store_id from orders)",
        "rows of people lose their person_no, ",
    ),
    "exists": (
        "select person_no\nfrom features\nwhere exists (select person_no from orders)",
        "a condition asks about other people, "
        + END.format("write person_no in (select person_no from …), or join, or "),
    ),
    "joined by a store": (
        "select f.person_no\nfrom features as f\njoin orders as o\n  on o.store_id = f.home_store",
        "two tables of people are not joined by the person, " + END.format("join using (person_no), or "),
    ),
    "joined with everybody": (
        "select f.person_no\nfrom features as f, orders as o",
        "two tables of people are not joined by the person, ",
    ),
    "joined by one side alone": (
        "select f.person_no\nfrom features as f\njoin orders as o\n  on f.person_no = f.person_no",
        "two tables of people are not joined by the person, ",
    ),
    "the first few": (
        "select person_no\nfrom features\norder by spend_90d, person_no\nlimit 10",
        "18:7: limit takes some people before others, ",
    ),
    "another number under the name": (
        "with x as (select orders_90d as person_no from features)\nselect person_no from x",
        "something else than person_no is called person_no; give it another name",
    ),
    "renamed columns": (
        "select t.person_no\nfrom features as t(day, other, person_no)",
        "columns of people's rows are renamed, ",
    ),
    "nobody's rows kept": (
        "select o.person_no\nfrom orders as o\nfull join products as p\n  on p.product_id = o.store_id",
        "a join keeps rows that are nobody's, " + END.format("write it as a left join, or "),
    ),
    "no people at all": ("select 1 as person_no", "something else than person_no is called person_no"),
    "built on a rank": (
        "select person_no\nfrom ranked\nanti join orders\n  using (person_no)",
        "it is dynamic and built on ranked, which looks at several people at once (recency_fifth depends on",
    ),
}


@pytest.mark.requirement("TYP-18")
def test_pictures_of_whole_days_are_not_of_the_day_under_way(tmp_path: Path) -> None:
    """A table that holds every day anew, as scores of a model do, has no rows of today."""
    opened = project(tmp_path, "select person_no\nfrom scores\nwhere score > 0.5")
    columns = {name: Column(name, kind) for name, kind in (("person_no", "INTEGER"), ("score", "DOUBLE"))}
    known = {**opened.catalog, "scores": Table("scores", columns, time_column="as_of")}
    segment = parse(tmp_path / "asked.sql", known, {})
    broken = refuse_others(segment, known)
    assert isinstance(broken, BrokenSegment)
    assert "asked.sql:16:6: scores is made of whole days, and a dynamic" in str(broken.error)


def project(folder: Path, sql: str) -> Project:
    """A folder with one dynamic segment, and two more to build it on."""
    header = HEADER.format(title="X", syncs="", policy='mode = "dynamic"')
    (folder / "asked.sql").write_text(header + sql)
    plain = HEADER.format(title="Y", syncs="", policy="")
    (folder / "ranked.sql").write_text(plain + "select person_no\nfrom features\nwhere recency_fifth = 5")
    (folder / "alike.sql").write_text(plain + "select person_no\nfrom features\nwhere orders_ever > 1")
    return Project(Settings(_env_file=None, segment_defs=folder))  # type: ignore[call-arg]


@pytest.mark.requirement("TYP-18", "FRE-4")
@pytest.mark.parametrize("sql", GOOD.values(), ids=GOOD)
def test_a_segment_of_everybodys_own_rows_may_be_dynamic(tmp_path: Path, sql: str) -> None:
    """Features, counts, joins, sets and windows by person, and whatever is nobody's."""
    assert [str(one.error) for one in project(tmp_path, sql).broken] == []


@pytest.mark.requirement("TYP-18", "FRE-4")
@pytest.mark.parametrize(("sql", "told"), BAD.values(), ids=BAD)
def test_a_segment_that_looks_at_others_is_refused(tmp_path: Path, sql: str, told: str) -> None:
    """At its line, with what to do; the same SQL is fine when it is computed every night."""
    opened = project(tmp_path, sql)
    (broken,) = opened.broken
    assert isinstance(broken, BrokenSegment)
    assert told in str(broken.error)
    path = tmp_path / "asked.sql"
    path.write_text(path.read_text().replace('mode = "dynamic"', 'mode = "scheduled"'))
    assert [str(one.error) for one in Project(opened.settings).broken] == []


@pytest.mark.requirement("TYP-18")
@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "[entry_exit]\ngrace_days = 7\n\n[goal]",
            "it has entry and exit rules, which count whole days, but a",
        ),
        (
            'waterfall = "care"\npriority = 1\n\n[goal]',
            "it has a waterfall, in which other segments come first, but",
        ),
    ],
)
def test_what_needs_other_days_or_segments_is_not_dynamic(tmp_path: Path, keys: str, told: str) -> None:
    """A micro-batch knows today and the touched people; a header that asks for more is refused with what to do."""
    opened = project(tmp_path, GOOD["features"])
    path = tmp_path / "asked.sql"
    path.write_text(path.read_text().replace("[goal]", keys, 1))
    (broken,) = Project(opened.settings).broken
    assert told in str(broken.error)
    assert 'take mode = "dynamic" out' in str(broken.error)


@pytest.mark.requirement("FRE-4")
def test_an_unknown_mode_is_told_with_the_words_there_are(tmp_path: Path) -> None:
    """A slip in the word is told with file and line."""
    opened = project(tmp_path, GOOD["features"])
    path = tmp_path / "asked.sql"
    path.write_text(path.read_text().replace('"dynamic"', '"dynamik"'))
    (broken,) = Project(opened.settings).broken
    assert "asked.sql:8: 'mode' is the text 'dynamik'; did you mean 'dynamic'?" in str(broken.error)
