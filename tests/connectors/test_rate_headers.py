"""What platforms tell of requests that are left, and what connectors make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from ulid import ULID

from connectors.base import Audience, AudienceRequest, Batch, QuotaExhausted, Window
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaOptions, MetaSettings
from connectors.meta.usage import WINDOWS
from connectors.meta.usage import left as meta_left
from connectors.rate_headers import Left, left, window_of
from connectors.sandbox import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_TOKEN, SandboxServer
from connectors.testing import FastTime
from pipelines.delivery.forecast import forecast, requests_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
IN_A_MINUTE = str(int(NOW.timestamp()) + 60)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "7"},
            Left(12, 7, 300),
        ),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": IN_A_MINUTE}, Left(0, 60, None)),
        ({"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "99"}, Left(99, None, 100)),
        ({"RateLimit": '"default";r=50;t=30'}, Left(50, 30, None)),
        ({"X-Ratelimit-Remaining": "291.5"}, Left(291, None, None)),
        ({"X-RateLimit-Remaining": "-3", "X-RateLimit-Reset": "-1"}, Left(0, 0, None)),
    ],
)
def test_headers_of_many_platforms_are_read(headers: dict[str, str], told: Left) -> None:
    """Both spellings of the old headers and the drafted new ones; resets in seconds or as a moment."""
    assert list(left(Headers(headers), NOW)) == [told]


def test_a_policy_names_the_size_of_its_window() -> None:
    """Two windows at once: each remainder belongs to the policy of its name, whatever the order."""
    headers = {
        "RateLimit-Policy": '"minute";q=500;w=60, "quarter";q=3000;w=900',
        "RateLimit": '"quarter";r=40;t=50, "minute";r=12;t=34',
    }
    told = list(left(Headers(headers), NOW))
    assert told == [Left(40, 50, 3_000), Left(12, 34, 500)]
    minute, quarter = Window(500, timedelta(minutes=1)), Window(3_000, timedelta(minutes=15))
    assert [window_of(one, [minute, quarter]) for one in told] == [quarter, minute]


@pytest.mark.parametrize("text", ["", "soon", "NaN", "1e9999", "٣x"])
def test_unreadable_headers_say_nothing(text: str) -> None:
    """What can't be read is as if it were not there."""
    assert list(left(Headers({"X-RateLimit-Remaining": text, "RateLimit": text}), NOW)) == []


def test_the_window_that_is_meant_is_found() -> None:
    """By its size where the platform names it, else the shortest that lasts until the reset; else none."""
    second, hour = Window(10, timedelta(seconds=1)), Window(1_000, timedelta(hours=1))
    assert window_of(Left(3, 0.5, None), [hour, second]) == second
    assert window_of(Left(3, 0.5, 1_000), [hour, second]) == hour
    assert window_of(Left(3, 900, None), [hour, second]) == hour
    assert window_of(Left(3, 90_000, None), [hour, second]) is None


def test_meta_tells_shares() -> None:
    """Shares of score and calls become requests; a share of all without a time says nothing."""
    headers = Headers(
        {
            "X-Ad-Account-Usage": '{"acc_id_util_pct": 50, "reset_time_duration": 300}',
            "X-Business-Use-Case-Usage": '{"1": [{"type": "custom_audience", "call_count": 10}]}',
            "X-App-Usage": '{"call_count": 90}',
        }
    )
    assert list(meta_left(headers, "full")) == [Left(171_000, None, 190_000), Left(1_500, None, 3_000)]
    assert list(meta_left(Headers({"X-Ad-Account-Usage": '{"acc_id_util_pct": 100}'}), "limited")) == []


def test_a_limited_meta_account_is_never_asked_too_often(tmp_path: Path) -> None:
    """Before the sandbox with limited access: what the account takes is sent, not one request is refused for its
    number, the next is told until when, by a second process at once and without asking."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        sandbox.state.set_switches(meta_tier="limited")
        path, time = tmp_path / "meta.budget.sqlite", FastTime()
        meta = limited(sandbox.meta_url, path, time)
        audience = meta.open_audience(AudienceRequest("Vip", "turnout:vip", None), MetaOptions())
        with pytest.raises(QuotaExhausted, match="takes requests again at") as exhausted:
            add_for_ever(meta, audience)
        sent = [request for request in sandbox.state.requests("meta") if request.path.endswith("/users")]
        assert 15 <= len(sent) <= 20
        assert exhausted.value.until is not None
        assert exhausted.value.until <= time.start + timedelta(minutes=5, seconds=10)
        asked = requests(sandbox)
        assert 429 not in asked
        assert set(asked) == {200}
        later = limited(sandbox.meta_url, path, time)
        with pytest.raises(QuotaExhausted):
            later.open_audience(AudienceRequest("Vip", "turnout:vip", audience.id), MetaOptions())
        assert requests(sandbox) == asked
        told = forecast(later.limits, 3, 0, later.budget_state())
        assert (told.fitting, told.fits) == (0, False)
        for opened in (meta, later):
            opened.close()


@pytest.mark.parametrize(
    ("create_missing", "rows", "requests"), [(False, 1_200, 3), (True, 0, 0), (True, 30, 32), (True, 500, 63)]
)
def test_mailchimp_says_what_a_batch_may_take(create_missing: bool, rows: int, requests: int) -> None:
    """One request tags; where people are created: two, and one for each, or a background batch and looks at it."""
    settings = MailchimpSettings(api_key="0123456789-us1", list_id="abcd1234", create_missing=create_missing)
    connector = MailchimpConnector("mailchimp", settings)
    assert requests_of(connector, "add", rows) == requests
    assert requests_of(connector, "remove", rows) == -(-rows // 500)
    connector.close()


def test_metas_windows_are_those_of_its_access() -> None:
    """A limited app has 20 changes in five minutes, a full one 3,000."""
    assert [WINDOWS[access][0].requests for access in ("limited", "full")] == [20, 3_000]


def add_for_ever(meta: MetaConnector, audience: Audience) -> None:
    """One row a request, until the account takes no more."""
    for number in range(1, 1_000):
        meta.add(audience, pa.table({"EMAIL": ["a" * 64]}), Batch(str(ULID()), "add", number, 1_000, 1))


def requests(sandbox: SandboxServer) -> list[int | None]:
    """Statuses of everything the sandbox's Meta was asked."""
    return [request.status for request in sandbox.state.requests("meta")]


class Headers(Mapping[str, str]):
    """Names in any case, as in an answer."""

    def __init__(self, found: Mapping[str, str]) -> None:
        self._found = {name.lower(): value for name, value in found.items()}

    def __getitem__(self, name: str) -> str:
        return self._found[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def limited(url: str, path: Path, time: FastTime) -> MetaConnector:
    """A connector of a limited account that does not slow down before the end."""
    settings = MetaSettings(
        token=SANDBOX_META_TOKEN,
        ad_account=SANDBOX_META_AD_ACCOUNT,
        base_url=url,
        access="limited",
        usage_limit_percent=100,
    )
    connector = MetaConnector("meta", settings)
    connector.http.use_clock(time.clock)
    connector.use_budget(path)
    return connector
