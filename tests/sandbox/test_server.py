"""The server itself: what survives a restart, what tests can read and set, and who may come in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import connectors.sandbox
from connectors.sandbox import SandboxServer, SandboxState
from connectors.sandbox.__main__ import main
from tests.sandbox.conftest import MailchimpCaller, MetaCaller, md5, sha256


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    """Audiences, members, contacts, switches and the log are the same after a restart on the same folder."""
    with SandboxServer(tmp_path) as first:
        meta, mailchimp = MetaCaller(first.meta_url), MailchimpCaller(first.mailchimp_url, None)
        audience = meta.audience("VIP")
        meta.users(audience, [[sha256("a@b.c")]])
        mailchimp.put("a@b.co")
        segment = mailchimp.segment()
        mailchimp.edit(segment, add=["a@b.co"])
        first.state.set_switches(meta_tier="limited")
        before = (first.state.audiences(), first.state.meta_members(audience), first.state.contacts())
        log = first.state.requests()
    with SandboxServer(tmp_path) as second:
        assert (
            second.state.audiences(),
            second.state.meta_members(audience),
            second.state.contacts(),
        ) == before
        assert second.state.switches().meta_tier == "limited"
        assert MetaCaller(second.meta_url).audience("next") != audience
        assert second.state.requests()[1:] == log
    assert SandboxState(tmp_path).audience("mailchimp", "vip").size == 1


def test_a_state_needs_a_sandbox(tmp_path: Path) -> None:
    """Reading where no sandbox ever ran is an error with the folder's name; a file is no folder."""
    with pytest.raises(FileNotFoundError, match="no sandbox has run"):
        SandboxState(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        SandboxServer(tmp_path / "file")


@pytest.mark.privacy("P42")
@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
def test_only_this_machine_is_served(tmp_path: Path, host: str) -> None:
    """A host that others can reach is refused before anything is opened."""
    with pytest.raises(ValueError, match="loopback"):
        SandboxServer(tmp_path, host=host)


@pytest.mark.privacy("P42")
@pytest.mark.privacy("P36")
def test_pages_from_elsewhere_are_kept_out(sandbox: SandboxServer) -> None:
    """A foreign Host (a rebound name) and a foreign Origin are refused, for platforms, API and pages alike."""
    for path in ("/", "/sandbox/api/contacts", "/mailchimp/3.0/ping"):
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert requests.get(sandbox.url + path, headers=headers, timeout=5).status_code == 403
    assert requests.get(sandbox.url, headers={"Origin": sandbox.url}, timeout=5).status_code == 200


def test_a_used_port_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Starting twice on one port is an error that names the port, not a traceback."""
    with SandboxServer(tmp_path / "a") as first:
        port = first.url.rpartition(":")[2]
        assert main(["--folder", str(tmp_path / "b"), "--port", port]) == 2
        assert f"port {port}" in capsys.readouterr().err


def test_a_wrong_fault_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with code 2 and the rule's message."""
    (tmp_path / "f.toml").write_text('[[fault]]\nplatform = "meta"\neffect = "rest"\n')
    assert main(["--folder", str(tmp_path / "s"), "--faults", str(tmp_path / "f.toml")]) == 2
    assert "did you mean 'reset'" in capsys.readouterr().err


def test_the_api_shows_what_is_held(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller
) -> None:
    """Audiences, members, requests, contacts and status changes as JSON."""
    audience = meta.audience("VIP")
    meta.users(audience, [[sha256("a@b.c")]])
    api = f"{sandbox.url}/sandbox/api"
    created = requests.post(
        f"{api}/contacts", json={"emails": ["l@b.co"], "status": "unsubscribed"}, timeout=5
    )
    assert created.json() == {"created": 1}
    mailchimp.put("l@b.co")
    segment = mailchimp.segment()
    mailchimp.edit(segment, add=["l@b.co"])

    def get(path: str, **params: str) -> object:
        return requests.get(f"{api}/{path}", params=params, timeout=5).json()

    assert [a["name"] for a in get("audiences", platform="meta")] == ["VIP"]  # type: ignore[attr-defined, union-attr]
    assert get("members", platform="meta", audience="VIP") == [{"EMAIL": sha256("a@b.c")}]
    assert get("members", platform="mailchimp", audience=str(segment)) == ["l@b.co"]
    (contact,) = get("contacts")  # type: ignore[misc]
    assert (contact["status"], contact["left_by"], contact["tags"]) == ("unsubscribed", "self", ["vip"])
    assert get("status-changes")["resubscribed"] == []  # type: ignore[index]
    assert get("requests", platform="meta", limit="1")[0]["rows"] == 1  # type: ignore[index]
    for path in ("members?platform=google", "members?platform=meta&audience=none", "requests?limit=x"):
        assert requests.get(f"{api}/{path}", timeout=5).status_code in (400, 404)


@pytest.mark.parametrize(
    "body",
    [{}, [], {"emails": "a@b.co"}, {"emails": ["a@b.co"], "status": "x"}, {"emails": ["nope"]}, {"email": ["a@b.co"]},
     {"emails": ["a@b.co"], "left_by": "x"}],
)  # fmt: skip
def test_contacts_are_put_in_with_care(sandbox: SandboxServer, body: object) -> None:
    """A wrong wish is refused and puts nobody in."""
    assert requests.post(f"{sandbox.url}/sandbox/api/contacts", json=body, timeout=5).status_code == 400
    assert sandbox.state.contacts() == []


def test_switches_are_set_by_name(sandbox: SandboxServer) -> None:
    """A known switch is set and kept; an unknown one or a wrong value is refused by name."""
    url = f"{sandbox.url}/sandbox/api/switches"
    assert (
        requests.post(url, json={"meta_terms_accepted": False}, timeout=5).json()["meta_terms_accepted"]
        is False
    )
    assert requests.get(url, timeout=5).json()["meta_terms_accepted"] is False
    for wish in ({"meta_term": True}, {"meta_tier": "huge"}, []):
        assert requests.post(url, json=wish, timeout=5).status_code == 400


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_the_log_keeps_no_identifier(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller
) -> None:
    """Neither an address, nor a hash, nor a token is in any line of the log, whatever came of the request."""
    secret, address = sha256("ada@example.com"), "ada@example.com"
    audience = meta.audience()
    meta.users(audience, [[secret]])
    meta.users(audience, [[secret], ["x", "y"]])
    meta.call("GET", "me", params={"access_token": "the-token"})
    mailchimp.put(address)
    mailchimp.put(address, status="archived")
    mailchimp.in_list("GET", f"/members/{address}")
    mailchimp.in_list("POST", f"/members/{md5(address)}/tags", json={"tags": []})
    mailchimp.edit(mailchimp.segment(), add=[address, "stranger@example.com"])
    mailchimp.in_list("POST", "/members", json={"email_address": address, "status": "subscribed"})
    log = repr(sandbox.state.requests())
    for private in (secret, address, md5(address), "stranger", "the-token"):
        assert private not in log
    page = requests.get(f"{sandbox.url}/requests", timeout=5).text
    assert md5(address) not in page


def test_the_sandbox_imports_nothing_of_the_project() -> None:
    """So that no misreading in a connector can hide in it: only its own modules, and none of pipelines."""
    folder = Path(connectors.sandbox.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.partition(".")[0] in ("connectors", "pipelines"):
                    assert name.startswith("connectors.sandbox"), f"{path.name} imports {name}"


def test_the_command_serves(tmp_path: Path) -> None:
    """`python -m connectors.sandbox` says where it is, serves, and ends cleanly when interrupted."""
    command = [sys.executable, "-m", "connectors.sandbox", "--folder", str(tmp_path), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = next(word for word in line.split() if word.startswith("http"))
            assert requests.get(url, timeout=10).status_code == 200
        finally:
            process.send_signal(2)
        assert process.wait(timeout=15) == 0
