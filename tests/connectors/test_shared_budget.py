"""Several processes and one account: the platform's own log says what they did to it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from connectors.base import DeliveryError, QuotaExhausted, Window
from connectors.http import Http
from connectors.wire import Answer
from tests.connectors.server import Reply, Scripted, Seen, scripted_server

WINDOW = Window(8, timedelta(seconds=3))
EACH = 12
"""Requests that each process sends."""


@pytest.fixture
def platform() -> Iterator[Scripted]:
    with scripted_server() as running:
        yield running


def opened(url: str, path: Path, *windows: Window) -> Http:
    http = Http(url, unsigned, 4, "Platform", windows=windows)
    http.use_budget(path)
    return http


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def anything(answer: Answer) -> None:
    """Every answer is understood."""


def send_many(url: str, path: Path, name: str) -> None:
    """One process: sends its requests as fast as its budget lets it."""
    http = opened(url, path, WINDOW)
    for _ in range(EACH):
        http.send("POST", f"/{name}", anything)
    http.close()


def say_how_it_ended(url: str, path: Path, told: multiprocessing.Queue[str]) -> None:
    """One process: one request."""
    try:
        told.put(str(opened(url, path).send("POST", "/users", anything).status))
    except DeliveryError as error:
        told.put(f"{type(error).__name__}: {error}")


@pytest.mark.fault(
    "F08",
    injected="two processes at once on one account with eight requests in three seconds",
    outcome="together they never exceed the window; nobody is answered 429",
)
def test_two_processes_share_one_budget(platform: Scripted, tmp_path: Path) -> None:
    """Two processes send twelve requests each; by the platform's log no three seconds ever hold more than eight, and
    both get everything through without one refusal."""
    arrived: list[float] = []
    senders: set[str] = set()

    def count(seen: Seen) -> Reply:
        arrived.append(time.monotonic())
        senders.add(seen.path)
        return Reply()

    platform.script = count
    spawn = multiprocessing.get_context("spawn")
    path = tmp_path / "account.budget.sqlite"
    workers = [spawn.Process(target=send_many, args=(platform.url, path, name)) for name in ("one", "two")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert (len(arrived), senders) == (2 * EACH, {"/one", "/two"})
    arrived.sort()
    per = WINDOW.per.total_seconds()
    assert (
        min(later - first for first, later in zip(arrived, arrived[WINDOW.requests :], strict=False)) >= per
    )
    assert arrived[-1] - arrived[0] <= 5 * per, "and the budget is used, not wasted"


def test_another_process_does_not_ask_a_closed_account(platform: Scripted, tmp_path: Path) -> None:
    """One process is told to come back in an hour; another one, started later, says so without a request."""
    platform.answers(Reply(429, {}, {"Retry-After": "3600"}))
    path = tmp_path / "account.budget.sqlite"
    with pytest.raises(QuotaExhausted):
        opened(platform.url, path).send("POST", "/users", anything)
    platform.seen.clear()
    platform.answers(Reply())
    spawn = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[str] = spawn.Queue()
    worker = spawn.Process(target=say_how_it_ended, args=(platform.url, path, told))
    worker.start()
    ended = told.get(timeout=60)
    worker.join(60)
    assert ended.startswith(
        "QuotaExhausted: Platform: too many requests; the account takes requests again at"
    )
    assert platform.seen == []
