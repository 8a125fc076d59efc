"""Templates: one file that is a segment, and a segment for each value of a column, and one for everybody else in it.

The values stand in the file, so what exists never depends on data. A value that has too few people on a day joins the
rest on that day: the parts hold every person of the whole exactly once, whatever the data are.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from connectors.people import FieldType
from pipelines.duck import literal, quote
from pipelines.segments.attributes import type_of
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError, nearest
from pipelines.segments.file import check_name, read_file
from pipelines.segments.header import Header, SyncKeys
from pipelines.segments.header_reader import KEYS, HeaderReader
from pipelines.segments.model import Segment, Sync, Template

FEWEST = 50
"""People below which a part does not justify a treatment of its own, unless the file says otherwise."""
VALUE = "{value}"
"""What stands for the value in a title, a description, a treatment and the name of an audience."""
ALL, OTHER = "all", "other"
"""What stands there of the whole, and of the part with everybody else."""


def read_template(
    path: Path, header: Header, reader: HeaderReader, catalog: Catalog, syncs: Sequence[Sync]
) -> Template | None:
    """The template of a file, None where it has none. Raises SegmentError at the line of what is wrong."""
    if header.template is None:
        return None
    table, line = header.template, reader.line(("template", "values"))
    _check_column(path, table.over, table.values, catalog, reader)
    for name in names_of(path.name.removesuffix(".sql"), table.values):
        check_name(path, name, what="the name of a part,", line=line)
    slugs: dict[str, object] = {OTHER: "everybody else"}
    for value in table.values:
        slug = slug_of(value)
        if not slug:
            raise SegmentError(
                path,
                f"the value {value!r} gives no name",
                line=line,
                expected="a letter a-z or a digit in it",
            )
        if slug in slugs:
            raise SegmentError(
                path,
                f"the values {slugs[slug]!r} and {value!r} give the same name, {slug}",
                line=line,
                fix="keep one of them; the other's people are in the rest",
            )
        slugs[slug] = value
    for sync in syncs:
        _check_audience(path, sync, table.values, reader)
    return Template(table.over, tuple(table.values), table.min_size or header.min_size or FEWEST)


def _check_column(
    path: Path, over: str, values: Sequence[str | int], catalog: Catalog, reader: HeaderReader
) -> None:
    features = catalog.get("features")
    columns = {
        name: column for name, column in (features.columns if features else {}).items() if name not in KEYS
    }
    line = reader.line(("template", "over"))
    if over not in columns:
        close = nearest(over, columns)
        few = None if close else "a column of features (docs/segments.md)"
        raise SegmentError(path, f"features has no column {over!r}", line=line, nearest=close, expected=few)
    kind = columns[over].type
    whole = type_of(columns[over]) is FieldType.NUMBER and "INT" in kind
    if not whole and kind != "VARCHAR":
        raise SegmentError(
            path, f"the column {over!r} holds {kind}", line=line, expected="text or whole numbers"
        )
    for value in values:
        if isinstance(value, int) is not whole:
            what = "whole numbers, without quotes" if whole else "texts, in quotes"
            raise SegmentError(
                path,
                f"the value {value!r} is none that the column {over!r} can have",
                line=reader.line(("template", "values")),
                expected=what,
            )


def _check_audience(path: Path, sync: Sync, values: Sequence[str | int], reader: HeaderReader) -> None:
    line = reader.line(("sync", sync.destination, "audience"))
    if VALUE not in sync.audience:
        raise SegmentError(
            path,
            f"the audience {sync.audience!r} would be that of every part",
            line=line,
            expected=f"a name with {VALUE} in it, e.g. {sync.audience} {VALUE}",
        )
    most = SyncKeys.model_fields["audience"].metadata
    longest = next((one.max_length for one in most if hasattr(one, "max_length")), None)
    for value in values:
        name = sync.audience.replace(VALUE, str(value))
        if longest is not None and len(name) > longest:
            raise SegmentError(
                path,
                f"the audience of {value!r} has {len(name)} characters",
                line=line,
                expected=f"at most {longest}",
            )


def slug_of(value: str | int) -> str:
    """A value as part of a name: small letters without accents, digits, and _ for everything between them."""
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def names_of(parent: str, values: Sequence[str | int]) -> Iterator[str]:
    """The names of the parts, the rest last."""
    for value in values:
        yield f"{parent}__{slug_of(value)}"
    yield f"{parent}__{OTHER}"


def declared_parts(path: Path) -> tuple[str, ...]:
    """The names of the parts that a file declares, before it is known to be right; none where it declares none."""
    try:
        template = tomllib.loads(read_file(path).header).get("template")
    except (SegmentError, tomllib.TOMLDecodeError, RecursionError):
        return ()
    values = template.get("values") if isinstance(template, dict) else None
    if not isinstance(values, list) or not all(isinstance(one, str | int) for one in values):
        return ()
    return tuple(dict.fromkeys(names_of(path.name.removesuffix(".sql"), values)))


def template_of(name: str, path: Path) -> str | None:
    """The template that makes a segment of this name from the file at ``path``; None: the file is its own."""
    return path.stem if name != path.stem else None


def parts_of(segment: Segment) -> list[Segment]:
    """The segments that a template makes, besides itself; none of a segment that is no template."""
    template = segment.template
    if template is None:
        return []
    names = dict(zip(names_of(segment.name, template.values), (*template.values, None), strict=True))
    return [_part(segment, template, name, value) for name, value in names.items()]


def whole_of(segment: Segment) -> Segment:
    """A template as a segment: its audiences are its parts', and nothing of it speaks of one value."""
    if segment.template is None:
        return segment
    return replace(
        segment,
        title=segment.title.replace(VALUE, ALL),
        description=segment.description.replace(VALUE, ALL),
        treatment=segment.treatment.replace(VALUE, ALL),
        syncs=(),
    )


def _part(whole: Segment, template: Template, name: str, value: str | int | None) -> Segment:
    shown = OTHER if value is None else str(value)
    title = whole.title if VALUE in whole.title else f"{whole.title}: {VALUE}"
    syncs = (replace(sync, audience=sync.audience.replace(VALUE, shown)) for sync in whole.syncs)
    return replace(
        whole,
        name=name,
        sql=_rest_sql(whole.name, template) if value is None else _part_sql(whole.name, template, value),
        title=title.replace(VALUE, shown),
        description=whole.description.replace(VALUE, shown),
        treatment=whole.treatment.replace(VALUE, shown),
        reads=frozenset({"features"}),
        layers=(whole.name,),
        builds_on=(),
        syncs=tuple(syncs),
        formerly=f"{whole.formerly}{name.removeprefix(whole.name)}" if whole.formerly else None,
        min_size=None if value is None else template.min_size,
        waterfall=None,
        priority=None,
        entry_exit=None,
        template=None,
    )


def _part_sql(whole: str, template: Template, value: str | int) -> str:
    return f"""\
select person_no
from features
semi join {quote(whole)}
  using (person_no)
where {quote(template.over)} = {_sql(value)}
qualify count(*) over () >= {template.min_size}"""


def _rest_sql(whole: str, template: Template) -> str:
    over = quote(template.over)
    return f"""\
with everybody as (
  select
    person_no,
    {over},
    count(*) over (partition by {over}) as people
  from {quote(whole)}
  left join features
    using (person_no)
)
select person_no
from everybody
where {over} is null
  or {over} not in ({", ".join(map(_sql, template.values))})
  or people < {template.min_size}"""


def _sql(value: str | int) -> str:
    return literal(value) if isinstance(value, str) else str(value)
