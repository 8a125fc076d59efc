"""From a segment file to a Segment, strictly: what is not understood is an error, at the line where it stands."""

from __future__ import annotations

from pathlib import Path

from pipelines.segments.catalog import Catalog
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.errors import SegmentError
from pipelines.segments.file import check_name, read_file
from pipelines.segments.gate import check_sql
from pipelines.segments.header_reader import Destinations, HeaderReader
from pipelines.segments.layers import names_in, with_segments
from pipelines.segments.model import Goal, Segment


def parse(path: Path, catalog: Catalog, destinations: Destinations) -> Segment:
    """Read one segment file, its layers by name alone; raises SegmentError."""
    with EmptyWarehouse(with_segments(catalog, names_in(path.parent))) as warehouse:
        return parse_with(path, warehouse, destinations)


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
        mode=header.mode,
    )
