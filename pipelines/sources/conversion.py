"""From what a source has to what its contract wants: one expression a column, and what counts as failed."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.duck import literal, quote
from pipelines.sources.contract import Field

YES = ("yes", "y", "true", "t", "1", "granted", "opt_in", "opt-in", "opted_in")
NO = ("no", "n", "false", "f", "0", "denied", "opt_out", "opt-out", "opted_out", "withdrawn", "")
WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
EXACT_BELOW = 2**53
"""A floating-point id at or beyond this may already be another id."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one column is read."""

    field: Field
    column: str
    value: str
    """SQL for the value in the contract's type, null when it cannot be had."""
    present: str | None
    """SQL: there was something to convert. None when the conversion cannot fail."""


def conversion(
    field: Field, column: str, type_: str, granted_words: tuple[str, ...] = ()
) -> Conversion | None:
    """How ``column`` of ``type_`` becomes ``field``; None when no value of that type could."""
    raw = quote(column)
    if type_ == "VARCHAR":
        return _from_text(field, column, raw, granted_words)
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION", "BLOB")):
        return None
    if field.type == "VARCHAR":
        return _to_text(field, column, raw, type_)
    if field.type in ("TIMESTAMP", "DATE"):
        return _to_time(field, column, raw, type_)
    if field.type == "BOOLEAN":
        return _to_boolean(field, column, raw, type_)
    if type_ in ("BOOLEAN", "DATE", "TIME") or type_.startswith("TIMESTAMP"):
        return None
    value = f"try_cast({raw} as {field.type})"
    if field.type in WHOLE and type_ in ("DOUBLE", "FLOAT"):
        value = f"if({raw} = trunc({raw}), {value}, null)"
    return Conversion(field, column, value, f"{raw} is not null")


def constant(field: Field, text: str, granted_words: tuple[str, ...] = ()) -> Conversion:
    """The same for every row: what the declaration says, read as if each row said it."""
    return _from_text(field, field.name, literal(text), granted_words)


def _from_text(field: Field, column: str, raw: str, granted_words: tuple[str, ...]) -> Conversion:
    if field.type == "VARCHAR":
        # What identifies people stays exactly as it is: normalising is each destination's own business.
        kept = raw if field.personal else f"trim({raw})"
        return Conversion(field, column, f"if(trim({raw}) = '', null, {kept})", None)
    text = f"trim({raw})"
    present = f"{text} <> ''"
    if field.type == "BOOLEAN":
        yes = ", ".join(literal(word) for word in (*YES, *granted_words))
        no = ", ".join(literal(word) for word in NO)
        value = f"case when lower({text}) in ({yes}) then true when lower({text}) in ({no}) then false end"
        return Conversion(field, column, value, present)
    if field.type == "TIMESTAMP":
        # A cast to TIMESTAMP would drop the zone without a word.
        zoned = f"regexp_matches({text}, ':\\d\\d.*([zZ]|[+-]\\d\\d(:?\\d\\d)?)$')"
        value = (
            f"if({zoned}, timezone('UTC', try_cast({text} as timestamptz)), try_cast({text} as timestamp))"
        )
        return Conversion(field, column, value, present)
    value = f"try_cast({text} as {field.type})"
    if field.type in WHOLE:
        value = f"if(regexp_full_match({text}, '[+-]?\\d+'), {value}, null)"
    return Conversion(field, column, value, present)


def _to_text(field: Field, column: str, raw: str, type_: str) -> Conversion:
    if type_ in ("DOUBLE", "FLOAT"):
        # 123.0 is 123; 1.5 and 1e300 are no ids, and beyond 2^53 neighbours have become one.
        whole = f"{raw} = trunc({raw}) and abs({raw}) < {EXACT_BELOW}"
        return Conversion(
            field,
            column,
            f"if({whole}, cast(try_cast({raw} as bigint) as varchar), null)",
            f"{raw} is not null",
        )
    return Conversion(field, column, f"cast({raw} as varchar)", None)


def _to_time(field: Field, column: str, raw: str, type_: str) -> Conversion | None:
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return Conversion(field, column, f"cast(timezone('UTC', {raw}) as {field.type})", None)
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return Conversion(field, column, f"cast({raw} as {field.type})", None)
    return None


def _to_boolean(field: Field, column: str, raw: str, type_: str) -> Conversion | None:
    if type_ == "BOOLEAN":
        return Conversion(field, column, raw, None)
    if type_ in WHOLE:
        return Conversion(
            field, column, f"case {raw} when 1 then true when 0 then false end", f"{raw} is not null"
        )
    return None
