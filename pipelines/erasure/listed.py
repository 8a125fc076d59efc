"""Erased people among those whom a platform lists and nobody here has sent: known by their tombstones alone."""

from __future__ import annotations

from connectors.identity import Column
from pipelines.delivery.ledger import Ledger
from pipelines.duck import quote
from pipelines.sources.people import define_matching
from pipelines.sources.tombstones import Tombstones, prepare

KINDS = {
    ("email", "plain"): "tombstone('email', match_email({value}))",
    ("phone", "plain"): "tombstone('phone', match_phone({value}))",
    ("external_id", "plain"): "tombstone('id', {value})",
    ("email", "sha256_hex"): "tombstone('email_sha256', match_digest({value}))",
}
"""How an identifier is looked up, by what it is made from and how it is sent; others can't be."""


def mark_erased(ledger: Ledger, tombstones: Tombstones | None) -> None:
    """Let the table ``strangers`` say of whoever has a tombstone that they are erased. Needs `compare_listing`."""
    digests = list(filter(None, map(_digest, ledger.identity.identifying)))
    if tombstones is None or not digests:
        return
    define_matching(ledger.connection)
    prepare(ledger.connection, tombstones)
    found = " or ".join(f"{digest} in (select digest from tombstones)" for digest in digests)
    ledger.connection.execute(
        f"update strangers set refused = 'erased' where person_no is null and coalesce({found}, false)"
    )
    ledger.connection.execute("drop table temp.tombstones")


def _digest(column: Column) -> str | None:
    """SQL for the digest that a tombstone of this column's value would have."""
    known = KINDS.get((column.rule.inputs[0], column.encoding))
    return known.format(value=quote(column.name)) if known and column.in_handle else None
