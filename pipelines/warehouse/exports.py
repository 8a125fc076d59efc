"""The SQL of what leaves the warehouse, and the stream that carries it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

import duckdb
import pyarrow as pa

from connectors.people import FieldType
from pipelines.duck import literal, quote
from pipelines.engine import AttributeValues, EngineError, HeldOut, Members, PeopleByNumber, PeopleChanged
from pipelines.segments.attributes import SAID, Attribute
from pipelines.segments.errors import nearest
from pipelines.segments.holdout import bucket_sql

BATCH_ROWS = 50_000
"""Rows in one Arrow batch: some megabytes of identifiers, so that memory stays flat at any size."""


def changed_people(export: PeopleChanged, known: Iterable[str]) -> str:
    """The query for people whose row changed after ``export.since``."""
    return f"""
select
  person_no,
  revision,
  {_as_text(export.columns, known)}
  coalesce(granted, []) as granted,
  suppressed
from people
where revision > {int(export.since)}
"""


def people_by_number(export: PeopleByNumber, known: Iterable[str]) -> str:
    """The query for the people whose numbers are registered as ``asked``."""
    return f"""
select
  {_as_text(export.columns, known)}
  person_no
from people
semi join asked
  on people.person_no = asked.number
"""


def members(export: Members) -> str:
    """The query for everybody in a segment on a day."""
    return f"""
select person_no
from segment.{quote(export.segment)}
where as_of = date '{export.as_of.isoformat()}'
"""


def attribute_values(export: AttributeValues) -> str:
    """The query for the attributes of the people whose numbers are registered as ``asked``."""
    fields = ",\n    ".join(
        f"case when {_is_known(one)} then {literal(_name(one))} || {_json(one)} end"
        for one in export.attributes
    )
    return f"""
select
  features.person_no,
  '{{' || concat_ws(
    ',',
    {fields}
  ) || '}}' as attributes
from features
{_joined_scores(export)}
semi join asked
  on features.person_no = asked.number
where features.as_of = date '{export.as_of.isoformat()}'
"""


def held_out(export: HeldOut) -> str:
    """The query for those whom a draw holds out, of the people whose numbers are registered as ``asked``."""
    drawn = "\n      ".join(
        f"when {bucket_sql(draw.salt, 'person_id')} < {draw.below} then {literal(draw.reason)}"
        for draw in export.draws
    )
    return f"""
with drawn as (
  select
    person_no,
    case
      {drawn}
    end as reason
  from people
  semi join asked
    on people.person_no = asked.number
)
select
  person_no,
  reason
from drawn
where reason is not null
"""


def _joined_scores(export: AttributeValues) -> str:
    """What models said of people on the day, each model's row as a table of its own."""
    return "\n".join(
        f"left join (select {', '.join(SAID)}, person_no from main.scores where as_of = date "
        f"'{export.as_of.isoformat()}' and model = {literal(model)}) as {quote(model)}\n"
        f"  on {quote(model)}.person_no = features.person_no"
        for model in sorted({one.model for one in export.attributes if one.model is not None})
    )


def _place(attribute: Attribute) -> str:
    return f"{quote(attribute.model or 'features')}.{quote(attribute.column)}"


def _is_known(attribute: Attribute) -> str:
    """JSON has no word for an infinite number."""
    column = _place(attribute)
    finite = f" and isfinite(cast({column} as double))" if attribute.type is FieldType.NUMBER else ""
    return f"{column} is not null{finite}"


def _name(attribute: Attribute) -> str:
    return f"{json.dumps(attribute.field, ensure_ascii=False)}:"


def _json(attribute: Attribute) -> str:
    column = _place(attribute)
    if attribute.type is FieldType.DATE:
        return f"to_json(cast(cast({column} as date) as varchar))"
    return f"cast(to_json({column}) as varchar)"


def _as_text(columns: tuple[str, ...], known: Iterable[str]) -> str:
    names = set(known)
    for column in columns:
        if column not in names:
            close = nearest(column, names)
            hint = f"; did you mean {close!r}?" if close else ""
            raise EngineError(f"the table people has no column {column!r}{hint}")
    return "".join(f"cast({quote(column)} as varchar) as {quote(column)},\n  " for column in columns)


class Stream(Iterator[pa.RecordBatch]):
    """Batches of one query on a cursor of its own; gives the cursor back when it ends.

    A stream that is cut off by ``close`` raises when it is read on, so that a part is never taken for the
    whole.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, query: str, done: Callable[[Stream], None]) -> None:
        self._cursor = cursor
        self._done = done
        self._reader = cursor.sql(query).to_arrow_reader(BATCH_ROWS)
        self.schema: pa.Schema = self._reader.schema
        self._state = "open"

    def __next__(self) -> pa.RecordBatch:
        if self._state == "ended":
            raise StopIteration
        if self._state == "cut":
            raise EngineError("the warehouse was closed while an export was still being read")
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            self._release("ended")
            raise

    def cut(self) -> None:
        """Stop here and let go of the file."""
        if self._state == "open":
            self._release("cut")

    def _release(self, state: str) -> None:
        self._state = state
        # The Arrow reader keeps the database, and with it the file's lock, alive until it is closed itself.
        self._reader.close()
        self._cursor.close()
        self._done(self)
