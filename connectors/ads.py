"""What connectors to ad platforms share: whom consent is asked of, batches in and out, how sizes can be believed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import timedelta

import pyarrow as pa

from connectors.account import AccountConnector
from connectors.base import Audience, Batch, Kind, Op, ReadBack, Receipt
from connectors.identity import Column, Rule

RECOGNISED = ReadBack(lag=timedelta(hours=48), tolerance=0.1, matched_only=True)
"""Sizes as most ad platforms report them: rounded, up to two days late, and of people whom they recognise."""


class AdConnector(AccountConnector):
    """One ad account. Rows are hashed before they get here."""

    kind = Kind.AD_PLATFORM
    consent: tuple[str, ...] = ("ads_personalisation", "ads_user_data")

    @abstractmethod
    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """One batch into the audience, or out of it."""

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """The batch into the audience."""
        return self.change("add", audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """The batch out of the audience."""
        return self.change("remove", audience, rows, batch)


def sha256_columns(rules: Mapping[str, Rule], names: Iterable[str]) -> tuple[Column, ...]:
    """Identifiers as SHA-256 in hex, each once, in the order of their names."""
    return tuple(Column(name, rules[name], "sha256_hex", identifies=True) for name in dict.fromkeys(names))
