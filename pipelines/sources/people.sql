-- From what arrived (temporary views arriving_customers, arriving_consents, arriving_suppressions; customers_by_any_id
-- has the rows of ids that were given up too) and was pulled (temporary table pulled_rows) to what delivery reads. The
-- variable day_after is midnight after today.

insert into person_numbers
select
  customer_id as person_id,
  (select coalesce(max(person_no), 0) from person_numbers) + row_number() over (order by customer_id) as person_no
from arriving_customers
anti join person_numbers
  on person_numbers.person_id = arriving_customers.customer_id;

-- Consents. A grant dated in the future is none yet; a withdrawal counts at once, and wins over a grant of the same
-- moment.
create or replace temp table consent_rows as
select
  numbers.person_no,
  lower(trim(consents.purpose)) as purpose,
  consents.granted,
  consents.changed_at,
  consents.source
from arriving_consents as consents
join person_numbers as numbers
  on numbers.person_id = consents.customer_id;

create or replace temp table consents_in_force as
with latest as (
  select
    person_no,
    purpose,
    arg_max(granted, {changed_at: changed_at, withdrawn: not granted}) as granted
  from consent_rows
  where changed_at < getvariable('day_after')
    or not granted
  group by person_no, purpose
)
select
  person_no,
  list(purpose order by purpose) as granted
from latest
where granted
  and purpose in ('email_marketing', 'sms', 'ads_personalisation', 'ads_user_data', 'profiling')
group by person_no;

-- Suppressions. Whoever has been erased once stays erased.
create or replace temp table suppression_rows as
with told as (
  select
    customer_id,
    email,
    phone,
    reason,
    since,
    source,
    false as pulled
  from arriving_suppressions
  union all
  -- Email tools know people by the id that they are sent.
  select
    customers.customer_id,
    pulled_rows.email,
    pulled_rows.phone,
    pulled_rows.reason,
    pulled_rows.since::timestamp as since,
    pulled_rows.source,
    true as pulled
  from pulled_rows
  left join (
    select
      customer_id,
      trim(coalesce(external_id, customer_id)) as external_id
    from customers_by_any_id
    union
    select
      survivor_id as customer_id,
      person_id as external_id
    from merged_ids
  ) as customers
    using (external_id)
)
select
  row_number() over () as row_no,
  customer_id,
  email,
  phone,
  if(
    lower(trim(reason)) in ('erased', 'erasure', 'deletion_request', 'deleted', 'gdpr_erasure', 'right_to_be_forgotten'),
    'erased',
    lower(trim(reason))
  ) as reason,
  since,
  source,
  pulled
from told;

create or replace temp table known_identifier as
with written as (
  select
    numbers.person_no,
    customers.email,
    customers.phone,
    customers.email_sha256,
    bool_or(customers.email_sha256 is not null) over () as some_hashed
  from customers_by_any_id as customers
  join person_numbers as numbers
    on numbers.person_id = customers.customer_id
)
select
  person_no,
  'email' as kind,
  match_email(email) as value
from written
where email is not null
union all
select
  person_no,
  'phone' as kind,
  match_phone(phone) as value
from written
where phone is not null
union all
select
  person_no,
  'email_sha256' as kind,
  match_digest(email_sha256) as value
from written
where email_sha256 is not null
union all
-- Whoever came with an address is known by its digest too, where anybody came with a digest.
select
  person_no,
  'email_sha256' as kind,
  unnest(digests_of_email(email)) as value
from written
where email is not null
  and some_hashed;

create or replace temp table suppressed_identifier as
select
  row_no,
  'email' as kind,
  match_email(email) as value
from suppression_rows
where email is not null
union all
select
  row_no,
  'phone' as kind,
  match_phone(phone) as value
from suppression_rows
where phone is not null
union all
select
  row_no,
  'email_sha256' as kind,
  unnest(digests_of_email(email)) as value
from suppression_rows
where email is not null;

-- A suppression is about the customer it names, else about everybody who has one of its identifiers.
create or replace temp table suppression_match as
with named as (
  select
    rows.row_no,
    numbers.person_no
  from suppression_rows as rows
  join person_numbers as numbers
    on numbers.person_id = rows.customer_id
),
identified as (
  select distinct
    suppressed.row_no,
    known.person_no
  from suppressed_identifier as suppressed
  join known_identifier as known
    using (kind, value)
  where suppressed.row_no not in (select row_no from named)
)
from named
union all
from identified;

create or replace temp table suppressed_people as
with direct as (
  select
    matches.person_no,
    if(bool_or(rows.reason = 'erased'), 'erased', arg_min(rows.reason, {since: rows.since, reason: rows.reason}))
      as reason
  from suppression_match as matches
  join suppression_rows as rows
    using (row_no)
  group by matches.person_no
),
erased_before as (
  select person_no
  from people
  where suppressed = 'erased'
),
-- Nobody may be reached by an identifier that a suppressed person, a suppression, or an erased person has or had.
blocked as (
  select
    kind,
    value
  from suppressed_identifier
  union
  select
    kind,
    value
  from tombstoned_identifier
  union
  select
    known.kind,
    known.value
  from known_identifier as known
  semi join (
    select person_no
    from direct
    union
    from erased_before
  ) as stopped
    using (person_no)
),
sharing as (
  select distinct known.person_no
  from known_identifier as known
  semi join blocked
    using (kind, value)
)
select
  numbers.person_no,
  case
    when erased_before.person_no is not null then 'erased'
    when direct.reason is not null then direct.reason
    when sharing.person_no is not null then 'shared_identifier'
  end as reason
from person_numbers as numbers
left join direct
  using (person_no)
left join erased_before
  using (person_no)
left join sharing
  using (person_no)
where direct.person_no is not null
  or erased_before.person_no is not null
  or sharing.person_no is not null;

create or replace temp table next_people as
with everybody as (
  select
    numbers.person_no,
    numbers.person_id,
    customers.* exclude (customer_id, created_at),
    coalesce(consents.granted, []) as granted,
    case
      when stopped.reason = 'erased' then 'erased'
      when customers.customer_id is null then 'gone_from_source'
      else stopped.reason
    end as suppressed
  from person_numbers as numbers
  left join arriving_customers as customers
    on customers.customer_id = numbers.person_id
  left join consents_in_force as consents
    using (person_no)
  left join suppressed_people as stopped
    using (person_no)
)
select
  person_no,
  person_id,
  if(known, email, null) as email,
  if(known, phone, null) as phone,
  if(known, first_name, null) as first_name,
  if(known, last_name, null) as last_name,
  if(known, gender, null) as gender,
  if(known, birth_date::varchar, null) as birth_date,
  if(known, street, null) as street,
  if(known, city, null) as city,
  if(known, state, null) as state,
  if(known, postal_code, null) as postal_code,
  if(known, country, null) as country,
  if(known, language, null) as language,
  if(known, region, null) as region,
  if(known, coalesce(external_id, person_id), null) as external_id,
  if(known, mobile_ad_id, null) as mobile_ad_id,
  if(known, granted, []) as granted,
  suppressed,
  if(known, email_sha256, null) as email_sha256
from (
  select
    *,
    coalesce(suppressed not in ('erased', 'gone_from_source'), true) as known
  from everybody
);

create or replace temp table changed_people as
from next_people
except
select * exclude (revision)
from people;

-- The next number is found before the changed rows go, which may be the newest.
create or replace temp table next_revision as
select coalesce(max(revision), 0) + 1 as revision
from people;

delete from people
where person_no in (select person_no from changed_people);

insert into people
select
  changed_people.* exclude (email_sha256),
  next_revision.revision,
  changed_people.email_sha256
from changed_people
cross join next_revision;

delete from consents;

insert into consents
from consent_rows
order by person_no, purpose, changed_at;

delete from suppressions;

insert into suppressions
select
  matches.person_no,
  rows.email,
  rows.phone,
  rows.reason,
  rows.since,
  rows.source,
  rows.pulled
from suppression_rows as rows
left join suppression_match as matches
  using (row_no)
order by rows.since, matches.person_no;
