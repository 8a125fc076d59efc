"""What commands print for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.delivery.entries import Decision
from pipelines.delivery.model import Delivery, Watch
from pipelines.review.applying import AppliedAudience
from pipelines.segments.run import Computed, Failed
from pipelines.sources.model import LoadReport

console = Console()
errors = Console(stderr=True)

WIDE = 92
WORDS = frozenset(
    {"segment", "source", "destination", "state", "verdict", "as of", "outcome", "at", "audience", "decision"}
    | {
        "who",
        "why",
        "reason",
        "since",
        "",
        "step",
        "finding",
        "condition",
        "values",
        "bound",
        "rule",
        "layer",
        "feature",
        "value",
        "likest segment",
        "connector",
        "kind",
        "verdicts",
        "answers",
        "identifiers",
        "model",
        "trained as of",
        "read by",
        "window",
        "until",
        "measure",
        "meaning",
        "gate",
        "group",
        "in words",
        "by",
        "criterion",
        "too small",
        "nearest wider rule",
    }
)
"""Columns that are no numbers."""
LONG = frozenset({"why", "finding", "identifiers", "condition", "values", "read by", "meaning", "in words"})
"""Columns of sentences, which may be wrapped."""
STYLES = {"delivered": "none", "planned": "none", "stopped": "yellow", "failed": "red"}


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress display on standard error that leaves no trace in a pipe."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=False) as shown:
        yield shown


class Steps:
    """One bar per thing that is being done."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        if what not in self._tasks:
            self._tasks[what] = self._shown.add_task(what, total=total)
        self._shown.update(self._tasks[what], completed=done, total=total)

    def watch(self) -> Watch:
        """The same for a push."""

        def shown(destination: str, segment: str, op: str, done: int, total: int) -> None:
            self(f"{op} {destination}/{segment}", done, total)

        return shown


def of_sources(reports: Sequence[LoadReport]) -> Table:
    """Sources with their rows and what went wrong."""
    shown = table("source", "rows", "seconds", "state")
    for report in reports:
        state = "[red]failed, yesterday's table stays[/]" if report.error else "[green]loaded[/]"
        shown.add_row(report.source, f"{report.rows:,}", f"{report.seconds:.1f}", state)
    return shown


def of_segments(outcomes: Sequence[Computed | Failed]) -> Table:
    """Segments with size and share."""
    shown = table("segment", "as of", "people", "share", "state")
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            shown.add_row(outcome.name, str(outcome.as_of), "", "", "[red]failed[/]")
            continue
        p = outcome.profile
        shown.add_row(p.segment, str(p.as_of), f"{p.size:,}", f"{p.share:.1%}", "[green]computed[/]")
    return shown


def of_plan(deliveries: Sequence[Delivery]) -> Table:
    """What a push would do."""
    shown = table("segment", "size", "destination", "adds", "removes", "rejected", "held", *_where_wide())
    for d in deliveries:
        _row(shown, d, (d.adds, d.removes, d.rejected, d.held))
    return shown


def of_pushes(deliveries: Sequence[Delivery], title: str | None = None) -> Table:
    """What a push did."""
    shown = table("segment", "size", "destination", "added", "removed", "rejected", "held", *_where_wide())
    shown.title = title
    for d in deliveries:
        _row(shown, d, (d.added, d.removed, d.rejected, d.held))
    return shown


def of_applied(results: Sequence[AppliedAudience]) -> Table:
    """What became of each audience of a plan."""
    shown = table("segment", "destination", "outcome", "added", "removed", "rejected", "held")
    for one in results:
        done = one.delivery
        numbers = (done.added, done.removed, done.rejected, done.held) if done else (0, 0, 0, 0)
        style = {"failed": "red", "refused": "yellow", "left": "yellow"}.get(one.outcome, "none")
        shown.add_row(one.segment, one.destination, one.outcome, *(f"{n:,}" for n in numbers), style=style)
    return shown


def of_decisions(decisions: Sequence[Decision]) -> Table:
    """What operators decided, and why."""
    shown = table("at", "audience", "decision", "who", "why")
    for one in decisions:
        shown.add_row(
            f"{one.at:%Y-%m-%d %H:%M}",
            *map(escape, (f"{one.destination}/{one.segment}", one.decision, one.who, one.why)),
        )
    return shown


def _where_wide() -> tuple[str, ...]:
    """The column that only fits a wide terminal; ``--json`` always has it, with reasons."""
    return ("withheld",) if console.width >= WIDE else ()


def _row(shown: Table, delivery: Delivery, numbers: Sequence[int]) -> None:
    """Coloured by how it ended; sentences for what did not end well follow the table."""
    told = [*numbers, sum(delivery.withheld.values())] if _where_wide() else numbers
    counts = (f"{n:,}" for n in told)
    shown.add_row(
        delivery.segment, f"{delivery.desired:,}", delivery.destination, *counts, style=_style(delivery)
    )


def say_why(deliveries: Sequence[Delivery], say: Callable[[str], None]) -> None:
    """One sentence for each audience that did not end as wanted."""
    for d in deliveries:
        if d.verdict not in ("fine", "overridden", "failed"):
            say(f"[yellow]{d.destination}/{d.segment}[/]: {d.sentence}")
        for error in d.errors:
            say(f"[red]{d.destination}/{d.segment}[/]: {error}")
    noted: dict[str, list[str]] = {}
    for d in deliveries:
        for note in d.notes:
            noted.setdefault(note, []).append(d.segment)
    for note, segments in noted.items():
        say(f"[cyan]note[/]: {note} ({', '.join(segments)})")


def _style(delivery: Delivery) -> str:
    stopped = delivery.verdict not in ("fine", "overridden") and delivery.status != "failed"
    return "yellow" if stopped else STYLES[delivery.status]


def table(*names: str) -> Table:
    """An empty table in the house's look."""
    shown = Table(header_style="bold", border_style="dim", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        shown.add_column(name, justify="left" if name in WORDS else "right", no_wrap=name not in LONG)
    return shown
