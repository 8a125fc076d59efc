-- Held people who may not be there any more, whatever a segment says: suppressed, erased, or without consent.
-- Whoever shares the same member and is permitted keeps it. Whom it concerns is in `moved`: a member was recorded
-- for them while they were permitted; or in `found`: somebody else put an erased person there. Who is merely gone from
-- the sources has said nothing: half a source that failed to arrive looks the same, so their removal waits for the
-- guards like any other.
create or replace temp table must_go as
with
refused as (
  select
    members.member,
    members.person_no
  from members
  join identities
    on identities.person_no = members.person_no
  left join batch_states
    on batch_states.batch = members.batch
  where members.audience = $audience
    and members.person_no in (select person_no from moved)
    and identities.refused is not null
    and identities.refused <> 'gone_from_source'
    and batch_states.state is distinct from 'gone'
    and batch_states.state is distinct from 'leaving'
  union
  select
    members.member,
    members.person_no
  from members
  join found
    on found.audience = members.audience
    and found.member = members.member
    and found.erased
  left join batch_states
    on batch_states.batch = members.batch
  where members.audience = $audience
    and batch_states.state is distinct from 'gone'
    and batch_states.state is distinct from 'leaving'
)
select
  member,
  person_no
from refused
where not exists (
  select 1
  from identities as permitted
  where permitted.member = refused.member
    and permitted.refused is null
)
