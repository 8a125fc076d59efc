"""What became of the outbox, read back from ledger and journal after the last answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipelines.delivery.difference import RESENDS
from pipelines.delivery.ledger import Ledger

ON = ("on", "coming", "expiring")
OUT = ("gone", "leaving")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Members by what was asked for them and what the receipts say; each member is in one of the numbers."""

    added: int
    resent: int
    """Held before, sent again, and receipted."""
    removed: int
    rejected: int
    """Not held before."""
    rejected_held: int
    """Held as unsure before; now the platform says that it does not have them."""
    unsure_adds: int
    """Sent, or to be sent, and no receipt."""
    unsure_resends: int
    unsure_removes: int
    unsure_repeats: int
    """Removals repeated for members that are not held, without a receipt: from now on they may be there."""
    still_leaving: int
    """Of the removed and repeated ones, those whose removal was accepted, with the verdict still to come."""


def outcome(ledger: Ledger, audience: int) -> Outcome:
    """Where every member of the outbox stands now, by its batch's state. Needs `read_states` after the last answer."""
    rows = ledger.connection.execute(
        """
        select
          outbox.change,
          case
            when members.member is null then 'gone'
            when rejected.member is not null then 'rejected'
            else coalesce(batch_states.state, 'maybe')
          end as state,
          count(*)
        from outbox
        left join members
          on members.audience = $audience
          and members.member = outbox.member
        left join batch_states
          on batch_states.batch = members.batch
        left join rejected
          on rejected.batch = members.batch
          and rejected.member = members.member
        group by all
        """,
        {"audience": audience},
    ).fetchall()
    counted = Counter({(change, state): n for change, state, n in rows})

    def ended(changes: tuple[str, ...], states: tuple[str, ...]) -> int:
        return sum(counted[change, state] for change in changes for state in states)

    def unended(changes: tuple[str, ...], states: tuple[str, ...]) -> int:
        return sum(n for (change, state), n in counted.items() if change in changes and state not in states)

    repeats = ("clear", "assert_gone")
    return Outcome(
        added=ended(("add",), ON),
        resent=ended(RESENDS, ON),
        removed=ended(("remove",), OUT),
        rejected=ended(("add",), ("rejected",)),
        rejected_held=ended(RESENDS, ("rejected",)),
        unsure_adds=unended(("add",), (*ON, "rejected")),
        unsure_resends=unended(RESENDS, (*ON, "rejected")),
        unsure_removes=unended(("remove",), OUT),
        unsure_repeats=unended(repeats, OUT),
        still_leaving=ended(("remove", *repeats), ("leaving",)),
    )


def refused_members(ledger: Ledger, audience: int, *, sent: bool) -> frozenset[str]:
    """The desired members that the platform does not take: refused earlier, or (``sent``) in this run."""
    rows = ledger.connection.execute(
        "select cast(member as varchar) from delta where change = 'rejected'"
    ).fetchall()
    if sent:
        rows += ledger.connection.execute(
            """
            select cast(outbox.member as varchar)
            from outbox
            join members
              on members.member = outbox.member
            join rejected
              on rejected.batch = members.batch
              and rejected.member = members.member
            where outbox.op = 'add'
              and members.audience = $audience
            """,
            {"audience": audience},
        ).fetchall()
    return frozenset(member for (member,) in rows)
