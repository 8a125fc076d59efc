"""Whom of a segment a destination could be sent: permitted, not suppressed, and with an identifier of its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import DeliveryError
from connectors.identity import Identity
from pipelines.delivery.excluding import EXCLUDED
from pipelines.delivery.identities import write_identities
from pipelines.engine import Engine, HeldOut, PeopleChanged
from pipelines.quality.platforms import expected_match
from pipelines.segments.holdout import Holdout
from pipelines.segments.model import Segment, Sync
from pipelines.warehouse import DuckDBEngine

if TYPE_CHECKING:
    from pipelines.project import Project


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom of a segment one destination could be sent, before anything is asked of it."""

    destination: str
    reachable: int
    """Permitted and with an identifier, each distinct member once."""
    withheld: dict[str, int]
    """The others, by reason."""
    min_size: int
    """Fewer matched members than this are useless there."""
    match: float = 1.0
    """Share of the reachable whom the platform may be expected to recognise."""

    @property
    def total(self) -> int:
        """Everybody in the segment."""
        return self.reachable + sum(self.withheld.values())

    @property
    def matched(self) -> int:
        """People whom the platform may be expected to recognise."""
        return int(self.reachable * self.match)


@dataclass(frozen=True, slots=True)
class Asks:
    """What an account asks of a person."""

    destination: str
    purposes: tuple[str, ...]
    identity: Identity
    min_size: int
    match: float


def asks_of(project: Project, destination: str) -> Asks:
    """As the account is set up; by the connector's default settings where it is not yet."""
    match = expected_match(project.settings.destinations[destination])
    try:
        with project.deliveries.connected(destination) as account:
            connector = account.connector
            purposes, least = tuple(connector.consent), connector.limits.min_size
            return Asks(destination, purposes, connector.identity, least, match)
    except DeliveryError:
        kind = project.connector_types[destination]
        declared = kind.declare(kind.settings_type.model_construct())
        return Asks(destination, tuple(kind.consent), declared.identity, declared.limits.min_size, match)


def reach(
    engine: Engine, segments: Mapping[str, pa.Table], draws: Mapping[str, tuple[Holdout, ...]], asks: Asks
) -> dict[str, Reach]:
    """Whom of each segment (name to a table with ``person_no``) an account could be sent; ``draws`` hold people out.

    Everybody is normalised once, however many segments they are in.
    """
    numbers = pa.chunked_array(
        [chunk for people in segments.values() for chunk in people.column("person_no").chunks], pa.int32()
    ).unique()
    everybody = engine.export(PeopleChanged(0, asks.identity.inputs)).read_all()
    with duckdb.connect(config={"threads": "1"}) as con:
        con.register("everybody", everybody)
        con.register("anywhere", pa.table({"person_no": numbers}))
        _identify(con, asks)
        return {
            name: _reach(con, people, _held_out(engine, people, draws[name]), asks)
            for name, people in segments.items()
        }


def reaches(
    project: Project, engine: DuckDBEngine, wanted: Iterable[tuple[Sync, str, pa.Table]], day: date
) -> list[tuple[str, Reach]]:
    """The reach of audiences, given as sync, segment and people of a day; account by account, in order of their names.

    Whom a sync leaves out or a draw holds out is withheld. Raises SegmentError for a broken file that is left out.
    """
    by_account: dict[str, dict[str, pa.Table]] = {}
    draws: dict[str, tuple[Holdout, ...]] = {}
    excluded: dict[tuple[str, str], int] = {}
    for sync, segment, people in wanted:
        is_out = _is_left_out(project, engine, sync, people, day)
        draws[segment] = project.deliveries.holdouts(_whole(project, segment))
        by_account.setdefault(sync.destination, {})[segment] = people.filter(pc.invert(is_out))
        excluded[sync.destination, segment] = int(pc.sum(is_out).as_py() or 0)
    return [
        (segment, _with_excluded(found, excluded[destination, segment]))
        for destination, segments in sorted(by_account.items())
        for segment, found in reach(engine, segments, draws, asks_of(project, destination)).items()
    ]


def _is_left_out(
    project: Project, engine: DuckDBEngine, sync: Sync, people: pa.Table, day: date
) -> pa.ChunkedArray:
    left_out = [
        chunk
        for name in sync.exclude
        for chunk in engine.measure(_whole(project, name), day).people.column("person_no").chunks
    ]
    return pc.is_in(people.column("person_no"), value_set=pa.chunked_array(left_out, type=pa.int32()))


def _whole(project: Project, name: str) -> Segment:
    definition = project.definition(name)
    if isinstance(definition, Segment):
        return definition
    raise definition.error


def _with_excluded(found: Reach, excluded: int) -> Reach:
    if not excluded:
        return found
    return replace(found, withheld=dict(sorted({**found.withheld, EXCLUDED: excluded}.items())))


def _identify(con: duckdb.DuckDBPyConnection, asks: Asks) -> None:
    """Table ``identified``: everybody's member key at the account, and why they may not be sent."""
    con.execute(
        """
        create temp table asked as
        select
          everybody.*,
          case
            when suppressed is not null then suppressed
            when not list_has_all(coalesce(granted, []), $purposes) then 'no_consent'
          end as refused
        from everybody
        semi join anywhere
          using (person_no)
        """,
        {"purposes": list(asks.purposes)},
    )
    write_identities(con, asks.identity, "asked", "identified", carried="refused")


def _held_out(engine: Engine, people: pa.Table, draws: tuple[Holdout, ...]) -> pa.Table:
    """``person_no`` and ``reason`` of those whom no audience gets."""
    if not draws:
        return pa.table({"person_no": pa.array([], pa.int32()), "reason": pa.array([], pa.string())})
    return engine.export(HeldOut(draws, people.column("person_no"))).read_all()


def _reach(con: duckdb.DuckDBPyConnection, people: pa.Table, held_out: pa.Table, asks: Asks) -> Reach:
    con.register("wanted", people.select(["person_no"]))
    con.register("held_out", held_out)
    rows = con.execute(
        """
        with
        theirs as (
          select *
          from identified
          semi join wanted
            using (person_no)
        ),
        held_members as (
          select
            theirs.member,
            min(held_out.reason) as reason
          from theirs
          join held_out
            using (person_no)
          where theirs.member is not null
          group by theirs.member
        ),
        judged as (
          select
            theirs.person_no,
            theirs.member,
            coalesce(
              theirs.refused,
              case when theirs.member is null then 'no_identifier' end,
              held_out.reason,
              held_members.reason
            ) as reason
          from theirs
          left join held_out
            using (person_no)
          left join held_members
            on held_members.member = theirs.member
        ),
        reasoned as (
          select
            case
              when reason is not null then reason
              when row_number() over (partition by member, reason order by person_no) > 1 then 'same_identity'
            end as reason
          from judged
        )
        select
          reason,
          count(*)
        from reasoned
        group by reason
        """
    ).fetchall()
    con.unregister("wanted")
    con.unregister("held_out")
    reasons = Counter(dict(rows))
    # Whoever has features and no row among the people is gone from the sources.
    reasons["gone_from_source"] += people.num_rows - sum(count for _, count in rows)
    reachable = reasons.pop(None, 0)
    return Reach(asks.destination, reachable, dict(sorted((+reasons).items())), asks.min_size, asks.match)
