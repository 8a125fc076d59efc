"""plan -o, apply, undo, hold, resume and decisions, as an operator types them."""

from __future__ import annotations

import getpass
import hashlib
import json
from pathlib import Path

import pytest

from connectors.sandbox import SANDBOX_META_TOKEN, SandboxServer
from pipelines.cli.exits import Exit
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout
from tests.cli.test_privacy import about_people, point_ads_at

APPLIED_KEYS = {
    "destination", "segment", "outcome", "sentence", "run_id", "added", "removed", "rejected", "uncertain", "held",
    "requests",
}  # fmt: skip
HOLD_KEYS = {"destination", "segment", "at", "who", "why", "undoes"}
DECISION_KEYS = {"at", "destination", "segment", "decision", "who", "why"}
"""Written out on purpose: scripts rely on them, so a key that goes is a breaking change."""


@pytest.mark.requirement("SUR-9", "IDEA-1")
def test_reviewed_and_applied_to_a_platform(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Plan, look, apply, apply again: the platform holds exactly the plan's people, and the second time nothing is
    asked of it."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        point_ads_at(sandbox, monkeypatch, SANDBOX_META_TOKEN)
        planned = turnout("plan", "ads/buyers", "-o", "plan.json")
        assert planned.code == Exit.OK, planned.err
        assert "look at it, then: turnout apply plan.json" in planned.err
        document = json.loads(Path("plan.json").read_text())
        [audience] = document["audiences"]
        assert audience["adds"] == len(computed.buyers())
        assert members(sandbox) == set(), "a plan sends nobody"
        checked = turnout("apply", "plan.json", "--check", "--json")
        assert [one["outcome"] for one in checked.objects] == ["fits"]
        applied = turnout("apply", "plan.json", "--json", "--why", "reviewed by the team")
        assert applied.code == Exit.OK, applied.err
        [done] = applied.objects
        assert set(done) == APPLIED_KEYS
        assert (done["outcome"], done["added"]) == ("applied", audience["adds"])
        emails = {hashlib.sha256(f"{c}@example.com".encode()).hexdigest() for c in computed.buyers()}
        assert emails <= members(sandbox)
        again = turnout("apply", "plan.json", "--json")
    assert again.code == Exit.OK
    assert [(one["outcome"], one["requests"]) for one in again.objects] == [("already", 0)]
    assert f"was applied by {getpass.getuser()} at " in again.err


def members(sandbox: SandboxServer) -> set[str]:
    """Every hash that any of Meta's audiences holds."""
    return {
        value
        for audience in sandbox.state.audiences("meta")
        for row in sandbox.state.meta_members(audience.id)
        for value in row.values()
    }


def test_an_edited_plan_is_a_mistake(pushed: Shop, turnout: Turnout) -> None:
    """The command refuses it before anything is opened, with the reason."""
    turnout("plan", "-o", "plan.json")
    text = Path("plan.json").read_text().replace('"segment": "buyers"', '"segment": "spenders"')
    Path("plan.json").write_text(text)
    ran = turnout("apply", "plan.json")
    assert ran.code == Exit.USAGE
    assert "plan.json: the plan is refused: it was changed after it was sealed" in " ".join(ran.err.split())


def test_a_world_that_changed_is_told(pushed: Shop, turnout: Turnout) -> None:
    """Somebody opted out since: nothing is applied, and the exit code says that somebody must look."""
    turnout("plan", "mail/buyers", "mail/browsers", "-o", "plan.json")
    pushed.opt_out(3)
    turnout("sources")
    turnout("segments")
    before = pushed.changes("mail", "buyers")
    ran = turnout("apply", "plan.json", "--json")
    assert ran.code == Exit.STOPPED
    assert {one["segment"]: one["outcome"] for one in ran.objects} == {
        "buyers": "refused",
        "browsers": "refused",
    }
    assert "1 removal more; 1 of them opted out or were erased" in ran.err
    assert pushed.changes("mail", "buyers") == before
    assert turnout("sync", "mail/").code == Exit.OK
    assert customer(3) not in pushed.members("mail", "buyers")


def test_undo_hold_resume_and_who_decided(pushed: Shop, turnout: Turnout) -> None:
    """A push is taken back, stays so over nights, is let go on; every decision is listed with name and reason."""
    pushed.segment(
        "browsers", "select distinct person_no\nfrom web_events\nwhere person_no % 2 = 0", ("mail",)
    )
    everybody = pushed.members("mail", "browsers")
    turnout("segments", "browsers")
    assert turnout("sync", "mail/browsers", "--accept-removals", "--why", "only half").code == Exit.OK
    half = pushed.members("mail", "browsers")
    assert half < everybody
    assert turnout("undo", "mail/browsers").code == Exit.USAGE, "a reason is needed"
    undone = turnout("undo", "mail/browsers", "--why", "wrong half", "--json")
    assert undone.code == Exit.OK, undone.err
    assert (undone.objects[0]["added"], undone.objects[0]["removed"]) == (len(everybody - half), 0)
    assert pushed.members("mail", "browsers") == everybody
    night = turnout("sync", "mail/browsers")
    assert night.code == Exit.STOPPED
    assert "on hold since" in night.err
    assert "turnout resume mail/browsers" in turnout("status").out.replace("\n", " ")
    resumed = turnout("resume", "mail/browsers", "--why", "it was right", "--json")
    assert [set(one) for one in resumed.objects] == [HOLD_KEYS]
    turnout("sync", "mail/browsers", "--accept-removals", "--why", "only half")
    assert pushed.members("mail", "browsers") == half
    held = turnout("hold", "mail/browsers", "--why", "stocktaking")
    assert held.code == Exit.OK
    assert "(stocktaking)" in held.out
    told = turnout("decisions", "--json").objects
    assert {frozenset(one) for one in told} == {frozenset(DECISION_KEYS)}
    assert [(one["decision"], one["why"]) for one in told] == [
        ("hold", "stocktaking"),
        ("overridden", "only half"),
        ("resume", "it was right"),
        ("undo", "wrong half"),
        ("overridden", "only half"),
    ]
    assert {one["who"] for one in told} == {getpass.getuser()}
    assert "wrong half" in turnout("decisions").out


def test_a_plan_of_what_can_not_be_planned_is_not_written(
    pushed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account without its credential: the sentence says so, and no half plan lies there to be applied."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "meta", "mail": "file"}')
    ran = turnout("plan", "-o", "plan.json")
    assert ran.code == Exit.FAILED
    assert "No plan was written" in ran.err
    assert not Path("plan.json").exists()


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_nothing_that_is_printed_names_a_person(pushed: Shop, turnout: Turnout) -> None:
    """Tables, JSON, sentences, the plan and the journal count people and name nobody."""
    pushed.segment(
        "browsers", "select distinct person_no\nfrom web_events\nwhere person_no % 2 = 0", ("mail",)
    )
    turnout("segments")
    ran = [
        turnout(*command, *json_)
        for command in (
            ["plan", "-o", "plan.json"],
            ["apply", "plan.json"],
            ["apply", "plan.json", "--accept-removals", "--why", "yes"],
            ["undo", "mail/browsers", "--why", "no"],
            ["hold", "ads/buyers", "--why", "wait"],
            ["resume", "ads/buyers"],
            ["decisions"],
        )
        for json_ in ([], ["--json"])
    ]
    printed = "".join(one.out + one.err for one in ran) + Path("plan.json").read_text()
    journal = b"".join(path.read_bytes() for path in (pushed.folder / "home/state").glob("journal.sqlite*"))
    assert "browsers" in printed
    assert [text for text in about_people(pushed) if text in printed or text.encode() in journal] == []


def test_all_accounts_or_none(pushed: Shop, turnout: Turnout) -> None:
    """An audience of one account that changed holds back those of the others; each is told."""
    pushed.segment(
        "spenders", "select person_no\nfrom orders\ngroup by person_no\nhaving sum(total) >= 90", ("ads",)
    )
    turnout("segments", "spenders")
    assert turnout("plan", "ads/spenders", "mail/browsers", "-o", "plan.json", "--json").code == Exit.STOPPED
    accept = ("--accept-removals", "--why", "fewer")
    pushed.segment("browsers", "select distinct person_no\nfrom web_events\nwhere person_no > 6", ("mail",))
    turnout("segments", "browsers")
    ran = turnout("apply", "plan.json", "--json", *accept)
    assert ran.code == Exit.STOPPED
    assert {one["segment"]: one["outcome"] for one in ran.objects} == {
        "spenders": "left",
        "browsers": "refused",
    }
    before = pushed.members("ads", "spenders")
    turnout("plan", "ads/spenders", "mail/browsers", "-o", "plan.json")
    ran = turnout("apply", "plan.json", "--json", *accept)
    assert ran.code == Exit.OK, ran.err
    assert pushed.members("ads", "spenders") < before
