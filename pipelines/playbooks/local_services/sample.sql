-- A practice with two locations and 160 people, or so many times as many: appointments over a year and a half, a
-- reminder a month.
create temp table people as
select
  n,
  'k' || lpad(n::varchar, 4, '0') as customer_id,
  case
    when n % 160 < 50 then 'regular'
    when n % 160 < 75 then 'new'
    when n % 160 < 105 then 'due'
    when n % 160 < 140 then 'away'
    else 'asked'
  end as kind,
  if(n % 5 < 3, 'north', 'south') as location
from range(160 * getvariable('times')) as numbers(n);

-- When each kind of person came: the last appointment in days before today, how many before it, days between two.
create temp table habits as
select
  n,
  customer_id,
  kind,
  location,
  case kind
    when 'regular' then between_whole(2, 40, 'last', n)
    when 'new' then between_whole(2, 28, 'last', n)
    when 'due' then between_whole(92, 175, 'last', n)
    else between_whole(190, 420, 'last', n)
  end as last_days,
  case
    when kind = 'new' then 0
    when kind = 'regular' then between_whole(5, 9, 'more', n)
    else between_whole(1, 3, 'more', n)
  end as more_visits,
  between_whole(28, 42, 'gap', n) as gap,
  35 + 90 * draw('price', n) as price
from people
where kind <> 'asked';

create table customers as
select
  people.customer_id,
  first_name(n) as first_name,
  last_name(n) as last_name,
  address(n) as email,
  number_of(n, ['312', '415']) as phone,
  'US' as country,
  'en' as language,
  days_ago(coalesce(last_days + more_visits * gap + 7, between_whole(3, 50, 'created', n)), 'created_at', n) as created_at
from people
left join habits
  using (n)
order by people.customer_id;

-- Appointments are the orders of a service. Every fourth person comes after work.
create table orders as
select
  customer_id || '-' || number as order_id,
  customer_id,
  days_ago(last_days + number * gap, 'visit', customer_id || '-' || number)::date
    + interval 9 hour
    + to_hours(if(n % 4 = 0, 9, between_whole(0, 7, 'hour', customer_id || '-' || number))) as ordered_at,
  round(price * (0.8 + 0.4 * draw('total', customer_id || '-' || number)), 2)::decimal(18, 2) as total,
  location as store_id
from habits
cross join range(0, 10) as numbers(number)
where number <= more_visits
order by order_id;

create table email_events as
select
  customer_id || '-sent-' || number as event_id,
  customer_id,
  'sent' as event,
  'reminder-' || number as campaign_id,
  days_ago(30 * number - 20, 'sent', number) as occurred_at
from people
cross join range(1, 7) as numbers(number)
union all by name
select
  customer_id || '-clicked-' || number as event_id,
  customer_id,
  'clicked' as event,
  'reminder-' || number as campaign_id,
  days_ago(30 * number - 21, 'clicked', customer_id) as occurred_at
from people
cross join range(1, 4) as numbers(number)
where draw('reader', n) < 0.4
order by event_id;

create table consents as
select
  customer_id,
  purpose,
  if(draw(purpose, n) < 0.9, 'yes', 'no') as granted,
  created_at + interval 5 minute as changed_at,
  'reception' as source
from people
join customers
  using (customer_id)
cross join (values ('email_marketing'), ('ads_personalisation'), ('ads_user_data'), ('profiling')) as asked(purpose)
order by customer_id, purpose;

create table suppressions as
select
  customer_id,
  'unsubscribed' as reason,
  days_ago(between_whole(1, 60, 'left', n), 'left_at', n) as since,
  'reminder' as source
from people
where draw('unsubscribed', n) < 0.03
order by customer_id;
