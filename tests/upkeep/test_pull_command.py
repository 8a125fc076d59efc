"""`turnout pull`: asked, kept and honoured in one command; what it prints counts people and names nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.sandbox import SANDBOX_MAILCHIMP_KEY
from pipelines.assets.dev import variables
from pipelines.cli.exits import Exit
from pipelines.sources.pulled import FILE
from tests.assets.shop import customer
from tests.cli.conftest import Turnout
from tests.upkeep.leaving import leave, suppressed
from tests.upkeep.town import Town, digest, email, marks

KEYS = {"destination", "since", "new", "new_by_reason", "total", "newest", "honoured", "error"}


@pytest.fixture
def here(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The town, where commands find it."""
    monkeypatch.chdir(town.shop.folder)
    for name, value in variables(town.shop.settings(lock_wait_seconds=0)).items():
        monkeypatch.setenv(name, value)
    return town


@contextmanager
def warehouse_in_use(town: Town) -> Iterator[None]:
    """Another process has the warehouse."""
    code = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(town.shop.settings().warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        try:
            yield
        finally:
            holder.communicate("")


@pytest.mark.privacy("P07")
def test_the_next_push_honours_a_pull(here: Town, turnout: Turnout) -> None:
    """`turnout pull`, then `turnout sync`: gone from both platforms; nothing has to be loaded in between."""
    leave(here.sandbox, [email(1), email(3)])
    leave(here.sandbox, [email(5)], "cleaned")
    ran = turnout("pull")
    assert ran.code == Exit.OK, ran.err
    line = next(line for line in ran.out.splitlines() if line.strip().startswith("mail"))
    assert re.split(r"\s{2,}", line.strip())[:3] == ["mail", "3", "3"]
    assert "the next push honours it everywhere" in ran.out
    assert turnout("sync").code == Exit.OK
    gone = {email(n) for n in (1, 3, 5)}
    assert here.on_mailchimp() & gone == set()
    assert here.on_meta() & {digest(address) for address in gone} == set()


def test_the_machine_output(here: Town, turnout: Turnout) -> None:
    """One object a destination with keys that stay; the second pull knows everybody and says from when it asked."""
    leave(here.sandbox, [email(1)])
    [first] = turnout("pull", "mail", "--json").objects
    [second] = turnout("pull", "--json").objects
    [third] = turnout("pull", "mail", "--all", "--json").objects
    assert {frozenset(one) for one in (first, second, third)} == {frozenset(KEYS)}
    assert (first["new"], first["new_by_reason"], first["total"]) == (1, {"unsubscribed": 1}, 1)
    assert (first["since"], first["honoured"], first["error"]) == (None, True, None)
    assert (second["new"], second["total"], second["newest"]) == (0, 1, first["newest"])
    assert second["since"] < first["newest"]
    assert third["since"] is None


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["ads"], "ads: Meta does not tell who cannot be reached; destinations that do: mail"),
        (["mial"], "there is no destination 'mial'; did you mean 'mail'?"),
    ],
)
def test_what_cannot_be_asked_is_a_mistake(
    here: Town, turnout: Turnout, names: list[str], sentence: str
) -> None:
    """Exit 2 and a sentence; nobody was asked and nothing was written."""
    ran = turnout("pull", *names)
    assert ran.code == Exit.USAGE
    assert sentence in ran.err
    assert not (here.state / FILE).exists()


def test_where_no_tool_tells_that_is_said(
    here: Town, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an email tool in use there is nothing to ask, which is no mistake."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "meta", "mail": "file"}')
    monkeypatch.setenv("TURNOUT_MAIL_FOLDER", str(here.shop.folder / "files"))
    ran = turnout("pull")
    assert (ran.code, ran.out.strip()) == (
        Exit.OK,
        "No email tool that tells is in use: no segment syncs to one",
    )


def test_a_busy_warehouse_is_told_and_the_next_load_honours_it(here: Town, turnout: Turnout) -> None:
    """Exit 1 naming the process; what was pulled is kept, and `turnout sources` suppresses them."""
    leave(here.sandbox, [email(1)])
    with warehouse_in_use(here):
        ran = turnout("pull", "--json")
    assert ran.code == Exit.FAILED
    assert re.search(r"in use by process \d+", ran.err)
    assert "what was pulled is kept, and the next load honours it" in ran.err
    assert [one["honoured"] for one in ran.objects] == [False]
    assert customer(1) not in suppressed(here.project)
    assert turnout("sources").code == Exit.OK
    assert suppressed(here.project)[customer(1)] == "unsubscribed"


def test_without_a_warehouse_it_is_kept(here: Town, turnout: Turnout) -> None:
    """Before the first load there are no people to bring up to date; none are made of nothing."""
    here.shop.settings().warehouse_path.unlink()
    leave(here.sandbox, [email(1)])
    ran = turnout("pull")
    assert ran.code == Exit.OK
    assert "There is no warehouse yet: the first load honours what was pulled" in ran.out
    assert not here.shop.settings().warehouse_path.exists()


def test_a_tool_that_does_not_answer_is_told(
    here: Town, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with the connector's own sentence; what is known stays honoured."""
    leave(here.sandbox, [email(1)])
    assert turnout("pull").code == Exit.OK
    monkeypatch.setenv("TURNOUT_MAIL_API_KEY", "another-key-us21")
    ran = turnout("pull")
    assert ran.code == Exit.FAILED
    assert "set TURNOUT_MAIL_API_KEY" in ran.err
    assert suppressed(here.project)[customer(1)] == "unsubscribed"


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_nothing_that_is_printed_names_a_person(
    here: Town, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables, JSON and sentences of good and broken pulls hold no identifier, no digest and no key."""
    leave(here.sandbox, [email(n) for n in (1, 3)])
    ran = [turnout("pull"), turnout("pull", "--json"), turnout("pull", "--all")]
    (here.state / FILE).write_bytes(f"{email(1)} ".encode() * 500)
    ran.append(turnout("pull"))
    assert ran[-1].code == Exit.FAILED
    assert "turnout pull --all" in ran[-1].err
    monkeypatch.setenv("TURNOUT_MAIL_LIST_ID", "0000000000")
    ran.append(turnout("pull"))
    told = "".join(one.out + one.err for one in ran)
    assert [mark for n in (1, 3) for mark in [*marks(n), SANDBOX_MAILCHIMP_KEY] if mark in told] == []


def test_a_damaged_file_stops_the_load(here: Town, turnout: Turnout) -> None:
    """Opt-outs that cannot be read are not nobody's: the load says so, and people stay as they were."""
    leave(here.sandbox, [email(1)])
    assert turnout("pull").code == Exit.OK
    (here.state / FILE).write_bytes(b"no database " * 500)
    ran = turnout("sources")
    assert ran.code == Exit.FAILED
    assert "restore it from a backup, or move it away and ask them again: turnout pull --all" in ran.err
    assert suppressed(here.project)[customer(1)] == "unsubscribed"
    for path in here.state.glob(f"{FILE}*"):
        path.unlink()
    [told] = json.loads("[" + turnout("pull", "--json").out + "]")
    assert (told["new"], told["honoured"]) == (1, True)
    assert os.stat(here.state / FILE).st_mode & 0o077 == 0
