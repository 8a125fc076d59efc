"""Klaviyo's lists, errors, members and suppressions, against a scripted account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.klaviyo import KlaviyoConnector
from connectors.klaviyo.answers import spent
from connectors.people import Present, Unreachable
from connectors.sandbox import SandboxServer
from connectors.testing import FastTime
from tests.connectors.klaviyo_account import (
    KEY,
    LIST,
    LISTS,
    MEMBERS,
    PROFILES,
    Account,
    a_list,
    batch,
    opened,
    people,
    profile,
    profile_id,
    query,
    refusal,
    resources,
    the_list,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted
from tests.contract.email import EmailRig

SUPPRESSED_AT = "subscriptions.email.marketing.suppression.timestamp"


@pytest.fixture
def account(server: Scripted) -> Account:
    """An account that knows Ann and Bob."""
    return Account(server, "ann", "bob")


@pytest.fixture
def klaviyo(server: Scripted, time: FastTime) -> KlaviyoConnector:
    """As set by default."""
    return opened(server, time)


# --- lists -----------------------------------------------------------------------------------------------------


def test_our_list_is_found_by_its_exact_name_on_any_page(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Klaviyo is asked for the name, and not believed; the next page is asked for at our own address."""
    account.says(
        "GET", LISTS, resources(a_list("5", "lapsed"), cursor="two"), resources(a_list(LIST.id, "Lapsed"))
    )
    assert klaviyo.open_audience(REQUEST, SyncOptions()) == LIST
    assert [query(seen) for seen in account.asked("GET", LISTS)] == [
        {"filter": 'equals(name,"Lapsed")'},
        {"filter": 'equals(name,"Lapsed")', "page[cursor]": "two"},
    ]


def test_a_name_cannot_leave_its_filter(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Quotes within a name are escaped."""
    account.says("GET", LISTS, resources(a_list("7", 'a","b"')))
    found = klaviyo.open_audience(AudienceRequest('a","b"', "turnout:a", None), SyncOptions())
    assert found.id == "7"
    assert query(account.asked("GET", LISTS)[0])["filter"] == r'equals(name,"a\",\"b\"")'


def test_a_missing_list_is_made_once(account: Account, klaviyo: KlaviyoConnector) -> None:
    """With a name and nothing else; an answer that is lost is not made up for by a second list."""
    account.says("GET", LISTS, resources())
    account.says("POST", LISTS, Reply(201, {"data": a_list(LIST.id, "Lapsed")}))
    assert klaviyo.open_audience(REQUEST, SyncOptions()) == Audience(LIST.id, "Lapsed", created=True)
    (made,) = account.asked("POST", LISTS)
    assert made.json == {"data": {"type": "list", "attributes": {"name": "Lapsed"}}}
    account.says("POST", LISTS, Reply(how="reset"))
    with pytest.raises(Uncertain):
        klaviyo.open_audience(REQUEST, SyncOptions())
    assert len(account.asked("POST", LISTS)) == 2
    account.says("POST", LISTS, Reply(201, {"data": {"id": "../x"}}))
    with pytest.raises(Uncertain, match="names no audience"):
        klaviyo.open_audience(REQUEST, SyncOptions())


def test_a_known_list_is_asked_for_by_its_id(account: Account, klaviyo: KlaviyoConnector) -> None:
    """It may have another name by now, or be gone."""
    assert klaviyo.open_audience(known(LIST.id), SyncOptions()) == LIST
    account.says("GET", f"{LISTS}/{LIST.id}", refusal(404, code="not_found"))
    with pytest.raises(AudienceGone):
        klaviyo.open_audience(known(LIST.id), SyncOptions())


@pytest.mark.parametrize(("told", "size"), [(412, 412), (None, None), ("x", None)])
def test_its_size_is_read_back(
    account: Account, klaviyo: KlaviyoConnector, told: object, size: object
) -> None:
    """Asked for on purpose, as it is slow."""
    account.says("GET", f"{LISTS}/{LIST.id}", the_list(profile_count=told))
    assert klaviyo.read_back(LIST) == Reported(size, size)  # type: ignore[arg-type]
    assert query(account.server.seen[0]) == {"additional-fields[list]": "profile_count"}


def test_members_are_listed_page_by_page(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Everybody in the list, by id and normalised address; a profile may be known by a phone alone."""
    path = f"{LISTS}/{LIST.id}/profiles"
    alone: dict[str, object] = {"type": "profile", "id": "p-3", "attributes": {"email": None}}
    account.says("GET", path, resources(profile("ann"), cursor="two"), resources(profile("bob"), alone))
    assert [list(page) for page in klaviyo.members(LIST)] == [
        [Present(profile_id("ann"), {"EMAIL": "ann@example.com"})],
        [Present(profile_id("bob"), {"EMAIL": "bob@example.com"}), Present("p-3")],
    ]
    shape = {"fields[profile]": "email", "page[size]": "100"}
    assert [query(seen) for seen in account.server.seen] == [shape, {**shape, "page[cursor]": "two"}]
    account.says("GET", path, refusal(404, code="not_found"))
    with pytest.raises(AudienceGone):
        list(klaviyo.members(LIST))


@pytest.mark.parametrize(
    ("since", "asked"),
    [(None, "1970-01-01T00:00:00+00:00"), (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00+00:00")],
)
def test_who_is_suppressed_is_told(
    account: Account, klaviyo: KlaviyoConnector, since: datetime | None, asked: str
) -> None:
    """By every reason that Klaviyo documents, page by page; an unknown reason is a suppression."""
    reasons = ["UNSUBSCRIBE", "HARD_BOUNCE", "INVALID_EMAIL", "SPAM_COMPLAINT", "USER_SUPPRESSED", "NEW"]
    suppression: list[dict[str, object]] = [{"reason": reason, "timestamp": None} for reason in reasons]
    suppression[0]["timestamp"] = "2026-11-20T10:00:00+00:00"
    subscriptions = {"email": {"marketing": {"suppression": suppression}}}
    account.says(
        "GET",
        PROFILES,
        resources(profile("ann", external_id="u-1", subscriptions=subscriptions), cursor="two"),
        resources(profile("bob", subscriptions={"email": None})),
    )
    told = list(klaviyo.unreachable(since))
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert told[0] == Unreachable("unsubscribed", at, email="ann@example.com", external_id="u-1")
    assert [(one.reason, one.at) for one in told[1:]] == [
        ("bounced", None), ("bounced", None), ("complained", None), ("suppressed", None), ("suppressed", None),
    ]  # fmt: skip
    first, second = account.server.seen
    assert query(first) == {
        "filter": f"greater-or-equal({SUPPRESSED_AT},{asked})",
        "additional-fields[profile]": "subscriptions",
        "fields[profile]": "email,external_id,subscriptions",
        "page[size]": "100",
        "sort": SUPPRESSED_AT,
    }
    assert query(second) == {**query(first), "page[cursor]": "two"}


def test_the_sandbox_tells_the_same(tmp_path: Path) -> None:
    """Over real requests: whoever left or bounced, and nobody else."""
    with SandboxServer(tmp_path) as sandbox:
        sandbox.state.email.put_person("klaviyo", "ann@example.com", "unsubscribed")
        for name in ("bob", "cleo"):
            sandbox.state.email.put_person("klaviyo", f"{name}@example.com", "subscribed")
        sandbox.state.email.suppress("klaviyo", "cleo@example.com", "SPAM_COMPLAINT")
        told = list(EmailRig("klaviyo", sandbox).connector.unreachable(datetime(2026, 1, 1, tzinfo=UTC)))
    assert {(one.email, one.reason) for one in told} == {
        ("ann@example.com", "unsubscribed"),
        ("cleo@example.com", "complained"),
    }
    assert all(one.at for one in told)


# --- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "consequence"),
    [
        (200, "invalid", Uncertain),
        (400, "invalid", Refused),
        (400, "unheard_of", Refused),
        (401, "not_authenticated", AuthFailed),
        (403, "permission_denied", AuthFailed),
        (409, "conflict", Uncertain),
        (410, "gone", ActionNeeded),
        (414, "", Refused),
        (429, "throttled", QuotaExhausted),
        (500, "error", Uncertain),
        (502, "", Uncertain),
        (503, "", Uncertain),
        (504, "", Uncertain),
        (524, "", Uncertain),
    ],
)
def test_every_error_has_its_consequence(
    account: Account, klaviyo: KlaviyoConnector, status: int, code: str, consequence: type[Exception]
) -> None:
    """Each documented status raises what must happen next, and quotes nobody; a code decides nothing."""
    account.says("POST", MEMBERS, refusal(status, code=code))
    with pytest.raises(consequence) as failed:
        klaviyo.add(LIST, people("ann"), batch("add"))
    assert type(failed.value) is consequence or consequence is AuthFailed
    assert not [word for word in ("ann@", profile_id("ann"), KEY) if word in str(failed.value)]
    if consequence is AuthFailed:
        assert "TURNOUT_KLAVIYO_API_KEY" in str(failed.value)


def test_a_throttled_request_waits_as_told(
    account: Account, klaviyo: KlaviyoConnector, time: FastTime
) -> None:
    """429 with Retry-After: in whole seconds, then once more."""
    throttled = Reply(429, {"errors": []}, {"Retry-After": "9"})
    account.says("POST", MEMBERS, throttled, Reply(204, b""))
    assert klaviyo.add(LIST, people("ann"), batch("add")).status == "applied"
    assert sum(time.pauses) == 9


def test_only_an_empty_count_concerns_other_endpoints() -> None:
    """Every endpoint has a count of its own."""
    now = datetime.now(UTC)
    headers = {"RateLimit-Limit": "150", "RateLimit-Reset": "30"}
    assert not list(spent({**headers, "RateLimit-Remaining": "1"}, now))
    (left,) = spent({**headers, "RateLimit-Remaining": "0"}, now)
    assert (left.requests, left.resets_in) == (0, 30)


def test_limits_are_the_sheets(server: Scripted, time: FastTime, klaviyo: KlaviyoConnector) -> None:
    """A thousand people a request; requests a second and a minute as set."""
    assert klaviyo.limits.max_rows == 1_000
    assert klaviyo.limits.windows == (Window(10, timedelta(seconds=1)), Window(700, timedelta(minutes=1)))
    assert klaviyo.limits.ids_last == timedelta(days=365)
    with pytest.raises(ValueError, match="max_rows"):
        opened(server, time, max_rows=1_001)
    with pytest.raises(ValueError, match="revision"):
        opened(server, time, revision="latest")


def test_the_doctor_reads_lists_and_profiles(account: Account, klaviyo: KlaviyoConnector) -> None:
    """The first step that fails says what a person has to do."""
    account.says("GET", LISTS, resources())
    account.says("GET", PROFILES, resources())
    assert [finding.ok for finding in klaviyo.examine()] == [True, True]
    account.says("GET", PROFILES, refusal(403, code="permission_denied"))
    *_, found = klaviyo.examine()
    assert not found.ok
    assert "scope" in found.says
