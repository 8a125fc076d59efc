"""Every slip in a header's ``[entry_exit]`` is one sentence at its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.errors import SegmentError
from pipelines.segments.parse import parse
from tests.catalogue.cases import named
from tests.segments.conftest import CATALOG, DESTINATIONS

SLIPS: dict[str, tuple[dict[str, str], str]] = {
    "entry_exit as a number": (
        {"min_size = 100": "entry_exit = 7"},
        "segment_defs/lapsed.sql:8: 'entry_exit' is the number 7; expected a table [entry_exit] with exit_when and "
        "stay_days, grace_days or cooldown_days",
    ),
    "entry_exit of nothing": (
        {"[goal]": "[entry_exit]\ngrace_days = 0\n[goal]"},
        "segment_defs/lapsed.sql:13: [entry_exit] changes nothing; expected exit_when, grace_days or cooldown_days",
    ),
    "entry_exit misspelt": (
        {"[goal]": "[entry_exit]\ngrace = 7\n[goal]"},
        "segment_defs/lapsed.sql:14: unknown key 'grace' in [entry_exit]; did you mean 'grace_days'?",
    ),
    "grace of half a day": (
        {"[goal]": "[entry_exit]\ngrace_days = 0.5\n[goal]"},
        "segment_defs/lapsed.sql:14: 'grace_days' is the number 0.5; expected a whole number of days from 0 to 90 for "
        "which people stay before they leave",
    ),
    "grace of a year": (
        {"[goal]": "[entry_exit]\ngrace_days = 365\n[goal]"},
        "segment_defs/lapsed.sql:14: 'grace_days' is the number 365; expected a whole number of days from 0 to 90 for "
        "which people stay before they leave",
    ),
    "cool-down before": (
        {"[goal]": "[entry_exit]\ncooldown_days = -1\n[goal]"},
        "segment_defs/lapsed.sql:14: 'cooldown_days' is the number -1; expected a whole number of days from 0 to 90 "
        "before who left may come back",
    ),
    "a stay of two years": (
        {"[goal]": "[entry_exit]\nexit_when = 'baskets < 1'\nstay_days = 730\n[goal]"},
        "segment_defs/lapsed.sql:15: 'stay_days' is the number 730; expected a whole number of days from 1 to 366, 90 "
        "by default: how long after the SQL last held somebody may stay whom exit_when does not send away",
    ),
    "a stay without a way out": (
        {"[goal]": "[entry_exit]\ngrace_days = 3\nstay_days = 30\n[goal]"},
        "segment_defs/lapsed.sql:15: 'stay_days' without 'exit_when': how long may they stay whom no condition sends "
        "away?; add exit_when, or say grace_days",
    ),
    "an exit that is a number": (
        {"[goal]": "[entry_exit]\nexit_when = 450\n[goal]"},
        "segment_defs/lapsed.sql:14: 'exit_when' is the number 450; expected a condition on features under which "
        'members leave, e.g. "spend_90d < 450"',
    ),
    "an exit that is no condition": (
        {"[goal]": "[entry_exit]\nexit_when = 'spend'\n[goal]"},
        "segment_defs/lapsed.sql:14: 'exit_when' comes out as DECIMAL(18,2); expected one condition on a row of "
        "features, e.g. spend_90d < 450",
    ),
    "an exit by an unknown column": (
        {"[goal]": "[entry_exit]\nexit_when = 'spendings < 450'\n[goal]"},
        "segment_defs/lapsed.sql:14: in 'exit_when': unknown column 'spendings'; did you mean 'spend'?",
    ),
    "an exit by today": (
        {"[goal]": "[entry_exit]\nexit_when = 'last_seen < today()'\n[goal]"},
        "segment_defs/lapsed.sql:14: in 'exit_when': the function today() is not allowed in a segment; use $as_of (the "
        "day) or $window_end (the midnight after it), so that any past day can be replayed",
    ),
    "an exit that reads another table": (
        {"[goal]": "[entry_exit]\nexit_when = 'person_no in (select person_no from orders)'\n[goal]"},
        "segment_defs/lapsed.sql:14: 'exit_when' is more than a condition; expected one condition on a row of "
        "features, e.g. spend_90d < 450",
    ),
    "an exit that closes its bracket": (
        {
            "[goal]": "[entry_exit]\nexit_when = 'true) union select person_no from orders where (true'\n[goal]"
        },
        "segment_defs/lapsed.sql:14: 'exit_when' is more than a condition; expected one condition on a row of "
        "features, e.g. spend_90d < 450",
    ),
}


@pytest.mark.requirement("DAMP-1", "DAMP-2", "DAMP-3")
@pytest.mark.parametrize(("changes", "message"), named(SLIPS))
def test_a_slip_is_told_with_file_line_and_fix(
    write: Callable[..., Path], changes: dict[str, str], message: str
) -> None:
    """The whole message is what an author needs, and no more."""
    with pytest.raises(SegmentError) as raised:
        parse(write(changes=changes), CATALOG, DESTINATIONS)
    assert str(raised.value) == message


@pytest.mark.requirement("DAMP-1")
@pytest.mark.parametrize(
    "condition",
    [
        "spend < 450",
        "features.spend < 450 or baskets is null",
        "last_seen < $as_of - 30",
        "spend < 450 -- dollars",
    ],
)
def test_a_condition_is_one(write: Callable[..., Path], condition: str) -> None:
    """Columns of features, the day, and what joins conditions; it stays 90 days unless told otherwise."""
    path = write(changes={"[goal]": f"[entry_exit]\nexit_when = '{condition}'\n[goal]"})
    found = parse(path, CATALOG, DESTINATIONS).entry_exit
    assert found == EntryExit(exit_when=condition, exit_line=14, stay_days=90)
