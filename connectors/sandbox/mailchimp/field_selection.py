"""``fields`` and ``exclude_fields``: answer with a part of a document, named in dot notation."""

from __future__ import annotations

from connectors.sandbox.mailchimp.requests import Fields
from connectors.sandbox.wire import Json


def select(document: dict[str, Json], wish: Fields) -> dict[str, Json]:
    """The part of ``document`` that was asked for."""
    if wish.fields:
        document = _keep(document, [name.strip().split(".") for name in wish.fields.split(",")])
    if wish.exclude_fields:
        document = _drop(document, [name.strip().split(".") for name in wish.exclude_fields.split(",")])
    return document


def _keep(document: dict[str, Json], paths: list[list[str]]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in document.items():
        deeper = [path[1:] for path in paths if path[0] == name]
        if deeper:
            kept[name] = value if [] in deeper else _within(value, deeper, keeping=True)
    return kept


def _drop(document: dict[str, Json], paths: list[list[str]]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in document.items():
        deeper = [path[1:] for path in paths if path[0] == name]
        if [] not in deeper:
            kept[name] = _within(value, deeper, keeping=False) if deeper else value
    return kept


def _within(value: Json, paths: list[list[str]], *, keeping: bool) -> Json:
    if isinstance(value, list):
        return [_within(item, paths, keeping=keeping) for item in value]
    if isinstance(value, dict):
        return _keep(value, paths) if keeping else _drop(value, paths)
    return value
