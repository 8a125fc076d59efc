"""Two days of a shop of canaries on which nearly everything goes wrong, run as an operator and as Dagster run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import requests

from connectors.sandbox import SANDBOX_MAILCHIMP_LIST, SANDBOX_META_AD_ACCOUNT, SandboxServer
from pipelines.assets.dev import dev_command
from tests.assets.shop import PURPOSES, Shop, ordered_on
from tests.quiet import canaries, gateway
from tests.quiet.canaries import Canary

PEOPLE = 240
DAY_ONE, DAY_TWO = date(2018, 1, 1), date(2018, 1, 2)
EVERYTHING_LOGGED = (
    "import logging; logging.basicConfig(level=logging.DEBUG); from pipelines.cli.app import main; main()"
)
DAGSTER_AT_DEBUG = """
python_logs:
  managed_python_loggers: [root, urllib3, requests, pipelines, connectors]
  python_log_level: DEBUG
"""
UNREACHABLE_DATABASE = """
[source.products]
contract = "products"
postgres = "SHOP_DATABASE"
table = "products"
"""


@dataclass
class Night:
    """The shop, its platforms, and what was run so far."""

    folder: Path
    sandbox: SandboxServer
    gateway: gateway.Gateway
    people: list[Canary] = field(default_factory=lambda: [Canary(n) for n in range(PEOPLE)])
    exits: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("logs", "tmp", "cwd", "pages"):
            (self.folder / name).mkdir()
        self.shop = Shop(
            self.folder / "shop", PEOPLE, {"meta": "meta", "mailchimp": "mailchimp"}
        ).open(ads="meta", mail="mailchimp")  # fmt: skip
        self._write_people()

    @property
    def allowed(self) -> list[Path]:
        """Where identifiers belong: what was delivered, the warehouse, the ledgers, the platforms' own database."""
        home = self.shop.folder / "home"
        ledgers = [path for path in (home / "state").iterdir() if ".duckdb" in path.name]
        return [self.shop.sources, *home.glob("warehouse.duckdb*"), *ledgers, self.folder / "sandbox"]

    def turnout(self, *arguments: str, today: date = DAY_ONE) -> None:
        """A command, with every library's log lines at DEBUG."""
        command = [sys.executable, "-c", EVERYTHING_LOGGED, *arguments]
        one_by_one = {"TURNOUT_MAILCHIMP_CREATE_SINGLY": "500"}  # each person has a request of their own
        self._run("turnout " + " ".join(arguments), command, self._environment(today) | one_by_one)

    def dagster(self, job: str, partition: date | None = None) -> None:
        """A job of the night on its second day, in a process and an instance as they are shipped, but at DEBUG."""
        environment = self._environment(DAY_TWO)
        configuration = Path(environment["DAGSTER_HOME"]) / "dagster.yaml"
        if DAGSTER_AT_DEBUG not in configuration.read_text():
            configuration.write_text(configuration.read_text() + DAGSTER_AT_DEBUG)
        tags = ["--tags", json.dumps({"dagster/partition": str(partition)})] if partition else []
        command = [
            sys.executable,
            "-m",
            "dagster",
            "job",
            "execute",
            "-m",
            "pipelines.definitions",
            "-j",
            job,
        ]
        self._run(f"dagster {job}", [*command, *tags], environment)

    def read_pages(self) -> None:
        """Save what the sandbox's pages show by default."""
        audiences = requests.get(f"{self.sandbox.url}/sandbox/api/audiences", timeout=30).json()
        paths = [f"audiences/{one['platform']}/{one['id']}" for one in audiences]
        for number, path in enumerate(["", "requests", "requests?failed=1", "faults", *paths]):
            page = requests.get(f"{self.sandbox.url}/{path}", timeout=30)
            page.raise_for_status()
            (self.folder / f"pages/{number}.html").write_bytes(page.content)

    def second_day(self) -> None:
        """People opt out and go, a source breaks in a row, a segment has a slip, one fails on the data."""
        self.shop.segment("slip", "select person_no from ordres", ("meta",))
        self.shop.segment(
            "converts", "select person_no from orders where cast(order_id as integer) > 1", ("meta",)
        )
        broken = self.shop.sources / "web_events.csv"
        broken.write_text(broken.read_text() + f"w1,{self.people[0].id},{self.people[0].email},x,y,z\n")
        self._write_people(gone=range(200, 220), opted_out=range(0, PEOPLE, 6))

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        log = self.folder / f"logs/{len(self.exits):02} {name.replace('/', ' ')}.log"
        with log.open("w") as out:
            done = subprocess.run(
                command, env=environment, cwd=self.folder / "cwd", stdout=out, stderr=subprocess.STDOUT,
                timeout=280, check=False,
            )  # fmt: skip
        self.exits[log.stem] = done.returncode

    def _environment(self, today: date) -> dict[str, str]:
        settings = self.shop.settings(today=today, alert_webhook=canaries.WEBHOOK)
        _, variables = dev_command(settings)
        return {
            **{name: value for name, value in variables.items() if name in ("PATH", "LANG", "DAGSTER_HOME")},
            **{name: value for name, value in variables.items() if name.startswith("TURNOUT_")},
            "HOME": str(self.folder / "cwd"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(self.folder / "tmp"),
            "SHOP_DATABASE": canaries.DATABASE,
            "TURNOUT_META_BASE_URL": f"{self.gateway.url}/meta",
            "TURNOUT_META_TOKEN": canaries.TOKEN,
            "TURNOUT_META_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
            "TURNOUT_META_IDENTIFIERS": '["EXTERN_ID", "EMAIL", "PHONE", "FN", "LN"]',
            "TURNOUT_META_MAX_ROWS": "50",
            "TURNOUT_MAILCHIMP_BASE_URL": f"{self.gateway.url}/mailchimp/3.0",
            "TURNOUT_MAILCHIMP_API_KEY": canaries.API_KEY,
            "TURNOUT_MAILCHIMP_LIST_ID": SANDBOX_MAILCHIMP_LIST,
            "TURNOUT_MAILCHIMP_CREATE_MISSING": "true",
            "TURNOUT_MAILCHIMP_BATCH_POLL_SECONDS": "0.1",
            "COVERAGE_PROCESS_START": os.environ.get("COVERAGE_PROCESS_START", ""),
        }

    def _write_people(self, gone: range = range(0), opted_out: range = range(0)) -> None:
        there = [one for one in self.people if one.number not in gone]
        columns = ["customer_id", "email", "phone", "first_name", "last_name", "country", "created_at"]
        self.shop.write("customers", columns, (_row(one) for one in there))
        self.shop.write(
            "orders", ["order_id", "customer_id", "ordered_at", "total"],
            ((f"o{one.number}", one.id, f"{ordered_on(one.number)} 10:00:00", 10 + one.number)
             for one in there if one.number % 2),
        )  # fmt: skip
        self.shop.write(
            "web_events", ["event_id", "customer_id", "event", "occurred_at"],
            ((f"w{one.number}", one.id, "product_view", "2017-12-15 12:00:00") for one in there),
        )  # fmt: skip
        self.shop.write(
            "consents", ["customer_id", "purpose", "granted", "changed_at"],
            ((one.id, purpose, "yes", "2017-01-02 00:00:00") for one in there for purpose in PURPOSES),
        )  # fmt: skip
        self.shop.write(
            "suppressions", ["email", "phone", "reason", "since"], _suppressions(self.people, opted_out)
        )
        declared = self.shop.sources / "sources.toml"
        if UNREACHABLE_DATABASE not in declared.read_text():
            declared.write_text(declared.read_text() + UNREACHABLE_DATABASE)


def _row(one: Canary) -> tuple[str, ...]:
    return one.id, one.email, one.phone, one.first_name, one.last_name, "US", "2017-01-01 00:00:00"


def _suppressions(people: list[Canary], opted_out: range) -> Iterator[tuple[str, ...]]:
    yield people[-1].email, "", "unsubscribed", "2017-12-02 00:00:00"
    for number in opted_out:
        yield "", people[number].phone, "unsubscribed", "2018-01-01 00:00:00"


def live_through(night: Night) -> None:
    """Both days: every echo under the command line, then calm, then a bad day under Dagster."""
    for command in ("sources", "segments", "plan"):
        night.turnout(command)
        night.turnout(command, "--json")
    for number, echo in enumerate(gateway.ECHOES):
        night.gateway.answer_with(echo, times=6, reads=number % 3 == 2)
        night.turnout("sync", *(["--json"] if number % 2 else []))
    night.gateway.calm()
    night.turnout("sync", "--json")
    night.second_day()
    night.dagster("load")
    night.dagster("segment", DAY_ONE)
    night.gateway.answer_with(gateway.refusal, gateway.wrong_types, times=4)
    night.dagster("deliver")
    night.gateway.answer_with(gateway.unauthorised)
    night.dagster("deliver")
    night.gateway.calm()
    for command in ("status", "rejections", "history", "decisions"):
        night.turnout(command, today=DAY_TWO)
        night.turnout(command, "--json", today=DAY_TWO)
    night.read_pages()
