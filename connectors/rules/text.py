"""Cleaning that every rule starts with, and the SQL spelling of constants."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 1_000
"""Longer cells are a broken export, not an identifier; refused before anything walks through them."""

PLACEHOLDERS = frozenset({"", "-", "--", "null", "n/a", "#n/a", "nan", "none", "undefined", "unknown", "nil"})
"""What exports write where there is nothing (lower case). Hashing them would match strangers."""

WHITE_SPACE = " \t\r\n"
"""White space that SQL fast paths trim; rarer kinds are left to Python."""


def clean(raw: str | None) -> str | None:
    """Text in NFKC without invisible format characters and outer white space; None when nothing is left.

    Full-width forms become plain ones, zero-width, bidirectional and soft-hyphen marks vanish. A cell that holds
    a control character inside, is over-long, or is a placeholder is unusable.
    """
    if raw is None or len(raw) > MAX_LENGTH:
        return None
    if raw.isascii():
        text = raw.strip()
    else:
        visible = "".join(c for c in raw if unicodedata.category(c) != "Cf")
        text = unicodedata.normalize("NFKC", visible).strip()
    if text.lower() in PLACEHOLDERS or any(unicodedata.category(c) == "Cc" for c in text):
        return None
    return text


def quoted(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: Iterable[str]) -> str:
    """A SQL list of text literals for ``in``, sorted so that the same rule is always the same text."""
    return "(" + ", ".join(quoted(value) for value in sorted(values)) + ")"


def trimmed(column: str) -> str:
    """SQL for a column without outer plain white space. DuckDB's bare ``trim`` would only take spaces."""
    codes = " || ".join(f"chr({ord(character)})" for character in WHITE_SPACE)
    return f"trim({column}, {codes})"


PLACEHOLDER_LIST = listed(PLACEHOLDERS)
