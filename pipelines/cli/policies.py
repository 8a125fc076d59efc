"""The command about policy profiles: what one forbids, in plain words."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer
from rich.markup import escape

from pipelines.cli import machine
from pipelines.cli.shell import Json, opened_project
from pipelines.cli.tables import console
from pipelines.names import unknown_name
from pipelines.policies.profile import Forbidden, Profile, read_profile
from pipelines.segments.policy import ProfileName


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(policies)


def policies(
    name: Annotated[
        str | None, typer.Argument(help="A profile; the project's by default.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """What a policy profile forbids, and by which rule: attributes, small audiences, seeds, platforms."""
    project = opened_project()
    in_force = project.settings.policy_profile
    chosen = in_force if name is None else _known(name)
    profile = read_profile(chosen)
    if as_json:
        machine.write([of_profile(chosen, profile, in_force=chosen == in_force)])
        return
    _show(chosen, profile, in_force)


def of_profile(name: ProfileName, profile: Profile, *, in_force: bool) -> dict[str, Any]:
    """A profile's rules; ``in_force`` when it holds for the whole project."""
    return {"profile": name, "in_force": in_force, **profile.model_dump(mode="json")}


def _known(name: str) -> ProfileName:
    for known in get_args(ProfileName):
        if name == known:
            found: ProfileName = known
            return found
    raise unknown_name("policy profile", name, list(get_args(ProfileName)))


def _show(name: ProfileName, profile: Profile, in_force: ProfileName) -> None:
    state = "in force" if name == in_force else f"not in force; {in_force} is (TURNOUT_POLICY_PROFILE)"
    console.print(f"[bold]{profile.title}[/] ({state})", highlight=False, soft_wrap=True)
    for sentence in _sentences(profile):
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    if profile.forbidden:
        console.print("No segment may read, no sync may carry:")
    for one in profile.forbidden:
        told = f"  [bold]{escape(one.attribute)}[/]: {escape(', '.join(_columns(one)))} ({escape(one.rule)})"
        console.print(told, highlight=False, soft_wrap=True)


def _sentences(profile: Profile) -> list[str]:
    told = [profile.about]
    if profile.category:
        told.append(
            f"Every segment counts as about {profile.category}: platforms that forbid it refuse them all."
        )
    if profile.min_cell:
        told.append(
            f"Nobody is sent of a segment with fewer than {profile.min_cell} people ({profile.min_cell_rule})."
        )
    if not profile.seeds:
        told.append(f"No seeds of lookalikes ({profile.seeds_rule}).")
    told += [f"Nothing goes to {', '.join(one.connectors)} ({one.rule})." for one in profile.refused]
    told += [
        f"{', '.join(one.features)} may be read, and turnout lint tells of it: may stand for {one.of}."
        for one in profile.proxies
    ]
    return told


def _columns(forbidden: Forbidden) -> list[str]:
    inside = [f"{table}.{column}" for table, columns in forbidden.in_tables.items() for column in columns]
    return [*(f"features.{name}" for name in forbidden.features), *inside, *forbidden.columns]
