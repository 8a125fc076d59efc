"""Refused rows tied to people, for every way in which a platform tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import TODAY, Person, Platform, World, account, audience_push, push_all

from connectors.base import Audience, Batch, JobFailed, Limits, Receipt, Refused, RowsRefused, Uncertain
from pipelines.delivery.delivery import deliver
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery, Run

Style = Literal["per_row", "whole_named", "whole_unnamed", "samples", "count"]
STYLES: tuple[Style, ...] = ("per_row", "whole_named", "whole_unnamed", "samples", "count")


class Judging(Platform):
    """Refuses bad rows and tells of them in one of the styles that platforms have."""

    def __init__(self, style: Style, *, bad: set[str], max_rows: int = 8) -> None:
        super().__init__(max_rows=max_rows)
        self.limits = replace(self.limits, exact_counts=style in ("samples", "count"))
        self.style = style
        self.bad = bad

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        bad = {
            i: "malformed" for i, email in enumerate(rows.column("EMAIL").to_pylist()) if email in self.bad
        }
        if bad and self.style.startswith("whole"):
            raise RowsRefused("the request has bad rows", bad if self.style == "whole_named" else {})
        good = rows.filter(pa.array([i not in bad for i in range(rows.num_rows)], pa.bool_()))
        if good.num_rows:
            super().add(audience, good, replace(batch, size=good.num_rows))
        match self.style:
            case "count":
                return Receipt("applied", rejected_unlocated=len(bad))
            case "samples":
                shown = dict(list(bad.items())[:1])
                return Receipt("applied", rejected=shown, rejected_unlocated=len(bad) - len(shown))
        return Receipt("applied", rejected=bad)


@pytest.mark.fault("F09", injected="rows named in the answer", outcome="only those rows are rejected")
@pytest.mark.fault("F10", injected="refused rows counted, not named", outcome="found by halving the batch")
@pytest.mark.fault(
    "F12", injected="the whole batch refused for one row", outcome="the others delivered in the same run"
)
@settings(max_examples=60, deadline=None)
@given(style=st.sampled_from(STYLES), bad=st.sets(st.integers(0, 19), max_size=6))
def test_exactly_the_refused_are_rejected(
    tmp_path_factory: pytest.TempPathFactory, style: Style, bad: set[int]
) -> None:
    """However the platform tells: whoever is on it is held, whoever is not is rejected, in one run."""
    world = World()
    for n in range(20):
        world.put(n, Person(f"p{n}@example.com", f"2025550{n:03d}"))
    world.want("vip", set(range(20)))
    platform = Judging(style, bad={world.people[n].handle[0] or "" for n in bad})
    folder = tmp_path_factory.mktemp("verdicts")
    [delivery] = push_all(world, platform, folder, "vip")
    assert (delivery.status, delivery.added, delivery.rejected, delivery.uncertain, delivery.rejected_unnamed) == (
        "delivered", 20 - len(bad), len(bad), 0, 0,
    )  # fmt: skip
    assert platform.members("vip") == {world.people[n].handle for n in range(20) if n not in bad}
    with Journal.open(folder / "journal.sqlite") as journal:
        assert len({r.member for r in journal.rejections("platform", "vip")}) == len(bad)
    [again] = push_all(world, platform, folder, "vip")
    assert (again.requests, again.kept, again.rejected) == (0, 20 - len(bad), len(bad))


def test_a_counted_row_is_not_searched_for_for_ever(tmp_path: Path) -> None:
    """Where a platform refuses without an end, the search stops, and the rest is told as not named."""
    world = World()
    for n in range(600):
        world.put(n, Person(f"p{n}@example.com"))
    world.want("vip", set(range(600)))
    bad = {world.people[n].handle[0] or "" for n in range(0, 600, 2)}
    platform = Judging("count", bad=bad, max_rows=600)
    [delivery] = push_all(world, platform, tmp_path, "vip")
    assert delivery.status == "delivered"
    assert 0 < delivery.rejected_unnamed <= 300
    assert delivery.rejected + delivery.rejected_unnamed == 300
    assert delivery.requests <= 2 * 128 + 1


Answer = Literal["waits", "applied", "fails", "silent", "unreachable"]


class Slow(Platform):
    """Takes a batch, and says what became of it when it is asked after some polls."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = replace(self.limits, asynchronous=True)
        self.jobs: dict[str, tuple[Audience, pa.Table, Batch]] = {}
        self.answer: Answer = "waits"
        self.asked = 0
        self.refuses: Mapping[int, str] = {}

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._take(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._take(audience, rows, batch)

    def _take(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        self.jobs[batch.id] = (audience, rows, batch)
        return Receipt("accepted", reference=batch.id)

    def poll(self, audience: Audience, reference: str) -> Receipt:
        self.asked += 1
        match self.answer:
            case "silent":
                raise Uncertain("no answer")
            case "unreachable":
                raise Refused("no connection; nothing was changed")
            case "waits":
                return Receipt("accepted", reference=reference)
            case "fails":
                raise JobFailed("the job failed")
        audience, rows, batch = self.jobs.pop(reference)
        taken = rows.filter(pa.array([i not in self.refuses for i in range(rows.num_rows)], pa.bool_()))
        getattr(Platform, batch.op)(self, audience, taken, replace(batch, size=taken.num_rows))
        return Receipt("applied", reference=reference, rejected=self.refuses)


@dataclass
class Course:
    """An audience at a platform that answers later."""

    world: World
    folder: Path
    platform: Slow
    now: datetime = datetime(2018, 1, 1, tzinfo=UTC)

    def push(self, *wanted: int, answer: Answer = "waits") -> Delivery:
        """One run in which the platform answers so when it is asked."""
        self.platform.answer = answer
        self.world.want("vip", set(wanted))
        mine = replace(account(self.world, self.platform, self.folder), clock=lambda: self.now)
        [delivery] = deliver(mine, [audience_push("vip")], Run("run", TODAY))
        return delivery

    @property
    def right(self) -> bool:
        """Whether the platform holds whom it should."""
        return self.platform.members("vip") == self.world.desired("vip")


@pytest.fixture
def course(world: World, tmp_path: Path) -> Course:
    """Nothing sent yet."""
    return Course(world, tmp_path, Slow())


@pytest.mark.promise("never_lost")
@pytest.mark.parametrize("answer", ["silent", "unreachable"])
def test_a_question_without_an_answer_says_nothing_of_the_batch(course: Course, answer: Answer) -> None:
    """Neither applied nor refused: nobody is sent again or forgotten, and the run says that it could not ask."""
    course.push(1, 2, 3)
    asked = course.push(1, 2, 3, answer=answer)
    assert (asked.kept, asked.awaited, asked.requests) == (3, 3, 0)
    assert "a verdict could not be read" in asked.errors[0]
    done = course.push(1, 2, 3, answer="applied")
    assert (done.awaited, done.requests, done.ok) == (0, 0, True)
    assert course.right


@pytest.mark.parametrize("answer", ["waits", "silent", "unreachable"])
def test_a_batch_without_a_verdict_is_in_doubt_in_the_end(course: Course, answer: Answer) -> None:
    """However the platform withholds it, for longer than the connector declares: its people are sent again."""
    course.push(1, 2, 3)
    course.now += course.platform.limits.verdict_within + timedelta(hours=1)
    doubted = course.push(1, 2, 3, answer=answer)
    assert "has not said what became of a request" in doubted.errors[0]
    assert doubted.requests == 1


def test_nobody_asks_before_a_verdict_can_be_expected(course: Course) -> None:
    """The platform's pace: a run that comes too early does not ask, and is no failure; the next one does."""
    course.platform.limits = replace(course.platform.limits, asks_after=timedelta(minutes=30))
    course.push(1, 2, 3)
    course.now += timedelta(minutes=20)
    early = course.push(1, 2, 3, answer="applied")
    assert (course.platform.asked, early.awaited, early.ok) == (0, 3, True)
    course.now += timedelta(minutes=20)
    late = course.push(1, 2, 3, answer="applied")
    assert (course.platform.asked > 0, late.awaited, late.ok) == (True, 0, True)


@pytest.mark.fault(
    "F22", injected="an accepted job has not run yet", outcome="awaited, not sent again, not claimed"
)
def test_what_is_accepted_is_awaited(course: Course) -> None:
    """An accepted batch is counted apart, not sent again, and settled by a later run."""
    first = course.push(1, 2, 3)
    assert (first.added, first.awaited) == (3, 3)
    second = course.push(1, 2, 3)
    assert (second.kept, second.awaited, second.requests) == (3, 3, 0)
    third = course.push(1, 2, 3, answer="applied")
    assert (third.kept, third.awaited, third.requests) == (3, 0, 0)
    assert course.right


def test_rows_refused_in_a_later_verdict_are_tied_to_people(course: Course) -> None:
    """A verdict that names rows by position, runs after the batch was sent, rejects exactly those people."""
    course.push(1, 2, 3)
    course.platform.refuses = {1: "malformed"}
    settled = course.push(1, 2, 3, answer="applied")
    assert (settled.kept, settled.rejected, settled.rejected_reasons) == (2, 1, {"malformed": 1})
    assert len(course.platform.members("vip")) == 2
    with duckdb.connect(course.folder / "platform.duckdb", read_only=True) as ledger:
        assert ledger.execute("select count(*) from positions").fetchone() == (0,)


@pytest.mark.fault(
    "F22", injected="an accepted job fails", outcome="its people are sent again in the same run"
)
def test_a_job_that_fails_later_is_sent_again(course: Course) -> None:
    """A refused job leaves nobody claimed: the run that learns of it sends its people again."""
    course.push(1, 2, 3)
    failed = course.push(1, 2, 3, answer="fails")
    assert (failed.requests, failed.resends, failed.awaited) == (1, 3, 3)
    assert course.push(1, 2, 3, answer="applied").awaited == 0
    assert course.right


@pytest.mark.fault(
    "F22", injected="a job never ends", outcome="in doubt after the connector's limit, red, sent again"
)
def test_a_job_that_never_ends_is_in_doubt(course: Course) -> None:
    """After the declared time without a verdict the run says so, and the people are sent again."""
    course.push(1, 2, 3)
    course.now += timedelta(days=4)
    overdue = course.push(1, 2, 3)
    assert overdue.status == "failed"
    assert "has not said what became of" in overdue.errors[0]
    assert overdue.resends == 3


def test_an_unanswered_question_stops_nobody(course: Course) -> None:
    """When the verdict cannot be read, the batch stays accepted, the run is red, and others are still sent."""
    course.push(1, 2, 3)
    silent = course.push(1, 2, 3, 4, answer="silent")
    assert (silent.status, silent.requests, silent.added, silent.awaited) == ("failed", 1, 1, 4)
    assert course.push(1, 2, 3, 4, answer="applied").ok
    assert course.right


@pytest.mark.fault(
    "F21", injected="the removal's job may run before the add's", outcome="repeated after both verdicts"
)
def test_whoever_leaves_while_coming_is_removed_in_the_end(course: Course) -> None:
    """A removal sent while the add is still on its way is repeated once the add has its verdict."""
    course.push(1, 2, 3)
    course.push(1, 2)
    [add, removal] = course.platform.jobs.values()
    course.platform.jobs = {removal[2].id: removal, add[2].id: add}
    course.platform.answer = "applied"
    for reference in list(course.platform.jobs):
        audience, rows, batch = course.platform.jobs.pop(reference)
        getattr(Platform, batch.op)(course.platform, audience, rows, batch)
        course.platform.jobs[reference] = (audience, rows.slice(0, 0), replace(batch, size=0))
    assert not course.right, "the removal ran before the add"
    for _ in range(3):
        course.now += timedelta(minutes=1)
        course.push(1, 2, answer="applied")
    assert course.right


class Clinging(Platform):
    """Refuses to take some people out."""

    stuck: frozenset[str] = frozenset()

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        kept = {
            i: "not_now" for i, email in enumerate(rows.column("EMAIL").to_pylist()) if email in self.stuck
        }
        going = rows.filter(pa.array([i not in kept for i in range(rows.num_rows)], pa.bool_()))
        super().remove(audience, going, replace(batch, size=going.num_rows))
        return Receipt("applied", rejected=kept)


def test_a_refused_removal_is_never_taken_for_done(world: World, tmp_path: Path) -> None:
    """Whom the platform would not take out stays known, the run is red, and the next one asks again."""
    platform = Clinging()
    push_all(world, platform, tmp_path, "vip")
    platform.stuck = frozenset({world.people[3].handle[0] or ""})
    world.want("vip", set(range(5, 25)))
    [delivery] = push_all(world, platform, tmp_path, "vip")
    assert (delivery.status, delivery.removed, delivery.uncertain) == ("failed", 4, 1)
    assert "1 not_now" in delivery.errors[0]
    platform.stuck = frozenset()
    [again] = push_all(world, platform, tmp_path, "vip")
    assert (again.status, again.removed, again.requests) == ("delivered", 1, 1)
    assert platform.members("vip") == world.desired("vip")


def test_limits_say_how_counts_are_meant() -> None:
    """Halving is for platforms whose counts are exact; nobody gets it by default."""
    assert Limits(max_rows=1).exact_counts is False
