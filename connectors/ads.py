"""What connectors to ad platforms share: whom consent is asked of, batches in and out, how sizes can be believed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa
from pydantic import Field

from connectors.account import AccountConnector
from connectors.base import Audience, AudienceGone, Batch, Kind, Op, ReadBack, Receipt, SyncOptions
from connectors.identity import Column, Rule

RECOGNISED = ReadBack(lag=timedelta(hours=48), tolerance=0.1, matched_only=True)
"""Sizes as most ad platforms report them: rounded, up to two days late, and of people whom they recognise."""


class RetentionOptions(SyncOptions, frozen=True):
    """What ``[sync.<destination>]`` may set where an audience is told how long it keeps its members."""

    retention_days: int | None = Field(
        None,
        ge=1,
        description="Days after which a member is dropped who is not sent again; unset: the longest.",
    )


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

    def lifetime(self, options: SyncOptions) -> timedelta | None:
        """As long as the options say, else as the platform keeps anybody."""
        days = options.retention_days if isinstance(options, RetentionOptions) else None
        return self.limits.expires_after if days is None else timedelta(days=days)

    def the_one(self, found: Iterable[dict[str, Any]], key: str, audience_id: str) -> dict[str, Any]:
        """What was found of this id, where audiences are looked up in a list. Raises AudienceGone for nothing."""
        for item in found:
            if str(item.get(key)) == audience_id:
                return item
        raise AudienceGone(f"{self.title}: the audience does not exist, or not for this account")


def sha256_columns(rules: Mapping[str, Rule], names: Iterable[str]) -> tuple[Column, ...]:
    """Identifiers as SHA-256 in hex, each once, in the order of their names."""
    return tuple(Column(name, rules[name], "sha256_hex", identifies=True) for name in dict.fromkeys(names))
