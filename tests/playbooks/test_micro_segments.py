"""Messages for one person need no segment of one person: what is known of each travels with them."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer, SandboxState, connection_settings
from pipelines.cli.exits import Exit
from pipelines.project import Project
from pipelines.settings import Settings
from tests.cli.conftest import Turnout


@pytest.fixture
def shop(turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop's project with its sample loaded, this process in it."""
    assert turnout("init", "--playbook", "shop").code == Exit.OK
    monkeypatch.chdir(bare / "shop")
    assert turnout("sources").code == Exit.OK
    return bare / "shop"


@pytest.mark.requirement("AI-3")
def test_one_audience_carries_what_is_each_member_s(
    turnout: Turnout, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One segment, one audience, and in it as many different orders as there are: a message can go by each."""
    path = shop / "segment_defs" / "loyal_regulars.sql"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("\n*/", '\nattributes = { "Orders of 90 days" = "orders_90d" }\n*/'), encoding="utf-8"
    )
    monkeypatch.setenv("TURNOUT_DESTINATIONS", '{"email": "klaviyo", "ads": "file"}')
    with (shop / "data" / "customers.csv").open(encoding="utf-8") as file:
        addresses = {one["customer_id"]: one["email"] for one in csv.DictReader(file)}
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        for name, value in connection_settings(sandbox.url).items():
            monkeypatch.setenv(name.replace("TURNOUT_KLAVIYO_", "TURNOUT_EMAIL_"), value)
        with closing(SandboxState(tmp_path / "sandbox")) as state:
            state.email.put_people("klaviyo", addresses.values(), "subscribed")
        assert turnout("segments", "loyal_regulars").code == Exit.OK
        pushed = turnout("sync", "email/loyal_regulars", "--json")
        assert pushed.code == Exit.OK, pushed.out + pushed.err
    with closing(SandboxState(tmp_path / "sandbox")) as state:
        described = [(one.email, one.attributes.get("properties")) for one in state.email.people("klaviyo")]
    told = {email: each["Orders of 90 days"] for email, each in described if isinstance(each, dict)}
    with Project(Settings()).warehouse(read_only=True) as con:
        rows = con.execute("select email, orders_90d from people join features using (person_no)").fetchall()
    known = dict(rows)
    assert len(told) == pushed.objects[0]["held"] >= 50
    assert told == {email: known[email] for email in told}
    assert len(set(told.values())) >= 4


@pytest.mark.requirement("AI-3")
def test_a_segment_of_a_few_is_an_error(turnout: Turnout, shop: Path) -> None:
    """The micro-segments that this saves are too small to be treated by themselves, and the lint says so."""
    text = (shop / "segment_defs" / "loyal_regulars.sql").read_text(encoding="utf-8")
    header = text.partition("*/")[0].partition("[sync.email]")[0]
    with Project(Settings()).warehouse(read_only=True) as con:
        ((fewest, people),) = con.execute(
            "select orders_90d, count(*) from features where orders_90d > 0 group by 1 order by 2, 1 limit 1"
        ).fetchall()
    assert people < 50
    sql = f"select person_no\nfrom features\nwhere orders_90d = {fewest}"
    (shop / "segment_defs" / "exactly_so_many.sql").write_text(f"{header}*/\n{sql}\n", encoding="utf-8")
    ran = turnout("lint", "exactly_so_many", "--json")
    assert ran.code == Exit.USAGE
    assert ("QUA-1", "error") in {(one["rule"], one["severity"]) for one in ran.objects}
