"""How a person becomes the columns that a platform matches on.

A `Rule` is one normalisation with two faces that must agree: a Python function that decides everything, and
SQL for the plain majority, so that millions are normalised by the engine's own DuckDB. A `Column` is a rule
plus its encoding; an `Identity` is the ordered columns of one platform.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["sha256_hex", "md5_hex", "plain"]


def encode(value: str, encoding: Encoding) -> str:
    """A normalised value as it goes into a payload: lower-case hex digest of its UTF-8 bytes, or as it is."""
    match encoding:
        case "sha256_hex":
            return hashlib.sha256(value.encode()).hexdigest()
        case "md5_hex":  # Mailchimp's subscriber hash: an address in a URL, not a secret
            return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
        case "plain":
            return value


def encode_sql(expression: str, encoding: Encoding) -> str:
    """DuckDB SQL that equals ``encode`` on a text expression; null stays null."""
    match encoding:
        case "sha256_hex":
            return f"sha256({expression})"
        case "md5_hex":
            return f"md5({expression})"
        case "plain":
            return f"({expression})"


@dataclass(frozen=True, slots=True)
class FastPath:
    """SQL over the input columns for values where it equals the Python rule."""

    when: str
    """Boolean SQL expression: true only where ``value`` is exact. Null counts as false."""
    value: str
    """SQL expression for the normalised value; null or '' means nothing usable."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One normalisation from raw ``people`` columns to one text, or None when nothing usable is there."""

    name: str
    version: int
    inputs: tuple[str, ...]
    """Columns of ``people``, in the order of the function's arguments."""
    normalise: Callable[..., str | None]
    fast: FastPath | None = None
    hashed: Rule | None = None
    """Reads what a source has hashed already by this very rule (SHA-256); None: such digests are of no use."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a payload."""

    name: str
    rule: Rule
    encoding: Encoding
    identifies: bool = False
    """A person needs at least one identifying column; shared ones are left out of removals."""
    in_handle: bool = True
    """Kept in the ledger as sent, part of the member's key, and handed to ``remove``."""

    @property
    def hashed(self) -> Rule | None:
        """Reads the column's value, as it is sent, from a source that has only the digest."""
        return self.rule.hashed if self.encoding == "sha256_hex" else None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of ``people`` that the value is made from."""
        return self.rule.inputs + (self.hashed.inputs if self.hashed else ())


@dataclass(frozen=True, slots=True)
class Identity:
    """The columns a platform matches on, in payload order."""

    name: str
    version: int
    columns: tuple[Column, ...]

    @property
    def handle(self) -> tuple[Column, ...]:
        """Columns that make up the member's key and are kept to remove them later."""
        return tuple(column for column in self.columns if column.in_handle)

    @property
    def identifying(self) -> tuple[Column, ...]:
        """Columns of which a person needs at least one."""
        return tuple(column for column in self.columns if column.identifies)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every ``people`` column any rule reads, each once, in order of first use."""
        return tuple(dict.fromkeys(name for column in self.columns for name in column.inputs))

    @property
    def fingerprint(self) -> str:
        """Changes whenever a rule, an encoding or a handle column changes: a planned migration of all members."""
        parts = [f"{c.name}:{c.rule.name}@{c.rule.version}:{c.encoding}" for c in self.handle]
        return f"{self.name}@{self.version}|" + ",".join(parts)
