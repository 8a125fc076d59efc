"""Commands that keep the state and the platforms honest: erase, retire, reconcile, backup, restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.backup import Manifest, back_up
from pipelines.cli import machine
from pipelines.cli.demo import platforms
from pipelines.cli.exits import Exit
from pipelines.cli.shell import Json, Names, opened_project, operator, reason, steps
from pipelines.cli.tables import console
from pipelines.erasure.certificate import FOLDER, text_of
from pipelines.erasure.erase import erase, finish
from pipelines.member_drift import Compared, Order
from pipelines.reconciliation import Measured, reconcile
from pipelines.restore import Restored, restore
from pipelines.retirement import retire
from pipelines.segments.model import DriftPolicy
from pipelines.settings import Settings

Wait = Annotated[
    float | None,
    typer.Option("--wait", help="Seconds to wait for an account that is delivering.", show_default=False),
]
Why = Annotated[str, typer.Option(help="Why; recorded with your name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("erase")(_erase)
    app.command("retire")(_retire)
    app.command("reconcile")(_reconcile)
    app.command("backup")(_backup)
    app.command("restore")(_restore)


def _erase(
    request: Annotated[
        Path | None,
        typer.Option(
            help="CSV, JSON or TOML of people by customer_id, external_id, email or phone; "
            "without it, everything that is still open goes on.",
            show_default=False,
        ),
    ] = None,
    why: Why = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for verdicts that are still to come.")] = 120,
    as_json: Json = False,
) -> None:
    """Remove people from every audience that ever received them, forget them, and write a certificate."""
    project = opened_project()
    with platforms(project.settings), steps() as show:
        if request is None:
            certificates = finish(project, wait_seconds=wait, show=show)
        else:
            given = reason(why)
            certificates = [erase(project, request, who=operator(), why=given, wait_seconds=wait, show=show)]
    folder = project.settings.state_dir / FOLDER
    if as_json:
        machine.write(
            asdict(one) | {"certificate": str(folder / f"{one.request}.json")} for one in certificates
        )
    else:
        for one in certificates:
            console.print(text_of(one), markup=False, highlight=False, soft_wrap=True)
            console.print(f"Certificate: {folder / one.request}.txt", highlight=False, soft_wrap=True)
        if not certificates:
            console.print("No erasure is open")
    raise typer.Exit(Exit.OK if all(one.complete for one in certificates) else Exit.FAILED)


def _retire(
    name: Annotated[str, typer.Argument(help="DESTINATION/SEGMENT, of which no segment file says anything.")],
    why: Why = "",
    keep_members: Annotated[
        bool, typer.Option("--keep-members", help="Remove nobody: only forget the audience and who is in it.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for verdicts that are still to come.")] = 120,
    as_json: Json = False,
) -> None:
    """Take everybody out of an audience that nothing asks for any more, and close its books."""
    project = opened_project()
    given = reason(why)
    with platforms(project.settings):
        retired = retire(
            project, name, who=operator(), why=given, keep_members=keep_members, wait_seconds=wait
        )
    if as_json:
        machine.write([asdict(retired)])
    else:
        console.print(
            f"{retired.name}: {retired.removed:,} removed; {retired.sentence}",
            highlight=False,
            soft_wrap=True,
        )
    raise typer.Exit(Exit.OK if retired.state == "closed" else Exit.FAILED)


def _reconcile(
    names: Names = None,
    drift: Annotated[
        DriftPolicy | None,
        typer.Option(
            help="For this once, of members whom somebody else added or took out: report_only, or ours_wins, and the "
            "next push sets it right; without it, what the segments say.",
            show_default=False,
        ),
    ] = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Hold each audience against what its platform reports: its members where it lists them, else its size."""
    project = opened_project()
    order = Order(drift, operator(), reason(why, needed=drift == "ours_wins"))
    with platforms(project.settings):
        found = reconcile(project, names or [], order)
    if as_json:
        machine.write(_of_comparison(one) for one in found)
    else:
        for one in found:
            style = "yellow" if one.drifted else "red" if one.verdict == "failed" else "none"
            console.print(
                f"{one.destination}/{one.segment}: {one.sentence}",
                style=style, markup=False, highlight=False, soft_wrap=True,
            )  # fmt: skip
        if not found:
            console.print("No platform that reports sizes or members has an audience yet")
    raise typer.Exit(_worst(found))


def _of_comparison(one: Measured | Compared) -> dict[str, object]:
    told = {**asdict(one), "at": one.at.isoformat(), "sentence": one.sentence}
    return told | {"share": one.share} if isinstance(one, Measured) else told


def _worst(found: Sequence[Measured | Compared]) -> Exit:
    if any(one.verdict == "failed" for one in found):
        return Exit.FAILED
    return Exit.STOPPED if any(one.drifted for one in found) else Exit.OK


def _backup(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    wait: Wait = None,
    as_json: Json = False,
) -> None:
    """Copy journal, ledgers, what was pulled, tombstones and certificates, consistently, while runs go on."""
    settings = Settings()
    manifest = back_up(settings.state_dir, folder, wait_seconds=_seconds(settings, wait))
    if as_json:
        machine.write([_of_backup(manifest, folder)])
        return
    console.print(
        f"Backed up journal and {len(manifest.ledgers)} ledgers ({', '.join(manifest.ledgers) or 'none yet'}), "
        f"{sum(part.size for part in manifest.parts):,} bytes, to {folder}",
        highlight=False,
        soft_wrap=True,
    )


def _restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="There is a state: put the backup in its place, keep it beside.")
    ] = False,
    why: Why = "",
    wait: Wait = None,
    as_json: Json = False,
) -> None:
    """Put a backup in force, doubted as a whole: the next push brings every audience back to the truth."""
    settings = Settings()
    restored = restore(
        folder,
        settings.state_dir,
        replace=replace,
        wait_seconds=_seconds(settings, wait),
        who=operator(),
        why=reason(why),
    )
    if as_json:
        machine.write([_of_restore(restored, folder)])
        raise typer.Exit(Exit.OK)
    console.print(
        f"Restored the state of {restored.manifest.taken_at:%Y-%m-%d %H:%M} UTC from {folder}",
        highlight=False,
        soft_wrap=True,
    )
    if restored.aside:
        console.print(f"What was there is kept in {restored.aside}", highlight=False, soft_wrap=True)
    console.print(
        f"{len(restored.doubted)} audiences are doubted: turnout sync sends their people again and removes the others"
    )


def _seconds(settings: Settings, wait: float | None) -> float:
    return settings.lock_wait_seconds if wait is None else wait


def _of_backup(manifest: Manifest, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "taken_at": manifest.taken_at.isoformat(),
        "ledgers": manifest.ledgers,
        "files": len(manifest.parts),
        "bytes": sum(part.size for part in manifest.parts),
    }


def _of_restore(restored: Restored, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "taken_at": restored.manifest.taken_at.isoformat(),
        "ledgers": restored.manifest.ledgers,
        "doubted": [f"{destination}/{segment}" for destination, segment in restored.doubted],
        "aside": str(restored.aside) if restored.aside else None,
    }
