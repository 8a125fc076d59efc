"""The platform's own ids of people, remembered beside the members, so that each is asked for once in a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from pipelines.delivery.ledger import Ledger
from pipelines.delivery.states import as_stored


def known_ids(since: datetime | None) -> str:
    """SQL for ``member`` and ``remote_id`` of everybody whose id was learned after ``since``; None: ever."""
    if since is None:
        return "select member, remote_id from remote_ids"
    moment = f"{as_stored(since):%Y-%m-%d %H:%M:%S}"
    return f"select member, remote_id from remote_ids where learned_at > timestamp '{moment}'"


def learn_ids(ledger: Ledger, learned: Mapping[str, str | None], at: datetime) -> None:
    """Remember ids by member; None forgets the one that was remembered."""
    rows = {"member": list(learned), "remote_id": list(learned.values())}
    ledger.stage("learned", pa.table(rows, schema=_LEARNED))
    with ledger.commit("learn"):
        ledger.connection.execute(
            "delete from remote_ids where member in (select cast(member as uuid) from learned)"
        )
        ledger.connection.execute(
            """
            insert into remote_ids
            select cast(member as uuid), remote_id, $at
            from learned
            where remote_id is not null
            """,
            {"at": as_stored(at)},
        )


def forget_ids(ledger: Ledger) -> None:
    """Drop the ids of those who are in no audience and whom the sources do not know any more; inside a commit."""
    ledger.connection.execute(
        """
        delete from remote_ids
        where member not in (select member from members)
          and member not in (select member from identities where member is not null)
        """
    )


_LEARNED = pa.schema([("member", pa.string()), ("remote_id", pa.string())])
