"""Who is held out: a share of the people whom nothing is sent, so that what is sent can be measured by them.

A person's bucket follows from their key in the sources and a salt alone: the same on every machine, on every day and
after every rebuild, with nothing to remember. A larger share keeps everybody whom a smaller one held out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipelines.duck import literal

BUCKETS = 10_000
"""As fine as a share can be told."""
HEX_DIGITS = 13
"""52 bits of the digest: as many as every language keeps exactly in a number."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """One draw of people."""

    share: float
    """Of everybody, 0 to 1."""
    salt: str
    """Another salt draws others."""
    reason: str = "holdout"
    """What withholds them: ``holdout`` for a segment's own, ``global_holdout`` for the one of all segments."""

    @property
    def below(self) -> int:
        """Buckets from 0 up to this one, without it, are held out."""
        return round(self.share * BUCKETS)


def bucket(salt: str, unit: str) -> int:
    """The bucket of a person, 0 to 9,999; ``unit`` is their key in the sources."""
    digest = hashlib.sha256(f"{salt}:{unit}".encode()).hexdigest()
    return int(digest[:HEX_DIGITS], 16) % BUCKETS


def bucket_sql(salt: str, unit: str) -> str:
    """The same in DuckDB; ``unit`` is an expression that gives the key as text."""
    digest = f"sha256(concat({literal(salt + ':')}, {unit}))"
    return f"(cast('0x' || left({digest}, {HEX_DIGITS}) as bigint) % {BUCKETS})"
