"""Which days decide about a segment on a day: its own entry and exit rules look back, and so do those of its
layers and of those before it in its waterfall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from pipelines.segments.freezing import counted_on, freeze_days
from pipelines.segments.model import Segment


def looks_back(segment: Segment) -> int:
    """How many days before a day must have features, for the segment to be computed on it; 0 for most."""
    known: dict[str, int] = {}

    def own(one: Segment) -> int:
        days = one.entry_exit.days_back if one.entry_exit is not None else 0
        return days + max((known[layer] for layer in one.layers), default=0)

    for one in (*segment.builds_on, segment):
        known[one.name] = max(own(one), *map(own, one.after)) if one.after else own(one)
    return known[segment.name]


def window(segment: Segment, as_of: date) -> Iterator[date]:
    """The days that decide about ``as_of``, in order and without it."""
    days = looks_back(segment)
    return (as_of - timedelta(days=days - number) for number in range(days))


def days_behind(segment: Segment, as_of: date) -> Iterator[tuple[date, list[date]]]:
    """Each day whose people count as of a day, that on which a static segment was frozen, say, with those before it
    that decide about it, in order."""
    for base in sorted({counted_on(segment, as_of), *freeze_days(segment, as_of)}):
        yield base, list(window(segment, base))


def without_damping(segment: Segment) -> Segment:
    """The segment by its SQL alone; its layers stay as they are."""
    return replace(segment, entry_exit=None)


def exit_rule(segment: Segment) -> Segment | None:
    """A segment of the people who leave, as its SQL; None where only the SQL decides who leaves."""
    damped = segment.entry_exit
    if damped is None or damped.exit_when is None:
        return None
    return replace(segment, sql=damped.exit_sql, sql_line=damped.exit_sql_line, entry_exit=None)
