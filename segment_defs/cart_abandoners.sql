/*
title = "Cart abandoners"
description = "Put something into the cart in the last 14 days and have not ordered since."
types = ["intent", "behavioural"]
owner = "team:web"
treatment = "A reminder with the very products in the cart, after an hour and after a day; no discount in the first."
universe = "customers"

[goal]
metric = "cart_conversion_14d"
direction = "up"
target = "+3 points"
by = 2018-03-31
*/
with last_orders as (
  select
    person_no,
    max(ordered_at) as ordered_at
  from orders
  where ordered_at >= $window_end - interval 14 day
  group by person_no
)
select distinct events.person_no
from web_events as events
semi join features
  using (person_no)
left join last_orders
  using (person_no)
where events.event = 'cart_add'
  and events.occurred_at >= $window_end - interval 14 day
  and (last_orders.ordered_at is null or last_orders.ordered_at < events.occurred_at)
