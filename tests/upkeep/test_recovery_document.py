"""The commands of docs/recovery.md, run as they are written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.assets.shop import Shop
from tests.cli.conftest import Turnout
from tests.documents import ROOT

DOCUMENT = ROOT / "docs" / "recovery.md"


def typed(heading: str) -> list[list[str]]:
    """The commands of a section's shell blocks, in order, without the program's name."""
    text = DOCUMENT.read_text(encoding="utf-8")
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [
        line
        for block in re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    commands = [shlex.split(line) for line in lines]
    assert commands
    assert {words[0] for words in commands} == {"turnout"}
    return [words[1:] for words in commands]


@pytest.mark.promise("converges")
def test_backup_loss_and_recovery_as_documented(pushed: Shop, turnout: Turnout) -> None:
    """Back up on Monday, go on until the disk fails, restore, push: the platforms hold exactly who is wanted."""
    for command in typed("Back up"):
        assert turnout(*command).code == 0
    pushed.opt_out(1, 3)
    for command in (["sources"], ["segments"], ["sync"]):
        assert turnout(*command).code == 0
    Path("shop/home/state/ads.duckdb").unlink()
    commands = typed("After a loss: restore")
    assert [words[0] for words in commands] == ["restore", "sync", "sync"]
    assert turnout("restore", "backups/monday", "--why", "forgot a word").code == 2
    for command in commands:
        assert turnout(*command).code == 0
        if command[0] == "sync":
            assert pushed.members("ads", "buyers") == pushed.buyers()
            assert pushed.members("mail", "browsers") == pushed.browsers()
    assert [one["requests"] for one in turnout("sync", "--json").objects] == [0] * 4


def test_backup_and_restore_for_machines(pushed: Shop, turnout: Turnout) -> None:
    """`--json`: one object, with keys that stay."""
    [made] = turnout("backup", "b", "--json").objects
    assert set(made) == {"folder", "taken_at", "ledgers", "files", "bytes"}
    assert made["ledgers"] == ["ads", "mail"]
    [done] = turnout("restore", "b", "--replace", "--why", "a test", "--json").objects
    assert set(done) == {"folder", "taken_at", "ledgers", "doubted", "aside"}
    assert set(done["doubted"]) == {"ads/buyers", "ads/spenders", "mail/browsers", "mail/buyers"}
    assert Path(done["aside"]).is_dir()


def test_a_backup_can_be_read_without_turnout(pushed: Shop, turnout: Turnout) -> None:
    """Its stores are ordinary files: an operator can look into them with ordinary tools."""
    assert turnout("backup", "b").code == 0
    manifest = json.loads(Path("b/backup.json").read_text())
    assert [part["name"] for part in manifest["parts"]] == ["ads.duckdb", "journal.sqlite", "mail.duckdb"]
    with closing(duckdb.connect("b/ads.duckdb", read_only=True)) as con:
        [[held]] = con.execute("select count(*) from members").fetchall()
    assert held == len(pushed.members("ads", "buyers")) + len(pushed.members("ads", "spenders"))
    shutil.rmtree("b")
