"""Commands that keep the state and the platforms honest: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.backup import Manifest, back_up
from pipelines.cli import machine
from pipelines.cli.exits import Exit
from pipelines.cli.shell import Json, operator, reason
from pipelines.cli.tables import console
from pipelines.restore import Restored, restore
from pipelines.settings import Settings

Wait = Annotated[
    float | None,
    typer.Option("--wait", help="Seconds to wait for an account that is delivering.", show_default=False),
]
Why = Annotated[str, typer.Option(help="Why; recorded with your name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("backup")(_backup)
    app.command("restore")(_restore)


def _backup(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    wait: Wait = None,
    as_json: Json = False,
) -> None:
    """Copy journal, ledgers, tombstones and certificates, consistently, while runs go on."""
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
