"""Entry and exit rules: from the people whom the SQL gives on a day to the members, by what went before.

The rules look back a bounded number of days (``pipelines.segments.entry_exit``). They are folded day by day over one
row a person, kept in a temporary table of the cursor, so a window of any length costs one run of the SQL a day and the
memory of the people in it. A fold that has seen the days of the window gives what the rules say, however much earlier
it began: nothing in a row outlives the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import duckdb

from pipelines.duck import quote
from pipelines.segments.entry_exit import EntryExit

By = Literal["rule", "band", "grace", "cooldown"]
"""What decides that somebody is in: the SQL on the day, the looser rule for leaving, the days of grace. And what keeps
out somebody who would be in: they left lately."""

NOBODY = (
    "create temp table if not exists {table} (person_no integer, held_on date, anchored_on date, banded_on date, "
    "is_kept boolean, left_on date)"
)
FOLD = """
create or replace temp table {state} as
with
everybody as (
  select
    coalesce(present.person_no, earlier.person_no) as person_no,
    present.person_no is not null as is_present,
    coalesce(present.person_no in (select person_no from {rule}), false) as is_in_rule,
    coalesce(present.person_no in (select person_no from {leavers}), false) as is_leaving,
    earlier.held_on,
    earlier.anchored_on,
    earlier.banded_on,
    coalesce(earlier.is_kept, false) as was_kept,
    earlier.left_on
  from {state} as earlier
  full join (
    select person_no
    from features
    where person_no in (select person_no from {rule} union all select person_no from {state})
  ) as present
    using (person_no)
),
anchored as (
  select
    * exclude (held_on, anchored_on),
    case when is_in_rule then $as_of::date else held_on end as held_on,
    case
      when is_in_rule then $as_of::date
      when is_present and not is_leaving then anchored_on
    end as anchored_on
  from everybody
),
banded as (
  select
    * exclude (banded_on),
    case when anchored_on >= $as_of::date - $stay then $as_of::date else banded_on end as banded_on
  from anchored
),
kept as (
  select
    *,
    coalesce(banded_on >= $as_of::date - $grace, false) as is_kept
  from banded
)
select
  person_no,
  held_on,
  anchored_on,
  banded_on,
  is_kept,
  case when was_kept and not is_kept then $as_of::date else left_on end as left_on
from kept
where held_on >= $as_of::date - $days_back
"""
MEMBERS = """
create or replace temp table {into} as
select person_no
from {state}
semi join features
  using (person_no)
where is_kept
  and coalesce(left_on <= $as_of::date - $cooldown, true)
"""


@dataclass(frozen=True, slots=True)
class Damped:
    """Where somebody stands with the entry and exit rules on a day."""

    by: By
    held_on: date
    """The last day on which the SQL held."""
    until: date | None
    """First day without them if the SQL does not hold again, or first day on which they may come back; None: in by the
    SQL."""


def fold(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    rules: EntryExit,
    as_of: date,
    *,
    rule: str,
    leavers: str,
    into: str,
) -> None:
    """Make the members of a segment of a day, after the fold of the day before it.

    ``rule`` and ``leavers`` are tables of ``person_no``: whom the SQL gives, and of whom ``exit_when`` is true;
    ``into`` becomes one. ``features`` shows the day. Doing a day twice in a row gives the same.
    """
    state = _state(name, rules)
    cursor.execute(NOBODY.format(table=state))
    days = {"as_of": as_of, "stay": rules.stay_days, "grace": rules.grace_days, "days_back": rules.days_back}
    cursor.execute(FOLD.format(state=state, rule=rule, leavers=leavers), days)
    cursor.execute(MEMBERS.format(state=state, into=into), {"as_of": as_of, "cooldown": rules.cooldown_days})


def standings(
    cursor: duckdb.DuckDBPyConnection, name: str, rules: EntryExit, as_of: date
) -> dict[int, Damped]:
    """By person, of those registered as ``asked``: what decides about whom the rules concern on a folded day."""
    rows = cursor.execute(
        f"""
        select person_no, held_on, anchored_on, banded_on, left_on
        from {_state(name, rules)}
        semi join asked
          using (person_no)
        semi join features
          using (person_no)
        where is_kept
        """
    ).fetchall()
    return {int(number): _standing(rules, as_of, *days) for number, *days in rows}


def _standing(
    rules: EntryExit,
    as_of: date,
    held_on: date,
    anchored_on: date | None,
    banded_on: date,
    left_on: date | None,
) -> Damped:
    if left_on is not None and left_on > as_of - timedelta(days=rules.cooldown_days):
        return Damped("cooldown", held_on, left_on + timedelta(days=rules.cooldown_days))
    if held_on == as_of:
        return Damped("rule", held_on, None)
    grace = timedelta(days=rules.grace_days + 1)
    if anchored_on is not None and banded_on == as_of:
        return Damped("band", held_on, anchored_on + timedelta(days=rules.stay_days) + grace)
    return Damped("grace", held_on, banded_on + grace)


def _state(name: str, rules: EntryExit) -> str:
    """The table of a segment's fold; another one for other rules, which may be tried beside its own."""
    days = f"{rules.stay_days}, {rules.grace_days}, {rules.cooldown_days}"
    return quote(f"days of {name} ({days}): {rules.exit_when}")
