/*
title = "Reminders unread"
description = "Five or more reminders in 180 days, no click in one."
types = ["behavioural"]
owner = "team:reception"
treatment = "Reminders by e-mail end; the desk writes a card instead."
universe = "customers"
min_size = 50
review_by = 2027-03-31
policy = ["health"]

[goal]
metric = "contact_cost_90d"
direction = "down"
target = "-10 %"
by = 2027-03-31

[sync.email]
audience = "How may we remind you"
*/
select person_no
from features
where emails_sent_180d >= 5
  and days_since_email_click is null
  and orders_ever >= 1
