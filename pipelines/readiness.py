"""Whether a destination account is ready, step by step, and what a person has to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from connectors.base import AudienceGone, Connector, DeliveryError, Finding
from pipelines.delivery.model import Account

if TYPE_CHECKING:
    from pipelines.project import Project

EARLY = timedelta(days=30)
"""A credential that ends within this time is told of: to get another takes people and days."""


def examine(project: Project, destination: str) -> Iterator[Finding]:
    """Settings, then the account, then its audiences; ends where nothing more can be asked. Changes nothing."""
    try:
        with project.deliveries.connected(destination) as account:
            yield Finding("settings", True, "all that are needed are there")
            yield from _of_account(project, account)
    except DeliveryError as error:
        yield Finding("settings", False, str(error))


def ends_soon(connector: Connector, now: datetime) -> str | None:
    """A sentence when the account's credential ends soon and cannot be renewed without a person.

    None also where that cannot be read now: whoever needs the credential next says why.
    """
    try:
        ends = connector.credential_ends()
    except DeliveryError:
        return None
    if ends is None or ends > now + EARLY:
        return None
    when = f"has ended on {ends:%Y-%m-%d}" if ends <= now else f"ends on {ends:%Y-%m-%d}"
    return f"the credential of {connector.destination} {when}: sign in again and set a new one"


def too_few(connector: Connector, people: int) -> str | None:
    """A sentence when an audience is too small to be used on the platform; None also for nobody at all."""
    least = connector.limits.min_size
    if not 0 < people < least:
        return None
    return f"{connector.title} does not use audiences of fewer than {least:,} matched people"


def _of_account(project: Project, account: Account) -> Iterator[Finding]:
    connector = account.connector
    findings = list(connector.examine())
    yield from findings
    soon = ends_soon(connector, datetime.now(UTC))
    if soon:
        yield Finding("credential's end", False, soon)
    yield from _of_definitions(project, connector)
    if all(finding.ok for finding in findings):
        yield from _of_audiences(project, connector)


def _of_definitions(project: Project, connector: Connector) -> Iterator[Finding]:
    """What the platform will not take, and what it will take but not use."""
    sizes = {
        push.delivery.segment: push.delivery.desired
        for push in project.record.status()
        if push.delivery.destination == connector.destination
    }
    for segment, _ in project.audiences(connector.destination):
        refused = project.deliveries.forbidden(segment, connector.destination)
        if refused:
            yield Finding(f"segment {segment.name}", False, refused)
        size = sizes.get(segment.name, 0)
        if small := too_few(connector, size):
            yield Finding(f"segment {segment.name}", True, f"{size:,} people; {small}")


def _of_audiences(project: Project, connector: Connector) -> Iterator[Finding]:
    """Whether the audiences of earlier runs are still there."""
    if connector.reads_back is None:
        return
    for segment, audience in project.record.known_audiences(connector.destination).items():
        step = f"audience {segment}"
        try:
            reported = connector.read_back(audience)
        except AudienceGone as error:
            yield Finding(step, False, f"{error}; the next push makes a new one")
        except DeliveryError as error:
            yield Finding(step, False, str(error))
        else:
            told = "size unknown yet" if reported.upper is None else f"about {reported.upper:,} people"
            yield Finding(step, True, f"{told}{'; ' + reported.status if reported.status else ''}")
