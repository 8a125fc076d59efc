/*
title = "South location"
description = "Most of their appointments are at the location south, the last within a year."
types = ["geographic"]
owner = "team:south"
treatment = "News, opening hours and people of the south location; the other location is never mentioned."
universe = "customers"
min_size = 20
review_by = 2027-03-31

[goal]
metric = "orders_90d"
direction = "up"
target = "+4 %"
by = 2027-03-31

[sync.email]
audience = "News from south"
*/
select person_no
from features
where home_store = 'south'
  and days_since_last_order <= 365
