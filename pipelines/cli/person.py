"""``turnout person``: everything about one person, by number."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli import machine
from pipelines.cli.shell import AsOf, Json, day, opened_project
from pipelines.cli.tables import console, table
from pipelines.insight.knowing import Known, know
from pipelines.warehouse.memberships import Membership


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(person)


def person(
    person: Annotated[
        str, typer.Argument(help="The person's key in your sources (customer_id).", show_default=False)
    ],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Which segments one person is in and was in, what was sent where about them, their consents and suppressions."""
    answer = know(opened_project(), person, day(as_of))
    if as_json:
        machine.write([_of_known(answer)])
    else:
        _show(answer)


def _show(answer: Known) -> None:
    console.print(f"Person number {answer.person_no}. {answer.sentence}", soft_wrap=True, highlight=False)
    if answer.memberships:
        shown = table("segment", "since", "days in it, as far as computed")
        for one in (*answer.current, *answer.past):
            style = "none" if one.since else "dim"
            shown.add_row(one.segment, str(one.since or ""), _stays(one), style=style)
        console.print(shown)
    for why in answer.audiences:
        told = f"[bold]{why.destination}/{why.segment}[/]: {escape(why.sentence)}"
        console.print(told, soft_wrap=True, highlight=False)
        for move in why.standing.moves if why.standing else ():
            sign = "+" if move.op == "add" else "-"
            console.print(f"  {move.at:%Y-%m-%d %H:%M} {sign} {move.why}: {move.outcome}", highlight=False)
    for consent in answer.consents:
        said = "granted" if consent.granted else "not granted"
        console.print(f"{consent.purpose}: {said} on {consent.changed_at:%Y-%m-%d}", highlight=False)
    for found in answer.suppressions:
        source = f" (from {found.source})" if found.source else ""
        console.print(
            f"suppressed since {found.since:%Y-%m-%d}: {found.reason}{source}", markup=False, highlight=False
        )


def _stays(membership: Membership) -> str:
    """Its runs of days, newest last; the last one open where they are still in."""
    return ", ".join(
        f"{stay.entered} to {stay.left} (left)" if stay.left else f"{stay.entered} to {membership.as_of}"
        for stay in membership.stays
    )


def _of_known(answer: Known) -> dict[str, Any]:
    """The person as ``--json`` tells them: a number, no key and nothing that identifies them."""
    return {
        "person_no": answer.person_no,
        "sentence": answer.sentence,
        "segments": [
            {
                "segment": one.segment,
                "as_of": one.as_of.isoformat(),
                "member": one.since is not None,
                "since": one.since.isoformat() if one.since else None,
                "stays": [
                    {
                        "entered": stay.entered.isoformat(),
                        "left": stay.left.isoformat() if stay.left else None,
                    }
                    for stay in one.stays
                ],
            }
            for one in answer.memberships
        ],
        "audiences": [machine.of_why(one) for one in answer.audiences],
        "consents": [
            {"purpose": one.purpose, "granted": one.granted, "changed_at": one.changed_at.isoformat()}
            for one in answer.consents
        ],
        "suppressed": answer.suppressed,
        "suppressions": [
            {"reason": one.reason, "since": one.since.isoformat(), "source": one.source}
            for one in answer.suppressions
        ],
    }
