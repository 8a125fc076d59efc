"""The fields of ActiveCampaign's contacts: custom ones by their ids, three of its own by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import ActionNeeded
from connectors.email import Value
from connectors.people import FieldType

OWN = ("first_name", "last_name", "phone")
"""Fields of an import besides the address."""
TYPES = {"date": FieldType.DATE, "datetime": FieldType.DATE, "number": FieldType.NUMBER}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one account that may be set."""

    types: Mapping[str, FieldType]
    """By name."""
    ids: Mapping[str, int]
    """Of custom fields, by title."""

    @classmethod
    def read(cls, definitions: Iterable[Mapping[str, Any]]) -> Fields:
        """From ``GET /fields``. The first of several fields with one title is meant."""
        custom: dict[str, Mapping[str, Any]] = {}
        for field in definitions:
            title = str(field.get("title"))
            if title not in OWN and str(field.get("id")).isdecimal():
                custom.setdefault(title, field)
        types = {title: TYPES.get(str(field.get("type")), FieldType.TEXT) for title, field in custom.items()}
        return cls(
            dict.fromkeys(OWN, FieldType.TEXT) | types,
            {title: int(field["id"]) for title, field in custom.items()},
        )

    def of_contact(self, attributes: Mapping[str, Value]) -> dict[str, Any]:
        """Attributes as a contact of an import holds them: all text. Raises ActionNeeded for a field there is not."""
        contact: dict[str, Any] = {}
        custom: list[dict[str, Any]] = []
        for name, value in attributes.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if name in self.ids:
                custom.append({"id": self.ids[name], "value": text})
            elif name in OWN:
                contact[name] = text
            else:
                raise ActionNeeded(
                    f"ActiveCampaign: there is no field {name!r}; create it under Contacts, Manage Fields"
                )
        return contact | ({"fields": custom} if custom else {})
