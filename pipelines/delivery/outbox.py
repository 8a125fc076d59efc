"""The delta of one audience as numbered batches: set down once, sent batch by batch, settled.

The outbox is a temporary table of the ledger's process: plain contact data for email tools never rests on
disk through it, and after a crash the next run computes the difference again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
from ulid import ULID

from connectors.base import Batch, Limits, Op
from connectors.identity import Identity
from pipelines.delivery.difference import ADDS, among
from pipelines.delivery.history import write_history
from pipelines.delivery.identities import in_portions, write_identities
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import NumbersDoNotClose
from pipelines.delivery.remote_ids import known_ids, learn_ids
from pipelines.delivery.removing import stage_removing
from pipelines.delivery.states import as_stored
from pipelines.duck import quote


class Outbox:
    """One audience's batches; lives as long as its ledger is open."""

    def __init__(
        self,
        ledger: Ledger,
        audience: int,
        limits: Limits,
        at: datetime,
        reason: str | None = None,
    ) -> None:
        """``at`` is the run's moment, ``reason`` why people move if not because of the segment's rule."""
        self.ledger = ledger
        self.audience = audience
        self.max_rows = limits.max_rows
        self.ids_last = limits.ids_last
        self.asynchronous = limits.asynchronous
        self.at = at
        self.reason = reason
        self.connection = ledger.connection
        self.described = self._int("select count(*) from attributes_wanted") > 0
        self._numbers: dict[str, int] = {}
        self._names = ", ".join(quote(column.name) for column in ledger.identity.columns)
        columns = ", ".join(f"{quote(column.name)} varchar" for column in ledger.identity.columns)
        self.connection.execute(
            f"""
            create or replace temp table outbox (
              op varchar, member uuid, person_no integer, change varchar, batch integer, ordinal integer, {columns}
            )
            """
        )

    @property
    def identity(self) -> Identity:
        """The columns of a payload."""
        return self.ledger.identity

    # --- filling ---------------------------------------------------------------------------------------------

    def adding(self) -> pa.Array:
        """``person_no`` of everybody to add whose payload this run does not have yet: one person for each member."""
        delta = self.connection.sql(
            f"""
            select person_no
            from delta
            anti join fresh
              on fresh.person_no = delta.person_no
            where change in {among(ADDS)}
            """
        )
        numbers: pa.Table = delta.to_arrow_table()
        return numbers.column("person_no").combine_chunks()

    def put_adds(self, people: Iterable[pa.RecordBatch]) -> list[Batch]:
        """Payloads of the people to add: fresh ones, and of the `adding` from their raw columns.

        ``people`` holds ``person_no`` and the identity's inputs. Returns the batches they fill, each but the last
        of exactly the platform's size.
        """
        batches = self.new_batches(
            "add", self._int(f"select count(*) from delta where change in {among(ADDS)}")
        )
        position = self._put_adds("fresh", batches, 0)
        for portion in in_portions(people):
            with self.ledger.lent("people_rows", portion):
                write_identities(self.connection, self.identity, "people_rows", "identity_rows")
            position += self._put_adds("identity_rows", batches, position)
        if position != sum(batch.size for batch in batches):
            raise NumbersDoNotClose(
                f"{sum(b.size for b in batches)} people to add, {position} found in the warehouse"
            )
        return batches

    def _put_adds(self, rows: str, batches: Sequence[Batch], position: int) -> int:
        """Put those of the table ``rows`` who are to be added after the first ``position``; returns their number."""
        return self._int(
            f"""
            insert into outbox
            select
              'add',
              rows.member,
              rows.person_no,
              delta.change,
              {self._place(batches, f"(row_number() over () - 1 + {position})")},
              {self._names}
            from {rows} as rows
            join delta
              on delta.person_no = rows.person_no
              and delta.change in {among(ADDS)}
            """
        )

    def put_removes(self, *, only_must_go: bool) -> list[Batch]:
        """The handles of the members to remove, as they were sent.

        An identifier that a staying member carries too is left out, so that removing one person never removes
        another. Who has no identifier left is removed by the ledger alone: there is nothing to ask for.
        Returns the batches of the others.
        """
        stage_removing(self.ledger, self.audience, only_must_go=only_must_go)
        names = ", ".join(quote(column.name) for column in self.identity.handle)
        identifying = [column for column in self.identity.identifying if column.in_handle]
        nothing = " and ".join(f"{quote(column.name)} is null" for column in identifying)
        batches = self.new_batches(
            "remove", self._int(f"select count(*) from removing where not ({nothing})")
        )
        place = self._place(batches, f"(row_number() over (partition by {nothing}) - 1)", f"not ({nothing})")
        self.connection.execute(
            f"""
            insert into outbox (op, member, person_no, change, batch, ordinal, {names})
            select 'remove', member, person_no, change, {place}, {names}
            from removing
            """
        )
        return batches

    def _place(self, batches: Sequence[Batch], position: str, condition: str = "true") -> str:
        """SQL for the batch and ordinal of a row by its position among the sendable ones."""
        if not batches:
            return "cast(null as integer), cast(null as integer)"
        first = self.number(batches[0])
        batch = f"{first} + cast({position} // {self.max_rows} as integer)"
        ordinal = f"cast({position} % {self.max_rows} as integer)"
        return f"case when {condition} then {batch} end, case when {condition} then {ordinal} end"

    def number(self, batch: Batch) -> int:
        """The ledger's own number of one of this outbox's batches."""
        return self._numbers[batch.id]

    # --- batches ---------------------------------------------------------------------------------------------

    def new_batches(self, op: Op, rows: int, size: int = 0) -> list[Batch]:
        """Batches for so many rows, known to the ledger under a number of its own; nothing points at them yet."""
        size = size or self.max_rows
        sizes = [min(size, rows - start) for start in range(0, rows, size)]
        start = self._int("select coalesce(max(batch), 0) + 1 from batches")
        batches = [Batch(str(ULID()), op, n, len(sizes), each) for n, each in enumerate(sizes, 1)]
        numbers = {batch.id: start + n for n, batch in enumerate(batches)}
        if batches:
            self.ledger.stage("new_batches", pa.table({"batch": list(numbers.values()), "id": list(numbers)}))
            with self.ledger.commit("batches"):
                self.connection.execute("insert into batches select batch, id from new_batches")
        self._numbers |= numbers
        return batches

    def let_go(self) -> None:
        """Nothing of this outbox will be sent: the ledger forgets its batches."""
        if self._numbers:
            numbers = ", ".join(map(str, self._numbers.values()))
            with self.ledger.commit("let_go"):
                self.connection.execute(f"delete from batches where batch in ({numbers})")

    def point(self) -> None:
        """Let the members point at their batches, in one transaction; the journal knows the batches already."""
        names = ", ".join(quote(column.name) for column in self.identity.handle)
        with self.ledger.commit("point"):
            self._note_opposites()
            write_history(self.ledger, self.audience, self.reason, self.at)
            self.connection.execute(
                """
                delete from members
                where audience = $audience
                  and member in (select member from outbox where op = 'add')
                """,
                {"audience": self.audience},
            )
            self.connection.execute(
                """
                delete from members
                where audience = $audience
                  and member in (select member from outbox where op = 'remove' and batch is null)
                """,
                {"audience": self.audience},
            )
            self.connection.execute(
                """
                update members
                set batch = outbox.batch
                from outbox
                where members.audience = $audience
                  and outbox.op = 'remove'
                  and outbox.batch is not null
                  and outbox.member = members.member
                """,
                {"audience": self.audience},
            )
            self.connection.execute(
                f"""
                insert into members (audience, member, person_no, batch, attributes, {names})
                select $audience, outbox.member, person_no, batch, attributes_wanted.digest, {names}
                from outbox
                left join attributes_wanted
                  on attributes_wanted.member = outbox.member
                where op = 'add'
                  and batch is not null
                """,
                {"audience": self.audience},
            )
            self._note_positions()

    def _note_opposites(self) -> None:
        """Remember for whom the opposite was sent so lately that a copy of it may come after this request.

        A copy of a removal takes out whoever carries one of its identifiers, so sharing one is enough to be added
        again; a copy of an add brings back nobody but its own member.
        """
        shared = "\n".join(
            f"""
            union
            select $audience, outbox.member, recent.batch
            from recent
            join outbox
              on outbox.{quote(column.name)} = recent.{quote(column.name)}
            where outbox.op = 'add'
              and recent.op = 'remove'
            """
            for column in self.identity.identifying
            if column.in_handle
        )
        handle = ", ".join(f"members.{quote(column.name)}" for column in self.identity.handle)
        self.connection.execute(
            f"""
            insert into settling
            with
            recent as (
              select members.member, members.batch, batch_states.op, {handle}
              from members
              join batch_states
                on batch_states.batch = members.batch
              where members.audience = $audience
                and batch_states.closes_at > $now
            )
            select $audience, outbox.member, recent.batch
            from recent
            join outbox
              on outbox.member = recent.member
            where outbox.batch is not null
              and recent.op <> outbox.op
            {shared}
            """,
            {"audience": self.audience, "now": as_stored(self.at)},
        )

    def _note_positions(self) -> None:
        """A verdict that comes in a later run names rows by position; remember whose they are."""
        if self.asynchronous:
            self.connection.execute(
                """
                insert into positions
                select batch, ordinal, member
                from outbox
                where batch is not null
                """
            )

    def rows(self, batch: Batch) -> pa.Table:
        """A batch's payload: all columns of the identity for an add, its handle for a removal.

        Then ``attributes`` of those to add, where the push carries any, and ``remote_id``, where the platform needs it.
        Whoever is to go is named by an id of any age: their address there may be another one by now.
        """
        columns = self.identity.columns if batch.op == "add" else self.identity.handle
        names = [f"outbox.{quote(column.name)}" for column in columns]
        if batch.op == "add" and self.described:
            names.append("attributes_wanted.attributes")
        if self.ids_last is not None:
            names.append("known.remote_id")
        query = f"""
            select {", ".join(names)}
            from outbox
            left join attributes_wanted
              on attributes_wanted.member = outbox.member
            left join ({self._ids_for(batch.op)}) as known
              on known.member = outbox.member
            where outbox.batch = {self.number(batch)}
            order by outbox.ordinal
            """
        return self.connection.sql(query).to_arrow_table()

    def _ids_for(self, op: Op) -> str:
        return known_ids(self.at - self.ids_last if op == "add" and self.ids_last else None)

    def learn(self, batch: Batch, learned: Mapping[int, str | None]) -> None:
        """Remember the platform's own ids of a batch's people, by row position."""
        if learned:
            rows = self.connection.execute(
                "select ordinal, cast(member as varchar) from outbox where batch = $batch",
                {"batch": self.number(batch)},
            ).fetchall()
            learn_ids(
                self.ledger, {m: learned[ordinal] for ordinal, m in rows if ordinal in learned}, self.at
            )

    def members(self, batch: Batch, positions: Mapping[int, str]) -> dict[str, str]:
        """Reasons by member instead of by row position."""
        if not positions:
            return {}
        rows = self.connection.execute(
            "select ordinal, cast(member as varchar) from outbox where batch = $batch",
            {"batch": self.number(batch)},
        ).fetchall()
        return {member: positions[ordinal] for ordinal, member in rows if ordinal in positions}

    # --- afterwards ------------------------------------------------------------------------------------------

    def urgent_removed(self) -> int:
        """People whose removal could not wait and was receipted, the verdict of a job still to come included."""
        return self._int(
            f"""
            with
            urgent as (
              select member
              from outbox
              where op = 'remove'
                and member in (select member from must_go)
            )
            select count(*)
            from urgent
            anti join (
              select members.member
              from members
              join batch_states
                on batch_states.batch = members.batch
              where members.audience = {self.audience}
                and batch_states.state not in ('gone', 'leaving')
            ) as held
              on held.member = urgent.member
            """
        )

    def _int(self, sql: str) -> int:
        return int(self.connection.execute(sql).fetchall()[0][0])
