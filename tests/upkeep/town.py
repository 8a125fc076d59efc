"""A shop over both sandboxed platforms, what an operator does there, and a scan for whom nothing may be left of."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from pipelines.delivery.model import Delivery
from pipelines.erasure.certificate import Certificate
from pipelines.erasure.erase import erase
from pipelines.project import Project
from tests.assets.shop import Shop, customer

CANARIES = tuple(range(1, 41, 2))
"""Twenty buyers, some of them spenders and browsers too."""
STAYS = 41


def email(number: int) -> str:
    """A customer's address."""
    return f"{customer(number)}@example.com"


def phone(number: int) -> str:
    """A customer's number, as the source writes it."""
    return f"+1 202 555 {number:04}"


def digest(text: str) -> str:
    """What an ad platform is sent."""
    return hashlib.sha256(text.encode()).hexdigest()


SHORTEST_DIGEST_PART = 8


def marks(number: int) -> list[str]:
    """Everything by which a file may betray somebody: id, address, number, their digests, short and long."""
    digits = "1202555" + f"{number:04}"
    hashes = [digest(email(number)), digest(digits), digest(f"+{digits}"), digest(customer(number))]
    return [customer(number), email(number), phone(number), digits, *hashes, *(h[:32] for h in hashes)]


def holds(content: bytes, mark: str) -> bool:
    """Whether a file's bytes hold a mark. A short id also stands by chance within random hexadecimal digests."""
    if len(mark) > SHORTEST_DIGEST_PART:
        return mark.encode() in content
    return re.search(rb"(?<![0-9a-f])" + re.escape(mark.encode()) + rb"(?![0-9a-f])", content) is not None


@dataclass
class Town:
    """A shop, both platforms, and what an operator does there."""

    shop: Shop
    sandbox: SandboxServer

    @property
    def project(self) -> Project:
        return Project(self.shop.settings())

    @property
    def state(self) -> Path:
        return self.shop.settings().state_dir

    def customers(self) -> None:
        """The file of customers, with everybody in it."""
        self.shop.write(
            "customers",
            ["customer_id", "email", "phone", "created_at"],
            ((customer(n), email(n), phone(n), "2017-01-01 00:00:00") for n in range(self.shop.people)),
        )

    def night(self) -> list[Delivery]:
        """Load, compute, push everything."""
        assert self.project.load().ok
        self.project.compute()
        project = self.project
        run = project.deliveries.new_run()
        return [
            d
            for name, chosen in project.deliveries.select([]).items()
            for d in project.deliveries.sync(name, chosen, run)
        ]

    def ask(self, *people: dict[str, str], name: str = "request.json") -> Path:
        """A request file, kept outside of everything that is scanned."""
        path = self.shop.folder.parent / name
        path.write_text(json.dumps({"people": list(people)}))
        return path

    def erase(self, request: Path, wait: float = 0) -> Certificate:
        """Carry a request out."""
        return erase(self.project, request, who="dpo", why="they asked", wait_seconds=wait)

    def on_meta(self, audience: str = "Buyers") -> set[str]:
        """E-mail digests in an audience."""
        found = self.sandbox.state.audience("meta", audience)
        return {row["EMAIL"] for row in self.sandbox.state.meta_members(found.id)}

    def on_mailchimp(self, audience: str = "Buyers") -> set[str]:
        """Addresses that have a tag."""
        return set(
            self.sandbox.state.mailchimp_members(self.sandbox.state.audience("mailchimp", audience).id)
        )

    def traces(self, numbers: tuple[int, ...]) -> list[str]:
        """Where anything of these people can be found: bytes of every file of the home, and rows of every store."""
        home = self.shop.settings().home
        contents = {
            str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()
        }
        for path in home.rglob("*.duckdb"):
            contents[f"{path.name} rows"] = rows_of(path)
        return [
            f"{place}: canary {number}"
            for place, content in contents.items()
            for number in numbers
            if any(holds(content, mark) for mark in marks(number))
        ]


def rows_of(path: Path) -> bytes:
    """Every row of every table, uuids without their dashes."""
    with duckdb.connect(path, read_only=True) as con:
        tables = con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        return "\n".join(
            str(row).replace("-", "") + str(row)
            for schema, table in tables
            for row in con.execute(f'from "{schema}"."{table}"').fetchall()
        ).encode()


def accounts(sandbox: SandboxServer) -> dict[str, str]:
    """What the two destinations read from the environment; late copies are the matter of one test alone."""
    return {
        "TURNOUT_ADS_BASE_URL": sandbox.meta_url,
        "TURNOUT_ADS_TOKEN": SANDBOX_META_TOKEN,
        "TURNOUT_ADS_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
        "TURNOUT_ADS_SETTLES_AFTER_MINUTES": "0",
        "TURNOUT_MAIL_BASE_URL": sandbox.mailchimp_url,
        "TURNOUT_MAIL_API_KEY": SANDBOX_MAILCHIMP_KEY,
        "TURNOUT_MAIL_LIST_ID": SANDBOX_MAILCHIMP_LIST,
        "TURNOUT_MAIL_SETTLES_AFTER_MINUTES": "0",
    }


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with every audience in place on both platforms; the newsletter knows all customers."""
    folder = tmp_path_factory.mktemp("town")
    with SandboxServer(folder / "sandbox") as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in accounts(sandbox).items():
            patch.setenv(name, value)
        sandbox.state.put_contacts([email(n) for n in range(120)])
        made = Town(shop_in(folder).open(), sandbox)
        made.customers()
        assert all(delivery.ok for delivery in made.night())
        assert digest(email(1)) in made.on_meta()
    return folder


def shop_in(folder: Path) -> Shop:
    """The shop of a town's folder."""
    (folder / "shop").mkdir(exist_ok=True)
    return Shop(folder / "shop", destinations={"ads": "meta", "mail": "mailchimp"})


@pytest.fixture
def town(tmp_path: Path, built_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """That shop and its platforms, a test's own."""
    shutil.copytree(built_once, tmp_path, dirs_exist_ok=True)
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        for name, value in accounts(sandbox).items():
            monkeypatch.setenv(name, value)
        yield Town(shop_in(tmp_path), sandbox)
