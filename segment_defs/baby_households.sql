/*
title = "Baby households"
description = "Two or more orders with baby food, formula, infant care or nappies in the last 90 days."
types = ["lifecycle", "behavioural"]
owner = "team:crm"
treatment = "The baby club: advice by month and a voucher for the next stage."
universe = "customers"
min_size = 100

[goal]
metric = "retention_90d"
direction = "up"
target = "+2 points"
by = 2018-03-31
*/
select person_no
from features
where baby_orders_90d >= 2
