"""A platform's size is held against ours with its lag, its rounding and its ranges in mind; drift is a warning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import ReadBack, Reported
from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from pipelines.member_drift import Compared
from pipelines.project import Project
from pipelines.reconciliation import Measured, Word, history, judge, reconcile
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout

NOW = datetime(2018, 1, 2, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
EXACT = ReadBack(lag=timedelta(0))
ROUNDED = ReadBack(lag=timedelta(hours=1), tolerance=0.1)
MATCHED = ReadBack(lag=timedelta(hours=48), tolerance=0.1, matched_only=True)
USUAL = (0.6, 0.62, 0.58)


@pytest.mark.fault(
    "F34",
    injected="sizes above and below what is held",
    outcome="a warning that says what to do, never a change",
)
@pytest.mark.parametrize(
    ("reading", "lower", "upper", "sent_at", "shares", "word"),
    [
        (EXACT, 1000, 1000, LONG_AGO, (), "fine"),
        (EXACT, 1001, 1001, LONG_AGO, (), "too_many"),
        (EXACT, 999, 999, LONG_AGO, (), "too_few"),
        (EXACT, 999, 999, NOW, (), "too_few"),
        (EXACT, None, None, LONG_AGO, (), "unknown"),
        (ROUNDED, 1100, 1100, LONG_AGO, (), "fine"),
        (ROUNDED, 1101, 1101, LONG_AGO, (), "too_many"),
        (ROUNDED, 900, 900, LONG_AGO, (), "fine"),
        (ROUNDED, 899, 899, LONG_AGO, (), "too_few"),
        (ROUNDED, 0, 0, NOW - timedelta(minutes=59), (), "too_early"),
        (ROUNDED, 0, 0, NOW - timedelta(hours=1), (), "too_few"),
        (ROUNDED, 0, 0, None, (), "too_few"),
        (MATCHED, 600, 700, LONG_AGO, (), "fine"),
        (MATCHED, 10, 20, LONG_AGO, (), "fine"),
        (MATCHED, 10, 20, LONG_AGO, USUAL, "too_few"),
        (MATCHED, 470, 479, LONG_AGO, USUAL, "too_few"),
        (MATCHED, 470, 480, LONG_AGO, USUAL, "fine"),
        (MATCHED, 1101, 1300, LONG_AGO, USUAL, "too_many"),
        (MATCHED, 1000, 1300, LONG_AGO, USUAL, "fine"),
        (MATCHED, 1101, 1300, NOW - timedelta(hours=47), USUAL, "too_early"),
        (MATCHED, None, 1000, LONG_AGO, USUAL, "unknown"),
    ],
)
def test_verdicts(
    reading: ReadBack,
    lower: int | None,
    upper: int | None,
    sent_at: datetime | None,
    shares: tuple[float, ...],
    word: Word,
) -> None:
    """With 1,000 held: each bound is judged at its edge, and nothing before the platform can have counted."""
    assert judge(1000, Reported(lower, upper), reading, sent_at=sent_at, now=NOW, shares=shares) == word


def test_nobody_held() -> None:
    """An empty audience is fine when nobody is reported, and drifted when somebody is."""
    assert judge(0, Reported(0, 0), MATCHED, sent_at=None, now=NOW, shares=USUAL) == "fine"
    assert judge(0, Reported(5, 9), MATCHED, sent_at=None, now=NOW, shares=USUAL) == "too_many"


def project(shop: Shop) -> Project:
    """The shop's project."""
    return Project(shop.settings())


def test_what_somebody_changed_by_hand_is_seen(pushed: Shop, turnout: Turnout) -> None:
    """Somebody adds to and takes from the platform's list: exit 3, both directions named, the way on works."""
    assert {one["verdict"] for one in turnout("reconcile", "--json").objects} == {"fine"}
    buyers, browsers = pushed.members_file("ads", "buyers"), pushed.members_file("mail", "browsers")
    buyers.write_text(buyers.read_text() + '{"external_id":"stranger"}\n')
    browsers.write_text("".join(browsers.read_text().splitlines(keepends=True)[3:]))
    ran = turnout("reconcile")
    assert ran.code == 3
    said = " ".join(ran.out.split())
    assert "ads/buyers: 60 people reported where 59 are held: somebody is there whom no ledger knows" in said
    assert "mail/browsers: 37 people reported where 40 are held" in said
    assert "turnout sync mail/browsers --resync" in said
    assert turnout("sync", "mail/browsers", "--resync").code == 0
    assert turnout("reconcile", "mail/browsers").code == 0
    assert [m.verdict for m in history(project(pushed), "mail", "browsers")] == ["fine", "too_few", "fine"]


def test_for_machines(pushed: Shop, turnout: Turnout) -> None:
    """`--json`: an object an audience, with keys that stay."""
    [told] = turnout("reconcile", "ads/buyers", "--json").objects
    assert set(told) == {
        "at", "destination", "segment", "held", "lower", "upper", "verdict", "status", "share", "sentence",
    }  # fmt: skip
    assert (told["held"], told["lower"], told["upper"], told["share"]) == (59, 59, 59, 1.0)


def test_before_any_push_there_is_nothing_to_compare(computed: Shop, turnout: Turnout) -> None:
    """No audience is open: no object, no error."""
    ran = turnout("reconcile")
    assert ran.code == 0
    assert "has an audience yet" in ran.out


def test_reading_back_never_raises(pushed: Shop) -> None:
    """An audience deleted on the platform is a failed verdict; its neighbours are judged."""
    folder = pushed.destination_folder("ads") / "buyers"
    for path in folder.iterdir():
        path.unlink()
    words = {(m.destination, m.segment): m.verdict for m in reconcile(project(pushed))}
    assert words.pop(("ads", "buyers")) == "failed"
    assert set(words.values()) == {"fine"}


@pytest.fixture
def platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shop, SandboxServer]]:
    """The shop over both sandboxed platforms, everything pushed."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        for name, value in {
            "TURNOUT_ADS_BASE_URL": sandbox.meta_url,
            "TURNOUT_ADS_TOKEN": SANDBOX_META_TOKEN,
            "TURNOUT_ADS_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
            "TURNOUT_MAIL_BASE_URL": sandbox.mailchimp_url,
            "TURNOUT_MAIL_API_KEY": SANDBOX_MAILCHIMP_KEY,
            "TURNOUT_MAIL_LIST_ID": SANDBOX_MAILCHIMP_LIST,
        }.items():
            monkeypatch.setenv(name, value)
        sandbox.state.put_contacts([f"{customer(n)}@example.com" for n in range(120)])
        shop = Shop(tmp_path / "shop", destinations={"ads": "meta", "mail": "mailchimp"})
        shop.folder.mkdir()
        shop.open()
        opened = project(shop)
        assert opened.load().ok
        opened.compute()
        run = opened.deliveries.new_run()
        for destination, segments in opened.deliveries.select([]).items():
            assert all(d.ok for d in opened.deliveries.sync(destination, segments, run))
        yield shop, sandbox


def test_both_platforms_are_read_back(platforms: tuple[Shop, SandboxServer]) -> None:
    """Meta's range and Mailchimp's members arrive; a push of a moment ago is too early to judge the first by."""
    shop, _ = platforms
    found = {(m.destination, m.segment): m for m in reconcile(project(shop))}
    mail, ads = found["mail", "buyers"], found["ads", "buyers"]
    assert isinstance(mail, Compared)
    assert (mail.verdict, mail.agreed) == ("fine", mail.listed)
    assert isinstance(ads, Measured)
    assert ads.verdict in ("too_early", "unknown")
    assert ads.lower is None or ads.lower <= ads.held


def test_an_account_that_refuses_is_a_verdict(
    platforms: tuple[Shop, SandboxServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key, a platform that is down: failed with its sentence, without a secret, and the others go on."""
    shop, _ = platforms
    monkeypatch.setenv("TURNOUT_MAIL_API_KEY", "0123456789abcdef0123456789abcdef-us1")
    monkeypatch.setenv("TURNOUT_ADS_BASE_URL", "http://127.0.0.1:9")
    found = reconcile(project(shop))
    assert {m.verdict for m in found} == {"failed"}
    assert all(m.status and "0123456789abcdef" not in m.sentence for m in found)


def test_a_share_is_of_what_is_held() -> None:
    """The middle of the range by people held; nothing where either is not known."""
    known = Measured(NOW, "ads", "vip", 100, 50, 70, "fine")
    assert known.share == pytest.approx(0.6)
    assert Measured(NOW, "ads", "vip", 0, 50, 70, "fine").share is None
    assert Measured(NOW, "ads", "vip", 100, None, None, "unknown").share is None
