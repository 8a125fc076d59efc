"""How a segment is entered and left, beyond its SQL: what keeps people from coming and going day by day.

On a day d, with q the people whom the SQL gives on a day:

- the band: somebody is held on d when they are in q on some day e of the last ``stay_days`` days or on d, and on no day
  after e, d included, is ``exit_when`` true of them. Not known is not true. Without ``exit_when``: when they are in q.
- the grace: they are kept on d when they were held on d or on one of the ``grace_days`` days before it.
- the cool-down: they are a member on d when they are kept, and did not stop being kept in the last ``cooldown_days``
  days, d included.

Nobody is held or a member on a day on which they are not in the universe. All of this looks back a bounded number of
days and at the rule alone, never at memberships that were computed earlier: any day can be computed by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

BEFORE_EXIT = "select person_no\nfrom features\nwhere (\n"
AFTER_EXIT = "\n)"
"""What stands around ``exit_when`` when it is asked, on lines of its own."""

STAY_DAYS = 90
"""Days for which the band holds somebody when the header says nothing."""
LONGEST_STAY = 366
LONGEST_WAIT = 90
"""Days of grace or of cooling down at the most."""


@dataclass(frozen=True, slots=True)
class EntryExit:
    """What a header's ``[entry_exit]`` says, in days."""

    exit_when: str | None = None
    """A condition on one row of ``features``: who is in leaves when it is true."""
    exit_line: int = 1
    """The file's line on which it stands."""
    stay_days: int = 0
    """How long after the SQL last held somebody can be held by the band; 0 without ``exit_when``."""
    grace_days: int = 0
    cooldown_days: int = 0

    @property
    def days_back(self) -> int:
        """How many days before a day decide about it."""
        return self.stay_days + self.grace_days + self.cooldown_days

    @property
    def exit_sql(self) -> str:
        """A SELECT of the people of whom ``exit_when`` is true, or ValueError without one."""
        if self.exit_when is None:
            raise ValueError("there is no condition for leaving")
        return f"{BEFORE_EXIT}{self.exit_when}{AFTER_EXIT}"

    @property
    def exit_sql_line(self) -> int:
        """The line on which ``exit_sql`` would begin, if it stood in the file: its errors are then at the key."""
        return self.exit_line - BEFORE_EXIT.count("\n")
