"""What the columns of somebody's customer file are, told from their names and what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import duckdb

from pipelines.duck import literal, quote

IDENTIFYING: Mapping[str, Sequence[str]] = {
    "customer_id": ("customer_id", "id", "client_id", "patient_id", "contact_id", "member_id", "user_id", "customer_no",
                    "customer_number", "number"),
    "email": ("email", "e_mail", "mail", "email_address", "e_mail_address"),
    "phone": ("phone", "mobile", "telephone", "tel", "phone_number", "mobile_phone", "cell"),
    "first_name": ("first_name", "firstname", "given_name", "forename"),
    "last_name": ("last_name", "lastname", "surname", "family_name"),
    "gender": ("gender", "sex"),
    "birth_date": ("birth_date", "birthday", "date_of_birth", "dob", "birthdate"),
    "street": ("street", "address", "address_line_1", "street_address"),
    "city": ("city", "town"),
    "postal_code": ("postal_code", "zip", "zip_code", "postcode"),
    "state": ("state", "province"),
    "country": ("country", "country_code"),
    "language": ("language", "lang"),
    "created_at": ("created_at", "created", "signup_date", "sign_up_date", "registered_at", "customer_since", "joined"),
}  # fmt: skip
"""The contract's column, and what files call it; compared without case, blanks and dashes."""
NAMES = ("name", "full_name", "notes", "note", "comment", "comments", "remarks")
"""Columns that hold people's names or free text: nobody reads them."""
CONSENTS: Mapping[str, Sequence[str]] = {
    "email_marketing": ("email_consent", "email_opt_in", "newsletter", "opt_in", "optin", "marketing_consent",
                        "consent", "subscribed", "accepts_marketing", "email_marketing", "accepts_email"),
    "sms": ("sms_consent", "sms_opt_in", "accepts_sms"),
    "ads_personalisation": ("ads_consent", "ad_consent", "ads_opt_in"),
    "ads_user_data": ("ads_consent", "ad_consent", "ads_opt_in"),
}  # fmt: skip
"""A purpose, and what columns of yes and no about it are called."""
KINDS: Mapping[str, str] = {
    "BIGINT": "integer",
    "DOUBLE": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
    "VARCHAR": "text",
}
"""What DuckDB finds in a CSV, in the words of a custom source."""
MOST_VALUES = 50
"""Different texts up to which a column sorts people; more may tell who they are, and are not read."""
SHARE = 0.5
"""Different texts as a share of the rows from which a column tells people apart."""


class NotUsable(Exception):
    """The file cannot begin a project; the sentence says what is missing. It holds no value of it."""


@dataclass(frozen=True, slots=True)
class Trait:
    """A column about people that identifies nobody."""

    column: str
    kind: str
    """A custom source's word: text, integer, number, date, timestamp or boolean."""
    values: tuple[tuple[str, int], ...] = ()
    """Of a text: each value and how many rows have it, most first."""


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """What was found in the file."""

    path: Path
    delimiter: str
    rows: int
    contract: Mapping[str, str]
    """Columns of the contract ``customers``, and what the file calls them."""
    consents: Mapping[str, str]
    """Purposes, and the file's column of yes and no."""
    traits: tuple[Trait, ...]

    @property
    def reachable_by(self) -> tuple[str, ...]:
        """The identifiers that most destinations take."""
        return tuple(name for name in ("email", "phone") if name in self.contract)


def recognise(path: Path) -> CustomerFile:
    """Read a CSV's header and its values. Raises NotUsable, FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with duckdb.connect(config={"threads": "1"}) as con:
        delimiter, types = _sniffed(con, path)
        named = {_plain(column): column for column in types}
        contract = {
            name: named[word] for name, words in IDENTIFYING.items() if (word := _first(words, named))
        }
        if "customer_id" not in contract:
            raise NotUsable(
                f"{path.name} has no column that tells its people apart: call one customer_id; "
                f"found {', '.join(types)}"
            )
        rows, ids = con.execute(
            f"select count(*), count(distinct {quote(contract['customer_id'])}) from customers"
        ).fetchall()[0]
        if rows != ids:
            raise NotUsable(
                f"{path.name}: {rows - ids:,} of {rows:,} rows have no {contract['customer_id']} or one that another "
                "row has: one row a person"
            )
        consents = {
            purpose: named[word] for purpose, words in CONSENTS.items() if (word := _first(words, named))
        }
        taken = {*contract.values(), *consents.values(), *(named[word] for word in NAMES if word in named)}
        others = [column for column in types if column not in taken]
        traits = (*_traits(con, others, types, rows), *_since(contract, types))
    return CustomerFile(path, delimiter, rows, contract, consents, traits)


def people_in(file: CustomerFile, queries: Mapping[str, str], today: date) -> Mapping[str, int]:
    """How many people each query over ``profile`` gives on the eve of ``today``, by the query's name."""
    window_end = datetime.combine(today, time())
    with duckdb.connect(config={"threads": "1"}) as con:
        _sniffed(con, file.path)
        con.execute("create table profile as select row_number() over () as person_no, * from customers")
        con.execute("create view features as select person_no from profile")
        return {
            name: con.execute(
                f"select count(*) from ({sql})", {"window_end": window_end} if "$window_end" in sql else {}
            ).fetchall()[0][0]
            for name, sql in queries.items()
        }


def _sniffed(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, Mapping[str, str]]:
    """The delimiter, and each column's type; leaves the rows as the table ``customers``."""
    try:
        delimiter, header = con.execute(
            f"select Delimiter, HasHeader from sniff_csv({literal(str(path))}, delim = ',')"
            if _commas(path)
            else f"select Delimiter, HasHeader from sniff_csv({literal(str(path))})"
        ).fetchall()[0]
        if not header:
            raise NotUsable(f"{path.name} has no line of column names at its top")
        con.execute(
            f"create table customers as select * from read_csv({literal(str(path))}, delim = {literal(delimiter)}, "
            "header = true, sample_size = -1)"
        )
    except duckdb.Error as error:
        raise NotUsable(f"{path.name} is not readable as a CSV in UTF-8 ({type(error).__name__})") from None
    columns = con.execute(
        "select column_name, data_type from duckdb_columns() where table_name = 'customers'"
    )
    return str(delimiter), dict(columns.fetchall())


def _commas(path: Path) -> bool:
    """Whether the first line is parted by commas alone."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    return "," in first and not re.search(r"[;\t|]", first)


def _traits(
    con: duckdb.DuckDBPyConnection, columns: Sequence[str], types: Mapping[str, str], rows: int
) -> tuple[Trait, ...]:
    """The columns that sort people and tell nobody apart."""
    found = []
    for column in columns:
        kind = KINDS.get(types[column])
        if kind is None:
            continue
        if kind != "text":
            found.append(Trait(column, kind))
            continue
        counted = con.execute(
            f"""
            select
              trim({quote(column)}),
              count(*)
            from customers
            where trim({quote(column)}) <> ''
            group by 1
            order by 2 desc, 1
            limit {MOST_VALUES + 1}
            """
        ).fetchall()
        if counted and len(counted) <= min(MOST_VALUES, SHARE * rows):
            found.append(Trait(column, kind, tuple(counted)))
    return tuple(found)


def _since(contract: Mapping[str, str], types: Mapping[str, str]) -> tuple[Trait, ...]:
    """When people became known, for segments too."""
    column = contract.get("created_at")
    kind = KINDS.get(types[column]) if column else None
    return (Trait(column, kind),) if column and kind in ("date", "timestamp") else ()


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")


def _first(words: Sequence[str], named: Mapping[str, str]) -> str | None:
    return next((word for word in words if word in named), None)
