"""Who joined and left which audience, when and why: one row for every member that a batch carried.

Append only, written in the commit that lets the members point at the batch, and kept for a declared time. Whether
a row's request was applied is the journal's to say, so a reader joins it.
"""

from __future__ import annotations

from datetime import datetime

from pipelines.delivery.ledger import Ledger
from pipelines.delivery.states import as_stored

REASONS = {
    "entered_rule": "the segment's rule began to hold",
    "left_rule": "the segment's rule holds no more",
    "identity_changed": "the person has another identifier now",
    "consent_withdrawn": "the consent that this destination needs is not there any more",
    "suppressed": "the person is on a suppression list",
    "excluded": "the person is in a segment that the audience leaves out",
    "held_out": "the person is held out, so that what the others are sent can be measured",
    "deleted": "the person asked to be erased",
    "gone_from_source": "the sources do not know the person any more",
    "sent_again": "the last request had no receipt, or the platform did not list them any more",
    "added_by_hand": "the platform listed them, and nobody here had sent them",
    "refreshed_for_expiry": "the platform drops members that are not sent again",
    "attributes_changed": "what the tool is to know of the person changed",
    "retired": "the audience was retired",
    "asserted": "a late copy of an earlier request may have undone the last one",
}
"""Why a member is sent; a push that has a reason of its own (undo, retirement) gives that instead of the rule."""


def write_history(ledger: Ledger, audience: int, reason: str | None, at: datetime) -> None:
    """Write down everybody in the outbox but the erased, of whom nothing is kept; inside the caller's commit."""
    ledger.connection.execute(
        """
        insert into history
        with only_found as (
          select members.member
          from members
          join found
            on found.audience = members.audience
            and found.member = members.member
            and found.batch = members.batch
          where members.audience = $audience
        )
        select
          $audience,
          $at,
          outbox.op,
          case
            when outbox.change in ('assert_on', 'assert_gone') then 'asserted'
            when outbox.change = 'again' then 'sent_again'
            when outbox.change = 'update' then 'attributes_changed'
            when outbox.change = 'expire' then 'refreshed_for_expiry'
            when outbox.op = 'remove' and identities.refused = 'erased' then 'deleted'
            when outbox.op = 'remove' and identities.refused = 'no_consent' then 'consent_withdrawn'
            when outbox.op = 'remove' and identities.refused = 'gone_from_source' then 'gone_from_source'
            when outbox.op = 'remove' and identities.refused is not null then 'suppressed'
            when outbox.op = 'remove' and outbox.member in (select member from only_found) then 'added_by_hand'
            when outbox.op = 'remove' and outbox.person_no in (select person_no from left_out) then 'excluded'
            when outbox.op = 'remove' and outbox.person_no in (select person_no from held_out) then 'held_out'
            when outbox.person_no in (select person_no from outbox group by person_no having count(distinct op) = 2)
              then 'identity_changed'
            else coalesce($reason, case outbox.op when 'add' then 'entered_rule' else 'left_rule' end)
          end,
          outbox.member,
          outbox.person_no,
          outbox.batch
        from outbox
        left join identities
          on identities.person_no = outbox.person_no
        where outbox.change <> 'clear'
          and outbox.member not in (select member from found where audience = $audience and erased)
        """,
        {"audience": audience, "at": as_stored(at), "reason": reason},
    )
