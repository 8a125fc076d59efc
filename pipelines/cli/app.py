"""The commands. Each reads the settings, calls the project, shows what came of it, and exits with a meaning."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.registry import NotAConnector, UnknownConnector
from connectors.settings import not_json
from pipelines.backup import BackupError
from pipelines.cli import (
    collisions,
    destinations,
    init,
    machine,
    models,
    new,
    people,
    person,
    policies,
    pull,
    quality,
    react,
    review,
    rfm,
    segment,
    tables,
    upkeep,
    using,
)
from pipelines.cli.demo import platforms, run_demo
from pipelines.cli.exits import Exit, of_deliveries
from pipelines.cli.interrupts import told_once
from pipelines.cli.shell import (
    AcceptGrowth,
    AcceptRemovals,
    AsOf,
    Json,
    Names,
    day,
    opened_project,
    operator,
    reason,
    selected,
    steps,
)
from pipelines.cli.tables import console, errors
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal_file import JournalError
from pipelines.delivery.model import Delivery
from pipelines.duck import StoreBusy, StoreDamaged
from pipelines.dynamic import NothingDynamic
from pipelines.engine import EngineError
from pipelines.erasure.request import RequestError
from pipelines.insight.using import StillUsed
from pipelines.models.errors import ModelError
from pipelines.names import UnknownName
from pipelines.playbooks import FolderNotEmpty
from pipelines.playbooks.one_csv import NotUsable
from pipelines.project import Project
from pipelines.pulling import TellsNobody
from pipelines.retirement import RetirementRefused
from pipelines.review.errors import ReviewError
from pipelines.segments.errors import SegmentError
from pipelines.segments.run import Computed, Failed
from pipelines.settings import Settings
from pipelines.sources.errors import SourceError
from pipelines.sources.pulled import PulledError
from pipelines.sources.tombstones import KeyMissing
from pipelines.worksheet import Refused

app = typer.Typer(
    help="From first-party data to exactly the right people in every ad platform and email tool.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

MISTAKES = (
    UnknownName,
    UnknownConnector,
    NotAConnector,
    ModelError,
    SegmentError,
    SourceError,
    BackupError,
    RequestError,
    ReviewError,
    RetirementRefused,
    TellsNobody,
    NothingDynamic,
    FolderNotEmpty,
    NotUsable,
    StillUsed,
    Refused,
    FileNotFoundError,
)
TROUBLE = (EngineError, StoreBusy, StoreDamaged, JournalError, KeyMissing, PulledError)

collisions.register(app)
destinations.register(app)
init.register(app)
models.register(app)
new.register(app)
people.register(app)
person.register(app)
policies.register(app)
pull.register(app)
quality.register(app)
react.register(app)
review.register(app)
rfm.register(app)
segment.register(app)
upkeep.register(app)
using.register(app)


def main() -> None:
    """Entry point of the console script."""
    try:
        with told_once():
            app()
    except KeyboardInterrupt:
        _leave("Aborted.", Exit.INTERRUPTED)
    except MISTAKES as error:
        _leave(str(error), Exit.USAGE)
    except TROUBLE as error:
        _leave(str(error), Exit.FAILED)
    except ValidationError as error:
        _leave(_settings_mistake(error), Exit.USAGE)
    except SettingsError as error:
        _leave(f"settings: {not_json(error, 'TURNOUT_')}", Exit.USAGE)


def _settings_mistake(error: ValidationError) -> str:
    """Names the variable and never its value."""
    faults = [f"TURNOUT_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
    return "settings: " + "; ".join(faults)


def _leave(sentence: str, code: Exit) -> None:
    errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


@app.command()
def demo() -> None:
    """The main job, end to end: real data, 53 segments, twelve sandboxed platforms, three runs."""
    raise typer.Exit(run_demo(Settings()))


@app.command()
def sources(as_of: AsOf = None, as_json: Json = False) -> None:
    """Load every declared source, the people in them, and the features of a day."""
    project = opened_project()
    with steps() as show:
        loaded = project.load(day(as_of), show)
    if as_json:
        machine.write(machine.of_source(report) for report in loaded.reports)
    else:
        console.print(tables.of_sources(loaded.reports))
        for report in loaded.reports:
            for warning in report.warnings:
                console.print(f"{report.source}: {warning}", style="yellow", markup=False, soft_wrap=True)
        if loaded.people is not None:
            console.print(f"{loaded.people:,} people; features of {loaded.as_of}")
    for sentence in loaded.complaints:
        errors.print(sentence, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(Exit.OK if loaded.ok else Exit.FAILED)


@app.command()
def segments(
    names: Annotated[
        list[str] | None, typer.Argument(help="Segments; nothing means all.", show_default=False)
    ] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the definitions; exit 2 when one is broken.")
    ] = False,
) -> None:
    """Compute segments for a day and show their sizes, or check the definitions."""
    project = opened_project()
    if check:
        raise typer.Exit(_check(project))
    with steps() as show:
        outcomes = project.compute(day(as_of), names or None, show)
    if as_json:
        machine.write(machine.of_segment(outcome) for outcome in outcomes)
    else:
        console.print(tables.of_segments(outcomes))
        for computed in (outcome for outcome in outcomes if isinstance(outcome, Computed)):
            for note in computed.notes:
                console.print(
                    f"{computed.segment.name}: {note}", style="yellow", markup=False, soft_wrap=True
                )
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    for failure in failures:
        errors.print(str(failure.error), style="red", markup=False, soft_wrap=True)
    raise typer.Exit(Exit.FAILED if failures else Exit.OK)


def _check(project: Project) -> Exit:
    for broken in project.broken:
        errors.print(str(broken.error), style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(project.segments)} segments are fine, {len(project.broken)} broken")
    return Exit.USAGE if project.broken else Exit.OK


@app.command()
def sync(
    names: Names = None,
    as_json: Json = False,
    accept_removals: AcceptRemovals = False,
    accept_growth: AcceptGrowth = False,
    resync: Annotated[
        bool,
        typer.Option("--resync", help="Doubt everything: send all desired people again, remove all others."),
    ] = False,
    why: Annotated[str, typer.Option(help="Why a guard is overridden; recorded with your name.")] = "",
) -> None:
    """Push the difference: removes first, then adds. Safe to repeat at any time."""
    said = reason(why, needed=accept_removals or accept_growth)
    project = opened_project()
    overrides = Overrides(accept_removals, accept_growth, who=operator(), why=said)
    run = project.deliveries.new_run(overrides=overrides, resync=resync)
    with platforms(project.settings), steps() as show:
        deliveries = _each(
            project, names, lambda d, chosen: project.deliveries.sync(d, chosen, run, show.watch())
        )
    if as_json:
        machine.write(machine.of_push(d) for d in deliveries)
    else:
        console.print(tables.of_pushes(deliveries))
    tables.say_why(deliveries, errors.print)
    raise typer.Exit(of_deliveries(deliveries))


def _each(
    project: Project, names: list[str] | None, act: Callable[[str, list[str]], list[Delivery]]
) -> list[Delivery]:
    return [d for destination, chosen in selected(project, names) for d in act(destination, chosen)]


@app.command()
def status(as_json: Json = False) -> None:
    """The last push of every audience; readable while a push runs."""
    project = opened_project()
    last = project.record.status()
    if as_json:
        machine.write(machine.of_push(p.delivery) | {"ended_at": p.ended_at.isoformat()} for p in last)
        return
    if not last:
        console.print("Nothing was pushed yet: turnout sync")
        return
    console.print(tables.of_pushes([p.delivery for p in last]))
    for hold in project.record.holds():
        console.print(f"{hold.name}: {hold.sentence}", style="yellow", markup=False, soft_wrap=True)
    for moving in project.record.under_way():
        console.print(
            f"[cyan]{moving.destination}/{moving.segment}[/]: {moving.settled} of {moving.batches} batches receipted"
        )


@app.command()
def sandbox(
    port: Annotated[int | None, typer.Option(help="Port on loopback.")] = None,
    faults: Annotated[Path | None, typer.Option(help="A TOML file of faults, see docs/sandbox.md.")] = None,
) -> None:
    """The platforms as local servers that check every request and fail as told; Ctrl-C ends them."""
    from connectors.sandbox import DEFAULT_PORT, serve
    from connectors.sandbox.faults.reading import FaultRuleError, read_faults

    try:
        rules = read_faults(faults) if faults else []
        serve(Settings().sandbox_dir, port=port or DEFAULT_PORT, faults=rules)
    except (FaultRuleError, OSError) as error:
        _leave(str(error), Exit.USAGE)


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000) -> None:
    """The Dagster UI: schedule, look, backfill. Over the demo's data when no sources are declared."""
    from pipelines.assets.dev import dev_command

    project = opened_project()
    with platforms(project.settings):
        command, environment = dev_command(project.settings, port)
        raise typer.Exit(subprocess.call(command, env=environment))  # noqa: S603 - our own command line
