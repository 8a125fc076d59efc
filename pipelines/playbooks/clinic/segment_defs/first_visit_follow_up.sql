/*
title = "First visit follow-up"
description = "One appointment ever, in the last 30 days."
types = ["lifecycle"]
owner = "team:reception"
treatment = "A neutral e-mail asks how the visit went and links to the booking page; nothing about why they came."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

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
