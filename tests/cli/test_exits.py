"""Exit codes mean something, and what went wrong is a sentence that says what to do."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

import pytest

from pipelines.cli.exits import Exit
from pipelines.project import Project
from pipelines.settings import Settings
from tests.assets.shop import BUYERS, SPENDERS, Shop, customer
from tests.cli.conftest import Turnout


def shrink(shop: Shop, turnout: Turnout) -> None:
    """Most orders vanish from the source: 20 of 60 buyers are left."""
    shop.write(
        "orders",
        ["order_id", "customer_id", "ordered_at", "total"],
        ((f"o{n}", customer(n), "2017-12-20 10:00:00", 10 + n) for n in range(1, 40, 2)),
    )
    assert turnout("sources").code == Exit.OK
    assert turnout("segments").code == Exit.OK


def test_fine_is_zero(shop: Shop, turnout: Turnout) -> None:
    """Load, compute, plan, push and look: each is 0 when all went well."""
    for command in ("sources", "segments", "plan", "sync", "status"):
        ran = turnout(command)
        assert ran.code == Exit.OK, ran.err
        assert "buyers" in ran.out or command == "sources"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["segments", "byers"], "there is no segment 'byers'; did you mean 'buyers'?"),
        (["plan", "byers"], "there is no audience 'byers'; did you mean 'buyers'?"),
        (["sync", "mail/browserz"], "there is no audience 'mail/browserz'; did you mean 'mail/browsers'?"),
        (["sync", "males/"], "there is no audience 'males/'"),
    ],
)
def test_unknown_name_is_a_mistake(
    computed: Shop, turnout: Turnout, command: list[str], sentence: str
) -> None:
    """A name that is not defined: 2, the nearest name, and nothing is done."""
    ran = turnout(*command)
    assert ran.code == Exit.USAGE
    assert sentence in ran.err
    assert not computed.destination_folder("mail").exists()


@pytest.mark.parametrize("day", ["2017-13-01", "yesterday", "31.12.2017"])
def test_a_day_that_is_none(computed: Shop, turnout: Turnout, day: str) -> None:
    """``--as-of`` takes YYYY-MM-DD and says so."""
    ran = turnout("segments", "--as-of", day)
    assert ran.code == Exit.USAGE
    assert "write YYYY-MM-DD" in ran.err


@pytest.mark.parametrize("command", ["segments", "plan", "sync"])
def test_before_the_first_load(shop: Shop, turnout: Turnout, command: str) -> None:
    """Without a warehouse every command says which one comes first, and no audience is even opened."""
    ran = turnout(command)
    assert ran.code == Exit.FAILED
    assert "turnout sources" in ran.err
    assert list(shop.folder.rglob("members.jsonl")) == []


def test_broken_segment_is_named_by_file_and_line(shop: Shop, turnout: Turnout) -> None:
    """``segments --check`` is red with file, line and the nearest valid name."""
    path = shop.segment("typo", BUYERS.replace("from orders", "from ordres"), ("mail",))
    line = path.read_text().splitlines().index("from ordres") + 1
    ran = turnout("segments", "--check")
    assert ran.code == Exit.USAGE
    assert f"typo.sql:{line}" in ran.err
    assert "'orders'" in ran.err
    assert "3 segments are fine, 1 broken" in ran.out


def test_broken_segment_stops_no_other(shop: Shop, turnout: Turnout) -> None:
    """The others are computed and pushed; the broken one is failing by name."""
    assert turnout("sources").code == Exit.OK
    shop.segment("typo", "select person_no from ordres", ("mail",))
    ran = turnout("segments", "--json")
    assert ran.code == Exit.FAILED
    sizes = {one["name"]: one["size"] for one in ran.objects}
    assert sizes == {"browsers": 40, "buyers": 60, "spenders": 40, "typo": None}
    [error] = [one["error"] for one in ran.objects if one["error"]]
    assert "typo.sql" in error
    assert "typo.sql" in ran.err
    synced = turnout("sync")
    assert "typo.sql" in synced.err
    assert shop.members("mail", "buyers") == shop.buyers()


def test_check_reads_definitions_alone(shop: Shop, turnout: Turnout) -> None:
    """Definitions can be checked where no data are: in CI."""
    ran = turnout("segments", "--check")
    assert ran.code == Exit.OK, ran.err
    assert not (shop.folder / "home").exists()


@pytest.mark.fault(
    "F60",
    injected="a source arrives without its columns",
    outcome="its own segments stop; yesterday's table stays, the others go on",
)
def test_broken_source_is_red_and_stops_its_own(pushed: Shop, turnout: Turnout) -> None:
    """A file without its columns: 1, the file and column named, other sources loaded, yesterday's table stays."""
    pushed.break_source("web_events")
    ran = turnout("sources", "--json")
    assert ran.code == Exit.FAILED
    failed = {one["source"]: one["error"] for one in ran.objects if one["error"]}
    assert set(failed) == {"web_events"}
    assert "web_events.csv" in failed["web_events"]
    assert re.search(r"event_id|customer_id", failed["web_events"])
    assert failed["web_events"].split("\n")[0] in ran.err
    computed = {one["name"]: one["error"] for one in turnout("segments", "--json").objects}
    assert computed["buyers"] is None
    assert "web_events" in computed["browsers"]


@pytest.mark.fault(
    "F59",
    injected="most people leave a segment overnight",
    outcome="exit code 3 with the word that lets them pass; nobody is removed",
)
def test_guard_stops_with_three(pushed: Shop, turnout: Turnout) -> None:
    """Too many removals: 3, the sentence with the word that lets them pass, and nobody is removed."""
    shrink(pushed, turnout)
    before = pushed.members("mail", "buyers")
    planned = turnout("plan", "mail/buyers", "--json")
    assert planned.code == Exit.STOPPED
    assert planned.objects[0]["verdict"] == "too_many_removals"
    ran = turnout("sync", "mail/buyers", "--json")
    assert ran.code == Exit.STOPPED
    [buyers] = ran.objects
    assert (buyers["status"], buyers["verdict"], buyers["removed"]) == ("stopped", "too_many_removals", 0)
    assert "accept_removals" in buyers["sentence"]
    assert "accept_removals" in ran.err
    assert pushed.members("mail", "buyers") == before


def test_override_needs_a_reason(pushed: Shop, turnout: Turnout) -> None:
    """Without ``--why`` (or with an empty one) a guard is not overridden: 2, and nothing moves."""
    shrink(pushed, turnout)
    before = pushed.members("mail", "buyers")
    for arguments in (["--accept-removals"], ["--accept-growth", "--why", "  "]):
        ran = turnout("sync", "mail/buyers", *arguments)
        assert ran.code == Exit.USAGE
        assert "--why" in ran.err
    assert pushed.members("mail", "buyers") == before
    assert Project(Settings()).record.decisions() == []


@pytest.mark.privacy("P47")
def test_override_is_recorded(pushed: Shop, turnout: Turnout) -> None:
    """An override passes this once, and who and why are kept."""
    shrink(pushed, turnout)
    ran = turnout("sync", "mail/buyers", "--accept-removals", "--why", "the shop closed a branch", "--json")
    assert ran.code == Exit.OK
    [buyers] = ran.objects
    assert buyers["verdict"] == "overridden"
    assert buyers["removed"] == 59 - 20
    assert pushed.members("mail", "buyers") == {customer(n) for n in range(1, 40, 2)}
    decisions = [
        d for d in Project(Settings()).record.decisions() if (d.destination, d.segment) == ("mail", "buyers")
    ]
    assert [(d.who, d.why) for d in decisions] == [(getpass.getuser(), "the shop closed a branch")]


def test_growth_stops_with_three(pushed: Shop, turnout: Turnout) -> None:
    """A size jump is held back until somebody says that it is right."""
    pushed.segment("spenders", SPENDERS.replace(">= 50", ">= 100"), ("ads",))
    assert turnout("segments").code == Exit.OK
    assert turnout("sync", "ads/spenders", "--accept-removals", "--why", "a test").code == Exit.OK
    pushed.segment("spenders", SPENDERS.replace(">= 50", ">= 1"), ("ads",))
    assert turnout("segments").code == Exit.OK
    ran = turnout("sync", "ads/spenders", "--json")
    assert ran.code == Exit.STOPPED
    assert ran.objects[0]["verdict"] == "size_jump"
    accepted = turnout("sync", "ads/spenders", "--accept-growth", "--why", "bar lowered", "--json")
    assert accepted.code == Exit.OK
    assert pushed.members("ads", "spenders") == pushed.buyers()


@pytest.mark.privacy("P06", "P07")
def test_opt_out_passes_a_stopped_audience(pushed: Shop, turnout: Turnout) -> None:
    """A guard holds back removals of the segment's making, never an opt-out."""
    pushed.opt_out(1)
    shrink(pushed, turnout)
    ran = turnout("sync", "mail/buyers", "--json")
    assert ran.code == Exit.STOPPED
    assert ran.objects[0]["removed"] == 1
    assert customer(1) not in pushed.members("mail", "buyers")


def test_destination_that_cannot_be_opened(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A destination without credentials fails by name with the variables to set; the other is pushed."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "meta", "mail": "file"}')
    ran = turnout("sync", "--json")
    assert ran.code == Exit.FAILED
    ended = {(one["destination"], one["segment"]): one for one in ran.objects}
    assert ended["ads", "buyers"]["status"] == "failed"
    assert "TURNOUT_ADS_TOKEN" in ended["ads", "buyers"]["errors"][0]
    assert ended["mail", "buyers"]["status"] == "delivered"


@pytest.mark.bad_input("B87")
@pytest.mark.privacy("P46")
def test_unknown_connector(computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination of an unknown kind is a mistake with the nearest name."""
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"ads": "mailchump", "mail": "file"}')
    ran = turnout("sync")
    assert ran.code == Exit.USAGE
    assert "did you mean 'mailchimp'?" in ran.err


@pytest.mark.privacy("P26")
@pytest.mark.bad_input("B98")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TURNOUT_MAX_REMOVED", "hush-7"),
        ("TURNOUT_TODAY", "hush-day"),
        ("TURNOUT_DESTINATIONS", "{hush"),
        ("TURNOUT_TIMEZONE", "Hush/Town"),
        ("TURNOUT_THREADS", "-424242"),
    ],
)
def test_settings_mistake_names_the_variable_never_its_value(
    shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A wrong setting is named, and what it was set to is not repeated: it may be a secret in the wrong place."""
    monkeypatch.setenv(variable, value)
    ran = turnout("status")
    assert ran.code == Exit.USAGE
    assert variable in ran.err
    assert value not in ran.out + ran.err


def test_missing_sources_file(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declaration that is not there is a mistake in the settings, with the variable to mend."""
    monkeypatch.setenv("TURNOUT_SOURCES", "nowhere/sources.toml")
    ran = turnout("sources")
    assert ran.code == Exit.USAGE
    assert "sources.toml: there is no such file" in ran.err
    assert "TURNOUT_SOURCES" in ran.err


def test_sandbox_faults_are_checked(bare: Path, turnout: Turnout) -> None:
    """``turnout sandbox --faults`` with a misspelt rule: 2 and the nearest name; no server starts."""
    (bare / "faults.toml").write_text('[[fault]]\nplatform = "meta"\neffect = "dealy"\nseconds = 1\n')
    ran = turnout("sandbox", "--faults", "faults.toml")
    assert ran.code == Exit.USAGE
    assert "did you mean 'delay'?" in ran.err


def test_no_such_command(bare: Path, turnout: Turnout) -> None:
    """A misspelt command is a mistake."""
    assert turnout("snyc").code == Exit.USAGE
