/*
title = "First-time browsers"
description = "Looked at two products or more in the last 14 days and have never ordered."
types = ["lifecycle", "intent"]
owner = "team:web"
treatment = "The welcome tour and the newcomers' voucher; nothing that takes an account for granted."
universe = "customers"

[goal]
metric = "first_order_rate_30d"
direction = "up"
target = "+2 points"
by = 2018-03-31
*/
select person_no
from features
where orders_ever = 0
  and product_views_14d >= 2
