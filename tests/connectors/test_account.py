"""What connectors to JSON APIs share: where tokens go, whose store they use, when a credential ends, the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.account import AccountSettings, query_of
from connectors.base import AudienceRequest, Refused, Window
from connectors.sandbox import SandboxServer
from connectors.sandbox.ads.registry import AD_PLATFORMS
from connectors.sandbox.wire import Platform
from connectors.settings import Credential
from connectors.snapchat import SnapchatConnector, SnapchatSettings
from connectors.token_store import Keep
from pipelines.readiness import ends_soon
from tests.contract.ads import AdRig

KEPT: dict[str, bytes] = {}


class Vault:
    """An operator's secret store."""

    def __init__(self, destination: str) -> None:
        self.destination = destination

    def read(self, name: str) -> bytes | None:
        """What was kept."""
        return KEPT.get(f"{self.destination}/{name}")

    @contextmanager
    def writing(self, name: str) -> Iterator[Keep]:
        """There is always room."""

        def keep(content: bytes) -> None:
            KEPT[f"{self.destination}/{name}"] = content

        yield keep


def snapchat(sandbox: SandboxServer, **settings: object) -> SnapchatConnector:
    """An account of the sandbox, settings as from the environment."""
    account = {name.lower(): value for name, value in AD_PLATFORMS[Platform.SNAPCHAT].settings.items()}
    account = {name: value.format(url=f"{sandbox.url}/snapchat") for name, value in account.items()}
    values = {"base_url": sandbox.url_of("snapchat"), **account, **settings}
    return SnapchatConnector("snap", SnapchatSettings(**values))  # type: ignore[arg-type]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    """One of the test's own."""
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


def open_any(connector: SnapchatConnector) -> None:
    """Anything that needs a token."""
    connector.open_audience(AudienceRequest("Regulars", "turnout:regulars", None), connector.options_type())


def test_tokens_lie_in_the_state_folder(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Beside the ledgers, so that one backup has both; a folder of one's own is possible."""
    connector = snapchat(sandbox)
    connector.use_state(tmp_path)
    open_any(connector)
    assert len(list((tmp_path / "tokens").glob("*.token"))) == 1
    own = snapchat(sandbox, token_folder=tmp_path / "own")
    own.use_state(tmp_path)
    open_any(own)
    assert len(list((tmp_path / "own").glob("*.token"))) == 1


def test_an_operators_own_store(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Named by module and function, called with the destination: what it gets is sealed, and nothing is on disk."""
    connector = snapchat(sandbox, token_store="tests.connectors.test_account:Vault")
    connector.use_state(tmp_path)
    open_any(connector)
    [(name, sealed)] = KEPT.items()
    assert name.startswith("snap/")
    assert connector.tokens is not None
    opened = connector.tokens.credential.seal.open(sealed)
    assert opened is not None
    assert b"snapchat-access-" in opened
    assert not list(tmp_path.rglob("*.token"))


def test_a_credential_that_ends_is_told_of_early(sandbox: SandboxServer) -> None:
    """A month before the day that was set, in words that name the account; before that, nothing."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for days, said in ((40, None), (20, "ends on 2026-12-12"), (-2, "has ended on 2026-11-20")):
        ends = date(2026, 11, 22) + timedelta(days=days)
        told = ends_soon(snapchat(sandbox, credential_ends=ends), now)
        assert (told is None) if said is None else (told is not None and said in told and "snap" in told)


def test_a_store_that_cannot_be_read_hides_no_push(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The note about a credential's end is left out then: what was pushed is told all the same."""
    connector = snapchat(sandbox, token_folder=tmp_path / "tokens")
    assert connector.tokens is not None
    name = f"{connector.tokens.credential.digest}.token"
    (tmp_path / "tokens" / name).mkdir(parents=True)
    with pytest.raises(Refused):
        connector.credential_ends()
    assert ends_soon(connector, datetime.now(UTC)) is None


@pytest.mark.parametrize("platform", sorted(AD_PLATFORMS))
def test_the_doctor_says_what_is_wrong(sandbox: SandboxServer, tmp_path: Path, platform: str) -> None:
    """A ready account passes every step; one whose credential was revoked does not, and names its variables."""
    rig = AdRig(platform, sandbox, tmp_path / "tokens")
    findings = list(rig.connector.examine())
    assert findings
    assert all(finding.ok for finding in findings), findings
    sandbox.state.set_switches(ads_token_revoked=True)
    refused = list(AdRig(platform, sandbox, tmp_path / "others").connector.examine())
    assert not refused[-1].ok
    assert f"TURNOUT_{platform.upper()}_" in refused[-1].says
    assert not any(secret in finding.says for finding in refused for secret in rig.secrets)


class TwoKeys(AccountSettings):
    """An account with a key of its own besides the usual one."""

    key: Credential
    partner_key: Credential | None = None
    requests_per_second: int = 5
    requests_per_day: int | None = None


def test_settings_make_the_limits() -> None:
    """Every number of requests that is set is a window, besides those that no setting names."""
    settings = TwoKeys(_env_file=None, key="one", max_in_flight=3)  # type: ignore[call-arg, arg-type]
    hourly, per_second = Window(9, timedelta(hours=1)), Window(5, timedelta(seconds=1))
    limits = settings.limits(50, hourly, min_size=100)
    assert (limits.max_rows, limits.max_in_flight, limits.min_size) == (50, 3, 100)
    assert limits.windows == (per_second, hourly)
    assert limits.settles_after == timedelta(hours=1)


def test_no_message_may_hold_any_of_the_secrets() -> None:
    """Whatever a setting that is a secret is called; those that are not set are none."""
    alone = TwoKeys(_env_file=None, key="one")  # type: ignore[call-arg, arg-type]
    both = TwoKeys(_env_file=None, key="one", partner_key="two")  # type: ignore[call-arg, arg-type]
    assert (alone.secrets, both.secrets) == (("one",), ("one", "two"))


def test_of_a_link_only_its_query_is_believed() -> None:
    """Whatever else it says, and where there is none."""
    assert query_of("https://elsewhere.invalid/x?cursor=a%20b&size=2") == {"cursor": "a b", "size": "2"}
    assert query_of(None) == query_of("http://[") == {}
