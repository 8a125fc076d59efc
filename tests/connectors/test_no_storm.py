"""However a platform answers: a request is tried a bounded number of times, for a bounded time, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from math import ceil
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import AuthFailed, DeliveryError, QuotaExhausted, Uncertain, Window
from connectors.http import UNNAMED_HOLD_SECONDS, Http, Throttled, Timing
from connectors.testing import FastTime
from connectors.wire import Answer, NoAnswer
from tests.connectors.server import Reply, Scripted, Seen, scripted_server

TIMING = Timing(connect=0.5, read=0.5, attempts=4, longest_throttle=8, in_all=15)
MOST_ATTEMPTS = TIMING.attempts + ceil(TIMING.longest_throttle / TIMING.first_pause) + 1

waits = st.sampled_from(["0", "-5", "0.2", "1", "3", "7", "9", "1000000000", "soon", None])
throttled = waits.map(lambda wait: Reply(429, {}, {"Retry-After": wait} if wait else {}))
spent = st.builds(
    lambda status, reset: Reply(status, {}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}),
    st.sampled_from([200, 500]),
    st.sampled_from(["0", "3", "6", "30", "100000"]),
)
answers = st.one_of(
    throttled,
    spent,
    st.sampled_from(
        [
            Reply(body={"ok": 1}),
            Reply(500, {"error": "x"}),
            Reply(502, b"<html>Bad gateway</html>"),
            Reply(body=b""),
            Reply(how="reset"),
            Reply(400, {}),
            Reply(401, {}),
            Reply(503, {"blocked": True}),
            Reply(420, {"enhance": "calm"}),
        ]
    ),
)


def judge(answer: Answer) -> None:
    """A platform with every kind of answer that a connector may meet."""
    if not isinstance(answer.json, dict):
        raise NoAnswer("no JSON")
    if answer.status == 401:
        raise AuthFailed("signed out")
    if answer.status == 503:
        raise QuotaExhausted("blocked for a while")
    if answer.status == 420:
        raise Throttled("calm down")


@pytest.fixture(scope="module")
def platform() -> Iterator[Scripted]:
    """One server for all sequences."""
    with scripted_server() as running:
        yield running


def opened(platform: Scripted, time: FastTime, path: Path | None = None, *windows: Window) -> Http:
    http = Http(platform.url, unsigned, 4, "Platform", windows=windows, timing=TIMING, clock=time.clock)
    if path is not None:
        http.use_budget(path)
    return http


def fails(reply: Reply) -> bool:
    """Whether the answer leaves open what became of the request."""
    return reply.how == "reset" or reply.status in (500, 502) or reply.payload == b""


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


@pytest.mark.promise("bounded")
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sequence=st.lists(answers, min_size=1, max_size=20),
    windows=st.sampled_from([(), (Window(2, timedelta(seconds=5)),), (Window(3, timedelta(hours=1)),)]),
    repeatable=st.booleans(),
    calls=st.integers(1, 3),
)
def test_attempts_waits_and_time_are_bounded_for_every_sequence(
    platform: Scripted, sequence: list[Reply], windows: tuple[Window, ...], repeatable: bool, calls: int
) -> None:
    """Any sequence of answers, its last for ever: each call ends with an answer or a known error, after a bounded
    number of attempts, and never later than its time in all."""
    served: list[Reply] = []
    left = list(sequence)

    def script(_: Seen) -> Reply:
        served.append(left.pop(0) if len(left) > 1 else left[0])
        return served[-1]

    platform.script = script
    time = FastTime()
    http = opened(platform, time, None, *windows)
    for _ in range(calls):
        served.clear()
        time.pauses.clear()
        with suppress(DeliveryError):
            http.send("POST", "/users", judge, body=lambda attempt: {"rows": [1]}, repeatable=repeatable)
        assert len(served) <= MOST_ATTEMPTS
        assert sum(map(fails, served)) <= (TIMING.attempts if repeatable else 1)
        assert sum(time.pauses) <= TIMING.in_all
    http.close()


@pytest.mark.promise("bounded")
@pytest.mark.fault(
    "F08",
    injected="429 without a header, for ever; a second process on the same account's budget",
    outcome="waits longer each time, ends; the other process sends nothing and says until when",
)
def test_what_one_learned_the_next_does_not_ask_again(platform: Scripted, tmp_path: Path) -> None:
    """After endless throttling, another process and a later run end at once, without a request, until the hold ends."""
    platform.answers(Reply(429, {}))
    time, path = FastTime(), tmp_path / "budget.sqlite"
    with pytest.raises(QuotaExhausted):
        opened(platform, time, path).send("POST", "/users", judge)
    platform.seen.clear()
    platform.answers(Reply(body={"ok": 1}))
    later = opened(platform, time, path)
    with pytest.raises(
        QuotaExhausted, match=r"too many requests; the account takes requests again at \d{4}-"
    ) as told:
        later.send("POST", "/users", judge)
    assert platform.seen == []
    assert told.value.until is not None
    assert not told.value.maybe_applied
    time.clock.sleep(UNNAMED_HOLD_SECONDS)
    assert later.send("POST", "/users", judge).json == {"ok": 1}


@pytest.mark.fault(
    "F07",
    injected="429 with Retry-After of thirty years",
    outcome="ends at once; the account is asked again after a day",
)
def test_an_absurd_wait_is_not_believed_for_ever(platform: Scripted, tmp_path: Path) -> None:
    """Retry-After of thirty years closes the account for a day, in later runs too; then one request asks."""
    platform.answers(Reply(429, {}, {"Retry-After": "999999999"}), Reply(body={"ok": 1}))
    time, path = FastTime(), tmp_path / "budget.sqlite"
    with pytest.raises(QuotaExhausted):
        opened(platform, time, path).send("POST", "/users", judge)
    time.clock.sleep(86_000)
    with pytest.raises(QuotaExhausted):
        opened(platform, time, path).send("POST", "/users", judge)
    time.clock.sleep(400)
    assert opened(platform, time, path).send("POST", "/users", judge).status == 200


def test_a_verdict_on_the_account_closes_it_for_others(platform: Scripted, tmp_path: Path) -> None:
    """What a connector calls QuotaExhausted is kept like a 429 that lasts."""
    platform.answers(Reply(503, {"blocked": True}), Reply(body={}))
    time, path = FastTime(), tmp_path / "budget.sqlite"
    platform.seen.clear()
    for _ in range(2):
        with pytest.raises(QuotaExhausted, match="blocked for a while"):
            opened(platform, time, path).send("POST", "/users", judge)
    assert len(platform.seen) == 1


def test_what_the_headers_say_is_left_is_obeyed(platform: Scripted) -> None:
    """None left for seven seconds: the next request leaves after seven, although our own count has room."""
    time = FastTime()
    http = opened(platform, time, None, Window(100, timedelta(seconds=10)))
    gone = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}
    platform.answers(Reply(body={}, headers=gone), Reply(body={}))
    http.send("POST", "/users", judge)
    http.send("POST", "/users", judge)
    assert 7 <= sum(time.pauses) <= 7.5


def test_a_window_too_long_to_wait_for_ends_the_call(platform: Scripted) -> None:
    """Two an hour: the third is told when, and is not sent."""
    time = FastTime()
    http = opened(platform, time, None, Window(2, timedelta(hours=1)))
    platform.answers(Reply(body={}))
    platform.seen.clear()
    http.send("POST", "/users", judge)
    http.send("POST", "/users", judge)
    with pytest.raises(QuotaExhausted, match="2 requests in 1 hour are spent") as spent:
        http.send("POST", "/users", judge)
    assert len(platform.seen) == 2
    assert spent.value.until is not None
    assert timedelta(hours=1) <= spent.value.until - time.start <= timedelta(hours=1, minutes=1, seconds=2)


@pytest.mark.promise("bounded")
def test_no_attempt_begins_after_the_time_in_all(platform: Scripted) -> None:
    """With ten seconds in all and pauses of four, the attempts begin at 0, 4 and 8, however many are allowed."""
    time = FastTime()
    timing = Timing(attempts=10, first_pause=4, longest_pause=4, in_all=10)
    http = Http(
        platform.url, unsigned, 1, "Platform", timing=timing, clock=time.clock, pause_with=lambda pause: pause
    )
    platform.answers(Reply(500, {}))
    platform.seen.clear()
    with pytest.raises(Uncertain):
        http.send("POST", "/users", judge)
    assert (len(platform.seen), time.pauses) == (3, [4, 4])
