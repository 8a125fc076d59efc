"""Commands about destinations: what connectors can do, and whether an account is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from connectors.base import Finding
from connectors.capabilities import Capabilities, all_capabilities
from pipelines.cli import machine
from pipelines.cli.demo import platforms
from pipelines.cli.exits import Exit
from pipelines.cli.shell import Json, opened_project
from pipelines.cli.tables import WIDE, console, table
from pipelines.names import unknown_name
from pipelines.readiness import examine


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("connectors")(_connectors)
    app.command("doctor")(_doctor)


def _connectors(as_json: Json = False) -> None:
    """Every installed connector: what it sends, how it answers, when members expire."""
    found = list(all_capabilities())
    if as_json:
        machine.write(asdict(one) for one in found)
    else:
        _show_connectors(found)


def _doctor(
    destination: Annotated[
        str, typer.Argument(help="The account to look at, as TURNOUT_DESTINATIONS names it.")
    ],
    as_json: Json = False,
) -> None:
    """Is an account ready? Credential, permissions, terms, audiences: what a person has to do, in order."""
    project = opened_project()
    known = project.settings.destinations
    if destination not in known:
        raise unknown_name("destination", destination, list(known))
    with platforms(project.settings):
        findings = list(examine(project, destination))
    if as_json:
        machine.write(asdict(finding) for finding in findings)
    else:
        _show_findings(findings)
    raise typer.Exit(Exit.OK if all(finding.ok for finding in findings) else Exit.FAILED)


def _show_connectors(found: Sequence[Capabilities]) -> None:
    wide = console.width >= WIDE
    also = ("kind", "answers", "identifiers") if wide else ()
    shown = table("connector", "batch", "verdicts", "expiry", "least", *also)
    for one in found:
        more = (
            one.kind.value.replace("_", " "),
            "later" if one.asynchronous else "at once",
            escape(", ".join(one.identifiers)),
        )
        shown.add_row(
            one.name,
            f"{one.batch:,}",
            one.verdicts.value.replace("_", " "),
            f"{one.expiry_days} days" if one.expiry_days else "never",
            f"{one.min_size:,}" if one.min_size else "",
            *(more if wide else ()),
        )
    console.print(shown)


def _show_findings(findings: Sequence[Finding]) -> None:
    shown = table("", "step", "finding")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]to do[/]"
        shown.add_row(mark, escape(finding.step), escape(finding.says))
    console.print(shown)
    open_steps = sum(not finding.ok for finding in findings)
    console.print(
        f"{open_steps} to do, from top to bottom" if open_steps else "Ready", style="bold", highlight=False
    )
