"""A journal of an earlier version is brought up to date where it lies, and nothing in it is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pipelines.delivery.journal import Journal
from pipelines.delivery.journal_file import SCHEMA_VERSION, JournalError

SCHEMA_1 = """
create table audiences (
  destination text not null,
  segment text not null,
  external_id text not null,
  name text not null,
  url text,
  opened_at text not null,
  primary key (destination, segment)
) strict;
insert into audiences values ('meta', 'vip', '12', 'Vip', null, '2026-11-01T05:00:00+00:00');
pragma user_version = 1;
"""


@pytest.mark.fault(
    "F55", injected="a journal written by schema 1", outcome="brought up to date, nothing lost"
)
def test_a_journal_of_schema_1_is_brought_up_to_date(tmp_path: Path) -> None:
    """Audiences keep their ids and get the mark that they were opened with; a second opening changes nothing."""
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(SCHEMA_1)
    for _ in range(2):
        with Journal.open(path) as journal:
            known = journal.audience("meta", "vip")
            assert known is not None
            assert known.id == "12"
            assert journal.marker("meta", "vip") == "turnout:vip"
    with sqlite3.connect(path) as now:
        assert now.execute("pragma user_version").fetchone() == (SCHEMA_VERSION,)


@pytest.mark.fault("F55", injected="a journal of a newer Turnout", outcome="refused, with the way on")
def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    """What a newer Turnout wrote is not touched."""
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as newer:
        newer.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(JournalError, match="written by a newer Turnout"), Journal.open(path):
        pass


def test_a_new_segment_of_an_old_name_gets_a_mark_of_its_own(tmp_path: Path) -> None:
    """A renamed segment keeps the mark of its audience, so the next one of its old name must have another."""
    from connectors.base import Audience

    with Journal.open(tmp_path / "journal.sqlite") as journal:
        journal.opened("meta", "vip", Audience("1", "Vip"))
        journal.rename("meta", "vip", "gold")
        assert journal.marker("meta", "gold") == "turnout:vip"
        assert journal.marker("meta", "vip") == "turnout:vip.2"
        journal.opened("meta", "vip", Audience("2", "Vip"))
        assert journal.owner("meta", "1") == "gold"
        assert journal.owner("meta", "2") == "vip"
        assert journal.marker("meta", "vip") == "turnout:vip.2"
        assert journal.owner("mail", "2") is None
