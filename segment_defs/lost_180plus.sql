/*
title = "Lost, over 180 days"
description = "The last order lies more than 180 days back."
types = ["lifecycle"]
owner = "team:crm"
treatment = "Left out of paid campaigns; one goodbye e-mail that asks why."
universe = "customers"
min_size = 50

[goal]
metric = "ad_cost_per_customer_90d"
direction = "down"
target = "-20 %"
by = 2018-03-31
*/
select person_no
from features
where days_since_last_order > 180
