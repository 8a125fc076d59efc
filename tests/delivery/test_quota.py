"""Runs that the account's budget does not take whole: what goes first, what waits, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from world import IDENTITY, PURPOSE, Person, World, audience_push, plan_all, push_all

from connectors.base import (
    Audience,
    AudienceRequest,
    AuthFailed,
    Batch,
    Kind,
    Limits,
    Op,
    Receipt,
    SyncOptions,
    Window,
)
from connectors.http import Http, HttpConnector
from connectors.testing import FastTime
from connectors.wire import Answer, NoAnswer
from pipelines.delivery.forecast import forecast, requests_of
from pipelines.delivery.guards import Bounds
from pipelines.delivery.model import Delivery
from tests.connectors.server import Reply, Scripted, Seen, scripted_server

WIDE = Bounds(max_removed=1.0, max_growth=1_000, floor=5, max_age_days=2)


class Quota:
    """A platform on loopback that takes so many requests an hour, remembers members, and keeps a log."""

    def __init__(self, server: Scripted, time: FastTime) -> None:
        self.url = server.url
        self.time = time
        self.members: dict[str, set[str]] = {}
        self.log: list[tuple[str, str]] = []
        """Operation and audience of every change that was taken."""
        self.refused = 0
        """Requests beyond the quota."""
        self.signed_out = False
        self.quota = 1_000
        self.jobs_asked: set[str] = set()
        self._taken: list[float] = []
        server.script = self._answer

    def _answer(self, seen: Seen) -> Reply:
        now = self.time.clock.monotonic()
        self._taken = [moment for moment in self._taken if now - moment < 3_600]
        if len(self._taken) >= self.quota:
            self.refused += 1
            return Reply(429, {}, {"Retry-After": "3600"})
        self._taken.append(now)
        if self.signed_out:
            return Reply(401, {})
        _, audience, op = seen.path.split("/")
        held = self.members.setdefault(audience, set())
        if op != "open":
            assert isinstance(seen.json, list)
            held.update(seen.json) if op == "add" else held.difference_update(seen.json)
            self.log.append((op, audience))
        return Reply(body={})


class QuotaConnector(HttpConnector):
    """A connector for it: five people a request, by e-mail digest."""

    kind = Kind.AD_PLATFORM
    title = "Quota"
    consent = (PURPOSE,)
    identity = IDENTITY

    def __init__(self, quota: Quota, path: Path, per_hour: int) -> None:
        super().__init__("platform", None)
        self.quota = quota
        self.limits = Limits(max_rows=5, max_in_flight=1, windows=(Window(per_hour, timedelta(hours=1)),))
        self.http = Http(
            quota.url,
            lambda request: request,
            1,
            self.title,
            windows=self.limits.windows,
            clock=quota.time.clock,
        )
        self.use_budget(path)

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        known = request.marker.removeprefix("turnout:")
        self.http.send("POST", f"/{known}/open", judge)
        return Audience(known, request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._change(audience, rows, "add")

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._change(audience, rows, "remove")

    def _change(self, audience: Audience, rows: pa.Table, op: Op) -> Receipt:
        emails = rows.column("EMAIL").to_pylist()
        self.http.send("POST", f"/{audience.id}/{op}", judge, body=lambda attempt: emails)
        return Receipt("applied")


class JobConnector(QuotaConnector):
    """The same platform where every change is a job: taken at once, finished when it is asked for the second time."""

    def __init__(self, quota: Quota, path: Path, per_hour: int) -> None:
        super().__init__(quota, path, per_hour)
        self.limits = replace(self.limits, asynchronous=True)
        self.asked: set[str] = quota.jobs_asked

    def _change(self, audience: Audience, rows: pa.Table, op: Op) -> Receipt:
        super()._change(audience, rows, op)
        return Receipt("accepted", reference=f"{op}-{len(self.quota.log)}")

    def poll(self, audience: Audience, reference: str) -> Receipt:
        self.http.send("POST", f"/{audience.id}/open", judge)
        if reference in self.asked:
            return Receipt("applied", reference=reference)
        self.asked.add(reference)
        return Receipt("accepted", reference=reference)


def judge(answer: Answer) -> None:
    """What its answers mean."""
    if answer.status == 401:
        raise AuthFailed("Quota: the token has expired; set TURNOUT_PLATFORM_TOKEN")
    if not isinstance(answer.json, dict):
        raise NoAnswer("no JSON")


@pytest.fixture
def quota() -> Iterator[Quota]:
    with scripted_server() as server:
        yield Quota(server, FastTime())


@pytest.fixture
def crowd() -> World:
    """A hundred people and two segments of fifty; ``a`` and ``b`` as they were yesterday."""
    world = World()
    for n in range(100):
        world.put(n, Person(f"p{n}@example.com"))
    world.want("a", set(range(50)))
    world.want("b", set(range(50, 100)))
    return world


Push = Callable[..., dict[str, Delivery]]


@pytest.fixture
def push(crowd: World, quota: Quota, tmp_path: Path) -> Push:
    """Push audiences with a fresh connector, as a new run would; the budget's file stays."""

    def pushed(
        *segments: str, per_hour: int = 1_000, kind: type[QuotaConnector] = QuotaConnector, **changes: object
    ) -> dict[str, Delivery]:
        connector = kind(quota, tmp_path / "platform.budget.sqlite", per_hour)
        made = push_all(crowd, connector, tmp_path, *segments, **{"bounds": WIDE, **changes})  # type: ignore[arg-type]
        connector.close()
        return {delivery.segment: delivery for delivery in made}

    return pushed


def emails(world: World, segment: str) -> set[str | None]:
    return {email for email, _ in world.desired(segment)}


def exchange(world: World) -> None:
    """Ten leave each audience, one of them erased; ten are to join, one of whom was erased from the other."""
    world.want("a", set(range(10, 60)))
    world.want("b", {*range(60, 100), *range(10)})
    world.erase(0)
    world.erase(50)


def closes(delivery: Delivery) -> None:
    """Everybody is in one number."""
    d = delivery
    assert d.desired == d.kept + d.added + d.rejected + d.uncertain_desired + sum(d.withheld.values())
    assert d.held_before == d.kept + d.kept_back + d.removed + d.leaving + d.dropped + d.uncertain_held


def test_a_run_that_fits_goes_audience_by_audience(push: Push, crowd: World, quota: Quota) -> None:
    """With room enough nothing changes: each audience's removals, then its additions, then the next audience."""
    push("b", "a")
    exchange(crowd)
    quota.log.clear()
    made = push("b", "a")
    assert quota.log == [
        ("remove", "b"), ("remove", "b"), ("add", "b"), ("add", "b"),
        ("remove", "a"), ("remove", "a"), ("add", "a"), ("add", "a"),
    ]  # fmt: skip
    assert all(delivery.ok for delivery in made.values())


def test_a_run_that_does_not_fit_removes_everywhere_first(
    push: Push, crowd: World, quota: Quota, caplog: pytest.LogCaptureFixture
) -> None:
    """Eight changes and two openings are needed, eight requests are left: by the platform's log both audiences'
    removals go first, then additions by name; the platform is never asked too often; the next run goes on."""
    push("a", "b", per_hour=1_000)
    exchange(crowd)
    quota.time.clock.sleep(4_000)
    quota.log.clear()
    quota.quota = 8
    made = push("b", "a", per_hour=8)
    assert caplog.messages[0].startswith("platform: 10 requests, of which the account's budget takes 8 now")
    assert quota.log == [
        ("remove", "a"), ("remove", "a"), ("remove", "b"), ("remove", "b"), ("add", "a"), ("add", "a"),
    ]  # fmt: skip
    assert quota.refused == 0
    assert quota.members["a"] == emails(crowd, "a")
    assert quota.members["b"] < emails(crowd, "b")
    assert made["a"].ok
    assert (made["a"].removed, made["a"].added, made["a"].held) == (10, 9, 49)
    assert made["b"].status == "stopped"
    assert made["b"].verdict == "budget"
    assert (made["b"].removed, made["b"].added, made["b"].uncertain_desired) == (10, 0, 9)
    assert re.search(r"takes requests again at \d{4}-\d\d-\d\d \d\d:\d\d UTC", made["b"].sentence)
    assert "foreseen for the account: 10 requests" in made["b"].sentence
    for delivery in made.values():
        closes(delivery)
    quota.time.clock.sleep(4_000)
    assert all(delivery.ok for delivery in push("b", "a", per_hour=8).values())
    assert quota.members["b"] == emails(crowd, "b")
    assert quota.refused == 0


def test_when_even_removals_do_not_fit_opt_outs_go_first(push: Push, crowd: World, quota: Quota) -> None:
    """Five requests are left where six would remove: both audiences' erased people leave before anybody else does."""
    push("a", "b")
    exchange(crowd)
    quota.time.clock.sleep(4_000)
    quota.log.clear()
    before = {name: set(members) for name, members in quota.members.items()}
    made = push("a", "b", per_hour=5)
    assert [op for op, _ in quota.log] == ["remove"] * 3
    assert [audience for _, audience in quota.log] == ["a", "b", "a"]
    erased = {name: before[name] - quota.members[name] for name in ("a", "b")}
    assert len(erased["b"]) == 1, "of b, the erased person alone"
    assert all(delivery.verdict == "budget" for delivery in made.values())
    for delivery in made.values():
        closes(delivery)
    quota.time.clock.sleep(4_000)
    quota.quota = 1_000
    push("a", "b")
    for name in ("a", "b"):
        assert quota.members[name] == emails(crowd, name)


def test_what_waits_is_said_beforehand(
    crowd: World, quota: Quota, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A plan's numbers and the account's budget tell how many requests a run needs and how many it gets."""
    connector = QuotaConnector(quota, tmp_path / "platform.budget.sqlite", per_hour=12)
    plans = plan_all(crowd, connector, tmp_path, "a", "b")  # type: ignore[arg-type]
    adds = sum(requests_of(connector, "add", plan.adds) for plan in plans)
    told = forecast(connector.limits, 0, adds, connector.budget_state(), others=2)
    assert (told.requests, told.fitting, told.fits) == (22, 12, False)
    assert "of which the account's budget takes 12 now" in told.sentence
    assert caplog.messages == [f"platform: {told.sentence}"]
    assert quota.log == []


def test_an_account_that_is_closed_is_not_asked(push: Push, crowd: World, quota: Quota) -> None:
    """The platform closed the account for an hour in the last run: every audience says until when, with the numbers of
    what waits, and nothing is sent."""
    push("a")
    quota.quota = 0
    push("a", "b")
    assert quota.refused == 1
    exchange(crowd)
    made = push("a", "b")
    assert quota.refused == 1
    assert {delivery.status for delivery in made.values()} == {"stopped"}
    assert all("takes requests again at" in delivery.sentence for delivery in made.values())
    assert (made["a"].desired, made["a"].held, made["a"].removed) == (50, 50, 0)
    assert made["a"].withheld == {"erased": 1, "budget": 9}
    assert made["a"].kept_back == 10
    for delivery in made.values():
        closes(delivery)


@pytest.mark.fault(
    "F28",
    injected="an expired token, three audiences",
    outcome="one request, one sentence; the other audiences of the account are not tried",
)
def test_a_refused_credential_is_tried_once(push: Push, crowd: World, quota: Quota) -> None:
    """After the credential failed for one audience, the others are not tried in this run: the platform sees one
    request, and every audience says what a person has to mend."""
    crowd.want("c", set(range(30)))
    quota.signed_out = True
    made = push("a", "b", "c")
    assert len(quota._taken) == 1
    assert all(delivery.status == "failed" and delivery.needs_person for delivery in made.values())
    assert all("TURNOUT_PLATFORM_TOKEN" in delivery.sentence for delivery in made.values())
    quota.signed_out = False
    assert all(delivery.ok for delivery in push("a", "b", "c").values())


def test_a_guard_judges_a_run_in_rounds_once(push: Push, crowd: World, quota: Quota) -> None:
    """Forty of fifty leave and sixty join: allowed as one change. After the round of removals the growth alone would
    look like a jump from ten; that is not what the guard is asked."""
    push("a")
    crowd.want("a", {*range(40, 50), *range(50, 100)})
    quota.time.clock.sleep(4_000)
    bounds = Bounds(max_removed=1.0, max_growth=3.0, floor=5, max_age_days=2)
    made = pushed_within(crowd, quota, push, bounds)
    assert made.verdict == "budget"
    assert made.removed == 40
    assert made.added > 0


def pushed_within(crowd: World, quota: Quota, push: Push, bounds: Bounds) -> Delivery:
    """A push of ``a`` for which twelve requests are left, under other bounds."""
    return push("a", per_hour=12, bounds=bounds)["a"]


@pytest.mark.parametrize("per_hour", [3, 6, 14])
def test_in_the_end_everybody_is_where_they_should_be(
    push: Push, crowd: World, quota: Quota, per_hour: int
) -> None:
    """However small the budget: run by run, hour by hour, the platform comes to what is desired, it is never asked too
    often, and nobody ever returns who left."""
    push("a", "b")
    exchange(crowd)
    quota.quota = per_hour
    for _ in range(8):
        quota.time.clock.sleep(4_000)
        for delivery in push("a", "b", per_hour=per_hour).values():
            closes(delivery)
    assert quota.refused == 0
    for name in ("a", "b"):
        assert quota.members[name] == emails(crowd, name)


def test_resync_in_rounds_doubts_once(push: Push, crowd: World, quota: Quota) -> None:
    """A resync that does not fit sends everybody again over several runs of an hour, and the sums close."""
    push("a", "b")
    quota.time.clock.sleep(4_000)
    made = push("a", "b", per_hour=15, resync=True)
    for delivery in made.values():
        closes(delivery)
    assert {delivery.status for delivery in made.values()} == {"delivered", "stopped"}
    assert audience_push("a").part == "everything"


@pytest.mark.parametrize("per_hour", [9])
def test_jobs_that_finish_later_close_in_rounds_too(
    push: Push, crowd: World, quota: Quota, per_hour: int
) -> None:
    """Where removals and additions are jobs, the two rounds of a run still account for everybody, and the platform
    comes to what is desired."""
    push("a", "b", kind=JobConnector)
    for _ in range(3):
        push("a", "b", kind=JobConnector)
    exchange(crowd)
    for _ in range(12):
        quota.time.clock.sleep(4_000)
        for delivery in push("a", "b", kind=JobConnector, per_hour=per_hour).values():
            closes(delivery)
            assert not delivery.errors
    for name in ("a", "b"):
        assert quota.members[name] == emails(crowd, name)
