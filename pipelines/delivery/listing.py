"""Who the tool says is in an audience, held against whom the ledger says is there, member by member.

The pages go into a temporary table one by one, so memory stays flat. Whoever is listed is a member when they have one
of its identifiers, or the tool's own id that is remembered for it. Nothing is proven by a member whose last request is
so young that the list, or a late copy of an earlier request, may still change, nor by one whose state is not known. See
docs/decisions/0009-drift-by-member.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from connectors.base import Connector
from connectors.identity import Column
from connectors.people import Present
from pipelines.delivery.identities import member_key
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.states import as_stored
from pipelines.duck import quote

PERMITTED = "(refused is null or refused = 'gone_from_source')"
"""Of a stranger: whoever is merely missing from the sources has said nothing."""
MOST_ASKED = 1_000
"""Missing people of an audience about whom a tool is asked: more would spend its budget on a question."""
ON = "('on', 'expiring')"
"""States in which the ledger claims that somebody is there."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a listing and the ledger differ, in people: each is in one of the numbers but ``listed``."""

    listed: int
    agreed: int
    """On the platform by both."""
    missing: int
    """There by the ledger, and not listed: taken out by hand, or not known to the tool any more."""
    added_by_hand: int
    """Listed, and sent by nobody here."""
    not_permitted: int
    """The same, and may not be there: suppressed, erased, or without consent."""
    unnamed: int
    """Listed by the tool's own id alone, which belongs to nobody known here."""
    unsettled: int
    """Nothing is proven: too young, in doubt, coming, leaving, or refused earlier."""
    gone: int | None = None
    """Of the missing, those whom the tool does not know any more; None: it cannot be asked, or they are too many."""


def stage_listing(ledger: Ledger, pages: Iterable[Sequence[Present]]) -> None:
    """Put every page into the temporary table ``listed``; raises what the listing raises, and then it is not whole."""
    columns = _names(ledger)
    ledger.connection.execute(
        f"create or replace temp table listed (remote_id varchar, {', '.join(f'{c} varchar' for c in columns)})"
    )
    for page in pages:
        with ledger.lent("listed_page", _table(ledger, page)):
            ledger.connection.execute("insert into listed select * from listed_page")
    # Where pages are counted from the start, somebody may be on two of them.
    ledger.connection.execute("create or replace temp table listed as select distinct * from listed")


def _table(ledger: Ledger, page: Sequence[Present]) -> pa.Table:
    names = [column.name for column in ledger.identity.handle]
    rows = {"remote_id": pa.array([present.remote_id for present in page], pa.string())}
    for name in names:
        rows[name] = pa.array([present.identifiers.get(name) or None for present in page], pa.string())
    return pa.table(rows)


def compare_listing(
    ledger: Ledger, audience: int, lag: timedelta, settles_after: timedelta, began: datetime
) -> None:
    """Compare ``listed`` with an audience's members; ``began`` is the moment before the listing was asked for.

    Leaves the temporary tables ``missing`` (``member``) and ``strangers`` (``member``, ``person_no``, ``refused``,
    ``remote_id`` and the handle's columns). Needs `read_states` and fresh identities.
    """
    _stage_matches(ledger, audience)
    _stage_judged(ledger, audience, max(timedelta(0), lag - settles_after), began)
    ledger.connection.execute(
        "create or replace temp table missing as select member from judged where verdict = 'missing'"
    )
    _stage_strangers(ledger, audience, began - lag)


def _stage_matches(ledger: Ledger, audience: int) -> None:
    """``matches``: rows of ``listed`` and the members of the audience that they are."""
    by_identifier = "".join(
        f"""
        union
        select listed.rowid as listed_row, members.member
        from listed
        join members
          on members.{quote(column.name)} = listed.{quote(column.name)}
        where members.audience = $audience
        """
        for column in _identifying(ledger)
    )
    ledger.connection.execute(
        f"""
        create or replace temp table matches as
        select listed.rowid as listed_row, members.member
        from listed
        join remote_ids
          on remote_ids.remote_id = listed.remote_id
        join members
          on members.member = remote_ids.member
        where members.audience = $audience
        {by_identifier}
        """,
        {"audience": audience},
    )


def _stage_judged(ledger: Ledger, audience: int, later: timedelta, began: datetime) -> None:
    """``judged``: each member that is held or listed, and what the listing says of it.

    A tool that lists ids alone can't show a member whose id is not remembered.
    """
    ledger.connection.execute(
        f"""
        create or replace temp table judged as
        with
        shown as (
          select distinct member
          from matches
        ),
        standing as (
          select
            members.member,
            case
              when rejected.member is not null then 'rejected'
              else coalesce(batch_states.state, 'maybe')
            end as state,
            shown.member is not null as is_listed,
            coalesce(batch_states.closes_at > $proving, false)
              or members.member in (select member from settling where audience = $audience)
              or (
                members.member not in (select member from remote_ids)
                and exists (select 1 from listed where {_unnamed(ledger)})
              ) as proves_nothing
          from members
          left join shown
            on shown.member = members.member
          left join batch_states
            on batch_states.batch = members.batch
          left join rejected
            on rejected.batch = members.batch
            and rejected.member = members.member
          where members.audience = $audience
        )
        select
          member,
          case
            when state in {ON} and is_listed then 'agreed'
            when state in {ON} and proves_nothing then 'unsettled'
            when state in {ON} then 'missing'
            else 'unsettled'
          end as verdict
        from standing
        where is_listed
          or state not in ('gone', 'rejected')
        """,
        {"audience": audience, "proving": as_stored(began - later)},
    )


def _stage_strangers(ledger: Ledger, audience: int, since: datetime) -> None:
    """``strangers``: who is listed and no member, each once, with the person that they are and why they may not be
    there, if so; ``is_leaving`` where a removal that the listing may not show yet took them out of the ledger.

    They are looked up by all that they are named by, as it is sent.
    """
    columns = [quote(column.name) for column in ledger.identity.handle]
    values = ", ".join(f"any_value(listed.{column}) as {column}" for column in columns)
    ledger.connection.execute(
        f"""
        create or replace temp table strangers as
        with
        unmatched as (
          select {member_key(ledger.identity)} as member, any_value(remote_id) as remote_id, {values}
          from listed
          where rowid not in (select listed_row from matches)
            and not ({_unnamed(ledger)})
          group by 1
        ),
        theirs as (
          select
            unmatched.member,
            -- Whoever is permitted comes first, as it is them whom the member stands for; then who said no.
            case
              when bool_or(identities.refused is null) then null
              else coalesce(max(nullif(identities.refused, 'gone_from_source')), 'gone_from_source')
            end as refused
          from unmatched
          join identities
            on identities.member = unmatched.member
          group by unmatched.member
        ),
        known as (
          select theirs.member, theirs.refused, min(identities.person_no) as person_no
          from theirs
          join identities
            on identities.member = theirs.member
            and identities.refused is not distinct from theirs.refused
          group by all
        ),
        lately_removed as (
          select member
          from history
          where audience = $audience
            and op = 'remove'
            and moment > $since
        )
        select
          unmatched.*,
          known.person_no,
          known.refused,
          unmatched.member in (select member from lately_removed) as is_leaving
        from unmatched
        left join known
          on known.member = unmatched.member
        """,
        {"audience": audience, "since": as_stored(since)},
    )


def gone(connector: Connector, ledger: Ledger, audience: int) -> int | None:
    """How many of the missing the tool does not know any more; None where it cannot be asked, or they are too many."""
    people = _missing_people(ledger, audience)
    if people.num_rows == 0:
        return 0
    known = connector.knows(people) if people.num_rows <= MOST_ASKED else None
    return None if known is None else people.num_rows - len(known)


def _missing_people(ledger: Ledger, audience: int) -> pa.Table:
    """The handle columns of the missing, as they were sent; of one more than may be asked, at the most."""
    names = ", ".join(f"members.{quote(column.name)}" for column in ledger.identity.handle)
    return ledger.connection.sql(
        f"""
        select {names}
        from members
        join missing
          on missing.member = members.member
        where members.audience = {audience}
        order by members.member
        limit {MOST_ASKED + 1}
        """
    ).to_arrow_table()


def drift(ledger: Ledger, gone: int | None = None) -> Drift:
    """The difference that `compare_listing` left, in numbers; ``gone`` is what the tool says of the missing."""
    members = dict(
        ledger.connection.execute("select verdict, count(*) from judged group by verdict").fetchall()
    )
    rows = ledger.connection.execute(
        f"""
        select
          (select count(*) from listed),
          (
            select count(*)
            from listed
            where {_unnamed(ledger)}
              and rowid not in (select listed_row from matches)
          ),
          count(*) filter (where is_leaving),
          count(*) filter (where not is_leaving and {PERMITTED}),
          count(*) filter (where not is_leaving and not {PERMITTED})
        from strangers
        """
    ).fetchall()
    listed, unnamed, leaving, permitted, refused = (int(number) for number in rows[0])
    return Drift(
        listed=listed,
        agreed=members.get("agreed", 0),
        missing=members.get("missing", 0),
        added_by_hand=permitted,
        not_permitted=refused,
        unnamed=unnamed,
        unsettled=members.get("unsettled", 0) + leaving,
        gone=gone,
    )


def _identifying(ledger: Ledger) -> list[Column]:
    return [column for column in ledger.identity.identifying if column.in_handle]


def _unnamed(ledger: Ledger) -> str:
    """SQL for a listed row without any identifier."""
    return " and ".join(f"listed.{quote(column.name)} is null" for column in _identifying(ledger))


def _names(ledger: Ledger) -> list[str]:
    return [quote(column.name) for column in ledger.identity.handle]
