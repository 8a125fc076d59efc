"""What segments may read, known from the declarations alone: no data, no warehouse."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.models import scores
from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.predictions import SCORES
from pipelines.sources import features, views
from pipelines.sources.model import Source


def catalog(sources: Sequence[Source]) -> Catalog:
    """``features`` and every readable table of the contracts, without a column that identifies anybody.

    Tables that nobody delivers are there as well, and empty: a segment may be written before its data arrive.
    """
    descriptions = features.KEYS | features.definitions()
    feature_columns = [(name, kind, descriptions[name]) for name, kind in features.column_types().items()]
    tables = [
        _table("features", feature_columns, "as_of", "Everybody's features, one row a person and day."),
        _table(
            SCORES, scores.COLUMNS, "as_of", "What models say of people, one row a person, day and model."
        ),
        *(
            _table(contract.name, views.readable_columns(contract), contract.time, contract.description)
            for contract in views.contracts_of(sources).values()
            if contract.readable
        ),
    ]
    return {table.name: table for table in tables}


def _table(name: str, columns: Sequence[tuple[str, str, str]], time: str | None, description: str) -> Table:
    return Table(
        name,
        {column: Column(column, kind, told) for column, kind, told in columns},
        time_column=time,
        description=description,
    )
