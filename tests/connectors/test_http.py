"""What the HTTP layer promises, against a real server on loopback."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from connectors.base import (
    ActionNeeded,
    AuthFailed,
    DeliveryError,
    QuotaExhausted,
    Refused,
    Uncertain,
    Window,
)
from connectors.http import Http, Timing, jittered, retry_after
from connectors.testing import FastTime
from connectors.wire import MAX_BODY, Answer, NoAnswer
from tests.connectors.server import Reply, Scripted, free_port

SECRET = "EAABsecretsecretsecret"


def with_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["Authorization"] = f"Bearer {SECRET}"
    return request


def opened(url: str, time: FastTime, **changes: object) -> Http:
    timing = Timing(connect=0.5, read=0.1, attempts=3)
    http = Http(url, with_token, in_flight=4, name="Platform", timing=timing, secrets=(SECRET,), **changes)  # type: ignore[arg-type]
    http.use_clock(time.clock)
    http.pause_with = lambda seconds: seconds
    return http


def content(answer: Answer) -> None:
    """The judge of a platform that always answers JSON."""
    if answer.json is None:
        raise NoAnswer(f"HTTP {answer.status} without JSON")


def post(http: Http, **changes: object) -> Answer:
    return http.send("POST", "/users", content, body=lambda _: {"rows": [1]}, **changes)  # type: ignore[arg-type]


@pytest.mark.privacy("P29")
def test_an_answer_arrives_whole(server: Scripted, time: FastTime) -> None:
    """A JSON answer is returned after one request, with the credential in a header and never in the URL."""
    server.answers(Reply(body={"ok": True}))
    assert post(opened(server.url, time)).json == {"ok": True}
    assert len(server.seen) == 1
    assert server.seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in server.seen[0].path


@pytest.mark.fault(
    "F18",
    injected="nobody listens on the port",
    outcome="attempts with growing pauses, then refused: nothing was sent",
)
@pytest.mark.promise("bounded")
def test_a_refused_connection_is_retried_and_then_certain(time: FastTime) -> None:
    """Nobody listens: attempts with growing pauses, then Refused, because nothing was ever sent."""
    with pytest.raises(Refused, match="no connection"):
        post(opened(f"http://127.0.0.1:{free_port()}", time))
    assert time.pauses == [1.0, 2.0]


@pytest.mark.fault(
    "F18",
    injected="a name that does not resolve",
    outcome="refused; the message holds neither path nor parameter",
)
def test_an_unknown_host_is_certain_too(time: FastTime) -> None:
    """A name that does not resolve is Refused, and the message holds no path or parameter."""
    http = opened("https://no-such-host.invalid", time)
    http.wire.session.trust_env = False
    with pytest.raises(Refused) as refused:
        http.send("POST", "/secret-path", content, params={"q": "secret"})
    assert "secret" not in str(refused.value)


@pytest.mark.fault(
    "F02",
    "F03",
    "F05",
    "F13",
    "F15",
    injected="a server on loopback that resets, stays silent, answers HTML, half a JSON, nothing, or more than 8 MiB",
    outcome="the same request a bounded number of times, then uncertain, never success",
)
@pytest.mark.promise("never_claimed", "bounded")
@pytest.mark.parametrize(
    "lost",
    [
        Reply(how="reset"),
        Reply(how="silence"),
        Reply(status=502, body=b"<html>Bad Gateway</html>"),
        Reply(status=500, body={"error": "x"}),
        Reply(body=b"<html>hello</html>"),
        Reply(body=b""),
        Reply(body={"half": 1}, how="truncated"),
        Reply(body=b"[" + b"0," * (MAX_BODY // 2) + b"0]"),
    ],
    ids=["reset", "timeout", "html502", "json500", "html200", "empty", "truncated", "huge"],
)
def test_a_lost_answer_is_repeated_and_then_uncertain(server: Scripted, time: FastTime, lost: Reply) -> None:
    """After sending, no usable answer: the same request a bounded number of times, then Uncertain, never success."""
    server.answers(lost)
    with pytest.raises(Uncertain, match="may have been applied"):
        post(opened(server.url, time))
    assert len(server.seen) == 3
    assert time.pauses == [1.0, 2.0]


def test_a_repeated_request_that_is_answered_is_a_success(server: Scripted, time: FastTime) -> None:
    """One lost answer, then a good one: the receipt is as good as the first would have been."""
    server.answers(Reply(how="reset"), Reply(body={"ok": True}))
    assert post(opened(server.url, time)).json == {"ok": True}


@pytest.mark.fault(
    "F03",
    injected="connection reset after a request that must not be doubled",
    outcome="sent once, then uncertain",
)
def test_what_must_not_double_is_never_repeated(server: Scripted, time: FastTime) -> None:
    """A request marked unrepeatable is sent once, lost answer or not."""
    server.answers(Reply(how="reset"))
    with pytest.raises(Uncertain):
        post(opened(server.url, time), repeatable=False)
    assert len(server.seen) == 1


def test_what_must_not_double_is_repeated_when_it_never_left(time: FastTime) -> None:
    """Connection failures cannot double anything, so even an unrepeatable request is tried again."""
    with pytest.raises(Refused):
        post(opened(f"http://127.0.0.1:{free_port()}", time), repeatable=False)
    assert len(time.pauses) == 2


def test_a_lost_answer_to_a_question_changes_nothing(server: Scripted, time: FastTime) -> None:
    """A GET without an answer is Refused: nothing can have been applied."""
    server.answers(Reply(how="reset"))
    with pytest.raises(Refused, match="nothing was changed"):
        opened(server.url, time).send("GET", "/x", content)


@pytest.mark.fault(
    "F02",
    "F03",
    injected="connection reset, then a refusal",
    outcome="the refusal says nothing certain about the first attempt: uncertain",
)
def test_a_verdict_after_a_lost_answer_stays_in_doubt(server: Scripted, time: FastTime) -> None:
    """Refused on the second attempt says nothing certain about the first."""
    server.answers(Reply(how="reset"), Reply(status=400, body={}))
    with pytest.raises(Uncertain, match="earlier attempt"):
        post(opened(server.url, time))


def test_an_account_error_after_a_lost_answer_says_so(server: Scripted, time: FastTime) -> None:
    """AuthFailed keeps its kind, and carries that the batch may be applied."""

    def judge(answer: Answer) -> None:
        raise AuthFailed("expired")

    server.answers(Reply(how="reset"), Reply(status=401, body={}))
    with pytest.raises(AuthFailed) as failed:
        opened(server.url, time).send("POST", "/users", judge)
    assert failed.value.maybe_applied
    assert not AuthFailed("x").maybe_applied


IN_NINE_SECONDS = "a date in nine seconds"


@pytest.mark.fault(
    "F06",
    "F07",
    injected="429 with seconds, a date, zero, a negative or an unreadable value",
    outcome="waits as told, or a little",
)
@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("1.5", 1.5),
        (IN_NINE_SECONDS, 9.0),
        ("soon", 1.0),
    ],
)
def test_retry_after_is_honoured(server: Scripted, time: FastTime, header: str, waits: float) -> None:
    """429 waits as told, in seconds or until a date; zero, negative and unreadable values wait a little."""
    told = (
        format_datetime(time.start + timedelta(seconds=9), usegmt=True)
        if header == IN_NINE_SECONDS
        else header
    )
    server.answers(Reply(429, {}, {"Retry-After": told}), Reply(body={"ok": 1}))
    assert post(opened(server.url, time)).json == {"ok": 1}
    assert sum(time.pauses) == pytest.approx(waits)


@pytest.mark.fault("F06", injected="more 429s than attempts", outcome="waits, and the request goes through")
def test_waiting_as_told_burns_no_attempts(server: Scripted, time: FastTime) -> None:
    """More 429s than attempts are fine as long as the waits are short."""
    throttled = Reply(429, {}, {"Retry-After": "2"})
    server.answers(*[throttled] * 8, Reply(body={"ok": 1}))
    assert post(opened(server.url, time)).json == {"ok": 1}


@pytest.mark.fault(
    "F07",
    injected="429 with a wait beyond the maximum",
    outcome="not slept: the account's quota is spent, until when is told",
)
@pytest.mark.promise("bounded")
@pytest.mark.parametrize("seconds", ["3600", "1000000000", "999999999999999"])
def test_an_absurd_wait_ends_the_call(server: Scripted, time: FastTime, seconds: str) -> None:
    """A wait beyond the maximum is not slept: QuotaExhausted says until when."""
    server.answers(Reply(429, {}, {"Retry-After": seconds}))
    with pytest.raises(QuotaExhausted) as exhausted:
        post(opened(server.url, time))
    assert time.pauses == []
    assert exhausted.value.until is not None
    assert exhausted.value.until >= time.start + timedelta(hours=1)


@pytest.mark.fault(
    "F08",
    injected="429 for ever, without a header",
    outcome="growing waits, a bounded sum, then the account is left alone",
)
@pytest.mark.promise("bounded")
def test_endless_throttling_ends(server: Scripted, time: FastTime) -> None:
    """429 for ever without a header: growing waits, a bounded sum, then QuotaExhausted without a date."""
    server.answers(Reply(429, {}))
    with pytest.raises(QuotaExhausted) as exhausted:
        post(opened(server.url, time))
    assert exhausted.value.until is None
    assert 30 <= sum(time.pauses) <= 120


@pytest.mark.fault("F08", injected="429 to one of several threads", outcome="the others wait as well")
def test_throttling_holds_back_every_thread(server: Scripted, time: FastTime) -> None:
    """A limit belongs to the account: after one 429 another thread's request waits as well."""
    http = opened(server.url, time)
    http.hold(5, "asked to")
    server.answers(Reply(body={}))
    worker = threading.Thread(target=lambda: post(http))
    worker.start()
    worker.join(5)
    assert sum(time.pauses) == pytest.approx(5)


def test_requests_a_second_are_bounded(server: Scripted, time: FastTime) -> None:
    """With two a second, ten requests take four seconds after the first two, and hardly more."""
    server.answers(Reply(body={}))
    http = opened(server.url, time, windows=(Window(2, timedelta(seconds=1)),))
    for _ in range(10):
        post(http)
    assert 4.0 <= sum(time.pauses) <= 4.1


@pytest.mark.fault(
    "F14", injected="each byte in time, the whole never", outcome="given up at the deadline of one answer"
)
@pytest.mark.promise("bounded")
def test_a_dripping_answer_has_a_total_deadline(server: Scripted) -> None:
    """Each byte arrives in time, the whole does not: given up at the deadline for one answer."""
    server.answers(Reply(body={"x": "y" * 200}, how="drip"))
    drifting = FastTime(drift=30.0)
    with pytest.raises(Uncertain, match="slower than 120 seconds"):
        post(opened(server.url, drifting))


@pytest.mark.fault(
    "F16",
    injected="301 to 308 to another address",
    outcome="not followed: the credential reaches no other host",
)
@pytest.mark.privacy("P37")
def test_redirects_are_refused(server: Scripted, time: FastTime) -> None:
    """A redirect is not followed, so the credential reaches no other address."""
    server.answers(Reply(302, {}, {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(ActionNeeded, match="redirects"):
        post(opened(server.url, time))
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 418])
def test_an_error_that_no_judge_knows_is_no_success(server: Scripted, time: FastTime, status: int) -> None:
    """A client error that the connector overlooked is Refused."""
    server.answers(Reply(status, {}))
    with pytest.raises(Refused, match=str(status)):
        post(opened(server.url, time))
    assert len(server.seen) == 1


@pytest.mark.bad_input("B100")
@pytest.mark.privacy("P36")
@pytest.mark.parametrize(
    "url",
    [
        "http://graph.facebook.com",
        "ftp://graph.facebook.com",
        "https://user:pass@graph.facebook.com",
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://[::ffff:10.0.0.1]",
        "https://2130706433",
        "https://0x7f.1",
        "https://graph.facebook.com/?token=x",
        "file:///etc/passwd",
        "https://",
    ],
)
def test_addresses_that_must_not_be_called(url: str, time: FastTime) -> None:
    """Plain http, credentials in the address, private and disguised addresses are refused when opening."""
    with pytest.raises(ValueError, match="must"):
        opened(url, time)


@pytest.mark.privacy("P26", "P27", "P28", "P29")
@pytest.mark.promise("quiet")
@pytest.mark.bad_input("B106")
def test_no_secret_in_errors_or_debug_logs(
    server: Scripted, time: FastTime, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong, the credential and the rows are in no message, no cause and no debug log."""
    caplog.set_level(logging.DEBUG)
    replies = [
        Reply(how="reset"),
        Reply(how="silence"),
        Reply(429, {}, {"Retry-After": "99999"}),
        Reply(400, {"echo": SECRET}),
        Reply(302, {}, {"Location": f"https://x.invalid/?{SECRET}"}),
    ]
    for reply in replies:
        server.answers(reply)
        with pytest.raises(DeliveryError) as failed:
            opened(server.url, time).send(
                "POST", "/users", content, body=lambda _: {"email": "ann@example.com"}
            )
        error: BaseException | None = failed.value
        while error is not None:
            assert SECRET not in str(error)
            assert "ann@" not in str(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert SECRET not in caplog.text
    assert "ann@" not in caplog.text


@pytest.mark.promise("bounded")
def test_connections_are_reused(server: Scripted, time: FastTime) -> None:
    """Threads share one pool, no larger than the requests in flight."""
    server.answers(Reply(body={}))
    http = opened(server.url, time)
    workers = [threading.Thread(target=lambda: [post(http) for _ in range(5)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    pool = http.wire.session.get_adapter(server.url).poolmanager.connection_from_url(server.url)  # type: ignore[attr-defined]
    assert len(server.seen) == 40
    assert pool.num_connections <= 4


def test_each_attempt_can_have_its_own_body(server: Scripted, time: FastTime) -> None:
    """The body is made anew for each attempt, with the attempt's number."""
    server.answers(Reply(how="reset"), Reply(body={}))
    opened(server.url, time).send("POST", "/x", content, body=lambda attempt: {"attempt": attempt})
    assert [seen.json for seen in server.seen] == [{"attempt": 1}, {"attempt": 2}]


def test_jitter_stays_within_half_and_whole() -> None:
    """Pauses spread, and never exceed what was meant."""
    pauses = {jittered(10) for _ in range(200)}
    assert 5 <= min(pauses) < max(pauses) <= 10


def test_retry_after_in_the_past_is_zero() -> None:
    """A date that has passed asks for no wait."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert retry_after({"Retry-After": "Sat, 21 Nov 2026 00:00:00 GMT"}, now) == 0
    assert retry_after({}, now) is None
