"""The demo: with no sources declared, Turnout runs over real purchase data and twelve sandboxed platforms.

Every setting can still be set; the demo only fills in what is missing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import requests

from connectors.rules.email import normalise_email
from connectors.sandbox import (
    DEFAULT_PORT,
    SandboxServer,
    SandboxState,
    connection_settings,
)
from pipelines.cli import tables
from pipelines.cli.exits import Exit, of_deliveries
from pipelines.cli.tables import console
from pipelines.delivery.model import Delivery
from pipelines.models.errors import ModelError
from pipelines.project import Project
from pipelines.settings import Settings

ACCEPTED = {
    "TURNOUT_GOOGLE_ACCEPT_CUSTOMER_MATCH_TERMS": "true",
    "TURNOUT_GOOGLE_POLL_AFTER_MINUTES": "0",
    "TURNOUT_MICROSOFT_ACCEPT_CUSTOMER_MATCH_TERMS": "true",
    "TURNOUT_REDDIT_USER_AGENT": "web:com.example.turnout:v1.0.0 (by /u/turnout)",
}
"""What a person has to decide for a real account; the demo's are nobody's."""
EMAIL_TOOLS = ("hubspot", "klaviyo")
"""Those besides Mailchimp that get audiences."""
SIGNED_UP: Sequence[tuple[range, Literal["unsubscribed", "subscribed"]]] = (
    (range(3, 4), "unsubscribed"),
    (range(4, 100), "subscribed"),
)
"""Of every hundred people, what those of these numbers are at the email tools; the others are not known there."""
LAST_DAY = date(2017, 12, 31)
"""The last whole day of the demo data: 2018 begins with a few baskets of the night, by a clock offset."""
FIRST_PUSH = date(2017, 12, 1)
"""The day of the demo's first push; the published catalogue compares the same two days."""


def as_demo(settings: Settings) -> Settings:
    """The settings with the demo's day, and the sandbox's accounts in the environment where none are set."""
    for name, value in {
        **connection_settings(f"http://127.0.0.1:{DEFAULT_PORT}"),
        **ACCEPTED,
        "TURNOUT_FILE_FOLDER": str(settings.home / "files"),
    }.items():
        os.environ.setdefault(name, value)
    if settings.today is not None:
        return settings
    return settings.model_copy(update={"today": LAST_DAY + timedelta(days=1)})


def _addresses(url: str) -> dict[str, str]:
    """The settings of the sandbox's accounts that hold its address."""
    return {name: value for name, value in connection_settings(url).items() if value.startswith(url)}


@contextmanager
def platforms(settings: Settings) -> Iterator[str | None]:
    """The sandbox over this home while the block runs, where the demo's accounts point at it; yields its address.

    One that is served already is used. When another program has the port, a free one is taken. None outside the
    demo.
    """
    usual = f"http://127.0.0.1:{DEFAULT_PORT}"
    if (
        not settings.is_demo
        or os.environ["TURNOUT_META_BASE_URL"] != _addresses(usual)["TURNOUT_META_BASE_URL"]
    ):
        yield None
        return
    if _serves(usual, settings):
        yield usual
        return
    with SandboxServer(settings.sandbox_dir, port=DEFAULT_PORT if _is_free(DEFAULT_PORT) else 0) as sandbox:
        os.environ.update(_addresses(sandbox.url))
        try:
            yield sandbox.url
        finally:
            os.environ.update(_addresses(usual))


def _serves(url: str, settings: Settings) -> bool:
    """Whether a sandbox over this home answers there."""
    try:
        answer = requests.get(f"{url}/sandbox/api/folder", timeout=2).json()
    except (requests.RequestException, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("folder") == str(settings.sandbox_dir.resolve())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def run_demo(settings: Settings) -> Exit:
    """Load, segment and push as of two days, showing that nothing is pushed twice; returns the exit code.

    Run again, it finds everything in place and pushes nothing.
    """
    settings = as_demo(settings)
    with platforms(settings):
        if _newest(settings) is None:
            early = settings.model_copy(update={"today": FIRST_PUSH + timedelta(days=1)})
            _headline(f"1 · First push, as of {FIRST_PUSH}")
            _prepare(early)
            _fill_email_tools(early)
            runs = [_push(early, "Run 1: everybody is new")]
            _headline("2 · The same again")
            runs.append(_push(early, "Run 2: nothing changed, nothing is sent"))
            _headline(f"3 · A month later, as of {LAST_DAY}")
            _prepare(settings)
            runs.append(_push(settings, "Run 3: exactly the changes"))
        else:
            _headline("The demo is in place; pushing again")
            runs = [_push(settings, "Nothing changed, nothing is sent")]
    _farewell(settings, runs)
    return max(of_deliveries(run) for run in runs)


def _newest(settings: Settings) -> date | None:
    """The day of the newest finished demo run, None when there was none."""
    pushed = [push.delivery.as_of for push in Project(settings).record.status() if push.delivery.as_of]
    return LAST_DAY if LAST_DAY in pushed else None


def _prepare(settings: Settings) -> None:
    project = Project(settings)
    with tables.progress() as shown:
        show = tables.Steps(shown)
        loaded = project.load(None, show)
        _train(project, loaded.as_of, show)
        outcomes = project.compute(loaded.as_of, None, show)
    for sentence in loaded.complaints:
        console.print(sentence, style="red", markup=False)
    rows = sum(report.rows for report in loaded.reports)
    console.print(f"{rows:,} rows of {len(loaded.reports)} sources, {loaded.people or 0:,} people")
    console.print(tables.of_segments(outcomes))


def _train(project: Project, as_of: date, show: tables.Steps) -> None:
    """Models are trained once, on the first day, and only asked from then on."""
    try:
        cards = project.models.train_missing(as_of, show)
    except ModelError as error:
        console.print(f"no model is trained: {error}", style="yellow", markup=False, soft_wrap=True)
        return
    for card in cards:
        console.print(f"model {card.model}: {card.sentence}", highlight=False, soft_wrap=True)


def _fill_email_tools(settings: Settings) -> None:
    """The email tools as they would be by now: Turnout goes by the people whom they know and makes none by itself.

    Of every hundred people three never signed up there, and one unsubscribed there without telling anybody else.
    """
    with Project(settings).warehouse(read_only=True) as con:
        rows = con.execute("select person_no, email from people where email is not null").fetchall()
    addresses = [(number % 100, normalise_email(email)) for number, email in rows]
    with closing(SandboxState(settings.sandbox_dir)) as state:
        for numbers, consent in SIGNED_UP:
            theirs = sorted({address for number, address in addresses if address and number in numbers})
            state.put_contacts(theirs, consent)
            for tool in EMAIL_TOOLS:
                state.email.put_people(tool, theirs, consent)


def _push(settings: Settings, title: str) -> list[Delivery]:
    project = Project(settings)
    # The month between the demo's two days changes segments that turn over in days: that is the demo, not a slip.
    run = project.deliveries.new_run()
    with tables.progress() as shown:
        watch = tables.Steps(shown).watch()
        deliveries = [
            d
            for name, chosen in project.deliveries.select([]).items()
            for d in project.deliveries.sync(name, chosen, run, watch)
        ]
    console.print(tables.of_pushes(deliveries, title))
    tables.say_why(deliveries, console.print)
    return deliveries


def _headline(text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}[/]", align="left")


def _farewell(settings: Settings, runs: Sequence[Sequence[Delivery]]) -> None:
    sent = [sum(d.requests for d in run) for run in runs]
    console.print()
    console.print("Requests sent: " + ", ".join(f"run {n}: {count}" for n, count in enumerate(sent, 1)))
    turnout = ".venv/bin/turnout" if Path(".venv/bin/turnout").exists() else "turnout"
    console.print(
        f"""
[bold]What to try next[/]
  {turnout} dev        the Dagster UI: schedules, backfills, plots
  {turnout} status     the last push of every audience
  {turnout} plan       what a push would do now
  {turnout} sandbox    the platforms, at http://127.0.0.1:{DEFAULT_PORT}
  segment_defs/*.sql           edit one, then: turnout segments, plan, sync
  docs/sources.md              your own data in place of the demo's
In a checkout, [bold]make dev[/] opens the UI too.""",
        highlight=False,
    )
