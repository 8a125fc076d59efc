"""``turnout rfm``: everybody by how recently, how often and for how much they bought."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import machine
from pipelines.cli.shell import AsOf, Json, day, opened_project
from pipelines.cli.tables import console, table
from pipelines.rfm.edges import BadEdges, Edges, Mode, four
from pipelines.rfm.report import Report
from pipelines.rfm.report import rfm as score

FOUR = "Four rising numbers, separated by commas: where one score ends and the next begins."


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(rfm)


def rfm(
    mode: Annotated[
        Mode, typer.Option(help="Edges by the day's fifths, fixed, or recency in everybody's own gaps.")
    ] = "quantile",
    days: Annotated[int, typer.Option(min=0, help="How far back orders count; 0: all.")] = 365,
    recency: Annotated[str | None, typer.Option(help=f"Days since the last order. {FOUR}")] = None,
    orders: Annotated[str | None, typer.Option(help=f"Orders. {FOUR}")] = None,
    revenue: Annotated[str | None, typer.Option(help=f"Spend. {FOUR}")] = None,
    sql: Annotated[
        str | None, typer.Option(help="Print the SELECT of a segment with the people of this name.")
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """RFM: people scored 1 to 5 by recency, orders and spend, and named. Keeps and sends nothing.

    The edges that are shown can be given back to mode fixed, so that nobody changes because others do.
    """
    given = {"--recency": recency, "--orders": orders, "--revenue": revenue}
    try:
        edges = _edges(given) if mode == "fixed" else None
        if edges is None and any(given.values()):
            raise BadEdges("--recency, --orders and --revenue belong to --mode fixed")
        report = score(opened_project(), mode, as_of=day(as_of), days=days or None, edges=edges)
    except BadEdges as error:
        raise typer.BadParameter(str(error)) from None
    if sql is not None:
        typer.echo(report.sql(sql), nl=False)
    elif as_json:
        machine.write([_as_json(report)])
    else:
        _show(report)


def _edges(given: dict[str, str | None]) -> Edges:
    found = []
    for name, text in given.items():
        try:
            values = tuple(float(part) for part in (text or "").split(",") if part.strip())
        except ValueError:
            raise BadEdges(f"{name} {text!r} are not four numbers, like 30,60,120,240") from None
        found.append(four(name, values))
    return Edges(*found)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "as_of": report.as_of.isoformat(),
        "mode": report.mode,
        "days": report.days,
        "people": report.people,
        "edges": {
            "recency": list(report.edges.recency),
            "orders": list(report.edges.orders),
            "revenue": list(report.edges.revenue),
        },
        "segments": [
            {
                "name": one.name,
                "people": one.people,
                "orders": one.orders,
                "revenue": round(one.revenue, 2),
            }
            for one in report.counted
        ],
    }


def _show(report: Report) -> None:
    window = f"the last {report.days} days" if report.days else "all time"
    console.print(
        f"[bold]RFM[/] on {report.as_of}: {report.people:,} people ordered in {window}", highlight=False
    )
    unit = "own gaps" if report.mode == "cycle" else "days"
    shown = table("score", "1", "2", "3", "4", "5")
    shown.add_row(f"{unit} since the last order", *_scores(tuple(reversed(report.edges.recency)), falls=True))
    shown.add_row("orders", *_scores(report.edges.orders))
    shown.add_row("spend", *_scores(report.edges.revenue))
    console.print(shown)
    named = table("segment", "people", "share", "orders", "spend")
    for one in report.counted:
        share = f"{one.people / report.people:.1%}"
        named.add_row(one.name, f"{one.people:,}", share, f"{one.orders:,}", f"{one.revenue:,.0f}")
    console.print(named)


def _scores(edges: tuple[float, ...], *, falls: bool = False) -> list[str]:
    """What a value must be for each score from 1 to 5."""
    if falls:
        return [f"{edges[0]:g} +", *(f"< {edge:g}" for edge in edges)]
    return [*(f"< {edge:g}" for edge in edges), f"{edges[3]:g} +"]
