/*
title = "Pet owners"
description = "Two or more orders with pet food or pet care in the last 90 days."
types = ["behavioural"]
owner = "team:crm"
treatment = "The pet subscription with its first box at half the price."
universe = "customers"
min_size = 100

[goal]
metric = "pet_orders_90d"
direction = "up"
target = "+10 %"
by = 2018-03-31
*/
select person_no
from features
where pet_orders_90d >= 2
