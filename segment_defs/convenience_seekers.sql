/*
title = "Convenience seekers"
description = "Six or more orders in 90 days, at least 35 % of them with frozen or prepared food and fewer than 35 % with anything fresh."
types = ["needs", "behavioural"]
owner = "team:crm"
treatment = "Ready-meal ideas for the evening and the late delivery slots."
universe = "customers"
min_size = 100

[goal]
metric = "orders_90d"
direction = "up"
target = "+5 %"
by = 2018-03-31
*/
select person_no
from features
where orders_90d >= 6
  and convenience_share_90d >= 0.35
  and fresh_share_90d < 0.35
