"""Identifiers as pages may show them: enough to tell two apart, too little to know anyone."""

from __future__ import annotations

from collections.abc import Mapping

SHOWN_OF_HASH = 6


def mask_email(email: str) -> str:
    """``ada@example.com`` as ``a•••@e•••.com``."""
    name, _, domain = email.partition("@")
    host, _, ending = domain.rpartition(".")
    return f"{name[:1]}•••@{host[:1]}•••.{ending}"


def mask_cell(value: str) -> str:
    """A hash or id as its first characters."""
    return f"{value[:SHOWN_OF_HASH]}…" if len(value) > SHOWN_OF_HASH else f"{value[:1]}…"


def mask_row(row: Mapping[str, str]) -> dict[str, str]:
    """A row of an upload, each cell masked."""
    return {name: mask_cell(str(value)) for name, value in row.items()}
