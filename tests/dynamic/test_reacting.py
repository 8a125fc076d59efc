"""One event, one micro-batch, one change at each destination; and what does not count as one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.duck import StoreBusy
from pipelines.dynamic import NothingDynamic, react
from pipelines.erasure.erase import erase
from tests.assets.shop import TODAY, customer
from tests.dynamic.stream import HOT, Stream, sent

NOON = datetime(2018, 1, 1, 12)


@pytest.mark.requirement("TYP-18", "TYP-6", "TYP-10")
def test_a_browse_moves_a_person_in_and_an_order_moves_them_out(stream: Stream) -> None:
    """Three views today: one person is added everywhere, by one request each. An order: they leave again."""
    assert sent(stream.react()) == [
        ("ads", "hot", 0, 0), ("ads", "keen", 0, 0), ("mail", "hot", 0, 0), ("mail", "keen", 0, 0),
    ]  # fmt: skip
    stream.view(3, NOON, times=2)
    assert sent(stream.react()) == []
    stream.view(3, NOON)
    stream.view(5, NOON, times=3)
    done = stream.react()
    assert sent(done) == [
        ("ads", "hot", 2, 0),
        ("ads", "keen", 2, 0),
        ("mail", "hot", 2, 0),
        ("mail", "keen", 2, 0),
    ]
    assert (done.reaction.rows, done.reaction.people, done.reaction.everybody) == (4, 2, False)
    stream.order(3, NOON, 20)
    assert sent(stream.react())[0] == ("ads", "hot", 0, 1)
    assert stream.shop.members("ads", "hot") == {customer(5)}


@pytest.mark.requirement("TYP-18", "DAT-10")
def test_an_event_under_an_id_that_was_given_up_is_the_survivors(stream: Stream) -> None:
    """A browser that still has the old id moves the person in whom it stands for."""
    declared = stream.shop.sources / "sources.toml"
    merges = '\n[source.merges]\ncontract = "customer_merges"\ncsv = "merges.csv"\n'
    declared.write_text(declared.read_text() + merges)
    stream._project = None
    stream.shop.write(
        "merges",
        ["customer_id", "merged_into", "merged_at"],
        [(customer(7), customer(3), "2017-12-20 10:00:00")],
    )
    stream.night()
    stream.react()
    stream.view(7, NOON, times=2)
    stream.view(3, NOON)
    assert stream.react().reaction.people == 1
    assert stream.shop.members("ads", "hot") == {customer(3)}


@pytest.mark.requirement("TYP-14")
def test_a_first_time_browser_is_known_as_soon_as_they_browse(stream: Stream) -> None:
    """Somebody who never ordered looks at something: they are among the first-time browsers within the micro-batch."""
    stream.segment(
        "first_look", "select person_no\nfrom features\nwhere product_views_14d >= 1 and orders_ever = 0"
    )
    stream._project = None
    stream.view(7, NOON)
    assert ("ads", "first_look", 1, 0) in sent(stream.react())
    stream.order(7, NOON, 5)
    stream.view(8, NOON)
    assert ("ads", "first_look", 1, 1) in sent(stream.react())


@pytest.mark.requirement("TYP-18")
def test_a_row_that_came_before_changes_nothing(stream: Stream) -> None:
    """The file is written again, or replaced by one with old rows and a new one: that one alone counts."""
    stream.view(3, NOON, times=3)
    stream.react()
    path = stream.shop.sources / "web_events.csv"
    path.write_bytes(path.read_bytes() + b"\r\n\r\n")
    assert stream.react().reaction.rows == 0
    stream.view(3, NOON)
    assert stream.react().reaction.rows == 1
    header, *rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([header, *reversed(rows), rows[-1].replace(b"v5,", b"v6,")]))
    done = stream.react()
    assert (done.reaction.rows, sent(done)) == (1, [])


@pytest.mark.requirement("TYP-18")
def test_one_mistaken_row_stops_its_source_alone_and_is_told(stream: Stream) -> None:
    """Nothing of the piece is taken; other sources go on; mended, everything comes."""
    stream.react()
    stream.view(3, NOON, times=3)
    path = stream.shop.sources / "web_events.csv"
    good = path.read_bytes()
    stream.line("web_events", "v99,c0003,product_view,yesterday")
    stream.order(4, NOON, 80)
    done = react(stream.project)
    assert [one.error for one in done.caught_up.followed.sources if one.error] == [
        "new rows of web_events.csv: column 'occurred_at': 1 values are no TIMESTAMP, first in row 4; "
        "write times as 2026-01-31 09:15:00, with a zone if they have one"
    ]
    assert stream.members("keen") == {customer(4)}
    assert not done.reaction.ok
    path.write_bytes(good)
    assert stream.react().reaction.rows == 3
    assert stream.members("hot") == stream.hot() == {customer(3)}


@pytest.mark.requirement("TYP-18")
def test_what_a_load_changes_is_taken_up_by_the_next_micro_batch(stream: Stream) -> None:
    """After a night the day under way is computed for everybody anew, also for people who did nothing."""
    stream.react()
    assert stream.project.load().ok
    assert stream.react().reaction.everybody
    assert not stream.react().reaction.everybody


@pytest.mark.requirement("TYP-18")
def test_a_night_keeps_what_the_day_under_way_has_brought(stream: Stream) -> None:
    """The night computes yesterday; whoever came in since midnight stays in, and yesterday's own rows are whole."""
    stream.react()
    stream.today += timedelta(days=1)
    stream.view(3, NOON + timedelta(days=1), times=3)
    stream.react()
    stream.night()
    with stream.project.engine(read_only=True) as engine:
        assert engine.latest("hot") == stream.today
        yesterday = engine.profile("hot", TODAY)
    assert yesterday is not None
    assert yesterday.size == 0
    assert stream.members("hot") == {customer(3)}


@pytest.mark.requirement("TYP-18")
def test_whom_a_night_moved_is_pushed_by_the_next_micro_batch(stream: Stream) -> None:
    """A night computes today's segments too, over what it loaded; nobody else would push them before tomorrow."""
    stream.react()
    stream.view(3, NOON, times=3)
    stream.night()
    assert stream.members("hot") == {customer(3)}
    assert stream.project.reactions.owed
    stream.react()
    assert stream.shop.members("ads", "hot") == {customer(3)}
    stream.night()
    assert not stream.project.reactions.owed


@pytest.mark.requirement("TYP-18")
def test_features_of_today_built_by_hand_are_not_what_micro_batches_follow(stream: Stream) -> None:
    """Somebody builds features of today among the whole days: what arrives afterwards still moves people."""
    stream.react()
    stream.project.build_features(stream.today)
    stream.view(3, NOON, times=3)
    stream.react()
    assert stream.members("hot") == {customer(3)}


@pytest.mark.requirement("TYP-18")
def test_nobody_moves_by_a_source_whose_load_failed(stream: Stream) -> None:
    """Orders could not be loaded: who bought since is not known, so the segment stays as it was, and says why."""
    stream.view(3, NOON, times=3)
    stream.react()
    good = (stream.shop.sources / "orders.csv").read_bytes()
    stream.shop.break_source("orders")
    assert not stream.project.load().ok
    stream.view(5, NOON, times=3)
    done = react(stream.project)
    assert not done.reaction.ok
    assert "its source orders could not be loaded" in str(done.complaints)
    assert stream.members("hot") == {customer(3)}
    (stream.shop.sources / "orders.csv").write_bytes(good)
    assert stream.project.load().ok
    stream.react()
    assert stream.members("hot") == {customer(3), customer(5)}


@pytest.mark.requirement("TYP-18")
def test_a_changed_definition_is_computed_for_everybody(stream: Stream) -> None:
    """The next micro-batch does so, though nothing has arrived."""
    stream.view(3, NOON, times=2)
    stream.react()
    stream.segment("hot", HOT.replace(">= 3", ">= 2"))
    stream._project = None
    stream.react()
    assert stream.members("hot") == {customer(3)}


@pytest.mark.requirement("TYP-18")
def test_a_push_that_fails_is_made_up_for_by_the_next_micro_batch(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform can't be reached: the segment has moved, the audience follows with the next one."""
    stream.react()
    folder = stream.shop.environment()["TURNOUT_ADS_FOLDER"]
    monkeypatch.setenv("TURNOUT_ADS_FOLDER", "/proc/nowhere")
    stream.view(3, NOON, times=3)
    assert not react(stream.project).reaction.ok
    monkeypatch.setenv("TURNOUT_ADS_FOLDER", folder)
    assert ("ads", "hot", 1, 0) in sent(stream.react())
    assert sent(stream.react()) == []


@pytest.mark.requirement("TYP-18")
def test_a_micro_batch_that_died_before_its_push_is_made_up_for(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between computing and pushing: nothing is forgotten."""
    stream.react()
    stream.view(3, NOON, times=3)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.dynamic._push", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            react(stream.project)
    done = stream.react()
    assert done.reaction.rows == 0
    assert ("ads", "hot", 1, 0) in sent(done)


@pytest.mark.requirement("TYP-18")
def test_a_busy_warehouse_is_told_and_nothing_is_lost(stream: Stream) -> None:
    """Somebody holds the warehouse: the micro-batch says who, and the next one takes everything over."""
    stream.react()
    stream.view(3, NOON, times=3)
    stream._project = type(stream.project)(
        stream.project.settings.model_copy(update={"lock_wait_seconds": 0.0})
    )
    holds = f"import duckdb; c = duckdb.connect({str(stream.project.settings.warehouse_path)!r}); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreBusy, match=f"in use by .*{other.pid}"):
            react(stream.project)
        other.communicate(b"\n")
    assert stream.react().reaction.rows == 3


@pytest.mark.requirement("TYP-18")
def test_who_opted_out_or_was_erased_is_not_brought_in_by_an_event(stream: Stream, tmp_path: Path) -> None:
    """They browse on: consent and suppression hold as ever, and no row about the erased is kept."""
    stream.react()
    gone = stream.shop.people - 1  # unsubscribed
    stream.view(gone, NOON, times=3)
    request = tmp_path / "request.csv"
    request.write_text(f"customer_id\n{customer(5)}\n")
    erase(stream.project, request, who="ops", why="asked for", wait_seconds=5)
    stream.view(5, NOON, times=3)
    done = stream.react()
    assert {(d.segment, d.added) for d in done.deliveries} == {("hot", 0), ("keen", 0)}
    assert stream.members("hot") == {customer(gone)}
    with stream.project.warehouse(read_only=True) as con:
        kept = con.execute("select count(*) from source.web_events where customer_id = ?", [customer(5)])
        assert kept.fetchall() == [(0,)]


@pytest.mark.requirement("TYP-18")
def test_a_table_is_followed_too(stream: Stream) -> None:
    """Events in a SQLite table: rows that are added are found, late ones too."""
    path = stream.shop.sources / "web.db"
    with sqlite3.connect(path) as database:
        database.execute(
            "create table events (event_id text, customer_id text, event text, occurred_at text)"
        )
        database.execute("insert into events values ('a', 'c0000', 'page_view', '2017-06-01 00:00:00')")
    declared = stream.shop.sources / "sources.toml"
    declared.write_text(
        declared.read_text().replace('csv = "web_events.csv"', 'sqlite = "web.db"\ntable = "events"')
    )
    stream._project = None
    stream.night()
    stream.react()
    for number, day in enumerate(("2018-01-01", "2017-12-25", "2017-12-20")):
        with sqlite3.connect(path) as database:
            database.execute("insert into events values (?, 'c0003', 'product_view', ?)", [f"n{number}", day])
        assert stream.react().reaction.rows == 1
    assert stream.members("hot") == {customer(3)}


@pytest.mark.requirement("TYP-18")
def test_without_a_dynamic_segment_there_is_nothing_to_react_with(stream: Stream) -> None:
    """The sentence says what to write."""
    for path in stream.shop.segment_defs.glob("*.sql"):
        path.write_text(path.read_text().replace('mode = "dynamic"\n', ""))
    stream._project = None
    with pytest.raises(NothingDynamic, match='mode = "dynamic"'):
        react(stream.project)


@pytest.mark.requirement("TYP-6", "TYP-10")
def test_a_topic_looked_at_three_times_in_a_week_is_intent(stream: Stream) -> None:
    """The price list three times this week: in at once. An article once, or the price list last month: not."""
    path = stream.shop.sources / "web_events.csv"
    path.write_text("event_id,customer_id,event,occurred_at,page\nw0,c0000,page_view,2017-01-01,/\n")
    stream.segment(
        "pricing",
        "select person_no\nfrom web_events\nwhere event = 'page_view'\n  and page = '/pricing'\n"
        "  and occurred_at >= $window_end - interval 7 days\ngroup by person_no\nhaving count(*) >= 3",
    )
    stream._project = None
    stream.night()
    stream.react()
    for number in range(3):
        stream.line("web_events", f"a{number},c0003,page_view,2018-01-01 1{number}:00:00,/pricing", "\n")
        stream.line("web_events", f"b{number},c0005,page_view,2017-12-20 1{number}:00:00,/pricing", "\n")
    stream.line("web_events", "c0,c0007,page_view,2018-01-01 10:00:00,/blog", "\n")
    assert stream.react().reaction.people == 3
    assert stream.members("pricing") == {customer(3)}
