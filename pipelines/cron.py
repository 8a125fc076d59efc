"""Cron lines, checked when settings are read: a slip is a sentence then, not a night that never comes."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LEAP_YEAR = 2024


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 7, DAYS),
)


def checked_cron(line: str) -> str:
    """The line with single blanks. Raises ValueError saying which of the five fields is wrong, or that no day fits."""
    written = line.split()
    if len(written) != len(FIELDS):
        raise ValueError(f"has {len(written)} fields where a cron line has five, such as 0 5 * * *")
    _, _, days, months, _ = (_values(f, text) for f, text in zip(FIELDS, written, strict=True))
    longest = max(monthrange(LEAP_YEAR, month)[1] for month in months)
    if min(days) > longest:
        raise ValueError("names a day that its months do not have, so it would never come")
    return " ".join(written)


def _values(field: _Field, text: str) -> set[int]:
    """The numbers that a field stands for."""
    found: set[int] = set()
    for part in text.lower().split(","):
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise ValueError(f"the {field.name} of a cron line cannot be read")
        first = field.first if match[1] is None else _number(field, match[1])
        open_ended = match[1] is None or (match[2] is None and match[3] is not None)
        last = field.last if open_ended else _number(field, match[2] or match[1])
        step = int(match[3] or 1)
        if first > last or step < 1:
            raise ValueError(f"the {field.name} of a cron line stands for nothing")
        found |= set(range(first, last + 1, step))
    return found


def _number(field: _Field, text: str) -> int:
    if text in field.words:
        return field.words.index(text) + field.first
    if not text.isdecimal() or not field.first <= int(text) <= field.last:
        raise ValueError(f"the {field.name} of a cron line is from {field.first} to {field.last}")
    return int(text)
