"""Meta's audiences: who is in them, what can be read of them, and how uploads are counted."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sandbox import SANDBOX_META_AD_ACCOUNT, SandboxServer
from connectors.sandbox.meta.usage import Meter
from tests.sandbox.conftest import MetaCaller, graph_error, sha256

ACCOUNT = SANDBOX_META_AD_ACCOUNT
SCHEMA = ("EMAIL", "PHONE", "MADID", "EXTERN_ID", "COUNTRY")
US = sha256("us")


def row(email: str = "", phone: str = "", madid: str = "", extern: str = "") -> list[str]:
    return [sha256(email) if email else "", sha256(phone) if phone else "", madid, extern, US]


def test_adding_the_present_changes_nothing(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """A repeated upload is a no-op, in whatever order its columns come."""
    audience = meta.audience()
    meta.users(audience, [row("a@b.c", "1"), row("d@e.f")], SCHEMA)
    meta.users(audience, [[US, sha256("a@b.c"), sha256("1")]], ("COUNTRY", "EMAIL", "PHONE"))
    assert [c.added for c in sandbox.state.changes("meta", audience)] == [2, 0]
    assert sandbox.state.audience("meta", audience).size == 2


@pytest.mark.parametrize("shared", ["email", "phone", "madid", "extern"])
def test_a_removal_takes_everybody_who_shares_an_identifier(
    sandbox: SandboxServer, meta: MetaCaller, shared: str
) -> None:
    """E-mail, phone, device or external id: each alone finds a member; the country does not."""
    device = "38400000-8cf0-11bd-b23e-10b96e40000d"
    audience = meta.audience()
    meta.users(audience, [row("a@b.c", "1", device, "x"), row("other@b.c", "2", "", "y")], SCHEMA)
    sent = {"email": "a@b.c", "phone": "1", "madid": device, "extern": "x"}[shared]
    answer = meta.users(audience, [row(**{shared: sent})], SCHEMA, method="DELETE")
    assert answer.json()["num_received"] == 1
    assert [m["EXTERN_ID"] for m in sandbox.state.meta_members(audience)] == ["y"]
    meta.users(audience, [row()], SCHEMA, method="DELETE")
    assert sandbox.state.audience("meta", audience).size == 1


def test_a_post_can_mean_delete(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """`method=DELETE` in a form-encoded POST removes, with payload and session as JSON text."""
    audience = meta.audience()
    meta.users(audience, [row("a@b.c")], SCHEMA)
    payload = json.dumps({"schema": "EMAIL_SHA256", "data": [sha256("a@b.c")]})
    session = json.dumps({"session_id": 7, "batch_seq": 1, "last_batch_flag": True})
    answer = meta.call(
        "POST", f"{audience}/users", data={"method": "DELETE", "payload": payload, "session": session}
    )
    assert answer.json()["session_id"] == "7"
    assert sandbox.state.meta_members(audience) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["POST", "DELETE"]),
            st.lists(st.tuples(*[st.integers(0, 3)] * 2).filter(any), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_membership_equals_a_plain_model(
    sandbox: SandboxServer, meta: MetaCaller, history: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    """After any history of adds and removes the audience holds what a set of rows would (0 stands for empty)."""
    audience = meta.audience()
    model: set[tuple[int, int]] = set()
    for method, pairs in history:
        rows = [[sha256(f"e{e}") if e else "", sha256(f"p{p}") if p else ""] for e, p in pairs]
        assert meta.users(audience, rows, ("EMAIL", "PHONE"), method=method).status_code == 200
        if method == "POST":
            model |= set(pairs)
        else:
            model = {m for m in model if not any((e and e == m[0]) or (p and p == m[1]) for e, p in pairs)}
    held = {(m.get("EMAIL"), m.get("PHONE")) for m in sandbox.state.meta_members(audience)}
    assert held == {(sha256(f"e{e}") if e else None, sha256(f"p{p}") if p else None) for e, p in model}
    assert sandbox.state.audience("meta", audience).size == len(model)


def test_one_opt_out_leaves_every_audience(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """`usersofanyaudience` removes a person from all customer-file audiences of the account."""
    ids = [meta.audience(f"A{number}") for number in range(3)]
    for audience in ids:
        meta.users(audience, [row("a@b.c"), row(f"{audience}@b.c")], SCHEMA)
    body = {"payload": {"schema": ["EMAIL"], "data": [[sha256("a@b.c")]]}}
    assert meta.call("DELETE", f"{ACCOUNT}/usersofanyaudience", json=body).json()["num_received"] == 1
    assert [sandbox.state.audience("meta", audience).size for audience in ids] == [1, 1, 1]


def test_audiences_are_listed_page_by_page(meta: MetaCaller) -> None:
    """Cursor paging reaches every audience once, newest first; default fields are the id alone."""
    ids = [meta.audience(f"A{number}") for number in range(7)]
    seen, after = [], None
    while True:
        params = {"limit": "3"} | ({"after": after} if after else {})
        page = meta.call("GET", f"{ACCOUNT}/customaudiences", params=params).json()
        assert all(set(audience) == {"id"} for audience in page["data"])
        seen += [audience["id"] for audience in page["data"]]
        if "next" not in page["paging"]:
            break
        after = page["paging"]["cursors"]["after"]
    assert seen == ids[::-1]
    by_link = meta.call("GET", f"{ACCOUNT}/customaudiences", params={"limit": 5, "fields": "name"}).json()
    rest = meta.session.get(by_link["paging"]["next"], timeout=5).json()
    assert [audience["name"] for audience in rest["data"]] == ["A1", "A0"]


def test_too_large_a_page_is_refused(meta: MetaCaller) -> None:
    """Asking for very much at once is code 1: reduce the amount of data."""
    answer = meta.call("GET", f"{ACCOUNT}/customaudiences", params={"limit": 5000})
    assert graph_error(answer) == (1, None)


def test_names_are_not_unique_unless_asked_for(meta: MetaCaller) -> None:
    """Two creations make two audiences; `enable_fetch_or_create` finds the first."""
    first, second = meta.audience("Twin"), meta.audience("Twin")
    assert first != second
    assert meta.audience("Twin", enable_fetch_or_create=True) == first


def test_status_follows_the_audience_through_its_life(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """410 before the first upload, 441 while populating, 200 after; delivery only from about 100 members."""
    audience = meta.audience()
    assert meta.status(audience) == 410
    sandbox.state.set_switches(meta_processing_seconds=30)
    meta.users(audience, [row(f"{n}@b.c") for n in range(99)], SCHEMA)
    assert meta.status(audience) == 441
    sandbox.state.set_switches(meta_processing_seconds=0)
    meta.users(audience, [row(f"{n}@b.c") for n in range(1_234)], SCHEMA)
    fields = "operation_status,delivery_status,approximate_count_lower_bound,approximate_count_upper_bound"
    content = meta.call("GET", audience, params={"fields": fields}).json()
    assert content["operation_status"]["code"] == content["delivery_status"]["code"] == 200
    assert (content["approximate_count_lower_bound"], content["approximate_count_upper_bound"]) == (
        1200,
        1300,
    )


def test_small_audiences_tell_no_size(meta: MetaCaller) -> None:
    """Below 1,000 members the bounds are -1, and below 100 the audience can't be used."""
    audience = meta.audience()
    meta.users(audience, [row("a@b.c")], SCHEMA)
    content = meta.call(
        "GET", audience, params={"fields": "approximate_count_lower_bound,delivery_status"}
    ).json()
    assert content["approximate_count_lower_bound"] == -1
    assert content["delivery_status"]["code"] == 300


def test_sessions_count_what_they_received(meta: MetaCaller) -> None:
    """num_received runs over the session, a repeated batch is not counted twice, and the edge shows it."""
    audience = meta.audience()

    def send(seq: int, rows: int, last: bool = False) -> dict[str, object]:
        session = {"session_id": 99, "batch_seq": seq, "last_batch_flag": last}
        content: dict[str, object] = meta.users(
            audience, [row(f"{seq}-{n}@b.c") for n in range(rows)], SCHEMA, session=session
        ).json()
        return content

    assert [send(1, 3)["num_received"], send(2, 4)["num_received"], send(2, 4)["num_received"]] == [3, 7, 7]
    assert send(3, 1, last=True)["num_received"] == 8
    assert send(3, 1, last=True)["num_received"] == 8, "a repeated last batch is answered as before"
    assert send(4, 1)["error"]["error_subcode"] == 1870159  # type: ignore[index]
    (session,) = meta.call("GET", f"{audience}/sessions").json()["data"]
    assert (session["session_id"], session["num_received"], session["progress"]) == ("99", "8", "100")


@pytest.mark.parametrize(
    "session",
    [
        {"session_id": 0, "batch_seq": 1},
        {"session_id": -4, "batch_seq": 1},
        {"session_id": 2**63, "batch_seq": 1},
        {"session_id": 5, "batch_seq": 0},
        {"session_id": 5},
        {"batch_seq": 1},
        {"session_id": 5, "batch_seq": 1, "last": True},
        {"session_id": 5, "batch_seq": 1, "last_batch_flag": "yes"},
    ],
)
def test_session_fields_are_checked(meta: MetaCaller, session: dict[str, object]) -> None:
    """Session id and batch number are positive integers, and there are no other fields."""
    assert graph_error(meta.users(meta.audience(), [row("a@b.c")], SCHEMA, session=session)) == (100, None)


def test_a_session_belongs_to_one_audience(meta: MetaCaller) -> None:
    """The same session id for another audience is refused."""
    session: dict[str, object] = {"session_id": 5, "batch_seq": 1}
    assert meta.users(meta.audience(), [row("a@b.c")], SCHEMA, session=session).status_code == 200
    assert graph_error(meta.users(meta.audience(), [row("a@b.c")], SCHEMA, session=session)) == (100, None)


def test_a_session_ends_after_90_minutes(
    sandbox: SandboxServer, meta: MetaCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later batches of an old session are refused, and an abandoned replacement has failed (415)."""
    plain, replaced = meta.audience("A"), meta.audience("B")
    meta.users(replaced, [row("old@b.c")], SCHEMA)
    first: dict[str, object] = {"session_id": 5, "batch_seq": 1}
    meta.users(plain, [row("a@b.c")], SCHEMA, session=first)
    meta.users(replaced, [row("new@b.c")], SCHEMA, edge="usersreplace", session={**first, "session_id": 6})
    later = time.time() + 91 * 60
    monkeypatch.setattr(time, "time", lambda: later)
    late = meta.users(plain, [row("b@b.c")], SCHEMA, session={**first, "batch_seq": 2})
    assert graph_error(late) == (2650, 1870158)
    assert meta.status(replaced) == 415
    assert [m["EMAIL"] for m in sandbox.state.meta_members(replaced)] == [sha256("old@b.c")]


def test_replacing_takes_over_with_the_last_batch(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """During a replacement the old members stay, /users is refused and status is 414; then the new ones are in."""
    audience = meta.audience()
    meta.users(audience, [row("old@b.c"), row("both@b.c")], SCHEMA)

    def send(seq: int, email: str, last: bool = False) -> tuple[int, int | None] | None:
        session = {"session_id": 5, "batch_seq": seq, "last_batch_flag": last}
        answer = meta.users(audience, [row(email)], SCHEMA, edge="usersreplace", session=session)
        return None if answer.ok else graph_error(answer)

    assert send(2, "x@b.c") == (2650, 1870147), "the first batch must come first"
    assert send(1, "both@b.c") is None
    assert send(1, "both@b.c") == (2650, 1870148), "the first batch comes once"
    assert meta.status(audience) == 414
    assert graph_error(meta.users(audience, [row("y@b.c")], SCHEMA)) == (2650, 1870145)
    assert sandbox.state.audience("meta", audience).size == 2
    assert send(7, "new@b.c", last=True) is None
    assert {m["EMAIL"] for m in sandbox.state.meta_members(audience)} == {
        sha256("both@b.c"),
        sha256("new@b.c"),
    }
    assert sandbox.state.changes("meta", audience)[-1].removed == 1
    assert meta.status(audience) == 200


def test_a_fresh_audience_cannot_be_replaced(meta: MetaCaller) -> None:
    """A replacement starts only from status 200, and always with a session."""
    audience = meta.audience()
    session: dict[str, object] = {"session_id": 5, "batch_seq": 1}
    answer = meta.users(audience, [row("a@b.c")], SCHEMA, edge="usersreplace", session=session)
    assert graph_error(answer)[0] == 2650
    assert graph_error(meta.users(audience, [row("a@b.c")], SCHEMA, edge="usersreplace")) == (100, None)


def test_members_leave_after_their_retention(
    sandbox: SandboxServer, meta: MetaCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With retention_days members expire, unless they were sent again."""
    audience = meta.audience(retention_days=30)
    meta.users(audience, [row("a@b.c"), row("b@b.c")], SCHEMA)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 20 * 86_400)
    meta.users(audience, [row("b@b.c")], SCHEMA)
    monkeypatch.setattr(time, "time", lambda: now + 31 * 86_400)
    meta.call("GET", audience)
    assert [m["EMAIL"] for m in sandbox.state.meta_members(audience)] == [sha256("b@b.c")]


def test_value_columns_need_a_value_based_audience(meta: MetaCaller) -> None:
    """LOOKALIKE_VALUE is a number of at least 0 and only for value-based audiences."""
    schema = ("EMAIL", "LOOKALIKE_VALUE")
    rows = [[sha256("a@b.c"), 12.5], [sha256("b@b.c"), -1]]
    assert graph_error(meta.users(meta.audience(), rows, schema)) == (100, None)
    answer = meta.users(meta.audience(is_value_based=True), rows, schema)
    assert answer.json()["num_invalid_entries"] == 1


def test_usage_headers_come_with_every_answer(meta: MetaCaller) -> None:
    """All three headers are JSON in a string; the business bucket names its type and minutes to wait."""
    headers = meta.call("GET", "me").headers
    ((bucket,),) = json.loads(headers["X-Business-Use-Case-Usage"]).values()
    assert bucket["type"] == "custom_audience"
    assert {"call_count", "total_cputime", "total_time", "estimated_time_to_regain_access"} <= set(bucket)
    assert json.loads(headers["X-Ad-Account-Usage"])["ads_api_access_tier"] == "standard_access"
    assert "call_count" in json.loads(headers["X-App-Usage"])


def test_the_limited_tier_allows_twenty_writes_in_five_minutes(
    sandbox: SandboxServer, meta: MetaCaller
) -> None:
    """60 points: a write costs 3, so the 21st is throttled with 17/2446079."""
    sandbox.state.set_switches(meta_tier="limited")
    for number in range(20):
        meta.audience(f"A{number}")
    wish = {"name": "x", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    answer = meta.call("POST", f"{ACCOUNT}/customaudiences", json=wish)
    assert graph_error(answer) == (17, 2446079)
    assert json.loads(answer.headers["X-Ad-Account-Usage"])["acc_id_util_pct"] == 100


def test_points_decay_and_blocks_end() -> None:
    """The limited tier blocks for 300 seconds and forgets points after 300; the full tier for 60."""
    now = [0.0]
    meter = Meter(clock=lambda: now[0])
    assert [meter.charge("POST", "limited") for _ in range(20)] == [None] * 20
    throttled = meter.charge("POST", "limited")
    assert throttled is not None
    assert (throttled.code, throttled.subcode) == (17, 2446079)
    now[0] = 299
    assert meter.charge("GET", "limited") is not None
    headers = meter.headers("limited", 0)
    assert json.loads(headers["X-Ad-Account-Usage"])["reset_time_duration"] == 1
    now[0] = 301
    assert meter.charge("GET", "limited") is None
    assert [meter.charge("POST", "full") for _ in range(2_999)] == [None] * 2_999
    assert meter.charge("POST", "full") is not None
    now[0] += 59
    assert meter.charge("GET", "full") is not None


def test_ten_thousand_rows_take_well_under_a_second(meta: MetaCaller) -> None:
    """A full request is validated and stored, and removed again, quickly: a limit far above the measured 0.2 s."""
    audience = meta.audience()
    rows = [row(f"{n}@b.c", str(n)) for n in range(10_000)]
    for method in ("POST", "DELETE"):
        started = time.perf_counter()
        answer = meta.users(audience, rows, SCHEMA, method=method)
        assert answer.json()["num_received"] == 10_000
        assert time.perf_counter() - started < 5
