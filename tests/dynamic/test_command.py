"""``turnout react`` as an operator types it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pipelines.assets.dev import variables
from pipelines.cli.exits import Exit
from tests.cli.conftest import Turnout, bare, turnout
from tests.dynamic.stream import Stream

__all__ = ["bare", "turnout"]

KEYS = {
    "run_id", "as_of", "began_at", "loaded_at", "computed_at", "settled_at", "rows", "people", "everybody",
    "segments", "seconds", "seconds_since_arrival", "seconds_since_event", "ok",
}  # fmt: skip


@pytest.fixture
def stream(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """A shop after a night, and the environment that points at it."""
    opened = Stream.open(bare / "shop")
    settings = opened.project.settings
    for name, value in {**variables(settings), **opened.shop.environment()}.items():
        monkeypatch.setenv(name, value)
    opened.night()
    return opened


@pytest.mark.requirement("TYP-18")
def test_react_tells_what_moved_and_how_long_it_took(stream: Stream, turnout: Turnout) -> None:
    """In a table; as one object for the micro-batch and one an audience; and later on with --last."""
    assert turnout("react").code == Exit.OK
    stream.view(3, datetime(2018, 1, 1, 9), times=3)
    ran = turnout("react", "--json")
    assert ran.code == Exit.OK
    batch, *audiences = ran.objects
    assert set(batch) == KEYS
    assert (batch["rows"], batch["people"], batch["everybody"], batch["ok"]) == (3, 1, False, True)
    assert batch["segments"] == [
        {"name": "hot", "entered": 1, "left": 0, "size": 1},
        {"name": "keen", "entered": 1, "left": 0, "size": 1},
    ]
    assert batch["seconds_since_arrival"] > 0
    assert batch["seconds_since_event"] is None, "on a pretended day"
    assert [one["added"] for one in audiences] == [1, 1, 1, 1]
    told = turnout("react", "--last")
    assert "from arrival and from the event to the last receipt" in " ".join(told.out.split())
    assert [one["rows"] for one in turnout("react", "--last", "--json").objects] == [3, 0]


@pytest.mark.requirement("TYP-18")
def test_a_mistake_in_what_arrives_is_told_and_fails(stream: Stream, turnout: Turnout) -> None:
    """The sentence of the row, without its values; exit code 1."""
    turnout("react")
    stream.line("web_events", "v99,c0003,product_view,yesterday")
    ran = turnout("react")
    assert ran.code == Exit.FAILED
    assert "new rows of web_events.csv: column 'occurred_at': 1 values are no TIMESTAMP" in ran.err
    assert "yesterday" not in ran.out + ran.err


@pytest.mark.requirement("FRE-4")
def test_without_a_dynamic_segment_the_command_says_what_to_write(stream: Stream, turnout: Turnout) -> None:
    """A mistake of the definitions: exit code 2."""
    for path in stream.shop.segment_defs.glob("*.sql"):
        path.write_text(path.read_text().replace('mode = "dynamic"\n', ""))
    ran = turnout("react")
    assert ran.code == Exit.USAGE
    assert 'write mode = "dynamic" into the header of one' in ran.err


@pytest.mark.requirement("TYP-18")
def test_explain_knows_the_day_under_way(stream: Stream, turnout: Turnout) -> None:
    """Why somebody is in a dynamic segment is told by what they did today."""
    stream.view(3, datetime(2018, 1, 1, 9), times=3)
    turnout("react")
    told = turnout("explain", "c0003", "hot", "--json").objects[0]
    assert (told["as_of"], told["member"]) == ("2018-01-01", True)
    assert told["conditions"][0]["values"] == {"product_views_14d": 3}
