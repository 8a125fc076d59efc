"""From a segment file to a Segment, strictly: what is not understood is an error, at the line where it stands."""

from __future__ import annotations

from pathlib import Path

from pipelines.segments.catalog import Catalog
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.entry_exit_reader import read_entry_exit
from pipelines.segments.errors import SegmentError
from pipelines.segments.file import check_name, read_file
from pipelines.segments.freezing import check_freeze
from pipelines.segments.gate import check_sql
from pipelines.segments.header import Header
from pipelines.segments.header_reader import Destinations, HeaderReader
from pipelines.segments.holdout import Holdout
from pipelines.segments.layers import names_in, with_segments
from pipelines.segments.model import Goal, Segment
from pipelines.segments.templates import declared_parts, read_template
from pipelines.segments.waterfall import check_pair


def parse(path: Path, catalog: Catalog, destinations: Destinations) -> Segment:
    """Read one segment file, its layers by name alone; raises SegmentError."""
    with EmptyWarehouse(with_segments(catalog, readable_in(path.parent))) as warehouse:
        return parse_with(path, warehouse, destinations)


def readable_in(folder: Path) -> list[str]:
    """The names of the segments that can be read by name in a folder: its files, and the parts of its templates."""
    names = list(names_in(folder))
    return list(
        dict.fromkeys([*names, *(part for name in names for part in declared_parts(folder / f"{name}.sql"))])
    )


def parse_with(path: Path, warehouse: EmptyWarehouse, destinations: Destinations) -> Segment:
    """Read one segment file against tables that are already set up; raises SegmentError."""
    file = read_file(path)
    reader = HeaderReader(file, warehouse.catalog)
    header = reader.header()
    syncs = tuple(reader.sync(name, table, destinations) for name, table in reader.sync_tables())
    if header.formerly is not None:
        check_name(path, header.formerly, what="formerly", line=reader.line(("formerly",)))
        if header.formerly == file.name:
            raise SegmentError(
                path, "formerly is the segment's own name", line=reader.line(("formerly",)), fix="remove it"
            )
    check_freeze(path, header.mode, header.frozen_on, reader.line)
    check_pair(path, header, reader)
    template = read_template(path, header, reader, warehouse.catalog, syncs)
    reads = check_sql(path, file.sql, file.sql_line, warehouse)
    return Segment(
        name=file.name,
        path=path,
        sql=file.sql,
        sql_line=file.sql_line,
        title=header.title,
        description=header.description,
        types=tuple(header.types),
        owner=header.owner,
        goal=Goal(**header.goal.model_dump()),
        treatment=header.treatment,
        universe=header.universe,
        reads=frozenset(name for name in reads if not warehouse.catalog[name].is_segment),
        layers=tuple(sorted(name for name in reads if warehouse.catalog[name].is_segment)),
        syncs=syncs,
        tags=header.tags,
        formerly=header.formerly,
        review_by=header.review_by,
        min_size=header.min_size,
        policy=tuple(header.policy),
        evidence=header.evidence,
        persona=header.persona,
        entry_exit=read_entry_exit(path, reader, header.entry_exit, warehouse),
        profile=header.profile,
        frozen_on=header.frozen_on,
        mode=header.mode,
        waterfall=header.waterfall,
        priority=header.priority,
        holdout=_holdout(header, file.name),
        template=template,
    )


def _holdout(header: Header, name: str) -> Holdout | None:
    """The draw; a renamed segment keeps the people of its old name."""
    if header.holdout is None:
        return None
    return Holdout(header.holdout.share, header.holdout.salt or header.formerly or name)
