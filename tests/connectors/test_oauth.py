"""Tokens that end and refresh tokens that rotate: fetched once, kept before use, never lost by us, never shown."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from connectors.base import Audience, AudienceRequest, AuthFailed, Batch, Refused, SyncOptions, Uncertain
from connectors.identity import encode
from connectors.oauth import Credential, TokenExpired, TokenProvider
from connectors.practice import PracticeConnector
from connectors.practice.settings import PracticeSettings
from connectors.sandbox import (
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SandboxServer,
)
from connectors.sandbox.faults.reading import parse_faults
from connectors.testing import FastTime
from connectors.token_store import Seal
from tests.connectors.server import Reply, Scripted

PEOPLE = pa.table(
    {
        "email": pa.array([encode(f"p{n}@example.com", "sha256_hex") for n in range(3)]),
        "phone": pa.array([None] * 3, pa.string()),
    }
)
BATCH = Batch("01JD000000000000000000000A", "add", 1, 1, 3)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


def provider(
    url: str,
    folder: Path,
    *,
    refresh: str | None = SANDBOX_PRACTICE_REFRESH_TOKEN,
    time: FastTime | None = None,
) -> TokenProvider:
    credential = Credential(
        f"{url}/oauth/token",
        SANDBOX_PRACTICE_CLIENT_ID,
        SANDBOX_PRACTICE_CLIENT_SECRET,
        refresh,
        "TURNOUT_X_REFRESH_TOKEN",
    )
    tokens = TokenProvider(credential, folder, "Practice platform")
    if time is not None:
        tokens.clock = time.clock
    return tokens


def connector(
    sandbox: SandboxServer, folder: Path, refresh: str = SANDBOX_PRACTICE_REFRESH_TOKEN
) -> PracticeConnector:
    settings = PracticeSettings(
        base_url=sandbox.practice_url,
        sign_in="refresh_token",
        client_id=SANDBOX_PRACTICE_CLIENT_ID,
        client_secret=SANDBOX_PRACTICE_CLIENT_SECRET,
        refresh_token=refresh,
        token_folder=folder,
    )
    made = PracticeConnector("practice", settings)
    made.http.use_clock(FastTime().clock)
    assert made.tokens is not None
    made.tokens.clock = FastTime().clock
    return made


def opened(made: PracticeConnector) -> Audience:
    return made.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", None), SyncOptions())


def token_requests(sandbox: SandboxServer) -> int:
    return len([r for r in sandbox.state.requests("practice", "POST") if r.path == "/oauth/token"])


def held_in(file: Path, secret: str) -> dict[str, object]:
    """What a token file holds, opened with the credential's secret."""
    opened = Seal(secret).open(file.read_bytes())
    assert opened is not None
    content: dict[str, object] = orjson.loads(opened)
    return content


def kept(folder: Path) -> Path:
    (file,) = folder.glob("*.token")
    return file


def test_many_threads_fetch_one_token(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Eight threads that need a token at once ask once and all get the same."""
    tokens = provider(sandbox.practice_url, tmp_path / "tokens")
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: tokens.token(), range(24)))
    assert len(set(got)) == 1
    assert token_requests(sandbox) == 1


@pytest.mark.fault(
    "F27",
    injected="a refresh token that rotates, four processes that need a token at once",
    outcome="one of them refreshes, the others take what it got",
)
def test_many_processes_refresh_once(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Four processes at once spend the refresh token once; each then holds the same access token."""
    code = (
        "import sys; from pathlib import Path; from connectors.oauth import Credential, TokenProvider\n"
        "c = Credential(*sys.argv[1:5], 'X'); print(hash(TokenProvider(c, Path(sys.argv[5]), 'P').token()))"
    )
    arguments = [
        f"{sandbox.practice_url}/oauth/token",
        SANDBOX_PRACTICE_CLIENT_ID,
        SANDBOX_PRACTICE_CLIENT_SECRET,
        SANDBOX_PRACTICE_REFRESH_TOKEN,
        str(tmp_path / "tokens"),
    ]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, env={"PYTHONHASHSEED": "0"}
        )
        for _ in range(4)
    ]
    told = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert len(set(told)) == 1
    assert token_requests(sandbox) == 1


def test_a_rotated_token_is_kept_for_its_owner_only(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The file holds the new refresh token, sealed, for nobody else, under a name that gives nothing away."""
    folder = tmp_path / "tokens"
    tokens = provider(sandbox.practice_url, folder)
    access = tokens.token()
    file = kept(folder)
    assert access.encode() not in file.read_bytes()
    content = held_in(file, SANDBOX_PRACTICE_REFRESH_TOKEN)
    assert content["access"] == access
    assert Seal("another secret").open(file.read_bytes()) is None
    assert content["refresh"] != SANDBOX_PRACTICE_REFRESH_TOKEN
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not any(secret in file.name for secret in tokens.credential.secrets)
    assert list(folder.glob("*.new")) == []


def test_a_token_is_renewed_before_it_ends(sandbox: SandboxServer, tmp_path: Path) -> None:
    """Used while it lives, replaced shortly before its end, each time with the newest refresh token."""
    time = FastTime()
    tokens = provider(sandbox.practice_url, tmp_path, time=time)
    seen = [tokens.token()]
    for _ in range(3):
        time.clock.sleep(3_500)
        assert tokens.token() == seen[-1]
        time.clock.sleep(75)
        seen.append(tokens.token())
    assert len(set(seen)) == 4
    assert token_requests(sandbox) == 4


@pytest.mark.fault(
    "F26",
    injected="every access token ends at the platform in the middle of a run",
    outcome="one refresh, the same batch goes on, nobody is asked",
)
def test_a_token_that_ends_in_mid_run_is_renewed_once(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The platform refuses a token that should live: one refresh, and the same batch has its receipt."""
    made = connector(sandbox, tmp_path)
    audience = opened(made)
    rule = {"platform": "practice", "path": "*/members", "effect": "tokens_end", "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    assert made.add(audience, PEOPLE, BATCH).status == "applied"
    assert sandbox.state.audience("practice", audience.id).size == 3
    assert token_requests(sandbox) == 2


def test_a_token_that_is_always_refused_ends_the_run(sandbox: SandboxServer, tmp_path: Path) -> None:
    """One refresh is tried, then it is a matter for a person."""
    made = connector(sandbox, tmp_path)
    audience = opened(made)
    rule = {"platform": "practice", "path": "*/members", "effect": "expire_token"}
    sandbox.faults.replace(parse_faults([rule]))
    with pytest.raises(AuthFailed, match="TURNOUT_PRACTICE_REFRESH_TOKEN"):
        made.add(audience, PEOPLE, BATCH)
    assert token_requests(sandbox) == 2


@pytest.mark.fault(
    "F27",
    injected="somebody else uses the refresh token; ours is refused",
    outcome="the run stops and names the settings; a new token set there is another credential and works",
)
def test_a_refresh_token_that_somebody_else_used(sandbox: SandboxServer, tmp_path: Path) -> None:
    """It can't be helped without a person: AuthFailed names the settings, and a new one starts afresh."""
    made = connector(sandbox, tmp_path)
    audience = opened(made)
    newest = sandbox.state.rotate_refresh_token()
    sandbox.state.expire_tokens()
    with pytest.raises(AuthFailed, match=r"invalid_grant.*TURNOUT_PRACTICE_CLIENT_ID and .*REFRESH_TOKEN"):
        made.add(audience, PEOPLE, BATCH)
    assert connector(sandbox, tmp_path, newest).add(audience, PEOPLE, BATCH).status == "applied"


@pytest.mark.parametrize(("grace", "works"), [(60, True), (0, False)])
def test_a_lost_answer_to_a_refresh(sandbox: SandboxServer, tmp_path: Path, grace: int, works: bool) -> None:
    """The old token is tried again: a platform that gives it a grace answers, another one needs a person."""
    sandbox.state.set_switches(practice_refresh_grace_seconds=grace)
    rule = {"platform": "practice", "path": "/oauth/token", "effect": "lost_answer", "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    tokens = provider(sandbox.practice_url, tmp_path, time=FastTime())
    if works:
        assert tokens.token()
    else:
        with pytest.raises(AuthFailed, match="TURNOUT_X_REFRESH_TOKEN"):
            tokens.token()


@pytest.mark.parametrize("effect", ["server_error", "html", "rate_limited", "reset"])
def test_a_token_endpoint_that_fails_for_a_while(sandbox: SandboxServer, tmp_path: Path, effect: str) -> None:
    """It is asked a few times with pauses; when that does not help, nothing was sent and the batch is Refused."""
    time = FastTime()
    rule = {"platform": "practice", "path": "/oauth/token", "effect": effect, "times": 4}
    sandbox.faults.replace(parse_faults([rule]))
    tokens = provider(sandbox.practice_url, tmp_path, time=time)
    with pytest.raises(Refused, match="nothing was sent") as refused:
        tokens.token()
    assert not refused.value.maybe_applied
    assert len(time.pauses) == 2
    assert tokens.token()


def test_a_disk_that_cannot_keep_a_token_spends_none(sandbox: SandboxServer, tmp_path: Path) -> None:
    """A folder that can't be written is found before the refresh token is used up."""
    (tmp_path / "tokens").write_text("a file in the folder's place")
    tokens = provider(sandbox.practice_url, tmp_path / "tokens")
    with pytest.raises(Refused, match="token folder"):
        tokens.token()
    assert token_requests(sandbox) == 0
    (tmp_path / "tokens").unlink()
    assert tokens.token()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"access": "x"}', b'{"access": 1, "ends_at": "x", "refresh": 2}']
)
def test_a_damaged_file_falls_back_to_the_setting(
    sandbox: SandboxServer, tmp_path: Path, content: bytes
) -> None:
    """Client credentials just fetch another token; a rotated refresh token that was lost needs a person."""
    tokens = provider(sandbox.practice_url, tmp_path, refresh=None)
    first = tokens.token()
    kept(tmp_path).write_bytes(content)
    second = tokens.token()
    assert second != first
    kept(tmp_path).write_bytes(tokens.credential.seal.close(content))
    assert tokens.token() not in (first, second)
    rotating = provider(sandbox.practice_url, tmp_path / "rotating")
    rotating.token()
    kept(tmp_path / "rotating").write_bytes(content)
    with pytest.raises(AuthFailed):
        rotating.token()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access_token": ""},
        {"access_token": 5},
        {"access_token": None, "expires_in": 60},
    ],
)
def test_an_answer_without_a_token(server: Scripted, tmp_path: Path, body: dict[str, object]) -> None:
    """A 200 that holds no token is none: nothing was sent."""
    server.answers(Reply(body=body))
    with pytest.raises(Refused, match="gave no token"):
        provider(server.url, tmp_path, time=FastTime()).token()


@pytest.mark.parametrize("told", [{}, {"expires_in": "soon"}, {"expires_in": -1}, {"expires_in": 5}])
def test_a_token_of_untold_or_tiny_life_is_used(
    server: Scripted, tmp_path: Path, told: dict[str, object]
) -> None:
    """It is used at least once, and asked for again when its life is over."""
    server.answers(Reply(body={"access_token": "one", **told}), Reply(body={"access_token": "two", **told}))
    time = FastTime()
    tokens = provider(server.url, tmp_path, time=time)
    assert [tokens.token(), tokens.token()] == ["one", "one"]
    time.clock.sleep(600)
    assert tokens.token() == "two"
    assert [s.headers["Content-Type"] for s in server.seen] == ["application/x-www-form-urlencoded"] * 2


def test_what_was_in_doubt_stays_in_doubt(sandbox: SandboxServer, tmp_path: Path) -> None:
    """An attempt without an answer, then a refused token, then a refusal: the batch may have been applied."""
    tokens = provider(sandbox.practice_url, tmp_path)
    tokens.token()
    expired = TokenExpired("the token is refused")
    expired.maybe_applied = True
    failures = iter([expired, Refused("no")])

    def send() -> None:
        raise next(failures)

    with pytest.raises(Refused) as refused:
        tokens.with_renewal(send)
    assert refused.value.maybe_applied


def test_tokens_are_never_shown(
    sandbox: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, neither log nor error holds a token, a secret or what was derived from them."""
    caplog.set_level(logging.DEBUG)
    made = connector(sandbox, tmp_path)
    audience = opened(made)
    shown = []
    for effect in ("expire_token", "lost_answer", "html", "error_in_success", "refresh_rotated"):
        rule = {"platform": "practice", "effect": effect, "method": "POST"}
        sandbox.faults.replace(parse_faults([rule]))
        if effect == "refresh_rotated":
            made.add(audience, PEOPLE, BATCH)
            sandbox.state.expire_tokens()
        with pytest.raises((AuthFailed, Refused, Uncertain)) as failed:
            made.add(audience, PEOPLE, BATCH)
        shown.append(f"{failed.value!r}")
    told = "\n".join([caplog.text, *shown])
    held = held_in(kept(tmp_path), SANDBOX_PRACTICE_REFRESH_TOKEN)
    secrets = [
        SANDBOX_PRACTICE_CLIENT_SECRET,
        SANDBOX_PRACTICE_REFRESH_TOKEN,
        held["access"],
        held["refresh"],
    ]
    assert len(shown) == 5
    assert not [secret for secret in secrets if secret in told]


def test_a_platform_on_another_port_is_the_same_account(sandbox: SandboxServer, tmp_path: Path) -> None:
    """A sandbox that was moved still takes the token that it rotated: the kept one is found, not the setting's."""
    folder = tmp_path / "tokens"
    provider(sandbox.practice_url, folder).token()
    sandbox.state.expire_tokens()
    with SandboxServer(sandbox.folder) as moved:
        assert moved.url != sandbox.url
        time = FastTime()
        time.clock.sleep(7_200)
        assert provider(moved.practice_url, folder, time=time).token()
