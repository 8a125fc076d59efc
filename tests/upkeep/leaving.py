"""People who leave the sandboxed Mailchimp, and what a project knows of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import requests

from connectors.base import Unreachable
from connectors.sandbox import SANDBOX_MAILCHIMP_KEY, SANDBOX_MAILCHIMP_LIST, SandboxServer
from pipelines.project import Project
from pipelines.sources.pulled import PulledFile
from tests.upkeep.town import Town


def leave(sandbox: SandboxServer, addresses: Iterable[str], status: str = "unsubscribed") -> None:
    """Contacts of the list get another status, as a colleague in Mailchimp's own pages would set it."""
    for address in addresses:
        answer = requests.patch(
            f"{sandbox.mailchimp_url}/lists/{SANDBOX_MAILCHIMP_LIST}/members/{address}",
            json={"status": status},
            auth=("test", SANDBOX_MAILCHIMP_KEY),
            timeout=10,
        )
        assert answer.ok, answer.text


def suppressed(project: Project) -> dict[str, str]:
    """Person and reason, of all who are suppressed."""
    with project.warehouse(read_only=True) as con:
        return dict(
            con.execute("select person_id, suppressed from people where suppressed is not null").fetchall()
        )


def pulled_rows(project: Project) -> list[tuple[str | None, str, datetime, str]]:
    """What was pulled as ``suppressions`` has it: number, reason, time and source."""
    with project.warehouse(read_only=True) as con:
        query = "select person_no, reason, since, source from suppressions where pulled order by since"
        return con.execute(query).fetchall()


def kept(project: Project, destination: str = "mail") -> set[tuple[str, str]]:
    """Address and reason of everybody who is kept of a destination."""
    with PulledFile.open(project.settings.state_dir) as file:
        return {(row.email, row.reason) for row in file.rows() if row.destination == destination}


def left(address: str) -> Unreachable:
    """Somebody who unsubscribed nobody knows when."""
    return Unreachable("unsubscribed", None, email=address)


def pushed(town: Town) -> None:
    """Push every audience without loading or computing anything."""
    project = town.project
    run = project.deliveries.new_run()
    for name, chosen in project.deliveries.select([]).items():
        assert all(delivery.ok for delivery in project.deliveries.sync(name, chosen, run))
