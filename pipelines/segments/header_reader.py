"""A header's tables checked against their models, every complaint at the file's own line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from connectors.base import AttributeOptions
from pipelines.segments.attributes import Attribute, of_scores, type_of
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError, nearest
from pipelines.segments.file import SegmentFile
from pipelines.segments.header import Header, SyncKeys
from pipelines.segments.model import Sync
from pipelines.segments.predictions import SCORES
from pipelines.segments.toml_lines import Toml, TomlError

Destinations = Mapping[str, type[BaseModel]]
"""A destination's name to the model of the options its connector knows."""

KEYS = ("as_of", "person_no")
"""Columns of ``features`` that say nothing about a person."""

Model = TypeVar("Model", bound=BaseModel)


class HeaderReader:
    """The header of one file; raises SegmentError for whatever is not understood."""

    def __init__(self, file: SegmentFile, catalog: Catalog) -> None:
        self._file = file
        self._catalog = catalog
        self._toml = self._read()

    def line(self, path: tuple[str, ...]) -> int:
        """The file's line of a key."""
        return self._file.header_line + self._toml.line(path) - 1

    def header(self) -> Header:
        """Everything but the syncs."""
        values = {key: value for key, value in self._toml.values.items() if key != "sync"}
        return self._checked(Header, values, (), known=[*Header.model_fields, "sync"])

    def sync_tables(self) -> Iterable[tuple[str, Any]]:
        """Name and table of each ``[sync.<destination>]``, in the file's order."""
        syncs = self._toml.values.get("sync", {})
        if not isinstance(syncs, dict):
            raise self._error(("sync",), f"'sync' is {_kind(syncs)}", expected="tables [sync.<destination>]")
        return syncs.items()

    def sync(self, destination: str, table: Any, destinations: Destinations) -> Sync:
        """One audience, its options checked by the connector's own model."""
        path = ("sync", destination)
        if destination not in destinations:
            close = nearest(destination, destinations)
            few = None if close else f"one of {', '.join(sorted(destinations))}"
            raise self._error(path, f"unknown destination {destination!r}", nearest=close, expected=few)
        if not isinstance(table, dict):
            raise self._error(
                path, f"{'.'.join(path)} is {_kind(table)}", expected=f"a table [sync.{destination}]"
            )
        own = {key: value for key, value in table.items() if key in SyncKeys.model_fields}
        rest = {key: value for key, value in table.items() if key not in own}
        model = destinations[destination]
        known = [*SyncKeys.model_fields, *model.model_fields]
        keys = self._checked(SyncKeys, own, path, known=known)
        options = self._checked(model, rest, path, known=known, secret=True)
        return Sync(
            destination=destination,
            audience=keys.audience,
            max_removed=keys.max_removed,
            drift=keys.drift,
            options=options.model_dump(exclude_unset=True),
            attributes=tuple(self._attributes((*path, "attributes"), options)),
            exclude=tuple(dict.fromkeys(keys.exclude)),
        )

    def _attributes(self, path: tuple[str, ...], options: BaseModel) -> Iterator[Attribute]:
        """The declared columns, each looked up in the catalogue."""
        features = self._catalog.get("features")
        known = features.columns if features else {}
        columns = {name: known[name] for name in known if name not in KEYS}
        declared = options.attributes if isinstance(options, AttributeOptions) else {}
        for field, column in declared.items():
            if (said := of_scores(column)) is not None and SCORES in self._catalog:
                yield self._score(field, *said)
                continue
            if column not in columns:
                few = (
                    None if (close := nearest(column, columns)) else "a column of features (docs/segments.md)"
                )
                raise self._error(
                    (*path, field), f"features has no column {column!r}", nearest=close, expected=few
                )
            kind = type_of(columns[column])
            if kind is None:
                raise self._error(
                    (*path, field),
                    f"the column {column!r} holds {columns[column].type}",
                    expected="text, a number, true or false, or a date",
                )
            yield Attribute(field, column, kind)

    def _score(self, field: str, model: str, column: str) -> Attribute:
        """What a model says as a field; that there is such a model is for the one who knows models to say."""
        kind = type_of(self._catalog[SCORES].columns[column])
        assert kind is not None, "scores are numbers, labels text"
        return Attribute(field, column, kind, model)

    def _read(self) -> Toml:
        try:
            return Toml(self._file.header)
        except TomlError as error:
            raise SegmentError(
                self._file.path,
                f"the header is not TOML: {error}",
                line=self._file.header_line + error.line - 1,
            ) from None

    def _error(
        self, path: tuple[str, ...], found: str, *, nearest: str | None = None, expected: str | None = None
    ) -> SegmentError:
        return SegmentError(self._file.path, found, line=self.line(path), nearest=nearest, expected=expected)

    def _checked(
        self,
        model: type[Model],
        values: Mapping[str, Any],
        above: tuple[str, ...],
        *,
        known: Iterable[str],
        secret: bool = False,
    ) -> Model:
        """``values`` as ``model``; raises the complaint that stands first in the file.

        ``secret`` keeps values out of the message: a connector's options are not ours to repeat.
        """
        try:
            return model.model_validate(values)
        except ValidationError as error:
            found = error.errors(include_url=False)
        complaints = [
            (complaint["type"] == "missing", self._complaint(model, above, complaint, known, secret=secret))
            for complaint in found
        ]
        # What is there but wrong comes first: a misspelt key explains the one that seems to be missing.
        raise min(complaints, key=lambda ranked: (ranked[0], ranked[1].line))[1]

    def _complaint(
        self,
        model: type[BaseModel],
        above: tuple[str, ...],
        complaint: Any,
        known: Iterable[str],
        *,
        secret: bool,
    ) -> SegmentError:
        keys = tuple(key for key in complaint["loc"] if isinstance(key, str))
        name = keys[-1] if keys else ""
        table = (*above, *keys[:-1])
        place = f"[{'.'.join(table)}]" if table else "the header"
        expected, siblings = _described(model, keys)
        match complaint["type"]:
            case "extra_forbidden":
                names = list(known) if len(keys) == 1 else siblings
                close = nearest(name, names)
                few = None if close else f"one of {', '.join(names)}"
                return self._error(
                    (*above, *keys), f"unknown key {name!r} in {place}", nearest=close, expected=few
                )
            case "missing":
                return self._error(table, f"missing {name!r} in {place}", expected=expected)
        value = complaint["input"]
        wording = complaint["ctx"]["error"] if complaint["type"] == "value_error" else None
        found = f"{name!r} " + (str(wording) if wording else f"is {'not valid' if secret else _kind(value)}")
        close = nearest(value, _choices(complaint)) if isinstance(value, str) and not secret else None
        return self._error((*above, *keys), found, nearest=close, expected=expected)


def _described(model: type[BaseModel], keys: tuple[str, ...]) -> tuple[str | None, list[str]]:
    """What the field at ``keys`` should hold, and the names of its table's fields."""
    expected: str | None = None
    names = list(model.model_fields)
    for key in keys:
        field = model.model_fields.get(key)
        if field is None:
            break
        expected = field.description
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
                names = list(model.model_fields)
    return expected, names


def _choices(complaint: Any) -> list[str]:
    if complaint["type"] != "literal_error":
        return []
    return [choice.strip(" '") for choice in complaint["ctx"]["expected"].replace(" or ", ", ").split(", ")]


def _kind(value: Any) -> str:
    """A value in the header's own words: short ones are repeated, others named by what they are."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value!r}" if len(value) <= 60 else "a long text"
        case int() | float():
            return f"the number {value}"
        case datetime():
            return "a date with a time"
        case date():
            return f"the date {value.isoformat()}"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
        case _:
            return "something else"
