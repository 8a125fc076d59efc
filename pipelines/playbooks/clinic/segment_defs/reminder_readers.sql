/*
title = "Reminder readers"
description = "Clicked in a reminder in the last 60 days and have come before."
types = ["behavioural"]
owner = "team:reception"
treatment = "Reminders two weeks ahead by e-mail; for everybody else the desk writes a card."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "contact_cost_90d"
direction = "down"
target = "-5 %"
by = 2027-03-31

[sync.email]
audience = "Reminders by e-mail"
*/
select person_no
from features
where days_since_email_click <= 60
  and orders_ever >= 1
