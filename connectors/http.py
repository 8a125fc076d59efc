"""HTTP for connectors: one pooled session an account, bounded in time and size, repeating only what is safe.

What can happen to a request, and what the caller gets:

    answered and accepted by the connector's ``judge``      the Answer
    answered with an error that ``judge`` knows             that error
    throttled (429, or what ``judge`` calls ``Throttled``)  waited for as told; too long: QuotaExhausted
    never left (no connection)                              repeated, then Refused
    left, no usable answer (time-out, reset, 5xx, HTML)     repeated if repeatable, then Uncertain
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import orjson
import requests
import tenacity

from connectors.base import ActionNeeded, DeliveryError, QuotaExhausted, Refused, Uncertain
from connectors.pace import Clock, Pace
from connectors.settings import checked_base_url
from connectors.wire import Answer, NoAnswer, NotSent, Wire


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what, in seconds."""

    connect: float = 10.0
    read: float = 60.0
    """Silence on an open connection."""
    answer: float = 120.0
    """One answer in all, however slowly its bytes drip."""
    attempts: int = 4
    """Attempts at one request, waits that the platform asked for not counted."""
    first_pause: float = 1.0
    longest_pause: float = 30.0
    longest_throttle: float = 120.0
    """The longest wait a platform may ask for, and the most that one request spends in such waits."""


LONGEST_UNTIL_SECONDS = 366 * 86_400.0
"""A platform that names a later moment has a broken clock."""


class Throttled(Exception):
    """The platform did not take the request because of its rate limit. ``wait`` in seconds, None when it named none."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


Judge = Callable[[Answer], None]
"""Raises what an answer means: a DeliveryError (final), Throttled, or NoAnswer (a fault that may pass)."""


def worth_repeating(error: BaseException) -> bool:
    """The one decision whether to send a request again."""
    # No connection came about, so nothing was sent and nothing can double.
    if isinstance(error, NotSent):
        return True
    # The platform says that it did not take the request, and when to come back.
    if isinstance(error, Throttled):
        return True
    # It may have been applied. Adds and removes are sets: the same batch again changes nothing, and its answer
    # is the receipt that was lost. (What must not double, ``Http`` stops before asking for a repeat.)
    if isinstance(error, NoAnswer):  # noqa: SIM103 - each case keeps its reason
        return True
    # The platform has decided.
    return False


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or HTTP date), None without a usable one; never negative."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[+-]?\d{1,15}(?:\.\d+)?", value):
        return max(0.0, float(value))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def jittered(seconds: float) -> float:
    """Half to all of the pause, so that threads which failed together do not return together."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@dataclass(slots=True)
class _Call:
    """The course of one request over its attempts."""

    reads: bool
    attempts: int = 0
    failures: int = 0
    throttled_for: float = 0.0
    asked_wait: float = 0.0
    unanswered: str | None = None
    """The first fault after which the request may be applied."""


@dataclass(slots=True)
class Http:
    """Requests to one account. Safe to use from as many threads as ``in_flight``."""

    base_url: str
    authorise: Callable[[requests.PreparedRequest], requests.PreparedRequest]
    """Puts the credential into headers, never into the URL."""
    in_flight: int
    name: str
    """What messages call the platform."""
    per_second: float | None = None
    timing: Timing = field(default_factory=Timing)
    secrets: tuple[str, ...] = ()
    """Texts that must not appear in any message."""
    clock: Clock = field(default_factory=Clock)
    pause_with: Callable[[float], float] = jittered
    pace: Pace = field(init=False)
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = checked_base_url(self.base_url)
        self.pace = Pace(self.per_second, self.clock)
        self.wire = Wire(
            self.base_url,
            self.authorise,
            self.in_flight,
            self.name,
            connect_seconds=self.timing.connect,
            silence_seconds=self.timing.read,
            answer_seconds=self.timing.answer,
        )

    def use_clock(self, clock: Clock) -> None:
        """Live by another clock (tests)."""
        self.clock = clock
        self.pace = Pace(self.per_second, clock)

    def send(
        self,
        method: str,
        path: str,
        judge: Judge,
        *,
        params: Mapping[str, str] | None = None,
        body: Callable[[int], object] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """Send one request and return its answer once ``judge`` has accepted it.

        ``body`` makes the JSON value of an attempt (1, 2, …), for platforms that tell attempts apart.
        ``repeatable=False`` for what must not happen twice (creating an audience). Raises Refused, Uncertain,
        QuotaExhausted, ActionNeeded, or what ``judge`` raises.
        """
        call = _Call(reads=method == "GET")

        def exchanged() -> Answer:
            content = None if body is None else orjson.dumps(body(call.attempts))
            answer = self.wire.exchange(method, path, params, content, self.clock)
            self._judge_transport(answer)
            judge(answer)
            self._judge_the_rest(answer)
            return answer

        def attempt() -> Answer:
            self.pace.wait_for_turn()
            call.attempts += 1
            try:
                return exchanged()
            except (NotSent, NoAnswer, Throttled) as error:
                self._note(call, error)
                raise

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth_repeating),
            stop=lambda state: self._enough(call, _error_of(state), repeatable),
            wait=lambda state: self._pause(call, _error_of(state)),
            before_sleep=lambda state: self._hold_others(call, _error_of(state)),
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except (NotSent, NoAnswer, Throttled) as error:
            raise self._given_up(call, error) from None
        except DeliveryError as error:
            raise self._in_doubt(call, error) from None

    def close(self) -> None:
        """Close pooled connections."""
        self.wire.session.close()

    def _judge_transport(self, answer: Answer) -> None:
        """What a status means on every platform."""
        if answer.status == 429:
            raise Throttled("too many requests", retry_after(answer.headers, self.clock.now()))
        if 300 <= answer.status < 400:
            raise ActionNeeded(f"{self.name} redirects to another address: check the base URL setting")

    def _judge_the_rest(self, answer: Answer) -> None:
        """What a connector's ``judge`` let pass is a success only if the platform says so."""
        if answer.status >= 500:
            raise NoAnswer(f"HTTP {answer.status}")
        if answer.status >= 400:
            raise Refused(f"{self.name}: refused with HTTP {answer.status}")

    def _note(self, call: _Call, error: NotSent | NoAnswer | Throttled) -> None:
        if isinstance(error, Throttled):
            call.asked_wait = self._asked(call, error)
            call.throttled_for += call.asked_wait
            return
        call.failures += 1
        if isinstance(error, NoAnswer) and not call.reads:
            call.unanswered = call.unanswered or str(error)

    def _asked(self, call: _Call, error: Throttled) -> float:
        """The platform's wait, at least our first pause; without one, longer each time."""
        if error.wait is not None:
            return max(self.timing.first_pause, error.wait)
        return max(self.timing.first_pause, min(self.timing.longest_pause, call.throttled_for))

    def _enough(self, call: _Call, error: BaseException | None, repeatable: bool) -> bool:
        if isinstance(error, Throttled):
            return call.throttled_for > self.timing.longest_throttle
        return call.failures >= self.timing.attempts or (isinstance(error, NoAnswer) and not repeatable)

    def _pause(self, call: _Call, error: BaseException | None) -> float:
        if isinstance(error, Throttled):
            return 0.0  # waited for at the account's gate, see ``_hold_others``
        doubled = self.timing.first_pause * 2 ** (call.failures - 1)
        return self.pause_with(min(self.timing.longest_pause, doubled))

    def _hold_others(self, call: _Call, error: BaseException | None) -> None:
        """The limit is the account's: when one thread is asked to wait, all wait."""
        if isinstance(error, Throttled):
            self.pace.pause(call.asked_wait)

    def _given_up(self, call: _Call, error: NotSent | NoAnswer | Throttled) -> DeliveryError:
        if isinstance(error, Throttled):
            named = None if error.wait is None else min(error.wait, LONGEST_UNTIL_SECONDS)
            until = None if named is None else self.clock.now() + timedelta(seconds=named)
            said = f"; it opens again at {until:%Y-%m-%d %H:%M} UTC" if until else ""
            return self._in_doubt(call, QuotaExhausted(f"{self.name}: {error}{said}", until))
        if call.unanswered is None:
            return Refused(f"{self.name}: {error}; nothing was changed")
        return Uncertain(f"{self.name}: {call.unanswered}; the request may have been applied")

    def _in_doubt(self, call: _Call, error: DeliveryError) -> DeliveryError:
        """A verdict on a later attempt says nothing certain of an earlier one that had no answer."""
        if call.unanswered is None:
            return error
        if isinstance(error, Refused):
            return Uncertain(f"{error} (an earlier attempt had no answer)")
        error.maybe_applied = True
        return error


def _error_of(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
