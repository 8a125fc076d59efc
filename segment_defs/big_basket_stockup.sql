/*
title = "Big baskets, stocking up"
description = "Three or more orders in 90 days, worth 60 dollars or more on average."
types = ["behavioural"]
owner = "team:crm"
treatment = "A midweek voucher for a small top-up basket."
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
where average_order_90d >= 60
  and orders_90d >= 3
