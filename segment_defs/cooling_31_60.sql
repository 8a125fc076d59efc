/*
title = "Cooling down, 31 to 60 days"
description = "The last order lies 31 to 60 days back."
types = ["lifecycle"]
owner = "team:crm"
treatment = "A reminder with the last basket's categories and five dollars off."
universe = "customers"
min_size = 100

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+3 points"
by = 2018-03-31
*/
select person_no
from features
where days_since_last_order between 31 and 60
