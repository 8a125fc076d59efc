"""Who is meant by a request: people of the warehouse by whatever was given of them, and all that identifies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import pyarrow as pa

from pipelines.erasure.request import Wanted
from pipelines.sources import merging, views
from pipelines.sources.contracts import CUSTOMERS
from pipelines.sources.model import Source
from pipelines.sources.people import define_matching
from pipelines.sources.tombstones import Tombstones, prepare

IDENTIFIERS = (
    "email", "phone", "first_name", "last_name", "gender", "birth_date", "street", "city", "state", "postal_code",
    "country", "language", "region", "external_id", "mobile_ad_id", "email_sha256",
)  # fmt: skip
"""Columns of ``people`` that an identity may be made of."""
PSEUDONYM = "erased:"
"""What the id of an erased person begins with; the rest is the subject's random reference and a number."""


@dataclass(frozen=True, slots=True)
class Found:
    """The people whom a request is about. Never printed: it holds what identifies them."""

    subjects: dict[int, str]
    """``person_no`` to the subject's reference."""
    known: pa.Table
    """``person_no`` and ``IDENTIFIERS``: a row for every version of a person that is known or was given."""
    names: tuple[tuple[str, Literal["is", "had"], str, str], ...]
    """Subject, meaning, kind and value of every tombstone to write."""

    def __repr__(self) -> str:
        return f"Found({len(self.subjects)})"


def find(
    con: duckdb.DuckDBPyConnection,
    wanted: Sequence[Wanted],
    references: Sequence[str],
    sources: Sequence[Source],
    buried: Tombstones,
) -> Found:
    """Everybody meant, with all that is known to identify them.

    Whoever is not known gets a number too, so that what the ledgers may hold of them can be tied to somebody. Adds
    nothing else to the warehouse. An id names one person; without one, everybody is meant who has the address or
    number, as with suppressions. ``buried`` are this request's own tombstones with the subject in place of a meaning:
    of whom an earlier, cut-off run wrote one is meant still.
    """
    define_matching(con)
    prepare(con, buried)
    _stage(con, wanted, references)
    con.execute(merging.EXISTS)
    con.execute(_IDS)
    _stage_versions(con, views.as_delivered(con, sources, CUSTOMERS))
    con.execute(_MEANT)
    con.execute(_NUMBER_THE_UNKNOWN)
    subjects = dict(con.execute("select person_no, subject from meant").fetchall())
    known = con.sql(_KNOWN.format(columns=", ".join(IDENTIFIERS))).to_arrow_table()
    names = tuple(con.execute(_NAMES).fetchall())
    for table in ("asked", "ids", "versions", "meant", "tombstones"):
        con.execute(f"drop table temp.{table}")
    return Found(subjects, known, names)


def _stage(con: duckdb.DuckDBPyConnection, wanted: Sequence[Wanted], references: Sequence[str]) -> None:
    columns = {
        "subject": list(references),
        "customer_id": [person.customer_id for person in wanted],
        "external_id": [person.external_id for person in wanted],
        "email": [person.email for person in wanted],
        "phone": [person.phone for person in wanted],
        "named": [person.named for person in wanted],
    }
    schema = pa.schema([(name, pa.bool_() if name == "named" else pa.string()) for name in columns])
    con.register("asked_rows", pa.table(columns, schema=schema))
    con.execute("create or replace temp table asked as select * from asked_rows")
    con.unregister("asked_rows")


def _stage_versions(con: duckdb.DuckDBPyConnection, customers: str) -> None:
    """``versions``: what the sources and ``people`` say of everybody; the two differ after a failed load."""
    delivered = ", ".join(
        "birth_date::varchar as birth_date" if name == "birth_date" else name
        for name in IDENTIFIERS
        if name != "external_id"
    )
    of_people = ", ".join(name for name in IDENTIFIERS if name != "external_id")
    con.execute(
        f"""
        create or replace temp table versions as
        select numbers.person_no, numbers.person_id, {of_people}, people.external_id
        from person_numbers as numbers
        left join people
          on people.person_no = numbers.person_no
        union
        -- What is delivered under an id that was given up is said of whoever it stands for.
        select others.person_no, others.person_id, {delivered},
          coalesce(customers.external_id, customers.customer_id) as external_id
        from ({customers}) as customers
        join ids as theirs
          on theirs.person_id = customers.customer_id
        join ids as others
          on others.survivor_id = theirs.survivor_id
          and others.person_no is not null
        """
    )


_IDS = f"""
-- Every id of ours with the one that stands for its person today; those that were only ever merged have no number.
create or replace temp table ids as
select
  numbers.person_no,
  given.person_id,
  coalesce(merges.survivor_id, given.person_id) as survivor_id
from (
  select person_id
  from person_numbers
  union
  select unnest([person_id, survivor_id])
  from {merging.TABLE}
) as given
left join person_numbers as numbers
  using (person_id)
left join {merging.TABLE} as merges
  using (person_id)
"""

_MEANT = """
create or replace temp table meant as
with by_id as (
  select asked.subject, versions.person_no
  from asked
  join versions
    on versions.external_id = asked.external_id
  union
  select asked.subject, others.person_no
  from (
    select subject, unnest([customer_id, external_id]) as person_id
    from asked
  ) as asked
  join ids as theirs
    using (person_id)
  join ids as others
    on others.survivor_id = theirs.survivor_id
    and others.person_no is not null
),
by_address as (
  select asked.subject, versions.person_no
  from asked
  join versions
    on match_email(versions.email) = match_email(asked.email)
  where not asked.named
  union
  select asked.subject, versions.person_no
  from asked
  join versions
    on list_contains(digests_of_email(asked.email), match_digest(versions.email_sha256))
  where not asked.named
  union
  select asked.subject, versions.person_no
  from asked
  join versions
    on match_phone(versions.phone) = match_phone(asked.phone)
  where not asked.named
),
asked_before as (
  select asked.subject, numbers.person_no
  from asked
  join person_numbers as numbers
    on split_part(numbers.person_id, ':', 2) = asked.subject
),
buried_before as (
  select tombstones.meaning as subject, numbers.person_no
  from person_numbers as numbers
  join tombstones
    on tombstones.digest = tombstone('id', numbers.person_id)
  where (select count(*) from tombstones) > 0
),
found as (
  from by_id
  union
  from by_address
  union
  from asked_before
  union
  from buried_before
)
-- Whoever is meant is meant under every id that was merged with theirs.
select others.person_no, min(found.subject) as subject
from found
join ids as theirs
  using (person_no)
join ids as others
  on others.survivor_id = theirs.survivor_id
  and others.person_no is not null
group by others.person_no
"""

_NUMBER_THE_UNKNOWN = f"""
insert into person_numbers
select
  '{PSEUDONYM}' || subject || ':0',
  (select coalesce(max(person_no), 0) from person_numbers) + row_number() over (order by subject)
from asked
where subject not in (select subject from meant);

insert into meant
select numbers.person_no, asked.subject
from asked
join person_numbers as numbers
  on numbers.person_id = '{PSEUDONYM}' || asked.subject || ':0'
where asked.subject not in (select subject from meant)
"""

_KNOWN = """
select person_no, {columns}
from versions
where person_no in (select person_no from meant)
union
select meant.person_no, {columns}
from (
  select
    subject, email, phone, null as first_name, null as last_name, null as gender, null as birth_date,
    null as street, null as city, null as state, null as postal_code, null as country, null as language,
    null as region, coalesce(external_id, customer_id) as external_id, null as mobile_ad_id,
    sha256(plain_email(email)) as email_sha256
  from asked
) as given
join meant
  on meant.subject = given.subject
"""

_NAMES = f"""
with ids as (
  select meant.subject, versions.person_id as value
  from versions
  join meant
    on meant.person_no = versions.person_no
  where not starts_with(versions.person_id, '{PSEUDONYM}')
  union
  select meant.subject, others.person_id
  from meant
  join ids as theirs
    using (person_no)
  join ids as others
    on others.survivor_id = theirs.survivor_id
  where not starts_with(others.person_id, '{PSEUDONYM}')
  union
  select subject, unnest([customer_id, external_id])
  from asked
),
addresses as (
  select meant.subject, 'had' as meaning,
    unnest(['email', 'phone', 'email_sha256', 'email_sha256', 'email_sha256']) as kind,
    unnest([
      match_email(versions.email), match_phone(versions.phone), match_digest(versions.email_sha256),
      digests_of_email(versions.email)[1], digests_of_email(versions.email)[2]
    ]) as value
  from versions
  join meant
    on meant.person_no = versions.person_no
  union
  select subject, if(named, 'had', 'is'), unnest(['email', 'phone', 'email_sha256', 'email_sha256']),
    unnest([match_email(email), match_phone(phone), digests_of_email(email)[1], digests_of_email(email)[2]])
  from asked
)
select subject, 'is', 'id', value
from ids
where value is not null
union
select subject, meaning, kind, value
from addresses
where value is not null
order by all
"""
