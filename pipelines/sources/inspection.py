"""What a staged table must be beyond its types: not empty, with usable and unique keys, plausible and fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import duckdb

from pipelines.duck import quote
from pipelines.sources.contracts_of_service import CUSTOMER_MERGES
from pipelines.sources.errors import SourceError, row_list
from pipelines.sources.model import Source

PLACEHOLDERS = "('null', 'n/a', 'na', 'nan', 'none', 'undefined', '-')"
SPREADSHEETS_NUMBER = r"[+-]?\d[.,]\d+[eE]\+?\d+"
"""4.915E+11: what a spreadsheet makes of a long number, with the digits that it did not show lost."""
LONGEST_KEY = 500
FIRST_YEAR, LAST_YEAR = 1970, 2100
SHOWN_ROWS = 3


class Numbered(Protocol):
    """A part of the source and the row of the staged table at which it begins."""

    @property
    def label(self) -> str:
        """What messages call it."""
        ...

    @property
    def first_row(self) -> int:
        """0-based."""
        ...


@dataclass(frozen=True, slots=True)
class Inspected:
    """A table that passed."""

    rows: int
    newest: datetime | None
    warnings: tuple[str, ...]


def inspect(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    staged: str,
    parts: Sequence[Numbered],
    modified: datetime | None,
    today: date,
) -> Inspected:
    """Check a staged table; raises SourceError with the first offending rows by number."""
    return _Inspection(con, source, staged, parts).run(modified, today)


class _Inspection:
    def __init__(
        self, con: duckdb.DuckDBPyConnection, source: Source, staged: str, parts: Sequence[Numbered]
    ) -> None:
        self._con = con
        self._source = source
        self._contract = source.contract
        self._staged = staged
        self._parts = parts

    def run(self, modified: datetime | None, today: date) -> Inspected:
        rows = int(self._one(f"select count(*) from {self._staged}")[0])
        if rows == 0:
            raise SourceError(
                self._parts[0].label if self._parts else self._source.name,
                "there are no rows",
                "an empty delivery is never taken for 'nobody': deliver it again, yesterday's rows stay in force",
            )
        self._required_values()
        self._usable_keys()
        self._unique_key()
        self._merges_end()
        self._somebody_named()
        newest = self._plausible_times()
        self._fresh(newest, modified, today)
        return Inspected(rows, newest, self._future(today))

    def _required_values(self) -> None:
        for field in self._contract.fields:
            if field.required:
                self._refuse(f"{quote(field.name)} is null", f"column {field.name!r} has no value", "fill it")

    def _usable_keys(self) -> None:
        named = {*self._contract.key, self._contract.person}
        for field in self._contract.fields:
            if field.name in named and field.type == "VARCHAR":
                column = quote(field.name)
                self._refuse(
                    f"lower({column}) in {PLACEHOLDERS}",
                    f"column {field.name!r} holds a word for 'nothing' in place of an id",
                    "deliver the id, or leave the row out",
                )
                self._refuse(
                    f"regexp_full_match({column}, '{SPREADSHEETS_NUMBER}')",
                    f"column {field.name!r} holds a spreadsheet's short form of a number in place of an id",
                    "deliver the id's own digits: some are lost",
                )
                self._refuse(
                    f"length({column}) > {LONGEST_KEY} or contains({column}, chr(0))",
                    f"column {field.name!r} holds something that is no id",
                    f"ids are at most {LONGEST_KEY} characters without NUL",
                )

    def _unique_key(self) -> None:
        if not self._contract.key:
            return
        key = ", ".join(quote(name) for name in self._contract.key)
        repeated = f"from {self._staged} group by {key} having count(*) > 1"
        # The count alone first: where all is well nothing need be remembered of a key but that it was there.
        keys = int(self._one(f"select count(*) from (select 1 {repeated})")[0])
        if not keys:
            return
        first, last = self._one(
            f"select min(rowid) as first_row, max(rowid) {repeated} order by first_row limit 1"
        )
        raise SourceError(
            self._label([first, last]),
            f"{keys:,} keys ({', '.join(self._contract.key)}) occur more than once,"
            f" the first in {row_list(self._numbers([first, last]))}",
            "one row a key: remove the repeated ones where the source is made",
        )

    def _merges_end(self) -> None:
        if self._contract is not CUSTOMER_MERGES:
            return
        self._refuse(
            f"""customer_id in (
                with recursive steps as (
                  select customer_id, merged_into
                  from {self._staged}
                  union
                  select steps.customer_id, told.merged_into
                  from steps
                  join {self._staged} as told
                    on told.customer_id = steps.merged_into
                )
                select customer_id
                from steps
                where merged_into = customer_id
            )""",
            "ids are merged in a circle",
            "one of them is the person's id today: leave out the row that gives it up",
        )

    def _somebody_named(self) -> None:
        if self._contract.name == "suppressions":
            self._refuse(
                "customer_id is null and email is null and phone is null",
                "a suppression names nobody",
                "give customer_id, email or phone",
            )

    def _plausible_times(self) -> datetime | None:
        if self._contract.time is None:
            return None
        column = quote(self._contract.time)
        self._refuse(
            f"year({column}) not between {FIRST_YEAR} and {LAST_YEAR}",
            f"column {self._contract.time!r} has a year outside {FIRST_YEAR} to {LAST_YEAR}",
            "check the unit and the format of the times",
        )
        newest = self._one(f"select max({column}) from {self._staged}")[0]
        return newest if isinstance(newest, datetime) else None

    def _fresh(self, newest: datetime | None, modified: datetime | None, today: date) -> None:
        limit, of = self._source.max_age_days, newest or modified
        if limit is None or of is None:
            return
        age = (today - of.date()).days
        if age > limit:
            what = "its newest row" if newest else "the file"
            raise SourceError(
                self._parts[0].label,
                f"{what} is of {of.date().isoformat()}, {age} days old, over the limit of {limit}",
                "deliver a new one, or raise max_age_days",
            )

    def _future(self, today: date) -> tuple[str, ...]:
        if self._contract.time is None:
            return ()
        tomorrow = f"date '{(today + timedelta(days=1)).isoformat()}'"
        column = quote(self._contract.time)
        count = int(self._one(f"select count(*) from {self._staged} where {column} >= {tomorrow}")[0])
        return (f"{count:,} rows lie in the future",) if count else ()

    def _refuse(self, condition: str, found: str, fix: str) -> None:
        count = int(self._one(f"select count(*) from {self._staged} where {condition}")[0])
        if not count:
            return
        query = f"select rowid from {self._staged} where {condition} order by rowid limit {SHOWN_ROWS}"
        rows = [int(row) for (row,) in self._con.execute(query).fetchall()]
        raise SourceError(
            self._label(rows), f"{found} in {count:,} rows, first in {row_list(self._numbers(rows))}", fix
        )

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._con.execute(query).fetchall()[0]

    def _part(self, row: int) -> Numbered:
        return next(part for part in reversed(self._parts) if part.first_row <= row)

    def _label(self, rows: list[int]) -> str:
        return self._part(rows[0]).label

    def _numbers(self, rows: list[int]) -> list[str]:
        """1-based numbers of data rows within their part; a row of another part says which."""
        home = self._part(rows[0])
        numbers: list[str] = []
        for row in rows:
            part = self._part(row)
            number = str(row - part.first_row + 1)
            numbers.append(number if part is home else f"{number} of {part.label}")
        return numbers
