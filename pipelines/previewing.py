"""A segment before it is activated: its size, what makes it that size, and whom each audience reaches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connectors.base import DeliveryError
from connectors.identity import Identity
from pipelines.delivery.excluding import EXCLUDED
from pipelines.delivery.identities import write_identities
from pipelines.engine import Engine, PeopleChanged
from pipelines.explaining import definition_of
from pipelines.project import Project
from pipelines.segments.freezing import counted_on
from pipelines.segments.model import Sync
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.sizing import Sized
from pipelines.warehouse.tuning import Tuned


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

    @property
    def total(self) -> int:
        """Everybody in the segment."""
        return self.reachable + sum(self.withheld.values())


@dataclass(frozen=True, slots=True)
class Preview:
    """A segment on a day, run now; nothing is kept or sent."""

    segment: str
    as_of: date
    sized: Sized
    reach: tuple[Reach, ...]
    floor: int = 1
    """People below which a count of a breakdown is not shown."""


def preview(project: Project, segment: str, as_of: date | None = None) -> Preview:
    """Look at a segment, by default as of the newest day. Raises UnknownName, SegmentError, WarehouseMissing."""
    definition = definition_of(project, segment)
    with project.engine(read_only=True) as engine, engine.snapshot():
        day = counted_on(definition, as_of or engine.newest_day() or project.newest_as_of)
        sized = engine.measure(definition, day)
        reach = tuple(_reach_of(project, engine, sync, sized.people, day) for sync in definition.syncs)
    return Preview(segment, day, sized, reach, project.settings.cell_floor)


@dataclass(frozen=True, slots=True)
class _Account:
    """What an account asks of a person."""

    destination: str
    purposes: tuple[str, ...]
    identity: Identity
    min_size: int


def tune(project: Project, segment: str, as_of: date | None = None) -> tuple[Tuned, ...]:
    """What size a segment would have with other bounds, by default as of the newest day. Raises as `preview`."""
    definition = definition_of(project, segment)
    with project.engine(read_only=True) as engine, engine.snapshot():
        return engine.tune(definition, as_of or engine.newest_day() or project.newest_as_of)


def _account(project: Project, destination: str) -> _Account:
    """As it is set up; by the connector's default settings where it is not yet."""
    try:
        with project.deliveries.connected(destination) as account:
            connector = account.connector
            return _Account(
                destination, tuple(connector.consent), connector.identity, connector.limits.min_size
            )
    except DeliveryError:
        kind = project.connector_types[destination]
        declared = kind.declare(kind.settings_type.model_construct())
        return _Account(destination, tuple(kind.consent), declared.identity, declared.limits.min_size)


def _reach_of(project: Project, engine: DuckDBEngine, sync: Sync, people: pa.Table, day: date) -> Reach:
    """Whom one sync reaches, without those whom it leaves out."""
    left_out = pa.chunked_array(
        [
            chunk
            for name in sync.exclude
            for chunk in engine.measure(definition_of(project, name), day).people.column("person_no").chunks
        ],
        type=pa.int32(),
    )
    is_out = pc.is_in(people.column("person_no"), value_set=left_out)
    reach = _reach(engine, people.filter(pc.invert(is_out)), _account(project, sync.destination))
    excluded = int(pc.sum(is_out).as_py() or 0)
    if not excluded:
        return reach
    return replace(reach, withheld=dict(sorted({**reach.withheld, EXCLUDED: excluded}.items())))


def _reach(engine: Engine, people: pa.Table, account: _Account) -> Reach:
    everybody = engine.export(PeopleChanged(0, account.identity.inputs)).read_all()
    with duckdb.connect(config={"threads": "1"}) as con:
        con.register("everybody", everybody)
        con.register("wanted", people)
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
            semi join wanted
              using (person_no)
            """,
            {"purposes": list(account.purposes)},
        )
        write_identities(con, account.identity, "asked", "identified", carried="refused")
        rows = con.execute(
            """
            select
              case
                when refused is not null then refused
                when member is null then 'no_identifier'
                when row_number() over (partition by member, refused order by person_no) > 1 then 'same_identity'
              end as reason,
              person_no
            from identified
            """
        ).fetchall()
    reasons = Counter(reason for reason, _ in rows)
    # Whoever has features and no row among the people is gone from the sources.
    reasons["gone_from_source"] += people.num_rows - len(rows)
    reachable = reasons.pop(None, 0)
    return Reach(account.destination, reachable, dict(sorted((+reasons).items())), account.min_size)
