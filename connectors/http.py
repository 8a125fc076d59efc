"""HTTP for connectors: one pooled session an account, bounded in time and size, repeating only what is safe.

What can happen to a request, and what the caller gets:

    answered and accepted by the connector's ``judge``      the Answer
    answered with an error that ``judge`` knows             that error
    throttled (429, or what ``judge`` calls ``Throttled``)  waited for as told; too long: QuotaExhausted
    kept back, the account's budget being spent             waited for; too long: QuotaExhausted
    never left (no connection)                              repeated, then Refused
    left, no usable answer (time-out, reset, 5xx, HTML)     repeated if repeatable, then Uncertain
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import orjson
import requests
import tenacity

from connectors import rate_headers
from connectors.base import (
    ActionNeeded,
    Connector,
    DeliveryError,
    QuotaExhausted,
    Refused,
    Uncertain,
    Window,
)
from connectors.budget import Budget, Turn, Wait
from connectors.clock import Clock
from connectors.consent_guard import ConsentGuard
from connectors.rate_headers import Left
from connectors.rooms import BudgetState
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
    in_all: float = 900.0
    """No attempt at a request begins later than this after the first was due."""


UNNAMED_HOLD_SECONDS = 300.0
"""How long an account is left alone that is throttled without end and without a word until when."""
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
    """Seconds to wait by a Retry-After header (seconds or HTTP date), None without a usable one; never negative.

    A date is the platform's own, so it is measured from the answer's Date header, and from ``now`` without one.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[+-]?\d{1,15}(?:\.\d+)?", value):
        return max(0.0, float(value))
    moment = _http_date(value)
    if moment is None:
        return None
    return max(0.0, (moment - (_http_date(headers.get("Date", "")) or now)).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def jittered(seconds: float) -> float:
    """Half to all of the pause, so that threads which failed together do not return together."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@dataclass(slots=True)
class _Call:
    """The course of one request over its attempts."""

    reads: bool
    begun: float
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
    windows: Sequence[Window] = ()
    """As in the connector's ``Limits``."""
    what_is_left: Callable[[Mapping[str, str], datetime], Iterable[Left]] = rate_headers.left
    """Reads the platform's own count out of an answer's headers."""
    timing: Timing = field(default_factory=Timing)
    secrets: tuple[str, ...] = ()
    """Texts that must not appear in any message."""
    guard: ConsentGuard | None = None
    """Looks at every request before it leaves."""
    clock: Clock = field(default_factory=Clock)
    pause_with: Callable[[float], float] = jittered
    budget: Budget = field(init=False)
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = checked_base_url(self.base_url)
        self.budget = Budget(self.windows, clock=self.clock)
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
        self._replace_budget(self.budget.path)

    def use_budget(self, path: Path) -> None:
        """Keep the account's budget in this file, which other processes share. Raises ActionNeeded."""
        self._replace_budget(path)

    def budget_state(self) -> BudgetState:
        """What the account takes now; nothing is asked."""
        return self.budget.state(timedelta(seconds=self.timing.longest_throttle))

    def hold(self, seconds: float, because: str) -> None:
        """Let nothing more leave for the account for so long: its platform asks for a pause."""
        if seconds > 0:
            self.budget.hold(seconds, because)

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
        call = _Call(reads=method == "GET", begun=self.clock.monotonic())

        def exchanged(turn: Turn) -> Answer:
            value = None if body is None else body(call.attempts)
            if self.guard is not None:
                self.guard.check(method, path, params, value)
            content = None if value is None else orjson.dumps(value)
            started = self.clock.monotonic()
            try:
                answer = self.wire.exchange(method, path, params, content, self.clock)
            finally:
                self.budget.answered(turn, self.clock.monotonic() - started)
            self._read_what_is_left(answer, turn)
            self._judge_transport(answer, judge)
            judge(answer)
            self._judge_the_rest(answer)
            return answer

        def attempt() -> Answer:
            turn = self._wait_for_turn(call)
            call.attempts += 1
            try:
                return exchanged(turn)
            except (NotSent, NoAnswer, Throttled) as error:
                self._note(call, error)
                raise
            except QuotaExhausted as error:
                self._close_account(error.until, str(error).removeprefix(f"{self.name}: "))
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
        """Close pooled connections, and the budget."""
        self.wire.session.close()
        self.budget.close()

    def _replace_budget(self, path: Path | None) -> None:
        opened = Budget(self.windows, path, self.clock)
        self.budget.close()
        self.budget = opened

    def _wait_for_turn(self, call: _Call) -> Turn:
        """A turn of the account's budget. Raises QuotaExhausted rather than to wait for too long."""
        while isinstance(found := self.budget.take(), Wait):
            if found.seconds > self.timing.longest_throttle or self._late(call, found.seconds):
                until = self.clock.now() + timedelta(seconds=found.seconds)
                raise QuotaExhausted(
                    f"{self.name}: {found.because}; the account takes requests again at {_shown(until)}",
                    until,
                )
            self.clock.sleep(found.seconds)
        return found

    def _late(self, call: _Call, pause: float) -> bool:
        return self.clock.monotonic() + pause - call.begun > self.timing.in_all

    def _read_what_is_left(self, answer: Answer, turn: Turn) -> None:
        """The platform's own count is the authority, where it tells it."""
        for left in self.what_is_left(answer.headers, self.clock.now()):
            window = rate_headers.window_of(left, self.windows)
            if window is not None:
                self.budget.told(turn, window, left.requests, left.resets_in)
            elif left.requests == 0 and left.resets_in:
                self.hold(left.resets_in, "the platform says that its limit is reached")

    def _close_account(self, until: datetime | None, because: str) -> None:
        """Others, and later runs, need not ask again."""
        self.hold((until - self.clock.now()).total_seconds() if until else UNNAMED_HOLD_SECONDS, because)

    def _judge_transport(self, answer: Answer, judge: Judge) -> None:
        """What a status means on every platform; a wait that only the body names is the connector's to read."""
        if answer.status == 429:
            wait = retry_after(answer.headers, self.clock.now())
            if wait is None:
                with suppress(NoAnswer, DeliveryError):
                    judge(answer)
            raise Throttled("too many requests", wait)
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
        if self._late(call, self._doubled(call)):
            return True
        return call.failures >= self.timing.attempts or (isinstance(error, NoAnswer) and not repeatable)

    def _pause(self, call: _Call, error: BaseException | None) -> float:
        if isinstance(error, Throttled):
            return 0.0  # waited for at the account's gate, see ``_hold_others``
        return self.pause_with(self._doubled(call))

    def _doubled(self, call: _Call) -> float:
        return min(self.timing.longest_pause, self.timing.first_pause * 2.0 ** max(0, call.failures - 1))

    def _hold_others(self, call: _Call, error: BaseException | None) -> None:
        """The limit is the account's: when one thread is asked to wait, all wait."""
        if isinstance(error, Throttled):
            self.hold(call.asked_wait, str(error))

    def _given_up(self, call: _Call, error: NotSent | NoAnswer | Throttled) -> DeliveryError:
        if isinstance(error, Throttled):
            named = None if error.wait is None else min(error.wait, LONGEST_UNTIL_SECONDS)
            until = None if named is None else self.clock.now() + timedelta(seconds=named)
            said = f"; it opens again at {_shown(until)}" if until else ""
            self._close_account(until, str(error))
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


class HttpConnector(Connector):
    """A connector whose requests all go through one ``Http``; a subclass opens it in its ``__init__``."""

    http: Http

    def use_budget(self, path: Path) -> None:
        """Keep the account's budget in this file, which other processes share. Raises ActionNeeded."""
        self.http.use_budget(path)

    def use_state(self, folder: Path) -> None:
        """Keep the account's budget in this folder."""
        self.use_budget(folder / f"{self.destination}.budget.sqlite")

    def budget_state(self) -> BudgetState | None:
        """What the account takes now, without asking it."""
        return self.http.budget_state()

    def close(self) -> None:
        """Close connections."""
        self.http.close()


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _error_of(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
