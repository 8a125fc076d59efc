"""The web pages: they show what is held, mask people, and escape everything."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.faults.reading import KINDS, parse_faults
from connectors.sandbox.pages.masking import mask_email
from tests.conftest import require
from tests.sandbox.conftest import MailchimpCaller, MetaCaller, PracticeCaller, sha256

NASTY = "<script>alert(\"x\")</script> & 'co'"
VOID = {"meta", "link", "input", "br", "img"}


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order, and collects what the page loads or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        given = dict(attrs)
        if tag in ("script", "img", "iframe") or (tag == "link" and given.get("rel") != "icon"):
            self.loads.append(f"{tag} {given.get('src') or given.get('href')}")
        assert not any(name.startswith("on") for name in given), f"{tag} has a script in {given}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Self-closed drawing elements need no end."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def page(sandbox: SandboxServer, path: str, status: int = 200) -> str:
    answer = requests.get(sandbox.url + path, timeout=10)
    assert answer.status_code == status, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    parser = Balanced()
    parser.feed(answer.text)
    assert parser.open == []
    assert parser.loads == ["link /style.css"]
    return answer.text


@pytest.fixture
def filled(sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller) -> dict[str, str]:
    """Both platforms with a badly named audience each, changes, failures and a fault."""
    audience = meta.audience(NASTY)
    for upto in (3, 9):
        meta.users(
            audience, [[sha256(f"{n}@b.c"), f"crm-{n:06}"] for n in range(upto)], ("EMAIL", "EXTERN_ID")
        )
    meta.users(audience, [[sha256("1@b.c")]], method="DELETE")
    meta.users(audience, [["x", "y"]])
    sandbox.state.put_contacts(["ada.lovelace@example.com"])
    segment = str(mailchimp.segment(NASTY))
    mailchimp.edit(int(segment), add=["ada.lovelace@example.com"])
    meta.call("GET", f"{NASTY}/<b>")
    rule = {"platform": "meta", "effect": "lost_answer", "path": "<i>*", "after": 2}
    sandbox.faults.replace(parse_faults([rule]))
    return {"meta": audience, "mailchimp": segment}


def test_the_overview_shows_sizes_and_requests(sandbox: SandboxServer, filled: dict[str, str]) -> None:
    """Both platforms, their audiences with sizes, the last requests and that faults are in force."""
    text = page(sandbox, "/")
    assert re.search(r'class="num">8<', text)
    assert "1 fault rule in force" in text
    assert f"{sandbox.url}/mailchimp/3.0" in text
    assert "<b>1</b> subscribed" in text
    assert "<b>0</b> resubscribed" in text


@pytest.mark.bad_input("B90")
@pytest.mark.privacy("P41")
@pytest.mark.parametrize(
    "path", ["/", "/audiences/meta/{meta}", "/audiences/mailchimp/{mailchimp}", "/requests", "/faults"]
)
def test_names_from_outside_are_escaped(sandbox: SandboxServer, filled: dict[str, str], path: str) -> None:
    """A name, path or rule that looks like HTML is shown as text on every page."""
    text = page(sandbox, path.format(**filled))
    assert "<script" not in text
    assert "<i>*" not in text
    assert "<b>{NASTY}" not in text


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_people_are_masked(sandbox: SandboxServer, filled: dict[str, str]) -> None:
    """No page holds a whole hash, id or address."""
    for path in (
        "/",
        f"/audiences/meta/{filled['meta']}",
        f"/audiences/mailchimp/{filled['mailchimp']}",
        "/requests",
    ):
        text = page(sandbox, path)
        assert not re.search(r"[0-9a-f]{32}", text.replace("sandbox00000000000000000000000000", ""))
        assert "lovelace" not in text
        assert "crm-000" not in text
    assert mask_email("ada.lovelace@mail.example.com") == "a•••@m•••.com"


def test_an_audience_shows_its_history(sandbox: SandboxServer, filled: dict[str, str]) -> None:
    """Adds, removes and size by request, as numbers and drawn."""
    text = page(sandbox, f"/audiences/meta/{filled['meta']}")
    assert "+9" in text
    assert "−1" in text
    assert text.count('class="add"') == 3
    assert "8 of 8, masked" in text
    page(sandbox, "/audiences/meta/5", status=404)


def test_the_log_is_filtered_and_paged(
    sandbox: SandboxServer, meta: MetaCaller, filled: dict[str, str]
) -> None:
    """By platform, method, audience and failure; older pages follow on."""
    assert ">mailchimp<" not in page(sandbox, "/requests?platform=meta")
    assert page(sandbox, "/requests?method=DELETE").count("<tr>") == 2
    failed = page(sandbox, "/requests?failed=1")
    assert 'class="status s2"' not in failed
    assert 'class="status s4"' in failed
    for _ in range(101):
        meta.call("GET", "me")
    older = re.search(r'href="(/requests\?before=[^"]+)"', page(sandbox, "/requests"))
    assert older
    assert "Older requests" not in page(sandbox, older[1].replace("&amp;", "&"))


def test_the_faults_page_sets_and_clears(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """A rule from the form is in force at once; a wrong one is told; all can be removed."""
    form = {
        "platform": "meta",
        "effect": "delay",
        "settings": "seconds=0.01",
        "times": "1",
        "path": "",
        "method": "",
    }
    assert "answers late" in requests.post(f"{sandbox.url}/faults", data=form, timeout=5).text
    assert sandbox.faults.posted()[0].rule.times == 1
    wrong = requests.post(f"{sandbox.url}/faults", data={**form, "settings": "second=1"}, timeout=5)
    assert (wrong.status_code, "did you mean" in wrong.text) == (400, True)
    assert len(sandbox.faults.posted()) == 1
    requests.post(f"{sandbox.url}/faults/remove/0", timeout=5)
    requests.post(f"{sandbox.url}/faults/remove/0", timeout=5)
    assert sandbox.faults.posted() == []
    for effect in KINDS:
        assert f"<code>{effect}</code>" in page(sandbox, "/faults")


def test_the_clock_form_lets_time_pass(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """Requests that wait are told of, hours pass when asked for, and what was waiting is applied at once."""
    audience = practice.audience()
    rule = {"platform": "practice", "path": "*/members", "effect": "late_copy", "seconds_later": 7_200}
    sandbox.faults.replace(parse_faults([{**rule, "times": 1}]))
    practice.edit(audience, ["a"])
    practice.edit(audience, ["a"], op="remove")
    assert "1 request held back" in page(sandbox, "/faults")
    before = sandbox.state.now()
    shown = requests.post(f"{sandbox.url}/clock", data={"hours": "2.5"}, timeout=5)
    assert "held back" not in shown.text
    assert 9_000 <= sandbox.state.now() - before < 9_060
    assert practice.size(audience) == 1
    for wrong in ("", "x", "-1", "nan", "inf"):
        refused = requests.post(f"{sandbox.url}/clock", data={"hours": wrong}, timeout=5)
        assert (refused.status_code, "a positive number" in refused.text) == (400, True)


def test_the_switches_form_sets_all(sandbox: SandboxServer) -> None:
    """An unticked box is off, a ticked one on, and a wrong value is told without changing anything."""
    form = {
        "meta_token_expired": "true",
        "meta_tier": "limited",
        "meta_processing_seconds": "5",
        "mailchimp_batch_seconds": "1",
    }
    assert requests.post(f"{sandbox.url}/switches", data=form, timeout=5).status_code == 200
    switches = sandbox.state.switches()
    assert (switches.meta_terms_accepted, switches.meta_token_expired) == (False, True)
    assert (switches.meta_tier, switches.meta_processing_seconds) == ("limited", 5)
    assert (
        requests.post(f"{sandbox.url}/switches", data={**form, "meta_tier": "x"}, timeout=5).status_code
        == 400
    )
    assert sandbox.state.switches() == switches


@pytest.mark.live
def test_a_browser_draws_the_pages(sandbox: SandboxServer, filled: dict[str, str], tmp_path: Path) -> None:
    """A real browser renders every page under the content policy: the style sheet is applied, nothing is blocked."""
    require(shutil.which("chromium"), "chromium is not installed")
    for number, path in enumerate(("/", f"/audiences/meta/{filled['meta']}", "/requests", "/faults")):
        shot = tmp_path / f"{number}.png"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                   "--no-first-run", "--enable-logging=stderr", f"--user-data-dir={tmp_path}/profile",
                   f"--screenshot={shot}", "--window-size=1280,900", sandbox.url + path]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert "Content Security Policy" not in done.stderr
        assert shot.stat().st_size > 20_000
