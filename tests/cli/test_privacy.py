"""What commands print and keep names no person and no secret."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from pipelines.cli.exits import Exit
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Ran, Turnout

TOKEN = "EAAcanary0token0that0nobody0may0see"


def about_people(shop: Shop) -> list[str]:
    """Every e-mail address of the shop and its digest, as text that must turn up nowhere."""
    emails = [f"{customer(n)}@example.com" for n in range(shop.people)]
    return emails + [hashlib.sha256(email.encode()).hexdigest() for email in emails]


def point_ads_at(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """The destination ``ads`` is Meta, as the sandbox plays it."""
    for name, value in {
        "TURNOUT_DESTINATIONS": '{"ads": "meta", "mail": "file"}',
        "TURNOUT_ADS_BASE_URL": sandbox.meta_url,
        "TURNOUT_ADS_TOKEN": token,
        "TURNOUT_ADS_AD_ACCOUNT": "act_1000000000000001",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_no_output_and_no_journal_names_a_person(pushed: Shop, turnout: Turnout) -> None:
    """Tables, JSON, sentences and the journal count people; identifiers, hashed or not, are in none of them."""
    pushed.opt_out(3, 5)
    pushed.break_source("web_events")
    pushed.segment("typo", "select person_no from ordres", ("mail",))
    commands = [
        [name, *json]
        for name in ("sources", "segments", "plan", "sync", "status")
        for json in ([], ["--json"])
    ]
    ran = [turnout(*command) for command in commands]
    printed = "".join(one.out + one.err for one in ran)
    journal = b"".join(path.read_bytes() for path in (pushed.folder / "home/state").glob("journal.sqlite*"))
    assert len(journal) > 10_000, "the journal was not read"
    assert "buyers" in printed
    assert [text for text in about_people(pushed) if text in printed or text.encode() in journal] == []


@pytest.mark.privacy("P27", "P32")
@pytest.mark.promise("quiet")
def test_row_faults_are_told_by_number(shop: Shop, turnout: Turnout) -> None:
    """A broken row of a source is named by its number; nothing that is in it is repeated."""
    rows = [(customer(n), f"{customer(n)}@example.com", "2017-01-01 00:00:00") for n in range(5)]
    shop.write("customers", ["customer_id", "email", "created_at"], [*rows, rows[2]])
    ran = turnout("sources")
    assert ran.code == Exit.FAILED
    assert "customers.csv" in ran.err
    assert re.search(r"\b(7|6)\b", ran.err), "the row's number"
    assert [text for text in (*about_people(shop), customer(2)) if text in ran.out + ran.err] == []


@pytest.mark.privacy("P26")
@pytest.mark.bad_input("B99")
@pytest.mark.promise("quiet")
@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (f"{TOKEN}\n", "TURNOUT_ADS_TOKEN contains white space or a line break"),
        (f'"{TOKEN}"', "TURNOUT_ADS_TOKEN has quotes around it"),
        (TOKEN, "the access token is not valid any more; make a new one"),
    ],
)
def test_a_secret_is_never_repeated(
    computed: Shop,
    turnout: Turnout,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    token: str,
    sentence: str,
) -> None:
    """A token that is malformed or refused by the platform: the variable is named, the token never."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        point_ads_at(sandbox, monkeypatch, token)
        ran = [turnout("sync", "ads/buyers"), turnout("sync", "ads/buyers", "--json"), turnout("status")]
    assert [one.code for one in ran] == [Exit.FAILED, Exit.FAILED, Exit.OK]
    said = " ".join(ran[1].objects[0]["errors"])
    assert sentence in said
    assert "TURNOUT_ADS_TOKEN" in said
    assert_nowhere(TOKEN, ran, computed.folder / "home")


@pytest.mark.privacy("P26", "P28")
@pytest.mark.promise("quiet")
def test_a_dead_platform_tells_no_secret(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody listens at the platform's address: the push fails with a sentence, without token or people."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        point_ads_at(sandbox, monkeypatch, TOKEN)
    ran = [turnout("sync", "ads/buyers", "--json")]
    assert ran[0].code == Exit.FAILED
    assert ran[0].objects[0]["status"] == "failed"
    assert_nowhere(TOKEN, ran, computed.folder / "home")
    assert [text for text in about_people(computed) if text in ran[0].out + ran[0].err] == []


def assert_nowhere(secret: str, ran: list[Ran], home: Path) -> None:
    """Neither in what was printed nor in any file that Turnout keeps."""
    kept = [path for path in sorted(home.rglob("*")) if path.is_file()]
    assert kept
    assert not any(secret in one.out + one.err for one in ran)
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
