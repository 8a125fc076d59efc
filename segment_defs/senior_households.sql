/*
title = "Senior households"
description = "The head of the household is 55 or older (lower end of the band)."
types = ["demographic"]
owner = "team:crm"
treatment = "The Tuesday offer, in larger type and without countdowns."
universe = "customers"
min_size = 100

[goal]
metric = "weekday_orders_30d"
direction = "up"
target = "+5 %"
by = 2018-03-31
*/
select person_no
from features
where age_from >= 55
