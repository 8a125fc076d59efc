"""What the pages of the graph show: numbers that become plots, tables, SQL and links. Never a person's data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import dagster as dg

from pipelines.delivery import accounts
from pipelines.delivery.entries import JournalledBatch
from pipelines.delivery.model import Delivery
from pipelines.engine import Profile
from pipelines.pulling import Pulled
from pipelines.segments.model import Segment
from pipelines.segments.version import version_of
from pipelines.sources.model import LoadReport
from pipelines.sources.people import PeopleReport
from pipelines.sources.pulled import REASONS

Metadata = dict[str, dg.MetadataValue]

BATCHES_SHOWN = 50
OWNER = re.compile(r"team:\S+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
"""The owners that Dagster takes; a header may hold an e-mail address that it doesn't."""


def described(segment: Segment) -> str:
    """A segment's page in Markdown: who, what for, how they are treated, and the SQL itself."""
    goal = segment.goal
    return "\n\n".join(
        [
            f"**{segment.title}** ({', '.join(segment.types)})",
            segment.description,
            *([f"*Static:* its people are those of {segment.frozen_on}."] if segment.frozen_on else []),
            f"*Goal:* {goal.metric} {goal.direction}, {goal.target}, by {goal.by.isoformat()}  \n"
            f"*Treatment:* {segment.treatment}  \n"
            f"*Universe:* {segment.universe}",
            f"```sql\n{segment.sql.strip()}\n```",
        ]
    )


def owners(segment: Segment) -> list[str]:
    """The segment's owner, as Dagster shows it."""
    return [segment.owner] if OWNER.fullmatch(segment.owner) else []


def code_reference(path: str, line: int, label: str) -> Mapping[str, dg.CodeReferencesMetadataValue]:
    """A link from a page to the file and line that it comes from."""
    reference = dg.LocalFileCodeReference(file_path=path, line_number=line, label=label)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def of_source(report: LoadReport) -> Metadata:
    """A source's load in numbers."""
    shown: Metadata = {
        "dagster/row_count": dg.MetadataValue.int(report.rows),
        "seconds": dg.MetadataValue.float(round(report.seconds, 2)),
        "contract": dg.MetadataValue.text(report.contract),
    }
    if report.newest is not None:
        shown["newest row"] = dg.MetadataValue.text(report.newest.isoformat(" "))
    if report.warnings:
        shown["warnings"] = dg.MetadataValue.md("\n".join(f"- {warning}" for warning in report.warnings))
    return shown


def of_people(report: PeopleReport) -> Metadata:
    """People in numbers."""
    return {
        "people": dg.MetadataValue.int(report.people),
        "changed": dg.MetadataValue.int(report.changed),
        "reachable": dg.MetadataValue.int(report.reachable),
        "suppressed": dg.MetadataValue.int(report.suppressed),
        "suppressions about nobody": dg.MetadataValue.int(report.unmatched_suppressions),
    }


def of_pulled(one: Pulled) -> Metadata:
    """What an email tool told, in numbers."""
    shown: Metadata = {
        "new": dg.MetadataValue.int(sum(one.new.values())),
        **{f"new {reason}": dg.MetadataValue.int(one.new.get(reason, 0)) for reason in REASONS.values()},
        "known": dg.MetadataValue.int(one.total),
        "asked for": dg.MetadataValue.text(
            "everything" if one.since is None else f"newer than {one.since.isoformat(' ', 'seconds')}"
        ),
    }
    if one.newest is not None:
        shown["newest"] = dg.MetadataValue.text(one.newest.isoformat(" ", "seconds"))
    return shown


def of_segment(segment: Segment, profile: Profile, notes: Iterable[str]) -> Metadata:
    """A computed segment in numbers, plotted by day."""
    shown: Metadata = {
        "dagster/partition_row_count": dg.MetadataValue.int(profile.size),
        "people": dg.MetadataValue.int(profile.size),
        "universe": dg.MetadataValue.int(profile.universe),
        "share of universe": dg.MetadataValue.float(round(profile.share, 6)),
        "definition": dg.MetadataValue.text(version_of(segment)),
    }
    if profile.layers:
        lines = [f"| {one.segment} | {one.size:,} | {one.shared:,} |" for one in profile.layers]
        head = ["| layer | people | of them here |", "| :--- | ---: | ---: |"]
        shown["layers"] = dg.MetadataValue.md("\n".join([*head, *lines]))
    for one in profile.taken:
        shown[f"lost to {one.segment}"] = dg.MetadataValue.int(one.people)
    if listed := "\n".join(f"- {note}" for note in notes):
        shown["notes"] = dg.MetadataValue.md(listed)
    return shown


def of_changes(delivery: Delivery) -> Metadata:
    """What a push would do."""
    return {
        "adds": dg.MetadataValue.int(delivery.adds),
        "removes": dg.MetadataValue.int(delivery.removes),
        "of these, must go": dg.MetadataValue.int(delivery.must_go),
        **_of_both(delivery),
    }


def of_audience(delivery: Delivery, batches: Iterable[JournalledBatch]) -> Metadata:
    """What a push did."""
    shown: Metadata = {
        "added": dg.MetadataValue.int(delivery.added),
        "removed": dg.MetadataValue.int(delivery.removed),
        "uncertain": dg.MetadataValue.int(delivery.uncertain),
        "awaited": dg.MetadataValue.int(delivery.awaited),
        "requests": dg.MetadataValue.int(delivery.requests),
        **_of_both(delivery),
        "batches": _batches(batches),
    }
    if delivery.url is not None:
        shown["on the platform"] = dg.MetadataValue.url(delivery.url)
    if delivery.notes:
        shown["notes"] = dg.MetadataValue.text("; ".join(delivery.notes))
    if delivery.audience_id is not None:
        shown["audience id"] = dg.MetadataValue.text(delivery.audience_id)
    return shown


def _of_both(delivery: Delivery) -> Metadata:
    """What a plan and a push both tell."""
    shown: Metadata = {
        "desired": dg.MetadataValue.int(delivery.desired),
        "held before": dg.MetadataValue.int(delivery.held_before),
        "kept": dg.MetadataValue.int(delivery.kept),
        "sent again": dg.MetadataValue.int(delivery.resends + delivery.asserted),
        **({"attributes changed": dg.MetadataValue.int(delivery.updates)} if delivery.updates else {}),
        "size held": dg.MetadataValue.int(delivery.held),
        "rejected": dg.MetadataValue.int(delivery.rejected),
        "withheld": dg.MetadataValue.int(sum(delivery.withheld.values())),
        "verdict": dg.MetadataValue.text(delivery.sentence),
        "everybody accounted for": dg.MetadataValue.md(accounted(delivery)),
    }
    if delivery.as_of is not None:
        shown["as of"] = dg.MetadataValue.text(delivery.as_of.isoformat())
    return shown


def accounted(delivery: Delivery) -> str:
    """Every desired person, and every member held before, by what became of them, as Markdown tables."""
    sums = [
        ("desired", delivery.desired, accounts.of_desired(delivery)),
        ("held before", delivery.held_before, accounts.of_held_before(delivery)),
    ]
    return "\n\n".join(_sum(name, total, lines) for name, total, lines in sums)


def _sum(name: str, total: int, lines: accounts.Lines) -> str:
    told = [f"| {what} | {count:,} |" for what, count in lines]
    return "\n".join(["| people | |", "| :--- | ---: |", *told, f"| **{name}** | **{total:,}** |"])


def overview(deliveries: Iterable[Delivery]) -> dg.MetadataValue:
    """One line an audience, for the run's own page."""
    lines = [
        f"| {d.segment} | {d.adds:,} | {d.removes:,} | {d.added:,} | {d.removed:,} | {d.rejected:,} "
        f"| {d.held:,} | {d.verdict} |"
        for d in deliveries
    ]
    head = "| segment | adds | removes | added | removed | rejected | held | verdict |"
    return dg.MetadataValue.md("\n".join([head, "| :--- | " + "---: | " * 6 + ":--- |", *lines]))


def _batches(batches: Iterable[JournalledBatch]) -> dg.MetadataValue:
    records = [
        dg.TableRecord(
            {
                "batch": batch.id,
                "operation": batch.op,
                "people": batch.size,
                "state": batch.state,
                "receipt": batch.reference or "",
                "settled": batch.settled_at.isoformat(" ", "seconds") if batch.settled_at else "",
            }
        )
        for batch in list(batches)[-BATCHES_SHOWN:]
    ]
    names = ("batch", "operation", "people", "state", "receipt", "settled")
    columns = [dg.TableColumn(name, "int" if name == "people" else "string") for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))
