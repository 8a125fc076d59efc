"""Entry and exit rules tried on a segment, as options and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.tables import table
from pipelines.insight.backtesting import Backtest
from pipelines.segments.entry_exit import LONGEST_WAIT, EntryExit

Grace = Annotated[
    list[int] | None,
    typer.Option(
        min=0,
        max=LONGEST_WAIT,
        help="Try so many days of grace, without editing the segment; may be given several times.",
        show_default=False,
    ),
]
Cooldown = Annotated[
    int | None,
    typer.Option(
        min=0, max=LONGEST_WAIT, help="Try so many days before who left may come back.", show_default=False
    ),
]


def trials(own: EntryExit | None, grace: Sequence[int] | None, cooldown: int | None) -> list[EntryExit]:
    """What is to be tried: a segment's own rules with other days, one for each number of days of grace."""
    rules = own or EntryExit()
    if cooldown is not None:
        rules = replace(rules, cooldown_days=cooldown)
    if grace:
        return [replace(rules, grace_days=days) for days in dict.fromkeys(grace)]
    return [rules] if cooldown is not None else []


def compared(own: EntryExit | None, found: Backtest) -> Table:
    """The segment as it is beside what was tried, by how many changes it would have sent.

    With them the share of its members whom the SQL itself gives, and of those who left the share that was soon back.
    """
    shown = table("entry and exit", "changes", "", "a day", "people", "by SQL", "back")
    rows = list(_rows(own, found))
    for rules, one in rows:
        share = f"{one.changes / found.changes:.0%}" if found.changes else ""
        a_day = one.changes / max(1, len(one.days) - 1)
        numbers = (f"{one.changes:,}", share, f"{a_day:,.1f}", f"{one.mean_size:,.0f}")
        style = "bold" if one is found else "none"
        says = rules.says if rules is not None else ""
        shown.add_row(
            escape(says) or "the SQL alone", *numbers, f"{one.by_rule:.0%}", f"{one.flap:.0%}", style=style
        )
    return shown


def of_trials(own: EntryExit | None, found: Backtest) -> list[dict[str, Any]]:
    """The same in numbers, the segment as it is first."""
    return [
        {
            "rules": None if rules is None else _plain(rules),
            "changes": one.changes,
            "mean_size": round(one.mean_size, 2),
            "turnover": round(one.turnover, 6),
            "flap": round(one.flap, 6),
            "by_rule": round(one.by_rule, 6),
        }
        for rules, one in _rows(own, found)
    ]


def _rows(own: EntryExit | None, found: Backtest) -> Iterator[tuple[EntryExit | None, Backtest]]:
    yield own, found
    yield from ((one.rules, one.backtest) for one in found.tried)


def _plain(rules: EntryExit) -> dict[str, Any]:
    return {name: value for name, value in asdict(rules).items() if name != "exit_line"}
