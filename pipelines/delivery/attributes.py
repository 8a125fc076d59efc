"""What a tool is to know of each member besides being one, and whether that is what it was told last."""

from __future__ import annotations

import pyarrow as pa

from connectors.base import ActionNeeded, Connector
from connectors.people import FieldType
from pipelines.delivery.ledger import Ledger
from pipelines.engine import AttributeValues, Engine
from pipelines.segments.attributes import Attribute


def stage_attributes(ledger: Ledger, engine: Engine, wanted: AttributeValues | None) -> None:
    """Make the temporary table ``attributes_wanted``: ``member``, ``attributes`` (JSON) and their ``digest``.

    It has every permitted member of whom something is wanted; nobody when nothing is. Whoever shares a member with
    somebody else is described by the lowest number, always the same. Needs fresh identities.
    """
    values = _NOBODY if wanted is None else engine.export(wanted)
    ledger.stage("attribute_values", values)
    ledger.connection.execute(
        """
        create or replace temp table attributes_wanted as
        with
        described as (
          select
            identities.member,
            min_by(attribute_values.attributes, attribute_values.person_no) as attributes
          from attribute_values
          join identities
            on identities.person_no = attribute_values.person_no
          where identities.member is not null
            and identities.refused is null
          group by identities.member
        )
        select
          member,
          attributes,
          cast(md5(attributes) as uuid) as digest
        from described
        """
    )
    ledger.connection.execute("drop table attribute_values")


_NOBODY = pa.table({"person_no": pa.array([], pa.int32()), "attributes": pa.array([], pa.string())})


def check_fields(connector: Connector, attributes: tuple[Attribute, ...]) -> None:
    """Raise ActionNeeded unless the account has every field that is to be set, for values of its type."""
    if not attributes:
        return
    known = connector.fields()
    if known is None:
        return
    unknown = [one for one in attributes if one.field not in known]
    if unknown:
        names = ", ".join(f"{one.field!r} ({one.type.value})" for one in unknown)
        raise ActionNeeded(
            f"{connector.title} has no field {names}: create it there, or take it out of "
            f"[sync.{connector.destination}] attributes"
        )
    for one in attributes:
        if known[one.field] not in (one.type, FieldType.ANY):
            raise ActionNeeded(
                f"{connector.title}: the field {one.field!r} holds {known[one.field].value}, the column {one.column!r} "
                f"{one.type.value}: give it another field, or the field another type"
            )
