"""What leaves the warehouse equals what plain SQL says, in bounded memory and one consistent view."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from connectors.people import FieldType
from pipelines.engine import (
    AttributeValues,
    EngineError,
    Members,
    PeopleByNumber,
    PeopleChanged,
    WarehouseMissing,
)
from pipelines.segments.attributes import Attribute
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, DAY_BEFORE, segment

BIG_SPENDERS = "select person_no from features where spend > 400"


def rows(reader: pa.RecordBatchReader) -> list[tuple[object, ...]]:
    """Every row as a tuple, in order of ``person_no``."""
    table = reader.read_all().sort_by("person_no")
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_everybody_changed_since_nothing_is_everybody(engine: DuckDBEngine) -> None:
    """With ``since`` 0 every person comes, identifiers exactly as the source has them, columns as text."""
    reader = engine.export(PeopleChanged(since=0, columns=("email", "birth_date")))
    assert reader.schema.names == ["person_no", "revision", "email", "birth_date", "granted", "suppressed"]
    assert [str(kind) for kind in reader.schema.types][:4] == ["int32", "int64", "string", "string"]
    assert rows(reader) == [
        (1, 1, "anna@example.com", "1980-02-01", ["ads_user_data", "email_marketing"], None),
        (2, 2, " Bert@Example.COM ", None, [], None),
        (3, 3, None, None, [], "erased"),
        (4, 3, "dora@example.com", None, ["sms"], "unsubscribed"),
        (5, 2, "emil@example.com", None, [], None),
    ]


def test_changed_people_are_those_of_later_loads(engine: DuckDBEngine) -> None:
    """Only rows whose revision is above ``since`` come."""
    assert [row[0] for row in rows(engine.export(PeopleChanged(since=2, columns=())))] == [3, 4]
    assert rows(engine.export(PeopleChanged(since=3, columns=()))) == []


def test_people_by_number_leaves_out_the_unknown(engine: DuckDBEngine) -> None:
    """Asked numbers come once each; those nobody has are absent."""
    asked = pa.array([4, 4, 99, 1], pa.int32())
    reader = engine.export(PeopleByNumber(asked, columns=("phone",)))
    assert rows(reader) == [("+15550100", 1), ("+15550104", 4)]


def test_attributes_are_the_features_of_the_day(engine: DuckDBEngine) -> None:
    """Each person's declared columns as one JSON object, exactly as typed; people without features are absent."""
    declared = (
        Attribute('the "spend"', "spend", FieldType.NUMBER),
        Attribute("baskets", "baskets", FieldType.NUMBER),
        Attribute("day", "as_of", FieldType.DATE),
    )
    asked = pa.array([2, 99, 1], pa.int32())
    assert rows(engine.export(AttributeValues(DAY_BEFORE, declared, asked))) == [
        (1, '{"the \\"spend\\"":10.00,"baskets":1,"day":"2017-12-30"}'),
        (2, '{"the \\"spend\\"":20.00,"baskets":2,"day":"2017-12-30"}'),
    ]


@pytest.mark.requirement("TYP-19", "TYP-21")
def test_what_a_model_says_can_be_an_attribute(
    warehouse: Path, open_engine: Callable[..., DuckDBEngine]
) -> None:
    """The day's score of the named model beside features; of whom it says nothing, nothing is sent."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "create table scores (as_of date, person_no integer, model varchar, version integer, score double, "
            "score_rank double, label varchar, reasons varchar, hindsight boolean)"
        )
        con.execute(
            "insert into scores select day, number, model, 1, number * factor, 0.5, 'group ' || number, null, false "
            "from (values (date '2017-12-30', 'value', 100), (date '2017-12-31', 'value', 1.5), "
            "(date '2017-12-31', 'other', 7)) as scored(day, model, factor), range(1, 3) as people(number)"
        )
    declared = (
        Attribute("Baskets", "baskets", FieldType.NUMBER),
        Attribute("Worth", "score", FieldType.NUMBER, "value"),
        Attribute("Group", "label", FieldType.TEXT, "other"),
    )
    found = rows(open_engine().export(AttributeValues(DAY, declared, pa.array([1, 2, 3], pa.int32()))))
    assert found == [
        (1, '{"Baskets":1,"Worth":1.5,"Group":"group 1"}'),
        (2, '{"Baskets":2,"Worth":3.0,"Group":"group 2"}'),
        (3, '{"Baskets":3}'),
    ]


def test_unknown_features_are_left_out_of_attributes(
    warehouse: Path, open_engine: Callable[..., DuckDBEngine]
) -> None:
    """Null, and what JSON has no word for, says nothing of a person."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute("alter table features add column odd double")
        con.execute("update features set odd = 'infinity', baskets = null where person_no = 1")
        con.execute("update features set odd = 'nan' where person_no = 2")
        con.execute("update features set odd = 0.5 where person_no = 3")
    declared = (Attribute("odd", "odd", FieldType.NUMBER), Attribute("n", "baskets", FieldType.NUMBER))
    found = rows(open_engine().export(AttributeValues(DAY, declared, pa.array([1, 2, 3], pa.int32()))))
    assert found == [(1, "{}"), (2, '{"n":2}'), (3, '{"odd":0.5,"n":3}')]


def test_members_are_those_of_the_day(engine: DuckDBEngine) -> None:
    """A segment's members are exported for the asked day only."""
    for day in (DAY_BEFORE, DAY):
        engine.run_segment(segment(BIG_SPENDERS.replace("400", "90")), day)
    assert [number for (number,) in rows(engine.export(Members("big_spenders", DAY_BEFORE)))] == [10]
    reader = engine.export(Members("big_spenders", DAY))
    assert str(reader.schema.field("person_no").type) == "int32"
    assert [number for (number,) in rows(reader)] == list(range(1, 11))


@pytest.mark.fault(
    "F60", injected="members of a day that was not computed are asked for", outcome="an error, never 'nobody'"
)
def test_a_day_never_computed_is_not_an_empty_segment(engine: DuckDBEngine) -> None:
    """Members of a day that was not computed are an error, so that nobody reads it as 'remove everybody'."""
    engine.run_segment(segment(BIG_SPENDERS), DAY)
    with pytest.raises(EngineError, match=r"^segment big_spenders was not computed for 2017-12-30$"):
        engine.export(Members("big_spenders", DAY_BEFORE))
    with pytest.raises(EngineError, match=r"^segment nobody was not computed for 2017-12-31$"):
        engine.export(Members("nobody", DAY))


def test_an_empty_segment_exports_no_rows(engine: DuckDBEngine) -> None:
    """A segment computed as empty is empty, not an error."""
    assert engine.run_segment(segment("select person_no from features where spend < 0"), DAY).size == 0
    assert rows(engine.export(Members("big_spenders", DAY))) == []


def test_unknown_columns_name_the_nearest(engine: DuckDBEngine) -> None:
    """A column that people do not have is an error with the nearest name."""
    with pytest.raises(
        EngineError, match=r"^the table people has no column 'emial'; did you mean 'email'\?$"
    ):
        engine.export(PeopleChanged(since=0, columns=("emial",)))


@pytest.mark.bad_input("B89")
@pytest.mark.privacy("P39")
def test_column_names_cannot_carry_sql(engine: DuckDBEngine) -> None:
    """A column name is never read as SQL."""
    with pytest.raises(EngineError, match="has no column"):
        engine.export(PeopleChanged(since=0, columns=('email" from people; drop table people; --',)))
    assert len(rows(engine.export(PeopleChanged(since=0, columns=())))) == 5


@pytest.mark.fault("F61", injected="two exports of one snapshot", outcome="they agree")
def test_exports_can_be_read_side_by_side(engine: DuckDBEngine) -> None:
    """Two exports of one snapshot can be open at once and agree."""
    engine.run_segment(segment(BIG_SPENDERS), DAY)
    with engine.snapshot():
        people = engine.export(PeopleChanged(since=0, columns=("email",)))
        chosen = engine.export(Members("big_spenders", DAY))
        assert [row[0] for row in rows(chosen)] == [5, 6, 7, 8, 9, 10]
        assert len(rows(people)) == 5


def test_nothing_is_computed_inside_a_snapshot(engine: DuckDBEngine) -> None:
    """While a snapshot is read its engine writes nothing."""
    with engine.snapshot(), pytest.raises(EngineError, match="a snapshot of this warehouse is being read"):
        engine.run_segment(segment(BIG_SPENDERS), DAY)
    assert engine.run_segment(segment(BIG_SPENDERS), DAY).size == 6


@pytest.mark.fault(
    "F62",
    injected="the warehouse is closed while an export is read",
    outcome="the reader gets an error, never a part taken for the whole",
)
def test_a_cut_export_is_never_taken_for_the_whole(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path
) -> None:
    """Closing the warehouse frees its file at once; an export still being read raises instead of ending."""
    with duckdb.connect(warehouse) as connection:
        connection.execute("insert into people (person_no, revision) select n, 1 from range(10, 200000) t(n)")
    engine = open_engine(read_only=True)
    reader = engine.export(PeopleChanged(since=0, columns=()))
    reader.read_next_batch()
    engine.close()
    duckdb.connect(warehouse).close()
    with pytest.raises(EngineError, match="closed while an export was still being read"):
        reader.read_all()


@pytest.mark.promise("bounded")
def test_an_export_streams(open_engine: Callable[..., DuckDBEngine], warehouse: Path) -> None:
    """Reading two million people batch by batch costs far less memory than their 130 MB."""
    with duckdb.connect(warehouse) as connection:
        connection.execute(
            "insert into people (person_no, email, revision) "
            "select n, repeat('x', 50) || n || '@example.com', 1 from range(10, 2000010) t(n)"
        )
    engine = open_engine(read_only=True, memory_limit="300MB")
    before = _peak_megabytes()
    total = sum(batch.num_rows for batch in engine.export(PeopleChanged(since=0, columns=("email",))))
    assert total == 2_000_005
    assert _peak_megabytes() - before < 100


def test_without_people_there_is_nothing_to_export(tmp_path: Path) -> None:
    """A warehouse without people says that the sources come first."""
    path = tmp_path / "empty.duckdb"
    duckdb.connect(path).close()
    with DuckDBEngine(path, read_only=True) as engine:
        with pytest.raises(WarehouseMissing, match="has no table people yet; load the sources first"):
            engine.export(PeopleChanged(since=0, columns=()))
        assert engine.latest("anything") is None
        assert engine.profile("anything", date(2017, 1, 1)) is None


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 1024 / 1024
