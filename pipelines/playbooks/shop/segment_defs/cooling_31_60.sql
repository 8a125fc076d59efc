/*
title = "Cooling down"
description = "Two or more orders, the last 31 to 60 days ago."
types = ["lifecycle", "behavioural"]
owner = "team:crm"
treatment = "E-mail with the last order's category and free delivery for a week; everyone else gets the newsletter."
universe = "customers"
min_size = 50
review_by = 2027-03-31

[goal]
metric = "reactivation_rate_30d"
direction = "up"
target = "+3 points"
by = 2027-03-31

[sync.email]
audience = "A while ago"
*/
select person_no
from features
where orders_ever >= 2
  and days_since_last_order between 31 and 60
