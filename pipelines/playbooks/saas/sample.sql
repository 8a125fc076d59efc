-- Software for companies: 72 accounts with six contacts each, trials, invoices, what they do in the app and on the site.
create temp table companies as
select
  a,
  'acc' || lpad(a::varchar, 3, '0') as account_id,
  case
    when a <= 14 then 'trying'
    when a <= 26 then 'stuck'
    when a <= 46 then 'paying'
    when a <= 56 then 'silent'
    else 'looking'
  end as kind
from range(1, 73) as numbers(a);

create temp table contacts as
select
  companies.a * 10 + place as n,
  'b' || lpad((companies.a * 10 + place)::varchar, 4, '0') as customer_id,
  place,
  companies.*
from companies
cross join range(1, 7) as places(place);

create table accounts as
select
  account_id,
  'Example ' || pick(['Freight', 'Foods', 'Optics', 'Paper', 'Tools', 'Media', 'Energy', 'Textiles'], 'name', a) || ' ' || a as name,
  pick(['logistics', 'retail', 'manufacturing', 'software', 'media'], 'industry', a) as industry,
  case when a % 3 = 0 then between_whole(500, 4000, 'big', a) else between_whole(20, 400, 'small', a) end as employees,
  between_whole(2, 400, 'revenue', a) * 1000000 as revenue,
  between_whole(1, 12, 'locations', a) as locations,
  pick(['postgres', 'snowflake', 'bigquery', 'mysql'], 'technology', a) as technology,
  pick(['early', 'growing', 'mature'], 'stage', a) as stage
from companies
order by a;

create table customers as
select
  customer_id,
  first_name(n) as first_name,
  last_name(n) as last_name,
  address(n) as email,
  number_of(n, ['202', '303', '404', '503', '617', '702']) as phone,
  'US' as country,
  'en' as language,
  case kind
    when 'trying' then days_ago(13, 'created_at', n)
    when 'stuck' then days_ago(14, 'created_at', n)
    when 'looking' then days_ago(between_whole(20, 80, 'created', n), 'created_at', n)
    else days_ago(420, 'created_at', n)
  end as created_at
from contacts
order by n;

create table account_members as
select
  account_id,
  customer_id,
  case place when 1 then 'admin' when 2 then 'billing' else 'user' end as role
from contacts
order by n;

-- A monthly invoice to the contact for billing. The fifth of the paying companies came within the last 40 days.
create table orders as
select
  account_id || '-' || month as order_id,
  customer_id,
  days_ago(2 + 30 * month, 'invoice', account_id) as ordered_at,
  (between_whole(3, 40, 'seats', account_id) * 29)::decimal(18, 2) as total,
  'invoice' as store_id
from contacts
cross join range(0, 12) as months(month)
where kind in ('paying', 'silent')
  and place = 2
  and (a % 5 <> 0 or kind = 'silent' or month <= 1)
order by order_id;

create temp table logins as
select
  customer_id,
  number,
  case kind
    when 'trying' then between_whole(1, 6, 'login', customer_id || number)
    when 'paying' then between_whole(1, 24, 'login', customer_id || number)
    when 'stuck' then between_whole(9, 13, 'login', customer_id || number)
    else between_whole(30, 90, 'login', customer_id || number)
  end as days
from contacts
cross join range(1, 15) as numbers(number)
where kind <> 'looking'
  and number <= case
    when kind = 'trying' then 3 + place % 3
    when kind = 'stuck' then 1
    when place <= 2 then 14
    else 4 + n % 5
  end;

create table web_events as
select
  customer_id || '-login-' || number as event_id,
  customer_id,
  'login' as event,
  'app' as page,
  days_ago(days, 'login_at', customer_id || number) as occurred_at
from logins
union all by name
select
  customer_id || '-trial' as event_id,
  customer_id,
  'trial_started' as event,
  'app' as page,
  days_ago(if(kind = 'trying', 7, 13), 'trial_at', customer_id) as occurred_at
from contacts
where kind in ('trying', 'stuck')
union all by name
-- Half of those who look are at the pricing page again and again; the others read one post a while ago.
select
  customer_id || '-pricing-' || number as event_id,
  customer_id,
  'page_view' as event,
  '/pricing' as page,
  days_ago(between_whole(1, 6, 'pricing', customer_id || number), 'pricing_at', customer_id || number) as occurred_at
from contacts
cross join range(1, 5) as numbers(number)
where (kind = 'looking' and a % 2 = 0 and place <= 5)
  or (kind = 'trying' and place = 1)
union all by name
select
  customer_id || '-post' as event_id,
  customer_id,
  'page_view' as event,
  '/blog/' || pick(['audiences', 'consent', 'holdouts'], 'post', n) as page,
  days_ago(between_whole(8, 28, 'post', n), 'post_at', n) as occurred_at
from contacts
where kind = 'looking'
order by event_id;

create table email_events as
select
  customer_id || '-sent-' || number as event_id,
  customer_id,
  'sent' as event,
  'product-news-' || number as campaign_id,
  days_ago(30 * number - 20, 'sent', number) as occurred_at
from contacts
cross join range(1, 4) as numbers(number)
where kind in ('paying', 'silent')
order by event_id;

create table consents as
select
  customer_id,
  purpose,
  if(draw(purpose, n) < 0.88, 'yes', 'no') as granted,
  created_at + interval 5 minute as changed_at,
  'sign_up' as source
from contacts
join customers
  using (customer_id)
cross join (values ('email_marketing'), ('ads_personalisation'), ('ads_user_data'), ('profiling')) as asked(purpose)
order by customer_id, purpose;

create table suppressions as
select
  customer_id,
  'unsubscribed' as reason,
  days_ago(between_whole(1, 10, 'left', n), 'left_at', n) as since,
  'product-news' as source
from contacts
where draw('unsubscribed', n) < 0.02
order by customer_id;
