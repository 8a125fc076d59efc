/*
title = "Cart left behind"
description = "Put something into the cart in the last 7 days and ordered nothing since."
types = ["behavioural", "intent"]
owner = "team:shop"
treatment = "A reminder by e-mail the next day that shows the product, without a discount; ads for three days."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+4 points"
by = 2027-03-31

[sync.email]
audience = "Your cart"

[sync.ads]
audience = "Your cart"
*/
with
carts as (
  select
    person_no,
    max(occurred_at) as added_at
  from web_events
  where event = 'cart_add'
    and occurred_at >= $window_end - interval 7 day
  group by person_no
)
select carts.person_no
from carts
semi join features
  using (person_no)
anti join orders
  on orders.person_no = carts.person_no
  and orders.ordered_at >= carts.added_at
