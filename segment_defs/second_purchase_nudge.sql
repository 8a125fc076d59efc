/*
title = "Second purchase nudge"
description = "One order ever, at most 60 days ago."
types = ["lifecycle"]
owner = "team:crm"
treatment = "10 % on the next visit within two weeks, said once."
universe = "customers"
min_size = 50

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+5 points"
by = 2018-03-31
*/
select person_no
from features
where orders_ever = 1
  and days_since_first_order <= 60
