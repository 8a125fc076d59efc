"""Whoever asks to be forgotten leaves every platform and every file, whatever else is going on, and it is proved."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import time
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
from pipelines.delivery.boundaries import observe
from pipelines.delivery.model import Delivery
from pipelines.erasure.certificate import Certificate, is_genuine
from pipelines.erasure.erase import erase, finish
from pipelines.erasure.register import Register
from pipelines.project import Project
from pipelines.sources.tombstones import KeyMissing
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout

CANARIES = tuple(range(1, 41, 2))
"""Twenty buyers, some of them spenders and browsers too."""
STAYS = 41


class Stop(Exception):
    """The process dies here."""


def email(number: int) -> str:
    """A customer's address."""
    return f"{customer(number)}@example.com"


def phone(number: int) -> str:
    """A customer's number, as the source writes it."""
    return f"+1 202 555 {number:04}"


def digest(text: str) -> str:
    """What an ad platform is sent."""
    return hashlib.sha256(text.encode()).hexdigest()


def marks(number: int) -> list[str]:
    """Everything by which a file may betray somebody: id, address, number, their digests, short and long."""
    digits = "1202555" + f"{number:04}"
    hashes = [digest(email(number)), digest(digits), digest(f"+{digits}"), digest(customer(number))]
    return [customer(number), email(number), phone(number), digits, *hashes, *(h[:32] for h in hashes)]


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
            if any(mark.encode() in content for mark in marks(number))
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


@pytest.mark.privacy("P08", "P10")
def test_twenty_people_are_erased_without_a_trace(town: Town) -> None:
    """By id, address or number: gone from every audience, from every byte of every file; everybody else stays."""
    asked = [
        {"customer_id": customer(n)}
        if n % 3 == 0
        else {"email": email(n).upper()}
        if n % 3 == 1
        else {"phone": phone(n)}
        for n in CANARIES
    ]
    assert len({trace.rsplit(" ", 1)[1] for trace in town.traces(CANARIES)}) == len(CANARIES), (
        "or the scan sees nothing"
    )
    before = town.on_meta(), town.on_mailchimp(), town.on_mailchimp("Browsers")
    certificate = town.erase(town.ask(*asked))
    assert certificate.open == ()
    assert certificate.complete
    gone = {email(n) for n in CANARIES}
    assert town.on_meta() == before[0] - {digest(address) for address in gone}
    assert town.on_meta("Spenders") & {digest(address) for address in gone} == set()
    assert town.on_mailchimp() == before[1] - gone
    assert town.on_mailchimp("Browsers") == before[2] - gone
    assert town.sandbox.state.resubscribed() == []
    assert town.traces(CANARIES) == []
    assert town.traces((STAYS,)) != []


@pytest.mark.privacy("P09")
def test_an_old_file_brings_nobody_back(town: Town) -> None:
    """The source delivers the same files again: no row of theirs is kept, nobody is added anywhere."""
    people = [{"customer_id": customer(1)}, {"email": email(3)}, {"phone": phone(5)}]
    town.erase(town.ask(*people))
    town.customers()
    assert all(delivery.ok for delivery in town.night())
    assert town.on_mailchimp() & {email(n) for n in (1, 3, 5)} == set()
    assert town.on_meta() & {digest(email(n)) for n in (1, 3, 5)} == set()
    with town.project.warehouse(read_only=True) as con:
        kept = {row[0] for row in con.execute("select customer_id from source.customers").fetchall()}
        assert kept == {customer(n) for n in range(120)} - {customer(n) for n in (1, 3, 5)}
        assert con.execute("select count(*) from people where suppressed = 'erased'").fetchall() == [(3,)]


@pytest.mark.privacy("P09")
def test_tombstones_outlive_the_warehouse(town: Town) -> None:
    """The warehouse is lost and built anew from the old files: still nobody comes back."""
    town.erase(town.ask({"customer_id": customer(1)}))
    town.shop.settings().warehouse_path.unlink()
    town.night()
    assert email(1) not in town.on_mailchimp()
    assert digest(email(1)) not in town.on_meta()
    assert email(STAYS) in town.on_mailchimp()


@pytest.mark.privacy("P09")
def test_tombstones_tell_nothing_without_their_key(town: Town) -> None:
    """No plain digest of an address or number is kept; key and register are two files for the owner's eyes alone."""
    town.erase(town.ask({"email": email(1)}))
    register, key = town.state / "erasures.sqlite", town.state / "tombstone.key"
    assert [path.stat().st_mode & 0o777 for path in (register, key)] == [0o600, 0o600]
    secret = bytes.fromhex(key.read_text())
    content = register.read_bytes()
    assert key.read_text().encode() not in content
    with Register.open(town.state) as opened:
        assert opened.tombstones().key == secret
        assert len(opened.tombstones().digests) >= 3
    key.rename(town.state.parent / "key.elsewhere")
    with pytest.raises(KeyMissing, match=r"tombstone\.key is missing"):
        town.project.load()


def test_whoever_shares_an_identifier_is_kept_but_never_sent(town: Town) -> None:
    """One of two at the same number is erased by id: the other stays known, and leaves every audience."""
    rows = [
        [customer(n), email(n), phone(1) if n == STAYS else phone(n), "2017-01-01 00:00:00"]
        for n in range(town.shop.people)
    ]
    town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
    town.night()
    town.erase(town.ask({"customer_id": customer(1)}))
    with town.project.warehouse(read_only=True) as con:
        query = "select suppressed from people where person_id = ?"
        assert con.execute(query, [customer(STAYS)]).fetchall() == [("shared_identifier",)]
    town.night()
    assert email(STAYS) not in town.on_mailchimp()


@pytest.mark.privacy("P05", "P06")
@pytest.mark.parametrize(
    "trouble",
    ["segment file deleted", "segment file broken", "guard trips", "stale", "never in the sources now"],
)
def test_nothing_holds_an_erasure_back(town: Town, trouble: str) -> None:
    """Deleted, broken, guarded, stale, gone from the source: the person leaves all the same, and nobody else does."""
    path = town.shop.segment_defs / "buyers.sql"
    project = town.project
    match trouble:
        case "segment file deleted":
            path.unlink()
        case "segment file broken":
            path.write_text("select")
        case "guard trips":
            town.shop.segment(
                "buyers", "select distinct person_no\nfrom orders\nwhere total < 20", ("ads", "mail")
            )
            town.project.compute()
        case "stale":
            project = Project(town.shop.settings(today=town.shop.settings().current_day.replace(month=6)))
        case _:
            rows = [[customer(n), email(n), phone(n), "2017-01-01 00:00:00"] for n in range(120) if n != 1]
            town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
            town.project.load()
    before = town.on_meta(), town.on_mailchimp()
    certificate = erase(
        project, town.ask({"email": email(1), "phone": phone(1)}), who="dpo", why="asked", wait_seconds=0
    )
    assert certificate.complete, certificate.open
    assert town.on_meta() == before[0] - {digest(email(1))}
    assert town.on_mailchimp() == before[1] - {email(1)}


def test_an_unreachable_platform_leaves_the_erasure_incomplete(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate says which platform; the same request goes on when it is back, and ends complete."""
    request = town.ask({"customer_id": customer(1)})
    good = town.sandbox.mailchimp_url
    monkeypatch.setenv("TURNOUT_MAIL_BASE_URL", "http://127.0.0.1:9/3.0")
    first = town.erase(request)
    assert not first.complete
    assert any(sentence.startswith(("mail/", "mail:")) for sentence in first.open)
    assert digest(email(1)) not in town.on_meta()
    assert email(1) in town.on_mailchimp()
    monkeypatch.setenv("TURNOUT_MAIL_BASE_URL", good)
    second = town.erase(request)
    assert second.open == ()
    assert (second.request, second.subjects) == (first.request, first.subjects)
    assert email(1) not in town.on_mailchimp()
    assert town.traces((1,)) == []
    assert {(o.destination, o.state) for o in second.audiences} == {("ads", "removed"), ("mail", "removed")}


def test_what_a_late_copy_could_undo_is_kept_until_then(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removed everywhere, but a copy of the add may be under way: open until then, finished without its file."""
    monkeypatch.setenv("TURNOUT_MAIL_SETTLES_AFTER_MINUTES", "0.05")
    first = town.erase(town.ask({"customer_id": customer(1)}))
    assert {(o.destination, o.state) for o in first.audiences} == {("ads", "removed"), ("mail", "settling")}
    assert not first.complete
    assert any("a late copy of an earlier request may undo it until" in sentence for sentence in first.open)
    assert email(1) not in town.on_mailchimp()
    assert town.traces((1,)) != []
    time.sleep(3)
    [second] = finish(town.project, wait_seconds=0)
    assert second.complete
    assert second.request == first.request
    assert all(o.receipt for o in second.audiences)
    assert town.traces((1,)) == []
    assert finish(town.project, wait_seconds=0) == []


def test_the_certificate_proves_and_names_nobody(town: Town) -> None:
    """What, where, when and the receipts, in JSON and in words; sealed; no personal data, the reason's included."""
    request = town.ask({"customer_id": customer(1)}, {"email": "nobody@example.org"})
    made = erase(town.project, request, who="dpo", why=f"{email(1)} wrote to us", wait_seconds=0)
    written = town.state / "certificates" / f"{made.request}.json"
    found = json.loads(written.read_text())
    assert found["complete"] is True
    assert found["people"] == 2
    assert len(set(found["subjects"])) == 2
    places = {(o["destination"], o["segment"]) for o in found["audiences"]}
    assert places == {("ads", "buyers"), ("mail", "buyers")}
    journalled = town.project.record
    receipts = {o["receipt"].split()[0] for o in found["audiences"]}
    assert all(len(receipt) == 26 for receipt in receipts), "each names the batch in the journal"
    assert journalled.status()
    assert found["deleted_rows"]["warehouse source.customers"] == 1
    text = written.with_suffix(".txt").read_text()
    assert "complete" in text
    for mark in [*marks(1), "nobody@example.org"]:
        assert mark not in written.read_text() + text
    with Register.open(town.state) as register:
        assert is_genuine(written, register)
        found["complete"] = False
        written.write_text(json.dumps(found))
        assert not is_genuine(written, register)


def test_somebody_nobody_knows_is_buried_all_the_same(town: Town) -> None:
    """Not in the sources, in no audience: the erasure is complete, and a file that brings them later is refused."""
    made = town.erase(town.ask({"email": "later@example.com"}))
    assert made.complete
    assert made.audiences == ()
    rows = [[customer(n), email(n), phone(n), "2017-01-01 00:00:00"] for n in range(119)]
    rows.append([customer(119), "Later@Example.com", phone(119), "2017-01-01 00:00:00"])
    town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
    town.night()
    with town.project.warehouse(read_only=True) as con:
        assert con.execute("select count(*) from source.customers").fetchall() == [(119,)]


STEPS = (
    *(
        f"ledger.{step}.{at}"
        for step in ("tie_erased", "point", "forget_erased")
        for at in ("before", "open", "after")
    ),
    *(f"journal.{step}.{at}" for step in ("plan", "sent", "settle") for at in ("before", "open", "after")),
    "platform.remove.before",
    "platform.remove.answered",
)


@pytest.mark.fault(
    "F37",
    injected="an erasure cut off at each commit and request",
    outcome="the same command goes on where it ended, the certificate is complete",
)
@pytest.mark.parametrize("number", range(len(STEPS)), ids=STEPS.__getitem__)
def test_an_erasure_that_died_is_repeated(pushed: Shop, number: int) -> None:
    """Cut off anywhere, the same request again ends complete, without a trace."""
    person = customer(CANARIES[0])
    request = pushed.folder.parent / "request.json"
    request.write_text(json.dumps({"people": [{"customer_id": person}]}))
    reached: list[str] = []

    def dies(point: str) -> None:
        if point == STEPS[number] and not reached:
            reached.append(point)
            raise Stop

    project = Project(pushed.settings())
    with observe(dies), pytest.raises(Stop):
        erase(project, request, who="dpo", why="asked", wait_seconds=0)
    assert erase(project, request, who="dpo", why="asked", wait_seconds=0).open == ()
    for destination, segment in (("ads", "buyers"), ("ads", "spenders"), ("mail", "buyers")):
        assert person not in pushed.members(destination, segment)
    home = pushed.settings().home
    assert [
        path.name for path in home.rglob("*") if path.is_file() and person.encode() in path.read_bytes()
    ] == []


BAD: list[tuple[str, str, str]] = [
    ("r.csv", "email\nnot an address\n", r"r\.csv:2: email is no address; write it as"),
    ("r.csv", "emial\na@example.com\n", r"r\.csv:1: a column or key is not known; did you mean email\?"),
    ("r.csv", "email,phone\na@example.com\n", r"r\.csv:2: 1 columns where the header has 2; repair"),
    ("r.csv", "email\nn/a\n", r"r\.csv:2: email is empty or a placeholder"),
    ("r.csv", "phone\n123\n", r"r\.csv:2: phone has fewer than seven digits"),
    ("r.csv", "email\na@example.com\na@example.com\n", r"r\.csv:3: the same person as .*r\.csv:2; leave one"),
    ("r.csv", "email\n", r"r\.csv: it names nobody"),
    ("r.csv", "", r"r\.csv:1: it has no header"),
    ("r.csv", "email,phone\n,\n", r"r\.csv:2: it identifies nobody"),
    ("r.json", "{", r"r\.json:1: is no JSON"),
    ("r.json", '{"persons": []}', r"r\.json: it is not a list of people"),
    ("r.json", '{"people": [{"customer_id": 7}]}', r"person 1: customer_id is no text; put it in quotes"),
    ("r.toml", "[[people]]\nemail = ", r"r\.toml.*: is no TOML"),
    ("r.toml", "[[people]]\nname = 'x'\n", r"person 1: a column or key is not known"),
    ("r.xlsx", "", r"its kind is not known by its name; call it \.csv"),
]


@pytest.mark.bad_input("B62")
@pytest.mark.parametrize(("name", "content", "sentence"), BAD)
def test_a_bad_request_erases_nobody(
    pushed: Shop, turnout: Turnout, name: str, content: str, sentence: str
) -> None:
    """Exit 2 and a sentence with file, place and fix that repeats no value; nothing was done."""
    Path(name).write_text(content)
    ran = turnout("erase", "--request", name, "--why", "asked")
    assert ran.code == 2
    assert re.search(sentence, ran.err)
    assert ran.err.strip().endswith("Nothing was erased")
    assert not (pushed.settings().state_dir / "erasures.sqlite").exists()
    for value in ("not an address", "a@example.com", "123"):
        assert value not in ran.err


def test_the_command(pushed: Shop, turnout: Turnout) -> None:
    """`turnout erase`: exit 0 when complete, the certificate's place, JSON with keys that stay; a reason is needed."""
    with Path("request.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["customer_id"], [customer(1)]])
    assert turnout("erase", "--request", "request.csv").code == 2
    ran = turnout("erase", "--request", "request.csv", "--why", "asked", "--json")
    assert ran.code == 0
    [told] = ran.objects
    assert set(told) == {
        "request", "asked_at", "written_at", "who", "why", "complete", "people", "subjects", "audiences",
        "deleted_rows", "tombstones", "open", "seal", "certificate",
    }  # fmt: skip
    assert Path(told["certificate"]).is_file()
    assert customer(1) not in pushed.members("ads", "buyers") | pushed.members("mail", "buyers")
    again = turnout("erase", "--request", "request.csv", "--why", "asked")
    assert again.code == 0
    assert told["request"] in again.out
    assert customer(1) not in ran.out + again.out
