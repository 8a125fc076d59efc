/*
title = "Multi-store shoppers"
description = "Ordered in four or more different stores in the last 90 days."
types = ["geographic", "behavioural"]
owner = "team:stores"
treatment = "Click and collect at the store that is nearest on the day, in place of one store's flyer."
universe = "customers"
min_size = 100

[goal]
metric = "spend_90d"
direction = "up"
target = "+3 %"
by = 2018-03-31
*/
select person_no
from features
where stores_90d >= 4
