/*
title = "No coffee yet"
description = "Two or more orders in 90 days, none with coffee."
types = ["behavioural", "needs"]
owner = "team:promotions"
treatment = "A free sampler with the next order, announced by e-mail."
universe = "customers"
min_size = 30
review_by = 2027-03-31

[goal]
metric = "coffee_orders_90d"
direction = "up"
target = "+10 %"
by = 2027-03-31

[sync.email]
audience = "Something new"
*/
select person_no
from features
where orders_90d >= 2
  and coffee_orders_90d = 0
