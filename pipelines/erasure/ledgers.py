"""Erased people in a destination's ledger: tied to their number, looked up, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from pipelines.delivery.entries import JournalledBatch
from pipelines.delivery.identities import write_identities
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.remote_ids import forget_ids
from pipelines.duck import quote
from pipelines.erasure.register import State

Membership = tuple[int, str]
"""A person's number and the segment whose audience has or had them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one person stands with one audience after a push."""

    state: State
    receipt: str = ""
    at: str = ""
    note: str = ""


def tie(ledger: Ledger, journal: Journal, people: pa.Table) -> set[Membership]:
    """Let every member that was ever sent for these people bear their number; returns where they are or were.

    ``people`` holds ``person_no`` and every column an identity may be made of, one row a version of a person. A
    member is theirs by its number, or, when nobody living has it, by its key or any identifier in it. What the
    journal says of their rejections is forgotten at once; their removal does not need it.
    """
    columns = ["person_no", *ledger.identity.inputs]
    with ledger.lent("people_rows", people.select(columns)):
        write_identities(ledger.connection, ledger.identity, "people_rows", "subject_identities")
    ledger.connection.execute(_SUBJECT_MEMBERS.format(by_identifier=_by_identifier(ledger)))
    with ledger.commit("tie_erased"):
        ledger.connection.execute(_TIE)
    found = _memberships(ledger)
    _forget_rejections(ledger, journal)
    for table in ("subject_identities", "subject_members"):
        ledger.connection.execute(f"drop table temp.{table}")
    return found


def _by_identifier(ledger: Ledger) -> str:
    """Members of whom any identifier is one of the subjects'."""
    return "\n".join(
        f"""
  union
  select members.member, subject_identities.person_no
  from unowned as members
  join subject_identities
    on subject_identities.{quote(column.name)} = members.{quote(column.name)}"""
        for column in ledger.identity.identifying
        if column.in_handle
    )


_SUBJECT_MEMBERS = """
create or replace temp table subject_members as
with
unowned as (
  select *
  from members
  where person_no is null
    or person_no not in (
      select person_no
      from identities
      where refused is distinct from 'gone_from_source'
    )
),
by_any_means as (
  select member, person_no
  from members
  where person_no in (select person_no from subject_identities)
  union
  select members.member, subject_identities.person_no
  from unowned as members
  join subject_identities
    on subject_identities.member = members.member
  {by_identifier}
)
select member, min(person_no) as person_no
from by_any_means
group by member
"""

_TIE = """
update members
set person_no = subject_members.person_no
from subject_members
where subject_members.member = members.member
  and (members.person_no is null or members.person_no not in (select person_no from subject_identities));

update identities
set member = null, refused = 'erased'
where person_no in (select person_no from subject_identities);

insert into moved
select distinct person_no
from subject_members
where person_no not in (select person_no from moved);

update history
set person_no = theirs.person_no
from (
  select member, person_no
  from subject_members
  union
  select member, min(person_no)
  from subject_identities
  where member is not null
    and member not in (select member from subject_members)
  group by member
) as theirs
where theirs.member = history.member
"""


def _memberships(ledger: Ledger) -> set[Membership]:
    """Where they are, and where the history says that they were."""
    rows = ledger.connection.execute(
        """
        select stored.person_no, audiences.segment
        from (
          select audience, person_no from members
          union
          select audience, person_no from history
        ) as stored
        join audiences
          on audiences.audience = stored.audience
        where stored.person_no in (select person_no from subject_identities)
        """
    ).fetchall()
    return {(int(person), str(segment)) for person, segment in rows}


def _forget_rejections(ledger: Ledger, journal: Journal) -> None:
    rows = ledger.connection.execute(
        """
        select cast(member as varchar) from subject_members
        union
        select cast(member as varchar) from subject_identities where member is not null
        """
    ).fetchall()
    members = {member for (member,) in rows}
    for destination, segment in journal.every_audience():
        if destination == ledger.destination:
            theirs = [r for r in journal.rejections(destination, segment) if r.member in members]
            journal.forget_rejections(destination, segment, theirs)


def standings(
    ledger: Ledger, journal: Journal, memberships: set[Membership], settles_after: timedelta
) -> dict[Membership, Standing]:
    """Where each of them stands, by the last receipt."""
    people = sorted({person for person, _ in memberships})
    held = _batches_by_membership(ledger, "members", people)
    removals = _batches_by_membership(ledger, "history", people, "and stored.op = 'remove'")
    batches = {
        segment: {batch.id: batch for batch in journal.batches(ledger.destination, segment)}
        for segment in {segment for _, segment in memberships}
    }
    return {
        (person, segment): _standing(
            held.get((person, segment)),
            removals.get((person, segment), []),
            batches[segment],
            journal.audience(ledger.destination, segment) is not None,
            settles_after,
        )
        for person, segment in memberships
    }


def _batches_by_membership(
    ledger: Ledger, table: str, people: list[int], condition: str = ""
) -> dict[Membership, list[str]]:
    rows = ledger.connection.execute(
        f"""
        select stored.person_no, audiences.segment, coalesce(batches.id, '')
        from {table} as stored
        join audiences
          on audiences.audience = stored.audience
        left join batches
          on batches.batch = stored.batch
        where list_contains($people, stored.person_no)
        {condition}
        order by batches.id
        """,
        {"people": people},
    ).fetchall()
    found: dict[Membership, list[str]] = {}
    for person, segment, batch in rows:
        found.setdefault((int(person), str(segment)), []).append(str(batch))
    return found


def _standing(
    held: list[str] | None,
    removals: list[str],
    batches: Mapping[str, JournalledBatch],
    is_open: bool,
    settles_after: timedelta,
) -> Standing:
    if held is None:
        last = next((batches[batch] for batch in reversed(removals) if batch in batches), None)
        if last is None and not is_open:
            return Standing("gone", note="the audience does not exist any more")
        if last is None:
            return Standing(
                "removed", note="they had left before, or share all they were sent by with others"
            )
        return Standing("removed", _receipt(last), _moment(last.settled_at))
    standing = [batches.get(batch) for batch in held]
    if any(batch is None or (batch.op, batch.state) not in _REMOVED for batch in standing):
        return Standing("open", note="the removal has no receipt yet")
    if any(batch is not None and batch.state == "accepted" for batch in standing):
        return Standing("waiting", note="the platform took the removal and has not said yet that it is done")
    last = max((batch for batch in standing if batch is not None), key=lambda batch: batch.id)
    until = (last.settled_at or last.sent_at or datetime.max) + settles_after
    return Standing(
        "settling",
        _receipt(last),
        _moment(last.settled_at),
        f"removed; a late copy of an earlier request may undo it until {until:%Y-%m-%d %H:%M} UTC, so their handle is "
        "kept for a repetition",
    )


_REMOVED = {("remove", "applied"), ("remove", "accepted")}


def _receipt(batch: JournalledBatch) -> str:
    return f"{batch.id} {batch.reference}" if batch.reference and batch.reference != batch.id else batch.id


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def forget(ledger: Ledger, people: set[int]) -> int:
    """Delete the history of those of these people who are in no audience any more, and their ids; rows of history."""
    with ledger.commit("forget_erased"):
        rows = ledger.connection.execute(
            """
            delete from history
            where list_contains($people, person_no)
              and person_no not in (select person_no from members where person_no is not null)
            """,
            {"people": sorted(people)},
        ).fetchall()
        forget_ids(ledger)
    return int(rows[0][0])
