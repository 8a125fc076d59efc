"""The effects as a table for people: what each does, where it can happen, and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic.fields import FieldInfo

from connectors.sandbox.faults.reading import KINDS
from connectors.sandbox.faults.rules import Fault
from connectors.sandbox.wire import Platform

HEADING = "| effect | what happens | settings |\n|---|---|---|"


def table() -> str:
    """Markdown: one row an effect, in the order of their sections."""
    rows = [
        f"| `{effect}` | {_sentence(kind)}{_where(kind)} | {'; '.join(_settings(kind))} |"
        for effect, kind in KINDS.items()
    ]
    return "\n".join([HEADING, *rows])


def own_settings(kind: type[Fault]) -> dict[str, FieldInfo]:
    """The settings that not every rule has."""
    return {name: info for name, info in kind.model_fields.items() if name not in Fault.model_fields}


def _sentence(kind: type[Fault]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _where(kind: type[Fault]) -> str:
    """Platforms, for effects that can't happen on all of them."""
    allowed = get_args(kind.model_fields["platform"].annotation)
    names = [Platform(name).value for name in allowed]
    return f" ({', '.join(names)} only)" if names else ""


def _settings(kind: type[Fault]) -> Iterator[str]:
    for name, info in own_settings(kind).items():
        said = (info.description or "").rstrip(".")
        yield f"`{name}`{_default(info)}: {said}" if said else f"`{name}`{_default(info)}"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return " (required)"
    if info.default in (None, []):
        return ""
    shown = str(info.default).lower() if isinstance(info.default, bool) else str(info.default)
    return f" ({shown})"
