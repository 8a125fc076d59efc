"""Lists (Mailchimp calls them audiences) and the check that a call's list exists."""

from __future__ import annotations

import sqlite3

from connectors.sandbox.accounts import SANDBOX_MAILCHIMP_LIST, SANDBOX_MAILCHIMP_LIST_NAME
from connectors.sandbox.mailchimp.contacts import moment
from connectors.sandbox.mailchimp.errors import NOT_FOUND, Refusal
from connectors.sandbox.mailchimp.merge_fields import STANDARD


def create_default(db: sqlite3.Connection) -> None:
    """The one list that every sandbox has, with the standard merge fields."""
    created = db.execute(
        "insert or ignore into mailchimp_lists values (?, ?, ?, ?)",
        (SANDBOX_MAILCHIMP_LIST, 1001, SANDBOX_MAILCHIMP_LIST_NAME, moment()),
    ).rowcount
    if created:
        db.executemany(
            """
            insert into mailchimp_merge_fields (list_id, merge_id, tag, name, type, display_order)
            values (?, ?, ?, ?, ?, ?)
            """,
            [
                (SANDBOX_MAILCHIMP_LIST, number, tag, name, kind, number + 1)
                for number, (tag, name, kind) in enumerate(STANDARD, start=1)
            ],
        )


def require(db: sqlite3.Connection, list_id: str) -> sqlite3.Row:
    """The list's record. Raises Refusal (404)."""
    row: sqlite3.Row | None = db.execute("select * from mailchimp_lists where id = ?", (list_id,)).fetchone()
    if row is None:
        raise Refusal(NOT_FOUND)
    return row
