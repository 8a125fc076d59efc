"""An account's budget: what may leave, in every thread and process, whatever the clock does."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import ActionNeeded, Window
from connectors.budget import LONGEST_CLOSED, Budget, Turn, Wait
from connectors.clock import Clock
from connectors.rooms import BudgetState
from connectors.testing import FastTime

MINUTE = Window(6, timedelta(minutes=1))
PATIENCE = timedelta(minutes=2)


class Hands:
    """A clock whose wall can be set apart from the time that passes, on a machine that can be restarted."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_by = 0.0
        self.boots = 0
        self.booted_at = 0.0

    @property
    def clock(self) -> Clock:
        start = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        return Clock(
            lambda: self.passed - self.booted_at,
            self.sleep,
            lambda: start + timedelta(seconds=self.passed + self.set_by),
            lambda: f"boot {self.boots}",
        )

    def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def restart(self, seconds: float = 30) -> None:
        self.passed += seconds
        self.boots += 1
        self.booted_at = self.passed


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "meta.budget.sqlite"


@pytest.fixture
def budget(path: Path, hands: Hands) -> Iterator[Budget]:
    opened = Budget([MINUTE], path, hands.clock)
    yield opened
    opened.close()


def take_all(budget: Budget, most: int = 100) -> list[Turn]:
    """Turns until there is none."""
    turns: list[Turn] = []
    while len(turns) < most and isinstance(turn := budget.take(), Turn):
        turns.append(turn)
    return turns


def waits(budget: Budget) -> float:
    """Seconds that the next request has to wait."""
    found = budget.take()
    return found.seconds if isinstance(found, Wait) else 0.0


def test_a_window_lets_its_requests_through_and_then_none(budget: Budget, hands: Hands) -> None:
    """Six a minute: six leave at once, the seventh waits a minute and hardly more."""
    assert len(take_all(budget)) == 6
    assert 60 <= waits(budget) <= 60 + 2 + 1
    hands.sleep(waits(budget))
    assert len(take_all(budget)) == 6


def test_the_reason_of_a_wait_is_told(budget: Budget) -> None:
    """A wait says which limit is spent, in plain words."""
    take_all(budget)
    found = budget.take()
    assert isinstance(found, Wait)
    assert found.because == "6 requests in 1 minute are spent"


def test_the_shorter_of_two_windows_does_not_hide_the_longer(path: Path, hands: Hands) -> None:
    """With 2 a second and 5 a minute, five leave within seconds, the sixth after a minute."""
    both = [Window(2, timedelta(seconds=1)), Window(5, timedelta(minutes=1))]
    budget = Budget(both, path, hands.clock)
    sent = 0
    while hands.passed < 50:
        if isinstance(budget.take(), Turn):
            sent += 1
        hands.sleep(0.25)
    assert sent == 5


def test_windows_of_one_length_are_a_mistake() -> None:
    """Two limits for the same stretch of time: only one can hold, so the author is told."""
    with pytest.raises(ValueError, match="same length"):
        Budget([Window(1, timedelta(seconds=1)), Window(2, timedelta(seconds=1))])


def test_processes_share_what_they_use(budget: Budget, path: Path, hands: Hands) -> None:
    """What one connection to the file takes, the other has not."""
    other = Budget([MINUTE], path, hands.clock)
    first = take_all(budget, 4)
    assert len(take_all(other)) == 2
    assert waits(budget) > 0
    assert {turn.number for turn in first} == {1, 2, 3, 4}
    other.close()


def test_a_closing_is_known_to_all_and_to_later_runs(budget: Budget, path: Path, hands: Hands) -> None:
    """One process learns that the account is closed for an hour: others, and a run after a restart, say so at once."""
    budget.hold(3600, "too many requests (code 17)")
    other = Budget([MINUTE], path, hands.clock)
    assert waits(other) == 3600
    other.close()
    budget.close()
    hands.restart(seconds=600)
    later = Budget([MINUTE], path, hands.clock)
    found = later.take()
    assert found == Wait(3000.0, "too many requests (code 17)")
    hands.sleep(3000)
    assert isinstance(later.take(), Turn)


def test_a_closing_is_never_shortened_by_another(budget: Budget) -> None:
    """The later moment counts, whichever was told last."""
    budget.hold(100, "long")
    budget.hold(10, "short")
    assert budget.take() == Wait(100.0, "long")


def test_an_absurd_closing_is_asked_about_after_a_day(budget: Budget) -> None:
    """A platform that names a moment years away is asked again after a day."""
    budget.hold(1e9, "absurd")
    assert waits(budget) == LONGEST_CLOSED.total_seconds()


def test_an_account_without_windows_knows_closings_alone(path: Path, hands: Hands) -> None:
    """Where only answers tell, everything leaves until an answer closes the account."""
    budget = Budget((), path, hands.clock)
    assert len(take_all(budget, 50)) == 50
    budget.hold(7, "Retry-After")
    assert waits(budget) == 7
    hands.sleep(7)
    assert isinstance(budget.take(), Turn)


# --- what platforms tell -------------------------------------------------------------------------------------


def test_what_the_platform_says_is_left_counts(budget: Budget) -> None:
    """Others use the account too: with one left by the platform's count, one leaves, whatever was counted here."""
    (turn,) = take_all(budget, 1)
    budget.answered(turn, 0.1)
    budget.told(turn, MINUTE, left=1, resets_in=20)
    assert len(take_all(budget)) == 1
    assert 20 <= waits(budget) <= 22


def test_the_platform_may_have_more_left_than_was_counted(budget: Budget) -> None:
    """Its count is the authority in both directions: a window that was spent by our count opens."""
    turns = take_all(budget)
    for turn in turns:
        budget.answered(turn, 0.1)
    assert waits(budget) > 0
    budget.told(turns[-1], MINUTE, left=4)
    assert len(take_all(budget)) == 4


def test_requests_under_way_are_counted_beside_what_is_left(budget: Budget) -> None:
    """Four left when the first of three is answered: the two others may not be in that count, so two may leave."""
    turns = take_all(budget, 3)
    budget.answered(turns[0], 0.1)
    budget.told(turns[0], MINUTE, left=4, resets_in=30)
    assert len(take_all(budget)) == 2


def test_an_answer_that_was_overtaken_tells_nothing(budget: Budget) -> None:
    """What an older request was told does not undo what a newer one was told."""
    turns = take_all(budget, 2)
    for turn in turns:
        budget.answered(turn, 0.1)
    budget.told(turns[1], MINUTE, left=0, resets_in=40)
    budget.told(turns[0], MINUTE, left=5, resets_in=40)
    assert waits(budget) > 0


# --- clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400, -3_600, -1, 1, 3_600, 10 * 365 * 86_400])
def test_a_clock_that_is_set_changes_nothing(budget: Budget, hands: Hands, jump: float) -> None:
    """Set back or forth by seconds or years: a spent window and a closing last as long as they were to last."""
    assert len(take_all(budget)) == 6
    budget.hold(600, "told to")
    hands.set_by = jump
    assert waits(budget) == 600
    hands.sleep(600)
    assert len(take_all(budget)) == 6


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400, -3_600])
def test_a_clock_that_lost_its_time_over_a_restart_does_not_block_for_ever(
    budget: Budget, path: Path, hands: Hands, jump: float
) -> None:
    """After a restart with the clock years behind, what was closed for ten minutes is closed ten minutes at most."""
    take_all(budget)
    budget.hold(600, "told to")
    hands.restart()
    hands.set_by = jump
    later = Budget([MINUTE], path, hands.clock)
    assert waits(later) == 600
    hands.sleep(300)
    assert waits(later) == 300
    hands.set_by = 0  # the clock is put right
    assert waits(later) == 300
    hands.sleep(300)
    assert len(take_all(later)) == 6


def test_a_sleeping_waiter_wakes_when_the_time_has_passed(path: Path) -> None:
    """Waiting as long as told is enough, however often: no waiter asks again and again for a rest of nothing."""
    time = FastTime()
    budget = Budget([Window(1, timedelta(seconds=1 / 3))], path, time.clock)
    for _ in range(30):
        while isinstance(found := budget.take(), Wait):
            time.clock.sleep(found.seconds)
    assert len(time.pauses) <= 2 * 30


# --- together --------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(
    window=st.builds(
        Window, st.integers(1, 8), st.sampled_from([1, 10, 60, 3_600]).map(lambda s: timedelta(seconds=s))
    ),
    course=st.lists(
        st.tuples(st.sampled_from(["send", "answer", "sleep", "jump"]), st.floats(0, 1), st.booleans()),
        max_size=120,
    ),
)
def test_no_stretch_of_time_sees_more_than_the_window(
    window: Window, course: list[tuple[str, float, bool]]
) -> None:
    """Two users of one budget, any order of sending, answering, sleeping and set clocks: the platform, wherever
    between leaving and answer a request reaches it, sees no more than the window in any such stretch of time."""
    hands, per = Hands(), window.per.total_seconds()
    travel = min(2.0, per / 2)
    budget = Budget([window], None, hands.clock)
    under_way: list[tuple[Turn, float]] = []
    arrived: list[float] = []
    for what, share, late in course:
        if what == "send" and isinstance(turn := budget.take(), Turn):
            under_way.append((turn, hands.passed))
        elif what == "answer" and under_way:
            turn, left = under_way.pop(int(share * (len(under_way) - 1)))
            arrived.append(min(hands.passed, left + travel) if late else left)
            budget.answered(turn, 0.1)
        elif what == "sleep":
            hands.sleep(share * per)
        elif what == "jump":
            hands.set_by = (share - 0.5) * 1e6
    arrived += [left for _, left in under_way]
    arrived.sort()
    for first, last in zip(arrived, arrived[window.requests :], strict=False):
        assert last - first >= per - 1e-5


def test_many_threads_take_no_turn_twice(path: Path) -> None:
    """Eight threads at two connections ask for a hundred turns of a window that has thirty: thirty get one."""
    budgets = [Budget([Window(30, timedelta(hours=1))], path) for _ in range(2)]
    turns: list[Turn] = []

    def ask(budget: Budget) -> None:
        for _ in range(13):
            if isinstance(turn := budget.take(), Turn):
                turns.append(turn)

    threads = [threading.Thread(target=ask, args=(budgets[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(turn.number for turn in turns) == list(range(1, 31))


# --- looking, and files that fail ------------------------------------------------------------------------------


def test_the_state_tells_what_is_left_and_when_more_comes(budget: Budget, hands: Hands) -> None:
    """Left, and coming when: together the whole window. Nothing is taken by looking."""
    turns = take_all(budget, 4)
    budget.answered(turns[0], 3.0)
    state = budget.state(PATIENCE)
    (room,) = state.rooms
    assert (room.left, sum(count for _, count in room.coming)) == (2, 4)
    assert all(59 <= moment <= 63 for moment, _ in room.coming)
    assert (state.closed_until, state.patience, state.seconds_each) == (None, PATIENCE, 3.0)
    assert budget.state(PATIENCE) == state


def test_the_state_of_a_closed_account_says_until_when(budget: Budget, hands: Hands) -> None:
    """The moment is by the clock of the wall, for people to read."""
    budget.hold(90, "told to")
    state = budget.state(PATIENCE)
    assert state.closed_until == state.at + timedelta(seconds=90)
    assert state.closed_because == "told to"


def test_the_time_of_answers_is_known_to_the_next_process(budget: Budget, path: Path, hands: Hands) -> None:
    """What a forecast rests on outlives the process that measured it."""
    (turn,) = take_all(budget, 1)
    budget.answered(turn, 0.8)
    budget.close()
    state = Budget([MINUTE], path, hands.clock).state(PATIENCE)
    assert isinstance(state, BudgetState)
    assert state.seconds_each == 0.8


def test_a_damaged_file_is_a_sentence_for_the_operator(path: Path) -> None:
    """Nothing is sent on a budget that can't be kept; what to do is said."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(ActionNeeded, match="deleted: it holds only counts"):
        Budget([MINUTE], path)


def test_a_file_of_a_newer_version_is_left_alone(budget: Budget, path: Path) -> None:
    """An older Turnout does not write into what it doesn't know."""
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(ActionNeeded, match="newer Turnout"):
        Budget([MINUTE], path)


def test_the_file_belongs_to_its_owner_alone(budget: Budget, path: Path) -> None:
    """Nobody else on the machine reads or closes an account's budget."""
    take_all(budget)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
