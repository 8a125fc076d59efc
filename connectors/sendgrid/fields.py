"""The fields of SendGrid's contacts: custom ones by their ids, reserved ones by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.account import items_of
from connectors.base import ActionNeeded
from connectors.email import Value
from connectors.people import FieldType
from connectors.sendgrid.answers import IDENTIFIERS

TYPES = {"Text": FieldType.TEXT, "Number": FieldType.NUMBER, "Date": FieldType.DATE}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one account that may be set."""

    types: Mapping[str, FieldType]
    """By name."""
    ids: Mapping[str, str]
    """Of custom fields, by name."""

    @classmethod
    def read(cls, definitions: Mapping[str, Any]) -> Fields:
        """From the account's definitions. Identifiers are no fields; a reserved name goes before a custom one."""
        custom = {str(field.get("name")): field for field in items_of(definitions.get("custom_fields"))}
        reserved = {
            str(field.get("name")): field
            for field in items_of(definitions.get("reserved_fields"))
            if not field.get("read_only") and field.get("name") not in (*IDENTIFIERS, "alternate_emails")
        }
        return cls(
            {
                name: TYPES.get(str(field.get("field_type")), FieldType.TEXT)
                for name, field in (custom | reserved).items()
            },
            {name: str(field.get("id")) for name, field in custom.items() if name not in reserved},
        )

    def of_contact(self, attributes: Mapping[str, Value]) -> dict[str, Any]:
        """Attributes as a contact holds them. Raises ActionNeeded for a field that there is not."""
        contact: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for name, value in attributes.items():
            if name not in self.types:
                raise ActionNeeded(
                    f"SendGrid: there is no field {name!r}; create it under Marketing, Custom Fields"
                )
            numeric = self.types[name] is FieldType.NUMBER and not isinstance(value, bool | str)
            where = custom if name in self.ids else contact
            where[self.ids.get(name, name)] = value if numeric else _text(value)
        return contact | ({"custom_fields": custom} if custom else {})


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
