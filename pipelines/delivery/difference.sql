-- The desired people against the members they may stand for (`unchanged.py` made both tables). What stays as it
-- is collapses into one row a reason; only the delta has members.
create or replace temp table delta as
with
desired as (
  select
    wanted.person_no,
    case when identities.refused is null and held_out.reason is null then identities.member end as member,
    case
      when identities.refused is not null then identities.refused
      when identities.member is null then 'no_identifier'
      else held_out.reason
    end as withheld
  from wanted
  left join identities
    on identities.person_no = wanted.person_no
  left join held_out
    on held_out.person_no = wanted.person_no
),
held as (
  select
    standing.member,
    standing.person_no,
    case
      when rejected.retried then 'retried'
      when rejected.member is not null then 'rejected'
      -- Of a batch that expires, members are due by and by, spread evenly by the first digits of their keys.
      when batch_states.state = 'expiring'
        and cast('0x' || left(cast(standing.member as varchar), 8) as ubigint) / 4294967296 >= batch_states.renewing
        then 'on'
      else coalesce(batch_states.state, 'maybe')
    end as state,
    standing.member in (select member from asserting) as is_due,
    attributes_wanted.member is not null
      and attributes_wanted.digest is distinct from standing.attributes as is_outdated
  from standing
  left join attributes_wanted
    on attributes_wanted.member = standing.member
  left join batch_states
    on batch_states.batch = standing.batch
  left join rejected
    on rejected.batch = standing.batch
    and rejected.member = standing.member
),
compared as (
  select
    case
      when desired.withheld is not null then 'withheld'
      when desired.person_no is null and held.state = 'gone' then 'assert_gone'
      when desired.person_no is null and held.state = 'leaving' then 'pending'
      when desired.person_no is null and held.state in ('rejected', 'retried') then 'clear'
      when desired.person_no is null then 'remove'
      when held.state is null or held.state in ('gone', 'retried') then 'add'
      when held.state = 'on' and held.is_due then 'assert_on'
      when held.state = 'on' and held.is_outdated then 'update'
      when held.state in ('on', 'coming') then 'keep'
      when held.state = 'expiring' then 'expire'
      when held.state = 'rejected' then 'rejected'
      when held.state = 'leaving' then 'pending'
      else 'again'
    end as change,
    desired.withheld,
    coalesce(desired.member, held.member) as member,
    coalesce(desired.person_no, held.person_no) as person_no,
    desired.person_no is not null as is_desired
  from desired
  full outer join held
    on held.member = desired.member
  where desired.person_no is not null
    or held.state <> 'gone'
    or held.is_due
)
select
  change,
  withheld,
  is_desired,
  case when change not in ('keep', 'withheld') then member end as member,
  min(person_no) as person_no,
  count(*) as people
from compared
group by all
union all
select
  'keep',
  null,
  true,
  null,
  null,
  $kept
where $kept > 0
