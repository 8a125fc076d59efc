"""Meta's answers, budgets and audiences, against a scripted server and the sandbox."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Batch,
    QuotaExhausted,
    Refused,
    SyncOptions,
    Uncertain,
)
from connectors.meta import MetaConnector
from connectors.meta.receipts import receipt
from connectors.meta.settings import MetaOptions, MetaSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen

AUDIENCE = Audience("120210000000000001", "Lapsed")
REQUEST = AudienceRequest("Lapsed", "turnout:lapsed", None)


def connector(server: Scripted, time: FastTime, **changes: object) -> MetaConnector:
    settings = MetaSettings(token="tok-of-the-test", ad_account="12", base_url=server.url, **changes)  # type: ignore[arg-type]
    opened = MetaConnector("meta", settings)
    opened.http.use_clock(time.clock)
    return opened


def add(opened: MetaConnector, emails: list[str]) -> object:
    rows = pa.table({"EMAIL": pa.array(emails, pa.string())})
    return opened.add(AUDIENCE, rows, Batch("01JD000000000000000000000A", "add", 1, 1, len(emails)))


def error(code: int, subcode: int | None = None, **more: object) -> Reply:
    inner = {
        "message": "ann@example.com is odd",
        "code": code,
        "error_subcode": subcode,
        "fbtrace_id": "AbC1",
        **more,
    }
    return Reply(400, {"error": inner})


CONSEQUENCES: list[tuple[int, int | None, type[Exception]]] = [
    *[(code, None, QuotaExhausted) for code in (4, 17, 32, 613, 80000, 80003, 80004, 80014, 368)],
    (17, 2446079, QuotaExhausted), (613, 1487742, QuotaExhausted),
    *[(code, None, Uncertain) for code in (1, 2, 341, 5000, 21009)],
    *[(190, subcode, AuthFailed) for subcode in (None, 463, 460, 467, 458, 459)],
    *[(code, None, AuthFailed) for code in (102, 10, 3, 200, 273, 294, 270, 299)],
    (200, 1870090, ActionNeeded), (200, 1870050, ActionNeeded), (2655, None, ActionNeeded), (2635, None, ActionNeeded),
    (100, 33, AudienceGone), (100, 1487366, AudienceGone), (100, 1487301, AudienceGone),
    (1487366, None, AudienceGone), (1487301, None, AudienceGone), (100, 1713230, ActionNeeded),
    *[(code, None, Refused) for code in (100, 105, 194, 2500, 2650)],
    (2650, 1870144, ActionNeeded), (2650, 1870145, Uncertain), (2650, 1870147, Uncertain), (2650, 1870148, Uncertain),
    (2650, 1870158, Uncertain), (2650, 1870159, Uncertain), (99999, None, Refused),
]  # fmt: skip


@pytest.mark.fault(
    "F28",
    "F30",
    "F32",
    injected="each documented error code of Meta, from a server on loopback",
    outcome="each has its consequence: repeat, refuse, spent quota, or a person is needed; none is dropped",
)
@pytest.mark.privacy("P28")
@pytest.mark.parametrize(("code", "subcode", "consequence"), CONSEQUENCES)
def test_every_error_code_has_its_consequence(
    server: Scripted, time: FastTime, code: int, subcode: int | None, consequence: type[Exception]
) -> None:
    """Each documented code and subcode raises what must happen next, names itself, and quotes nobody."""
    server.answers(error(code, subcode))
    with pytest.raises(consequence) as failed:
        add(connector(server, time), ["a" * 64])
    assert type(failed.value) is consequence
    assert str(code) in str(failed.value)
    assert "ann@" not in str(failed.value)


@pytest.mark.fault("F11", injected="an unlisted code marked as transient", outcome="the request is repeated")
def test_an_unlisted_transient_error_is_repeated(server: Scripted, time: FastTime) -> None:
    """``is_transient`` makes an unknown code worth another attempt."""
    server.answers(error(4242, is_transient=True), Reply(body={"num_received": 1, "num_invalid_entries": 0}))
    add(connector(server, time), ["a" * 64])
    assert len(server.seen) == 2


@pytest.mark.fault(
    "F25",
    injected="the first batch of a session gets no answer, so the session stays open",
    outcome="the next attempt opens a session of its own; correctness never rests on a replacement",
)
def test_each_attempt_is_a_session_of_its_own(server: Scripted, time: FastTime) -> None:
    """So Meta's running count is the attempt's own, and a closed session never meets a repeat."""
    server.answers(Reply(how="reset"), Reply(body={"num_received": 1, "num_invalid_entries": 0}))
    add(connector(server, time), ["a" * 64])
    first, second = (json.loads(seen.body)["session"]["session_id"] for seen in server.seen)
    assert first != second


@pytest.mark.fault(
    "F32",
    injected="Meta's error for a retired version",
    outcome="stops before anything is sent, naming the setting",
)
def test_a_retired_version_names_its_setting(server: Scripted, time: FastTime) -> None:
    """The message says which variable to change."""
    server.answers(error(2635))
    with pytest.raises(ActionNeeded, match="TURNOUT_META_API_VERSION"):
        add(connector(server, time), ["a" * 64])


@pytest.mark.parametrize(
    ("header", "value", "pause"),
    [
        ("X-Business-Use-Case-Usage", {"1": [{"type": "custom_audience", "call_count": 74}]}, 0),
        ("X-Business-Use-Case-Usage", {"1": [{"call_count": 20, "total_time": 100}]}, 60),
        (
            "X-Business-Use-Case-Usage",
            {"1": [{"total_cputime": 80, "estimated_time_to_regain_access": 1}]},
            60,
        ),
        ("X-Ad-Account-Usage", {"acc_id_util_pct": 90.5, "reset_time_duration": 100}, 100),
        ("X-App-Usage", {"call_count": 100}, 60),
        ("X-App-Usage", {"call_count": 99, "reset_time_duration": 100000}, 120),
        ("X-App-Usage", "unreadable", 0),
    ],
)
def test_a_spent_budget_pauses_the_account(
    server: Scripted, time: FastTime, header: str, value: object, pause: float
) -> None:
    """Above 75 % of any budget the next request waits, in proportion or as long as Meta says, within the maximum."""
    text = value if isinstance(value, str) else json.dumps(value)
    server.answers(Reply(body={"num_received": 1, "num_invalid_entries": 0}, headers={header: text}))
    opened = connector(server, time)
    add(opened, ["a" * 64])
    assert time.pauses == []
    add(opened, ["a" * 64])
    assert sum(time.pauses) == pytest.approx(pause)


@pytest.mark.fault(
    "F06",
    injected="Meta's throttling code with minutes to wait in a header",
    outcome="waits that long, then the batch goes",
)
def test_throttling_waits_as_the_header_says(server: Scripted, time: FastTime) -> None:
    """Code 80003 with minutes to regain access: that long, then the batch goes."""
    usage = {"1": [{"call_count": 100, "estimated_time_to_regain_access": 1}]}
    throttled = Reply(400, error(80003).body, {"X-Business-Use-Case-Usage": json.dumps(usage)})
    server.answers(throttled, Reply(body={"num_received": 1, "num_invalid_entries": 0}))
    add(connector(server, time), ["a" * 64])
    assert sum(time.pauses) == pytest.approx(60)


@pytest.mark.privacy("P29")
def test_our_audience_is_found_on_any_page(server: Scripted, time: FastTime) -> None:
    """Pages are followed by cursor, never by the link that holds the token; too large pages shrink."""

    def listing(seen: Seen) -> Reply:
        query = parse_qs(urlsplit(seen.path).query)
        if int(query["limit"][0]) > 5:
            return error(1, None)
        if query.get("after") == ["two"]:
            ours = {"id": 77, "name": "Lapsed", "description": "Kept by Turnout: turnout:lapsed"}
            return Reply(body={"data": [ours]})
        other = {"id": 5, "name": "Lapsed", "description": "turnout:lapsed_vip"}
        paging = {"cursors": {"after": "two"}, "next": "https://x.invalid/?access_token=tok-of-the-test"}
        return Reply(body={"data": [other], "paging": paging})

    server.script = listing
    assert connector(server, time).open_audience(REQUEST, MetaOptions()).id == "77"
    assert [parse_qs(urlsplit(seen.path).query)["limit"][0] for seen in server.seen] == ["20", "10", "5", "5"]
    assert time.pauses == [], "a smaller page is asked for at once"


@pytest.mark.bad_input("B108")
@pytest.mark.promise("bounded")
def test_a_listing_without_end_stops(server: Scripted, time: FastTime) -> None:
    """The same cursor again and again is an error, not a loop."""
    server.answers(Reply(body={"data": [], "paging": {"cursors": {"after": "x"}, "next": "y"}}))
    with pytest.raises(Refused, match="does not end"):
        connector(server, time).open_audience(REQUEST, SyncOptions())
    assert len(server.seen) == 2


def test_creation_carries_source_options_and_mark(server: Scripted, time: FastTime) -> None:
    """The body of the creating request, field by field."""
    server.answers(Reply(body={"data": []}), Reply(body={"id": "99"}))
    options = MetaOptions(retention_days=90, labels=("AT_RISK",))
    made = connector(server, time).open_audience(REQUEST, options)
    assert made == Audience("99", "Lapsed", made.url, created=True)
    assert server.seen[1].path == "/v26.0/act_12/customaudiences"
    assert server.seen[1].json == {
        "name": "Lapsed",
        "subtype": "CUSTOM",
        "description": "Kept by Turnout, please leave this line: turnout:lapsed",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "retention_days": 90,
        "audience_labels": ["AT_RISK"],
    }
    lifetime = connector(server, time).lifetime(options)
    assert lifetime is not None
    assert lifetime.days == 90


@pytest.mark.fault(
    "F02", injected="the answer to a creation is lost", outcome="not repeated: names are not unique there"
)
def test_an_unanswered_creation_is_not_repeated(server: Scripted, time: FastTime) -> None:
    """Names are not unique on Meta, so a second request could make a second audience."""
    server.answers(Reply(body={"data": []}), Reply(how="reset"))
    with pytest.raises(Uncertain):
        connector(server, time).open_audience(REQUEST, MetaOptions())
    assert len(server.seen) == 2


@pytest.mark.bad_input("B95")
@pytest.mark.privacy("P19")
@pytest.mark.fault("F30", injected="operation status 471", outcome="nothing is sent; a person is told")
def test_a_flagged_audience_needs_a_person(server: Scripted, time: FastTime) -> None:
    """Operation status 471 stops before anything is sent."""
    server.answers(Reply(body={"id": "77", "name": "x", "operation_status": {"code": 471}}))
    with pytest.raises(ActionNeeded, match="flagged"):
        connector(server, time).open_audience(AudienceRequest("x", "turnout:x", "77"), MetaOptions())


def test_an_overlong_name_is_refused_before_sending(server: Scripted, time: FastTime) -> None:
    """Fifty characters are the most."""
    server.answers(Reply(body={"data": []}))
    with pytest.raises(ActionNeeded, match="50"):
        connector(server, time).open_audience(AudienceRequest("x" * 51, "turnout:x", None), MetaOptions())


def test_limited_data_use_marks_every_added_row(server: Scripted, time: FastTime) -> None:
    """With the setting, three columns follow the keys; removals carry none."""
    server.answers(Reply(body={"num_received": 1, "num_invalid_entries": 0}))
    opened = connector(
        server, time, limited_data_use=True, limited_data_use_country=1, limited_data_use_state=1000
    )
    add(opened, ["a" * 64])
    payload = json.loads(server.seen[0].body)["payload"]
    assert payload["schema"][1:] == [
        "DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"
    ]  # fmt: skip
    assert payload["data"] == [["a" * 64, ["LDU"], 1, 1000]]
    rows = pa.table({"EMAIL": ["a" * 64]})
    opened.remove(AUDIENCE, rows, Batch("01JD000000000000000000000B", "remove", 1, 1, 1))
    assert server.seen[1].method == "DELETE"
    assert json.loads(server.seen[1].body)["payload"]["schema"] == ["EMAIL"]


@pytest.mark.privacy("P29")
def test_a_proof_of_the_app_secret_goes_along(server: Scripted, time: FastTime) -> None:
    """Hex HMAC-SHA256 of the token under the app's secret, in the body; no credential is in any URL."""
    server.answers(Reply(body={"num_received": 1, "num_invalid_entries": 0}))
    add(connector(server, time, app_secret="key"), ["a" * 64])
    body = json.loads(server.seen[0].body)
    assert body["appsecret_proof"] == "8505ef151e8f5fe241e081db35894008065eb3fcac80e473fb1261425d611402"
    assert "tok-of-the-test" not in server.seen[0].path


BAD = "invalid_identifier"
ROWS = [("e1", "us"), ("e2", "us"), ("e3", "us")]


@pytest.mark.fault(
    "F10",
    injected="a count of invalid rows with samples",
    outcome="a sample that fits one row rejects it; the others are counted, never guessed",
)
@pytest.mark.parametrize(
    ("body", "rejected", "unlocated"),
    [
        ({"num_received": 3, "num_invalid_entries": 0, "invalid_entry_samples": {}}, {}, 0),
        ({"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": ["e2"]}, {1: BAD}, 0),
        ({"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": [["e3", "us"]]}, {2: BAD}, 0),
        ({"num_received": 3, "num_invalid_entries": 2, "invalid_entry_samples": {"e1": "us"}}, {0: BAD}, 1),
        ({"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": ["us"]}, {}, 1),
        ({"num_received": 3, "num_invalid_entries": 2, "invalid_entry_samples": []}, {}, 2),
        ({"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": ["zz"]}, {}, 1),
        ({"num_received": 3, "num_invalid_entries": 9}, {}, 3),
    ],
)  # fmt: skip
def test_samples_name_rows_only_where_they_can_mean_one(
    body: dict[str, object], rejected: dict[int, str], unlocated: int
) -> None:
    """A sample that fits exactly one row rejects it; all others are only counted."""
    found = receipt(body, ROWS, session_alone=True)
    assert dict(found.rejected) == rejected
    assert found.rejected_unlocated == unlocated


@pytest.mark.bad_input("B104")
@pytest.mark.promise("never_claimed")
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"num_received": "3"},
        {"num_received": 2},
        {"num_received": 3, "num_invalid_entries": -1},
        {"num_received": True},
    ],
)
def test_counts_that_do_not_add_up_are_uncertain(body: object) -> None:
    """Missing, negative, textual or wrong counts are no receipt."""
    with pytest.raises(Uncertain):
        receipt(body, ROWS, session_alone=True)
