/*
title = "Long with us"
description = "The first appointment 240 days ago or more, the last within 180 days."
types = ["lifecycle", "behavioural"]
owner = "team:reception"
treatment = "Asked once a year whether their details and their consent are still right; nothing else is sent because of it."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "retention_90d"
direction = "up"
target = "+1 point"
by = 2027-03-31

[sync.email]
audience = "Are your details right"
*/
select person_no
from features
where days_since_first_order >= 240
  and days_since_last_order <= 180
