-- An online shop for coffee and kitchen things: 400 people, a year of orders, two weeks of visits, half a year of mail.
create temp table people as
select
  n,
  's' || lpad(n::varchar, 4, '0') as customer_id,
  case
    when n <= 80 then 'loyal'
    when n <= 120 then 'vip'
    when n <= 185 then 'new'
    when n <= 245 then 'cooling'
    when n <= 310 then 'lapsed'
    when n <= 335 then 'lost'
    else 'browsing'
  end as kind
from range(1, 401) as numbers(n);

-- How each kind of person buys: first and last order in days before today, the days between two, what is spent.
create temp table habits as
select
  n,
  customer_id,
  kind,
  case kind
    when 'new' then between_whole(3, 50, 'last', n)
    when 'loyal' then between_whole(1, 12, 'last', n)
    when 'vip' then between_whole(1, 25, 'last', n)
    when 'cooling' then between_whole(33, 58, 'last', n)
    when 'lapsed' then between_whole(65, 175, 'last', n)
    else between_whole(190, 300, 'last', n)
  end as last_days,
  case
    when kind = 'new' then 0
    when kind = 'vip' then between_whole(4, 7, 'more', n)
    when kind = 'loyal' then between_whole(12, 18, 'more', n)
    else between_whole(2, 5, 'more', n)
  end as more_orders,
  case when kind = 'loyal' then between_whole(9, 14, 'gap', n) else between_whole(16, 28, 'gap', n) end as gap,
  case when kind = 'vip' then 120 + 180 * draw('basket', n) else 18 + 40 * draw('basket', n) end as basket
from people
where kind <> 'browsing';

create table customers as
select
  people.customer_id,
  first_name(n) as first_name,
  last_name(n) as last_name,
  address(n) as email,
  number_of(n, ['202', '303', '404', '503', '617']) as phone,
  'US' as country,
  pick(['CO', 'GA', 'MA', 'OR', 'NY'], 'state', n) as state,
  'en' as language,
  days_ago(coalesce(last_days + more_orders * gap + 1, between_whole(2, 12, 'created', n)), 'created_at', n) as created_at
from people
left join habits
  using (n)
order by people.customer_id;

create table orders as
select
  customer_id || '-' || number as order_id,
  customer_id,
  days_ago(last_days + number * gap, 'ordered', customer_id || '-' || number) as ordered_at,
  round(basket * (0.8 + 0.4 * draw('total', customer_id || '-' || number)), 2)::decimal(18, 2) as total,
  'web' as store_id
from habits
cross join range(0, 19) as numbers(number)
where number <= more_orders
order by order_id;

create table products as
select *
from (
  values
    ('p01', 'coffee', 'beans', true),
    ('p02', 'coffee', 'beans', false),
    ('p03', 'coffee', 'capsules', false),
    ('p04', 'kitchen', 'mugs', true),
    ('p05', 'kitchen', 'grinders', false),
    ('p06', 'kitchen', 'kettles', false),
    ('p07', 'kitchen', 'scales', false),
    ('p08', 'pantry', 'chocolate', true),
    ('p09', 'pantry', 'tea', false),
    ('p10', 'pantry', 'biscuits', false)
) as listed(product_id, department, category, private_label);

create table product_groups as
select
  product_id,
  'coffee' as group_name
from products
where department = 'coffee';

-- Two lines an order; every third person buys no coffee, every fourth buys at a discount.
create table order_lines as
select
  order_id,
  line as line_no,
  case
    when people.n % 3 = 0 then pick(['p04', 'p05', 'p06', 'p07', 'p08', 'p09', 'p10'], 'product', order_id || line)
    when line = 1 then pick(['p01', 'p02', 'p03'], 'product', order_id)
    else pick(['p04', 'p07', 'p08', 'p09', 'p10'], 'product', order_id)
  end as product_id,
  1 as quantity,
  (total / 2)::decimal(18, 2) as amount,
  case when people.n % 4 = 0 then (total / 6)::decimal(18, 2) else 0 end as discount
from orders
join people
  using (customer_id)
cross join range(1, 3) as lines(line)
order by order_id, line;

-- Browsers look around; some of them, and some who buy, leave a cart behind.
create table web_events as
select
  customer_id || '-view-' || number as event_id,
  customer_id,
  'product_view' as event,
  'p' || lpad(between_whole(1, 10, 'viewed', customer_id || number)::varchar, 2, '0') as product_id,
  null as page,
  days_ago(between_whole(1, 6, 'view', customer_id || number), 'view_at', customer_id || number) as occurred_at
from people
cross join range(1, 5) as numbers(number)
where kind = 'browsing'
  or (kind in ('loyal', 'cooling') and n % 2 = 0)
union all by name
select
  customer_id || '-cart' as event_id,
  customer_id,
  'cart_add' as event,
  'p05' as product_id,
  null as page,
  days_ago(between_whole(1, 6, 'cart', n), 'cart_at', n) as occurred_at
from people
where (kind = 'browsing' and draw('leaves', n) < 0.6)
  or (kind = 'cooling' and n % 2 = 0)
order by event_id;

-- A newsletter every 30 days to everybody who ever bought; two of five click at times.
create table email_events as
select
  customer_id || '-sent-' || number as event_id,
  customer_id,
  'sent' as event,
  'newsletter-' || number as campaign_id,
  days_ago(30 * number - 20, 'sent', number) as occurred_at
from habits
cross join range(1, 7) as numbers(number)
union all by name
select
  customer_id || '-clicked-' || number as event_id,
  customer_id,
  'clicked' as event,
  'newsletter-' || number as campaign_id,
  days_ago(30 * number - 21, 'clicked', customer_id) as occurred_at
from habits
cross join range(1, 7) as numbers(number)
where draw('reader', n) < 0.4
  and draw('clicks', customer_id || number) < 0.5
order by event_id;

create table consents as
select
  customer_id,
  purpose,
  if(draw(purpose, n) < 0.85, 'yes', 'no') as granted,
  created_at + interval 5 minute as changed_at,
  'checkout' as source
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
  'newsletter' as source
from people
where draw('unsubscribed', n) < 0.03
order by customer_id;
