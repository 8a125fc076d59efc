"""Cron lines: what is a schedule, and what would be a night that never comes."""

from __future__ import annotations

import pytest
from dagster._utils.schedules import is_valid_cron_schedule
from pydantic import ValidationError

from pipelines.cron import checked_cron
from pipelines.settings import Settings

GOOD = [
    "0 5 * * *",
    "*/15 0-6 * * mon-fri",
    "0 0 29 2 *",
    "5,35 1 1,15 jan,jul *",
    "0 0 31 * *",
    "7/10 * * * 7",
]
BAD = {
    "99 99 * * *": "the minute of a cron line is from 0 to 59",
    "0 24 * * *": "the hour of a cron line is from 0 to 23",
    "0 0 0 * *": "the day of the month of a cron line is from 1 to 31",
    "0 0 * 13 *": "the month of a cron line is from 1 to 12",
    "0 0 * * 8": "the day of the week of a cron line is from 0 to 7",
    "0 0 30 2 *": "names a day that its months do not have, so it would never come",
    "0 0 31 4,6 *": "names a day that its months do not have, so it would never come",
    "* * * * * *": "has 6 fields where a cron line has five",
    "@daily": "has 1 fields where a cron line has five",
    "": "has 0 fields where a cron line has five",
    "0 5-3 * * *": "the hour of a cron line stands for nothing",
    "*/0 * * * *": "the minute of a cron line stands for nothing",
    "a b c d e": "the minute of a cron line is from 0 to 59",
    "0 5 * * $(x)": "the day of the week of a cron line cannot be read",
}  # fmt: skip


@pytest.mark.parametrize("line", GOOD)
def test_a_schedule_passes(line: str) -> None:
    """What is a schedule to Dagster passes as it is written."""
    assert checked_cron(f"  {line.replace(' ', '  ')} ") == line
    assert is_valid_cron_schedule(line)


@pytest.mark.bad_input("B97")
@pytest.mark.parametrize(("line", "message"), BAD.items(), ids=BAD)
def test_no_schedule_is_told_when_settings_are_read(line: str, message: str) -> None:
    """The field is named; the night does not find out by never beginning."""
    with pytest.raises(ValidationError, match=message):
        Settings(_env_file=None, schedule=line)  # type: ignore[call-arg]


@pytest.mark.bad_input("B97")
def test_an_unknown_time_zone_is_told() -> None:
    """A zone is an IANA name."""
    with pytest.raises(ValidationError, match="unknown time zone; use an IANA name"):
        Settings(_env_file=None, timezone="Mars/Base")  # type: ignore[call-arg]
