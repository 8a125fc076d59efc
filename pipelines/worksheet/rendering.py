"""A segment's file from answers: a header that the strict reader takes, and SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

ORDER = ("title", "description", "types", "owner", "treatment", "universe", "min_size", "review_by")
"""The header's first keys; the others follow as they were given, tables last."""


def file_text(answers: Mapping[str, Any], sql: str) -> str:
    """Header and SQL, ready to be written."""
    header = "\n".join(_lines(answers))
    return f"/*\n{header}\n*/\n{sql.strip()}\n"


def _lines(answers: Mapping[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in answers.items() if not isinstance(value, Mapping)}
    ordered = [*(key for key in ORDER if key in plain), *(key for key in plain if key not in ORDER)]
    yield from (f"{_key(key)} = {value_text(plain[key])}" for key in ordered)
    for key, table in answers.items():
        if isinstance(table, Mapping):
            yield from _table((key,), table)


def _table(name: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    plain = {
        key: value for key, value in table.items() if not (len(name) == 1 and isinstance(value, Mapping))
    }
    if plain:
        yield f"\n[{'.'.join(map(_key, name))}]"
        yield from (f"{_key(key)} = {value_text(value)}" for key, value in plain.items())
    for key, inner in table.items():
        if key not in plain:
            yield from _table((*name, key), inner)


def value_text(value: Any) -> str:
    """A value in TOML. Raises TypeError for what a header cannot hold."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return "[" + ", ".join(map(value_text, value)) + "]"
        case Mapping():
            return "{ " + ", ".join(f"{_key(k)} = {value_text(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"a header holds no {type(value).__name__}")


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _text(key)


def _text(text: str) -> str:
    """A basic string. What would end or nest the block comment around it is written as an escape."""
    quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
    return quoted.replace("*/", "*\\u002F").replace("/*", "\\u002F*")
