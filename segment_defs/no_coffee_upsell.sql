/*
title = "No coffee yet"
description = "Six or more orders in 90 days, none with coffee."
types = ["behavioural", "intent"]
owner = "team:promotions"
treatment = "A coffee sampler with the next order."
universe = "customers"
min_size = 100

[goal]
metric = "coffee_orders_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from features
where orders_90d >= 6
  and coffee_orders_90d = 0
