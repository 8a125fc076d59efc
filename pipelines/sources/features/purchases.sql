-- What people bought, how often and how recently. Only orders before the window's end exist.
with past as (
  select
    person_no,
    ordered_at,
    ordered_at::date as ordered_on,
    total,
    store_id
  from orders
  where ordered_at < $window_end
),
lifetime as (
  select
    person_no,
    count(*) as orders_ever,
    min(ordered_on) as first_on,
    max(ordered_on) as last_on,
    count(distinct ordered_on) as days
  from past
  group by person_no
),
windows as (
  select
    person_no,
    count(*) filter (ordered_at >= $window_end - interval 30 days) as orders_30d,
    count(*) filter (ordered_at >= $window_end - interval 90 days) as orders_90d,
    count(*) filter (ordered_at < $window_end - interval 90 days) as orders_prior_90d,
    sum(total) filter (ordered_at >= $window_end - interval 90 days) as spend_90d,
    sum(total) filter (ordered_at < $window_end - interval 90 days) as spend_prior_90d,
    count(distinct store_id) filter (ordered_at >= $window_end - interval 90 days) as stores_90d,
    count(*) filter (ordered_at >= $window_end - interval 90 days and hour(ordered_at) >= 18) as evening_orders_90d
  from past
  where ordered_at >= $window_end - interval 180 days
  group by person_no
),
visits as (
  select
    person_no,
    store_id,
    count(*) as orders,
    sum(total) as spend
  from past
  where store_id is not null
  group by person_no, store_id
),
home as (
  select
    person_no,
    arg_max(store_id, {orders: orders, spend: spend, store_id: store_id}) as store_id
  from visits
  group by person_no
),
silences as (
  select
    person_no,
    ordered_on,
    ordered_on - lag(ordered_on) over (partition by person_no order by ordered_at) as days_silent
  from past
),
returns as (
  select
    person_no,
    max(days_silent) as days_silent
  from silences
  where ordered_on >= $window_end::date - 14
  group by person_no
),
measured as (
  select
    people.person_no,
    lifetime.orders_ever,
    ($window_end::date - 1) - lifetime.first_on as days_since_first_order,
    ($window_end::date - 1) - lifetime.last_on as days_since_last_order,
    (lifetime.last_on - lifetime.first_on) / nullif(lifetime.days - 1, 0) as usual_gap_days,
    coalesce(windows.orders_30d, 0) as orders_30d,
    coalesce(windows.orders_90d, 0) as orders_90d,
    coalesce(windows.orders_prior_90d, 0) as orders_prior_90d,
    coalesce(windows.spend_90d, 0) as spend_90d,
    coalesce(windows.spend_prior_90d, 0) as spend_prior_90d,
    coalesce(windows.stores_90d, 0) as stores_90d,
    coalesce(windows.evening_orders_90d, 0) as evening_orders_90d,
    home.store_id as home_store,
    returns.days_silent
  from present_people as people
  left join lifetime
    using (person_no)
  left join windows
    using (person_no)
  left join home
    using (person_no)
  left join returns
    using (person_no)
),
-- Fifths of everybody who ever ordered; ties go by person_id, so that a day always gives the same fifths.
fifths as (
  select
    measured.person_no,
    6 - ntile(5) over (order by measured.days_since_last_order, place.place) as recency_fifth,
    ntile(5) over (order by measured.orders_90d, place.place) as frequency_fifth,
    ntile(5) over (order by measured.spend_90d, place.place) as monetary_fifth,
    percent_rank() over (order by measured.spend_90d) as spend_rank_90d
  from measured
  join present_people as place
    using (person_no)
  where measured.orders_ever is not null
)
select
  measured.person_no,
  coalesce(measured.orders_ever, 0)::integer as orders_ever, -- Orders since the records began.
  measured.days_since_first_order::integer as days_since_first_order, -- Days from the first order to as_of; null before any.
  measured.days_since_last_order::integer as days_since_last_order, -- Days from the last order to as_of; null before any.
  measured.orders_30d::integer as orders_30d, -- Orders in the last 30 days.
  measured.orders_90d::integer as orders_90d, -- Orders in the last 90 days.
  measured.orders_prior_90d::integer as orders_prior_90d, -- Orders in the 90 days before the last 90.
  measured.spend_90d::decimal(18, 2) as spend_90d, -- Spend in the last 90 days, after discounts.
  measured.spend_prior_90d::decimal(18, 2) as spend_prior_90d, -- Spend in the 90 days before the last 90.
  (measured.spend_90d / nullif(measured.orders_90d, 0))::double as average_order_90d, -- Spend per order, last 90 days; null without orders.
  measured.stores_90d::integer as stores_90d, -- Different stores visited in the last 90 days.
  measured.home_store as home_store, -- Store with most orders ever (ties: more spend); null without orders.
  (measured.evening_orders_90d / nullif(measured.orders_90d, 0))::double as evening_share_90d, -- Share of orders at 18:00 or later, last 90 days; null without orders.
  measured.usual_gap_days::double as usual_gap_days, -- Mean days between two days with orders, ever; null before the second.
  measured.days_silent::integer as silence_ended_14d, -- Longest silence in days that an order of the last 14 days ended; null when none did.
  case
    when measured.orders_ever is null
      then 'prospect'
    when measured.days_since_last_order > 180
      then 'lost'
    when measured.days_since_last_order > 60
      then 'lapsed'
    when measured.days_since_last_order > 30
      then 'cooling'
    when measured.days_since_first_order <= 60
      then 'new'
    when measured.days_silent >= 60
      then 'reactivated'
    else 'active'
  end as lifecycle_stage, -- Exactly one of prospect, new, active, reactivated, cooling, lapsed and lost; see below.
  fifths.recency_fifth::integer as recency_fifth, -- 1 (longest silent) to 5 (most recent) among everybody who ever ordered.
  fifths.frequency_fifth::integer as frequency_fifth, -- 1 to 5 by orders in the last 90 days, among everybody who ever ordered.
  fifths.monetary_fifth::integer as monetary_fifth, -- 1 to 5 by spend in the last 90 days, among everybody who ever ordered.
  fifths.spend_rank_90d::double as spend_rank_90d -- Share of everybody who ever ordered that spent less in the last 90 days, 0 to 1.
from measured
left join fifths
  using (person_no)
