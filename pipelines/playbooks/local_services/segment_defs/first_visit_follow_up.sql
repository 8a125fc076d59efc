/*
title = "First visit follow-up"
description = "One appointment ever, in the last 30 days."
types = ["lifecycle"]
owner = "team:front_desk"
treatment = "An e-mail three days after the visit asks how it was and offers the next appointment online; others book at the desk."
universe = "customers"
min_size = 15
review_by = 2027-03-31

[goal]
metric = "second_order_rate_60d"
direction = "up"
target = "+8 points"
by = 2027-03-31

[sync.email]
audience = "After your visit"
*/
select person_no
from features
where orders_ever = 1
  and days_since_last_order <= 30
