/*
title = "Evening shoppers"
description = "Six or more orders in 90 days, 60 % of them or more at 18:00 or later."
types = ["behavioural"]
owner = "team:crm"
treatment = "The push message comes at 17:00 instead of in the morning."
universe = "customers"
min_size = 100

[goal]
metric = "orders_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from features
where evening_share_90d >= 0.6
  and orders_90d >= 6
